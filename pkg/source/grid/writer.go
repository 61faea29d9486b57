package grid

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Comma is the byte between the cells of a frozen table.
const Comma = ','

// MaxCells is how many cells a tab may have: as many as Google Sheets allows in a spreadsheet.
const MaxCells = 10_000_000

// Writer writes the rows of a tab as a frozen table. One goroutine uses it.
type Writer struct {
	out   *bufio.Writer
	spell speller
	next  int64 // number of the next row
	cells int64
	row   []byte
}

// NewWriter makes a writer. next is the number of the first row that it writes, from 1: a table that
// is written page by page goes on there. Flush must be called at the end.
func NewWriter(w io.Writer, r Reading, next int64) *Writer {
	return &Writer{out: bufio.NewWriterSize(w, 64<<10), spell: newSpeller(r), next: next}
}

// Row writes row n of the tab; the rows between the last one and this one are blank. Cells that are
// missing at the end are blank. The error is fault.TooLarge if the tab has too many cells,
// fault.Internal if rows come out of order, or that of writing.
func (w *Writer) Row(n int64, cells []Cell) error {
	if n < w.next || n > MaxCells {
		return fault.Newf(fault.Internal, "row_order", "row %d of a tab cannot come after row %d", n, w.next-1)
	}
	if w.cells += int64(len(cells)); w.cells > MaxCells {
		return fault.Newf(fault.TooLarge, "too_many_cells", "The tab has more than %d cells; split it into several, or save it as CSV.", MaxCells)
	}
	w.row = w.row[:0]
	if !Blank(cells) {
		for ; w.next < n; w.next++ {
			w.row = append(w.row, '\n')
		}
		start := len(w.row)
		w.appendCells(cells)
		w.keepTogether(w.row[start:])
		w.row = append(w.row, '\n')
		w.next = n + 1
	}
	_, err := w.out.Write(w.row)
	return err
}

// Flush writes what is still in memory.
func (w *Writer) Flush() error { return w.out.Flush() }

// Dates is how many texts in columns of times were read as dates in the order of the Reading, and how
// many others are dates in another order only, and so were left as they are.
func (w *Writer) Dates() (read, others int64) { return w.spell.dates, w.spell.others }

func (w *Writer) appendCells(cells []Cell) {
	width := len(w.spell.Holds)
	if width == 0 {
		width = len(cells)
	}
	for i := range width {
		if i > 0 {
			w.row = append(w.row, Comma)
		}
		if i < len(cells) {
			w.row = appendText(w.row, w.spell.spell(i, cells[i]))
		}
	}
}

// appendText appends a text as a cell of CSV. Texts that begin with what may stand before the first
// cell of a file are quoted, too.
func appendText(dst []byte, text string) []byte {
	if text == "" || !strings.ContainsAny(text, "\",\r\n") && text[0] != 0x1a && text[0] != 0xef {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for i := range len(text) {
		if text[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

// keepTogether makes one line of a record that is too long. So it is one reject, and the rows after it
// keep their numbers.
func (w *Writer) keepTogether(record []byte) {
	if len(record) > source.MaxRecord {
		for i := range record {
			if record[i] == '\n' || record[i] == '\r' {
				record[i] = ' '
			}
		}
	}
}

// Blank reports whether no cell of a row shows anything: such a row is an empty line.
func Blank(cells []Cell) bool {
	for _, c := range cells {
		if c.Kind == Text && strings.TrimSpace(c.Text) == "" {
			continue
		}
		if c.Kind != Empty {
			return false
		}
	}
	return true
}

// Head is the beginning of a tab, as far as a header row is looked for in it.
type Head struct {
	rows  []headRow
	bytes int
}

type headRow struct {
	n     int64
	cells []Cell
}

const (
	headRows  = 100
	headBytes = 48 << 10
)

// Add keeps a copy of a row, and reports whether there is room for another one.
func (h *Head) Add(n int64, cells []Cell) (more bool) {
	if Blank(cells) {
		return len(h.rows) < headRows
	}
	own := make([]Cell, len(cells))
	for i, c := range cells {
		c.Text = strings.Clone(c.Text)
		own[i] = c
		h.bytes += len(c.Text) + 1
	}
	h.rows = append(h.rows, headRow{n, own})
	return len(h.rows) < headRows && h.bytes < headBytes
}

// From returns the rows from the first one on whose texts are as is says; false if there is none.
func (h *Head) From(is func(texts []string) bool) (Head, bool) {
	i := slices.IndexFunc(h.rows, func(r headRow) bool {
		texts := make([]string, len(r.cells))
		for i, c := range r.cells {
			texts[i] = c.Text
		}
		return is(texts)
	})
	if i < 0 {
		return Head{}, false
	}
	return Head{rows: h.rows[i:]}, true
}

// Write writes the rows.
func (h *Head) Write(w *Writer) error {
	for _, r := range h.rows {
		if err := w.Row(r.n, r.cells); err != nil {
			return err
		}
	}
	return nil
}

// Text is the beginning of the frozen table, written without a reading of its cells.
func (h *Head) Text() []byte {
	var out bytes.Buffer
	w := NewWriter(&out, Reading{}, 1)
	if h.Write(w) != nil || w.Flush() != nil { // into memory
		return nil
	}
	return out.Bytes()
}
