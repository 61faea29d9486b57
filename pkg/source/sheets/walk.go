package sheets

// Sizes of pages. Nothing says how many bytes the cells of a range are before it was read.
const (
	pageBytes = 2 << 20 // what a page should be
	firstRows = 100     // of each tab, in the first page
	// cells of a page: at first, and at most. A page of so many empty cells is small, and the next
	// one may be full.
	firstCells, mostCells = 100_000, 1_000_000
	growth                = 4
	mostSpans             = 100 // of a page: they are in the address of the call
)

// Walk is how far the reading of a book has come. It is stored between pages.
type Walk struct {
	At    []int `json:"at"`    // rows read of each tab; tabs that are not wanted stand at the end
	Cells int   `json:"cells"` // that the next page may ask for
}

// NewWalk begins to read a book.
func NewWalk(b Book) Walk { return Walk{At: make([]int, len(b.Tabs)), Cells: firstCells} }

// Skip leaves out the rest of a tab.
func (w *Walk) Skip(b Book, tab int) { w.At[tab] = b.Tabs[tab].Rows }

// Page lists the spans of the next page, with the indexes of their tabs; none at the end. The first
// page has the beginning of each tab, so that tabs that are not wanted need not be read; each later
// one goes on with as many tabs as there is room for.
func (w *Walk) Page(b Book) (spans []Span, tabs []int) {
	room := w.Cells
	for i, t := range b.Tabs {
		if w.At[i] >= t.Rows || t.Columns == 0 {
			continue
		}
		if room <= 0 || len(spans) == mostSpans {
			break
		}
		rows := max(1, room/t.Columns)
		if w.At[i] == 0 {
			rows = firstRows
		}
		to := min(t.Rows, w.At[i]+rows)
		spans, tabs = append(spans, Span{t, w.At[i] + 1, to}), append(tabs, i)
		room -= (to - w.At[i]) * t.Columns
	}
	return spans, tabs
}

// Took notes that a page was read, and how large it was, and sets the size of the next one.
func (w *Walk) Took(spans []Span, tabs []int, values []Values) {
	cells := 0
	for n, i := range tabs {
		w.At[i] = spans[n].To
		cells += (spans[n].To - spans[n].From + 1) * spans[n].Tab.Columns
	}
	bytes := max(1, size(values))
	fit := min(int64(cells)*pageBytes/int64(bytes), mostCells)
	w.Cells = int(min(fit, int64(w.Cells)*growth))
}

// size is about how many bytes of JSON values are.
func size(values []Values) (n int) {
	for _, v := range values {
		for _, row := range v {
			n += 3
			for _, cell := range row {
				if s, ok := cell.(string); ok {
					n += len(s) + 3
				} else {
					n += 8
				}
			}
		}
	}
	return n
}
