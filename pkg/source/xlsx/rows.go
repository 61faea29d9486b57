package xlsx

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"reseed/pkg/source/grid"
)

// The largest tab of a workbook.
const (
	maxRows    = 1 << 20
	maxColumns = 1 << 14
)

// Rows reads the rows of a tab. One goroutine uses it, and no other Rows of the book meanwhile.
type Rows struct {
	book   *Book
	in     io.ReadCloser
	tokens *tokens
	row    int64 // number of the last row
	cells  []grid.Cell
	value  []byte // reused
	ended  bool
}

// Rows begins to read the n-th tab.
func (b *Book) Rows(n int) (*Rows, error) {
	in, err := openPart(b.tabs[n].part)
	if err != nil {
		return nil, err
	}
	return &Rows{book: b, in: in, tokens: newTokens(in)}, nil
}

// Close ends reading.
func (r *Rows) Close() error { return r.in.Close() }

// Next returns the next row and its number, from 1; io.EOF at the end. Rows that are blank may be
// left out. The cells are valid until the next call, their texts stay so. Other errors are those of
// [Open], and fault.TooLarge if the texts that cells share are too many.
func (r *Rows) Next() (n int64, cells []grid.Cell, err error) {
	t := r.tokens
	for !r.ended {
		k, err := t.next()
		switch {
		case err != nil:
			return 0, nil, cut(err)
		case k == start && string(t.name) == "row":
			if err := r.number(t.value("r")); err != nil {
				return 0, nil, err
			}
			err := r.readCells()
			return r.row, r.cells, err
		case k == end && string(t.name) == "sheetData":
			r.ended = true
		}
	}
	return 0, nil, io.EOF
}

// number sets the number of the row: that which it names, or the next one.
func (r *Rows) number(name string) error {
	n := r.row + 1
	if name != "" {
		named, err := strconv.ParseInt(name, 10, 64)
		if err != nil || named < n {
			return bad("the rows of a tab are not in their order")
		}
		n = named
	}
	if n > maxRows {
		return bad(fmt.Sprintf("a tab has more than %d rows", maxRows))
	}
	r.row, r.cells = n, r.cells[:0]
	return nil
}

// readCells reads the cells of a row.
func (r *Rows) readCells() error {
	t, next := r.tokens, 0
	for {
		k, err := t.next()
		switch {
		case err != nil:
			return cut(err)
		case k == end && string(t.name) == "row":
			return nil
		case k == start && string(t.name) == "c":
			c := cell{}
			column := next
			if named := c.read(t.attrs); named >= 0 {
				column = named
			}
			if column >= maxColumns {
				return bad(fmt.Sprintf("a tab has more than %d columns", maxColumns))
			}
			for len(r.cells) <= column {
				r.cells = append(r.cells, grid.Cell{})
			}
			if r.cells[column], err = r.content(&c); err != nil {
				return err
			}
			next = column + 1
		case k == start:
			if err := t.skip(); err != nil {
				return err
			}
		}
	}
}

// cell is what the tag of a cell says.
type cell struct {
	style int
	kind  string // n if empty
}

// kinds are the types of cells, so that no text is made for each.
//
//nolint:gochecknoglobals // a constant
var kinds = [...]string{"s", "str", "inlineStr", "n", "b", "e", "d"}

// read reads the attributes, and returns the column that they name, or -1.
func (c *cell) read(attrs []byte) (column int) {
	column = -1
	for rest := attrs; ; {
		name, value, more, ok := attr(rest)
		if !ok {
			return column
		}
		rest = more
		switch {
		case len(name) != 1:
		case name[0] == 'r':
			column = columnOf(value)
		case name[0] == 's':
			c.style = atoi(value)
		case name[0] == 't':
			for _, k := range kinds {
				if string(value) == k {
					c.kind = k
				}
			}
		}
	}
}

// columnOf is [grid.Column] of bytes.
func columnOf(name []byte) int {
	n := 0
	for i := 0; i < len(name) && name[i] >= 'A' && name[i] <= 'Z'; i++ {
		if n = n*26 + int(name[i]-'A') + 1; n > maxColumns {
			return maxColumns
		}
	}
	return n - 1
}

// atoi reads digits; -1 is what is no number, or too large.
func atoi(digits []byte) int {
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' || n > math.MaxInt32/10 {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	if len(digits) == 0 {
		return -1
	}
	return n
}

