package csvsource

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"reseed/pkg/source"
)

// A rejects file is a table: the columns of the file, then where and why. It can be corrected and imported as it is: the added
// columns are ignored then.

func rejectColumns() []string {
	return []string{"Reject file", "Reject line", "Reject column", "Reject code", "Reject reason"}
}

func isRejectColumn(name string) bool { return slices.Contains(rejectColumns(), name) }

// isRejectsFile tells by its header whether a file is one.
func isRejectsFile(header []string) bool { return slices.Contains(header, "Reject code") }

// RejectsHead is the header row of the rejects file of a file.
func (Format) RejectsHead(s source.Shape) []byte {
	header := originals(slices.Clone(s.Header), s.Header)
	if isRejectsFile(s.Header) {
		unescapeFormulas(header)
	}
	var out tableWriter
	return out.append(nil, append(header, rejectColumns()...))
}

// AppendReject appends the row with the reject columns behind it. Of a row that could not be split there is but the first cell.
func (r *rows) AppendReject(dst []byte, why source.Reject) []byte {
	cells, width := r.row.Fields, len(r.shape.Header)
	if r.row.Err != nil && len(cells) == 0 {
		cells = []string{r.beginning()}
	}
	r.cells = append(r.cells[:0], cells[:min(len(cells), width)]...)
	for len(r.cells) < width {
		r.cells = append(r.cells, "")
	}
	r.cells = append(originals(r.cells, r.shape.Header), why.File, strconv.FormatInt(why.Line, 10), why.Column, why.Code, why.Reason)
	return r.out.append(dst, r.cells)
}

// beginning is the text of a row that is too long, as much of it as a row may have.
func (r *rows) beginning() string {
	text := strings.ToValidUTF8(string(r.scan.long), string(utf8.RuneError))
	if r.rejects {
		cell := []string{text}
		unescapeFormulas(cell)
		return cell[0]
	}
	return text
}

// originals are the cells of a row, or the header row itself, without the columns that a rejects file has got as such.
func originals(cells, header []string) []string {
	if !isRejectsFile(header) {
		return cells
	}
	kept := cells[:0]
	for i, c := range cells {
		if !isRejectColumn(header[i]) {
			kept = append(kept, c)
		}
	}
	return kept
}

// tableWriter spells rows of a table that people open in a spreadsheet.
type tableWriter struct {
	text bytes.Buffer
	csv  *csv.Writer
}

// append appends a row. Its cells are changed.
func (w *tableWriter) append(dst []byte, cells []string) []byte {
	if w.csv == nil {
		w.csv = csv.NewWriter(&w.text)
	}
	EscapeFormulas(cells)
	w.text.Reset()
	_ = w.csv.Write(cells) // into memory
	w.csv.Flush()
	return append(dst, w.text.Bytes()...)
}
