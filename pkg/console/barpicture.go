package console

import (
	"slices"
	"time"

	"reseed/pkg/api/wire"
)

// Size of a picture of bars, in units of its own.
const (
	pictureWidth  = 720
	pictureHeight = 150
	pictureLeft   = 64 // where the bars begin: numbers stand before
	pictureTop    = 12
	mostBars      = 40
)

// barPicture is how many rows imports have read, one bar for each, in the order of time.
type barPicture struct {
	Bars   []bar
	Ticks  []tick
	Width  int
	Height int // with the line below the bars
	Bottom int
	Left   int
}

// bar is one import: the rows that were taken, and above them those that were rejected.
type bar struct {
	Job                   string
	At                    time.Time
	Read, Taken, Rejected int64
	X, Width              int
	TakenY, TakenHeight   int
	RejectY, RejectHeight int
}

// tick is a line of the picture at a number of rows.
type tick struct {
	Rows int64
	Y    int
}

// importPicture is a picture of the imports among jobs, which are newest first: of the latest ones, if
// they are many. It is nil if there are fewer than two.
func importPicture(jobs []wire.Job) *barPicture {
	var bars []bar
	most := int64(0)
	for i := range jobs {
		j := &jobs[i]
		if sum := sumOf(j); j.Import != nil && j.Import.Undo == "" && j.Status == wire.Done && sum.Read > 0 && len(bars) < mostBars {
			bars = append(bars, bar{Job: j.ID, At: j.EndedAt, Read: sum.Read, Taken: sum.Read - sum.Rejected, Rejected: sum.Rejected})
			most = max(most, sum.Read)
		}
	}
	if len(bars) < 2 {
		return nil
	}
	slices.Reverse(bars)
	top := roundUp(most)
	p := &barPicture{Bars: bars, Width: pictureWidth, Height: pictureTop + pictureHeight + 8, Bottom: pictureTop + pictureHeight, Left: pictureLeft}
	step := (pictureWidth - pictureLeft) / max(len(bars), 10)
	for i := range p.Bars {
		p.Bars[i].place(pictureLeft+i*step, step*3/4, top)
	}
	for _, rows := range []int64{0, top / 2, top} {
		p.Ticks = append(p.Ticks, tick{rows, p.Bottom - high(rows, top)})
	}
	return p
}

func (b *bar) place(x, width int, top int64) {
	b.X, b.Width = x, max(width, 2)
	b.TakenHeight = high(b.Taken, top)
	b.TakenY = pictureTop + pictureHeight - b.TakenHeight
	b.RejectHeight = high(b.Rejected, top)
	if b.Rejected > 0 {
		b.RejectHeight = max(b.RejectHeight, 2) // a few are to be seen, too
	}
	b.RejectY = b.TakenY - b.RejectHeight
}

// tickEnd and tickBase are where the number of a tick ends, and the line on which it stands.
func tickEnd(left int) int { return left - 6 }

func tickBase(y int) int { return y + 4 }

func high(rows, top int64) int { return int(float64(pictureHeight) * float64(rows) / float64(top)) }

// roundUp returns the next round number that can be halved, such as 2, 4, 10, 20, 40 or 100.
func roundUp(n int64) int64 {
	for unit := int64(1); ; unit *= 10 {
		for _, by := range []int64{2, 4, 10} {
			if unit*by >= n || unit > 1e17 {
				return unit * by
			}
		}
	}
}
