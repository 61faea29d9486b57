package csvsource

import (
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// writer writes the rows of a table: cells as they are, or, for reading, with the cells that a
// spreadsheet would run made harmless.
type writer struct {
	*billing.Speller

	dataset billing.Dataset
	header  []string
	comma   byte
	quoted  string // characters for which a cell is quoted
	sheet   bool   // for people: an import would not make the same records of it
	cells   []string
}

// Writer makes a writer of tables that are imported.
func (Format) Writer(ds billing.Dataset) (source.Writer, error) { return newWriter(ds, ',', false) }

// NewSheet makes a writer of tables for spreadsheets, which are not to be imported: they begin with a
// byte order mark, and a single quote stands before cells that a spreadsheet would run.
func NewSheet(ds billing.Dataset, comma byte) (source.Writer, error) {
	return newWriter(ds, comma, true)
}

func newWriter(ds billing.Dataset, comma byte, sheet bool) (source.Writer, error) {
	s, err := billing.NewSpeller(ds)
	if err != nil {
		return nil, err
	}
	return &writer{Speller: s, dataset: ds, header: s.Names(), comma: comma, sheet: sheet, quoted: "\"\r\n" + string(comma)}, nil
}

// Shape returns the shape of the table.
func (w *writer) Shape() source.Shape {
	return source.Shape{Dataset: w.dataset, Delimiter: string(w.comma), Header: w.header}
}

// Head returns the header row.
func (w *writer) Head() []byte {
	var dst []byte
	if w.sheet {
		dst = append(dst, "\ufeff"...)
	}
	return w.row(dst, w.header)
}

// Append appends a row.
func (w *writer) Append(dst []byte, r billing.Record) []byte {
	w.cells = w.Spell(w.cells[:0], r)
	if w.sheet {
		EscapeFormulas(w.cells)
	}
	return w.row(dst, w.cells)
}

func (w *writer) row(dst []byte, cells []string) []byte {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, w.comma)
		}
		dst = w.cell(dst, cell)
	}
	return append(dst, '\n')
}

// cell appends a cell, quoted if it must be.
func (w *writer) cell(dst []byte, cell string) []byte {
	if !strings.ContainsAny(cell, w.quoted) {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	for from := 0; ; {
		n := strings.IndexByte(cell[from:], '"') + 1
		if n == 0 {
			return append(append(dst, cell[from:]...), '"')
		}
		dst = append(append(dst, cell[from:from+n]...), '"')
		from += n
	}
}
