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

// A rejects file is a table: the columns of the file, then columns that say where each row was, why
// it was rejected and how it was read. People can correct the file and import it as it is: an import
// ignores the added columns, with two exceptions. A row that could not be split into cells stands
// whole in the column [columnRow], since its cells hold only what could be read of it. It is rejected
// until a person has put the right values into the cells and emptied that one. And [columnSettings]
// says how all rows are to be read, see [told].

const (
	columnRow      = "Reject row"
	columnFile     = "Reject file"
	columnLine     = "Reject line"
	columnColumn   = "Reject column"
	columnCode     = "Reject code"
	columnReason   = "Reject reason"
	columnSettings = "Reject settings"
)

func rejectColumns() []string {
	return []string{columnRow, columnFile, columnLine, columnColumn, columnCode, columnReason, columnSettings}
}

// oldRejectColumns are the columns that a version before 2026-11-30 added.
func oldRejectColumns() []string {
	return []string{columnFile, columnLine, columnColumn, columnCode, columnReason}
}

// addedColumns tells of each column of a header which of the columns that a rejects file adds it is,
// in any spelling; it is empty for the others.
func addedColumns(header []string) []string {
	added := make([]string, len(header))
	for i, name := range header {
		if at := slices.IndexFunc(rejectColumns(), func(column string) bool { return billing.SameColumn(column, name) }); at >= 0 {
			added[i] = rejectColumns()[at]
		}
	}
	return added
}

func isRejectColumn(name string) bool { return addedColumns([]string{name})[0] != "" }

// isRejects tells by the added columns whether a file is a rejects file: the others of them alone may
// be columns of anything.
func isRejects(added []string) bool {
	return slices.ContainsFunc(added, func(name string) bool { return name == columnRow || name == columnCode || name == columnSettings })
}

// addedOf returns the added columns of a rejects file. Those of another file are its own.
func addedOf(header []string) []string {
	added := addedColumns(header)
	if !isRejects(added) {
		clear(added)
	}
	return added
}

// withoutRejectColumns returns the header with no name for the columns that a rejects file adds.
func withoutRejectColumns(header []string) []string {
	out := slices.Clone(header)
	for i, name := range addedColumns(header) {
		if name != "" {
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
func OldRejectsHead(s source.Shape) []byte {
	return rejectsHead(s, ',', oldRejectColumns())
}

func rejectsHead(s source.Shape, comma byte, columns []string) []byte {
	added := addedOf(s.Header)
	header := originals(nil, s.Header, added)
	if isRejects(added) {
		unescapeFormulas(header)
	}
	out := tableWriter{comma: comma}
	return out.append(nil, append(header, columns...))
}

// addedCell returns the last cell of an added column that is not blank.
func (r *rows) addedCell(column string) (cell string) {
	for i, name := range r.added {
		if name == column && i < len(r.row.Fields) && !blank(r.row.Fields[i]) {
			cell = r.row.Fields[i]
		}
	}
	return cell
}

// refuse rejects a row of a rejects file that was not corrected, or that would not be read as it was.
func (r *rows) refuse() {
	if len(r.row.Fields) != len(r.added) {
		return
	}
	if whole := r.addedCell(columnRow); whole != "" {
		code := strings.TrimSpace(r.addedCell(columnCode))
		if !isCode(code) {
			code = source.CodeNotCorrected
		}
		r.row.Text, r.row.Err = whole, &billing.Problem{
			Code: code, Column: columnRow,
			Message: "this row could not be read as it stood; put the right values into its cells, and empty its cell \"" + columnRow + "\"",
		}
	}
	if r.row.Err == nil && r.toldOtherwise() {
		r.row.Err = &billing.Problem{
			Code: source.CodeMixedRejects, Column: columnSettings,
			Message: "this row says otherwise than the first one how it was read: import each rejects file by itself; " +
				"if you have added the row, copy the cell \"" + columnSettings + "\" of the first one",
		}
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
	if r.row.Err != nil && r.row.Err.Code != source.CodeMixedRejects {
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
	r.cells = originals(r.cells[:0], cells, r.added)
	r.cells = append(r.cells, whole, why.File, strconv.FormatInt(why.Line, 10), why.Column, why.Code, why.Reason, r.tells())
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
// if the row has no more. added is that of [addedOf].
func originals(dst, cells, added []string) []string {
	for i, name := range added {
		switch {
		case name != "":
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
