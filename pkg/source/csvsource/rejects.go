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

// A rejects file is a table: the columns of the file, then columns that say where each row was and
// why it was rejected. People can correct the file and import it as it is: an import ignores the
// added columns.

func rejectColumns() []string {
	return []string{"Reject file", "Reject line", "Reject column", "Reject code", "Reject reason"}
}

func isRejectColumn(name string) bool { return slices.Contains(rejectColumns(), name) }

// isRejectsFile tells by the header whether a file is a rejects file.
func isRejectsFile(header []string) bool { return slices.Contains(header, "Reject code") }

// RejectsHead returns the header row of the rejects file of a file.
func (Format) RejectsHead(s source.Shape) []byte {
	header := originals(slices.Clone(s.Header), s.Header)
	if isRejectsFile(s.Header) {
		unescapeFormulas(header)
	}
	var out tableWriter
	return out.append(nil, append(header, rejectColumns()...))
}

// AppendReject appends the row, followed by the reject columns. A row that could not be split has
// only its first cell.
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

// beginning returns the beginning of a row that is too long, with as many bytes as a row may have.
func (r *rows) beginning() string {
	text := strings.ToValidUTF8(string(r.scan.long), string(utf8.RuneError))
	if r.rejects {
		cell := []string{text}
		unescapeFormulas(cell)
		return cell[0]
	}
	return text
}

// originals returns the cells of a row, or of the header row, without the columns that a rejects
// file adds.
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

// tableWriter writes rows of a table that people may open in a spreadsheet.
type tableWriter struct {
	text bytes.Buffer
	csv  *csv.Writer
}

// append appends a row. It changes cells.
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