// content reads a cell up to its end.
func (r *Rows) content(c *cell) (out grid.Cell, err error) {
	t := r.tokens
	formula, given := false, false
	r.value = r.value[:0]
	for {
		k, err := t.next()
		if err != nil {
			return out, cut(err)
		}
		if k == end && len(t.name) == 1 && t.name[0] == 'c' {
			break
		}
		if k != start {
			continue
		}
		switch string(t.name) {
		case "v":
			given = true
			r.value, err = r.textOf(r.value)
		case "is":
			given = true
			r.value, err = t.rich(r.value)
		case "f":
			formula = true
			err = t.skip()
		default:
			err = t.skip()
		}
		if err != nil {
			return out, err
		}
	}
	switch {
	case given && (len(r.value) > 0 || c.kind == "str"):
		return r.typed(c)
	case formula:
		return grid.Cell{Kind: grid.Error, Text: grid.NoValue}, nil
	}
	return out, nil
}

// textOf appends the text up to the end of the element.
func (r *Rows) textOf(dst []byte) ([]byte, error) {
	for {
		k, err := r.tokens.next()
		switch {
		case err != nil:
			return dst, cut(err)
		case k == end:
			return dst, nil
		case k == start:
			if err := r.tokens.skip(); err != nil {
				return dst, err
			}
		default:
			dst = r.tokens.appendText(dst, k)
		}
	}
}

// typed makes a cell of the value that was read.
func (r *Rows) typed(c *cell) (grid.Cell, error) {
	switch c.kind {
	case "s":
		return r.sharedText(atoi(r.value))
	case "str", "inlineStr":
		return textCell(unescapeControls(r.value)), nil
	case "d":
		return textCell(r.value), nil
	case "e":
		return grid.Cell{Kind: grid.Error, Text: string(r.value)}, nil
	}
	x, err := strconv.ParseFloat(string(r.value), 64)
	if isNumber := err == nil && !math.IsInf(x, 0) && !math.IsNaN(x); !isNumber {
		return textCell(r.value), nil
	}
	if c.kind == "b" {
		return grid.Cell{Kind: grid.Truth, Number: x}, nil
	}
	return r.numberCell(c, x), nil
}

// numberCell makes a cell of a number, whose format says more of it.
func (r *Rows) numberCell(c *cell, x float64) grid.Cell {
	var s style
	if c.style >= 0 && c.style < len(r.book.styles) {
		s = r.book.styles[c.style]
	}
	switch {
	case s.date:
		return grid.Cell{Kind: grid.Date, Number: x}
	case s.zeros > 0 && x >= 0 && x == math.Trunc(x) && x < 1e15:
		return grid.Cell{Kind: grid.Text, Text: fmt.Sprintf("%0*d", s.zeros, int64(x))}
	}
	return grid.Cell{Kind: grid.Number, Number: x}
}

func textCell(text []byte) grid.Cell {
	if len(text) == 0 {
		return grid.Cell{}
	}
	return grid.Cell{Kind: grid.Text, Text: string(text)}
}

// sharedText returns the cell of a text that cells share. The texts are read when the first cell asks.
func (r *Rows) sharedText(n int) (grid.Cell, error) {
	b := r.book
	if b.shared == nil {
		b.shared = &shared{}
		if b.strings != "" {
			err := b.part(b.strings, func(in io.Reader) (err error) {
				b.shared, err = readShared(in)
				return err
			})
			if err != nil {
				b.shared = nil
				return grid.Cell{}, err
			}
		}
	}
	if n < 0 || n >= b.shared.count {
		return grid.Cell{}, bad("a cell refers to a text that is missing")
	}
	return textCell(b.shared.text(n)), nil
}

// Freeze writes the rows of a tab that are left, behind those of its head.
func (r *Rows) Freeze(w *grid.Writer, each func() error) error {
	for {
		n, cells, err := r.Next()
		if errors.Is(err, io.EOF) {
			return w.Flush()
		}
		if err == nil {
			err = each()
		}
		if err == nil {
			err = w.Row(n, cells)
		}
		if err != nil {
			return err
		}
	}
}

// Head reads the beginning of a tab.
func (r *Rows) Head() (*grid.Head, error) {
	h := &grid.Head{}
	for {
		n, cells, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return h, nil
		case err != nil:
			return nil, err
		case !h.Add(n, cells):
			return h, nil
		}
	}
}
