package console

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"reseed/pkg/api/wire"
)

// timelinePicture shows when things happened to a customer: a lane for each kind of thing, and on it a mark
// for each day, or for a longer time if there are too many.
type timelinePicture struct {
	From, To time.Time
	Lanes    []timelineLane
	Marks    []timelineMark
	Unit     string // what a mark stands for: a day, month or year
}

type timelineLane struct {
	Name string
	Y    int
}

// timelineMark is what happened in one lane on one day, or longer.
type timelineMark struct {
	At    time.Time // its beginning
	Lane  string
	Count int64
	X, Y  int
	R     int
}

// Measures of the picture, which has the size 720 × 120.
const (
	mostMarks = 40
	pictureX0 = 110 // where time begins
	pictureX1 = 700
	laneTop   = 22
	laneGap   = 30
)

// happening is one thing that happened.
type happening struct {
	lane int
	at   time.Time
}

// laneNames are the lanes from top to bottom.
func laneNames() []string { return []string{"Invoices", "Payments", "Subscriptions"} }

func happeningsOf(entries []wire.TimelineEntry) (all []happening) {
	for i := range entries {
		e := &entries[i]
		if e.ID == "" { // an event
			all = append(all, happening{2, e.At})
			continue
		}
		all = append(all, happening{0, e.At})
		for j := range e.Parts {
			if at, err := time.Parse(time.RFC3339, e.Parts[j].Field("date").Value); err == nil {
				all = append(all, happening{1, at})
			}
		}
	}
	return all
}

// timelinePictureOf draws the entries of a page; nil if there are none.
func timelinePictureOf(entries []wire.TimelineEntry) *timelinePicture {
	all := happeningsOf(entries)
	if len(all) == 0 {
		return nil
	}
	var counts map[happening]int64
	p := &timelinePicture{}
	for _, u := range timelineUnits() {
		if p.Unit, counts = u.name, grouped(all, u.begin); len(counts) <= mostMarks {
			break
		}
	}
	for i, name := range laneNames() {
		p.Lanes = append(p.Lanes, timelineLane{name, laneTop + i*laneGap})
	}
	marks := slices.SortedFunc(maps.Keys(counts), byTime)
	p.From, p.To = marks[0].at, marks[len(marks)-1].at
	for _, m := range marks {
		p.Marks = append(p.Marks, timelineMark{m.at, laneNames()[m.lane], counts[m], p.x(m.at), p.Lanes[m.lane].Y, 4 + int(min(5, counts[m]))})
	}
	return p
}

func byTime(x, y happening) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.lane, y.lane)) }

// x is where a time stands.
func (p *timelinePicture) x(at time.Time) int {
	whole := p.To.Sub(p.From)
	if whole == 0 {
		return (pictureX0 + pictureX1) / 2
	}
	return pictureX0 + int(float64(pictureX1-pictureX0)*float64(at.Sub(p.From))/float64(whole))
}

// timelineUnit is a length of time for which one mark may stand.
type timelineUnit struct {
	name  string
	begin func(time.Time) time.Time
}

// timelineUnits are the units from the shortest to the longest.
func timelineUnits() []timelineUnit {
	from := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return []timelineUnit{
		{"day", func(t time.Time) time.Time { return from(t.Date()) }},
		{"month", func(t time.Time) time.Time { return from(t.Year(), t.Month(), 1) }},
		{"year", func(t time.Time) time.Time { return from(t.Year(), 1, 1) }},
		{"century", func(t time.Time) time.Time { return from(t.Year()-t.Year()%100, 1, 1) }},
	}
}

// grouped counts what happened in each lane in each unit of time.
func grouped(all []happening, begin func(time.Time) time.Time) map[happening]int64 {
	counts := map[happening]int64{}
	for _, h := range all {
		counts[happening{h.lane, begin(h.at.UTC())}]++
	}
	return counts
}
