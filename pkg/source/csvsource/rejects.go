package csvsource

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// A rejects file is a table: the columns of the file, then columns that say where each row was and
// why it was rejected. People can correct the file and import it as it is: an import ignores the
// added columns, with one exception. A row that could not be split into cells stands whole in the
// column [columnRow], since its cells hold only what could be read of it. It is rejected until a
// person has put the right values into the cells and emptied that one.

const (
	columnRow  = "Reject row"
	columnCode = "Reject code"
)

func rejectColumns() []string {
	return []string{columnRow, "Reject file", "Reject line", "Reject column", columnCode, "Reject reason"}
}

func isRejectColumn(name string) bool { return slices.Contains(rejectColumns(), name) }

// isRejectsFile tells by the header whether a file is a rejects file.
func isRejectsFile(header []string) bool { return slices.Contains(header, columnCode) }

// withoutRejectColumns returns the header with no name for the columns that a rejects file adds.
func withoutRejectColumns(header []string) []string {
	out := slices.Clone(header)
	for i, name := range out {
		if isRejectColumn(name) {
			out[i] = ""
		}
	}
	return out
}

// RejectsHead returns the header row of the rejects file of a file.
func (Format) RejectsHead(s source.Shape) []byte {
	return rejectsHead(s, s.Delimiter[0], rejectColumns())
}

// OldRejectsHead returns the header row of a rejects file that a version before 2026-11-30 wrote.
func OldRejectsHead(s source.Shape) []byte { return rejectsHead(s, ',', rejectColumns()[1:]) }

func rejectsHead(s source.Shape, comma byte, added []string) []byte {
	header := originals(nil, s.Header, s.Header)
	if isRejectsFile(s.Header) {
		unescapeFormulas(header)
	}
	out := tableWriter{comma: comma}
	return out.append(nil, append(header, added...))
}

// refuseUncorrected rejects a row of a rejects file that stands whole beside its cells, with the
// code of its first rejection.
func refuseUncorrected(row *Row, header []string) {
	if len(row.Fields) != len(header) {
		return
	}
	whole, code := "", ""
	for i, cell := range row.Fields {
		switch {
		case blank(cell):
		case header[i] == columnRow:
			whole = cell
		case header[i] == columnCode:
			code = strings.TrimSpace(cell)
		}
	}
	if whole == "" {
		return
	}
	if !isCode(code) {
		code = source.CodeNotCorrected
	}
	row.Text, row.Err = whole, &billing.Problem{
		Code: code, Column: columnRow,
		Message: "this row could not be read as it stood; put the right values into its cells, and empty its cell \"" + columnRow + "\"",
	}
}

// isCode tells whether a text is spelled like a code.
func isCode(s string) bool {
	const longest = 40
	return s != "" && len(s) <= longest && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// AppendReject appends the row, followed by the reject columns. What it appends is short enough to
// be read as one record again: of a longer row, only its beginning stands in [columnRow].
func (r *rows) AppendReject(dst []byte, why source.Reject) []byte {
	if why.Blank {
		return r.appendReject(dst, nil, "", why)
	}
	whole := ""
	if r.row.Err != nil {
		whole = cleanText(r.row.Text)
	}
	before := len(dst)
	if dst = r.appendReject(dst, r.row.Fields, whole, why); len(dst)-before <= source.MaxRecord {
		return dst
	}
	dst = r.appendReject(dst[:before], nil, "", why)
	whole = beginning(cleanText(r.row.Text), source.MaxRecord-(len(dst)-before))
	return r.appendReject(dst[:before], nil, whole, why)
}

// appendReject appends a row with these cells, or without any.
func (r *rows) appendReject(dst []byte, cells []string, whole string, why source.Reject) []byte {
	r.cells = originals(r.cells[:0], cells, r.shape.Header)
	r.cells = append(r.cells, whole, why.File, strconv.FormatInt(why.Line, 10), why.Column, why.Code, why.Reason)
	return r.out.append(dst, r.cells)
}

// beginning returns as much of a text as a cell of so many bytes can hold, if it is quoted and
// begins a formula.
func beginning(text string, size int) string {
	size -= len(`"'"`)
	for i := range len(text) {
		if text[i] == '"' {
			size--
		}
		if size--; size < 0 {
			return strings.ToValidUTF8(text[:i], "") // the last character may be cut
		}
	}
	return text
}

// originals appends a cell for each column of the file that a rejects file does not add; blank ones
// if the row has no more.
func originals(dst, cells, header []string) []string {
	added := isRejectsFile(header)
	for i, name := range header {
		switch {
		case added && isRejectColumn(name):
		case i < len(cells):
			dst = append(dst, cells[i])
		default:
			dst = append(dst, "")
		}
	}
	return dst
}

// tableWriter writes rows of a table that people may open in a spreadsheet.
type tableWriter struct {
	comma byte
	text  bytes.Buffer
	csv   *csv.Writer
}

// append appends a row. It changes cells.
func (w *tableWriter) append(dst []byte, cells []string) []byte {
	if w.csv == nil {
		w.csv = csv.NewWriter(&w.text)
		w.csv.Comma = rune(w.comma)
	}
	EscapeFormulas(cells)
	w.text.Reset()
	_ = w.csv.Write(cells) // into memory
	w.csv.Flush()
	return append(dst, w.text.Bytes()...)
}
