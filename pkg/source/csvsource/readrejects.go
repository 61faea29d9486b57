package csvsource

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strconv"

	"reseed/pkg/source"
)

// ReadRejects yields the rows of a rejects file without its header row. Shape is that of the file from
// which the rows come. An error ends it: one of in, or [source.ErrNotRejects].
func (Format) ReadRejects(in io.Reader, s source.Shape) iter.Seq2[source.Rejected, error] {
	return readRejects(in, Format{}.RejectsHead(s), s.Delimiter[0], rejectColumns())
}

// ReadOldRejects is [Format.ReadRejects] of a file that a version before 2026-11-30 wrote.
func ReadOldRejects(in io.Reader, s source.Shape) iter.Seq2[source.Rejected, error] {
	return readRejects(in, OldRejectsHead(s), ',', oldRejectColumns())
}

func readRejects(in io.Reader, head []byte, comma byte, added []string) iter.Seq2[source.Rejected, error] {
	return func(yield func(source.Rejected, error) bool) {
		header, err := rejectsReader(bytes.NewReader(head), comma).Read()
		if err != nil {
			yield(source.Rejected{}, err)
			return
		}
		unescapeFormulas(header)
		rows := rejectsReader(in, comma)
		for {
			cells, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if _, malformed := errors.AsType[*csv.ParseError](err); malformed || err == nil && len(cells) != len(header) {
				err = errors.Join(source.ErrNotRejects, err)
			}
			if err != nil {
				yield(source.Rejected{}, err)
				return
			}
			unescapeFormulas(cells)
			r := rejectedOf(header, cells, len(added))
			r.End = rows.InputOffset()
			if !yield(r, nil) {
				return
			}
		}
	}
}

func rejectsReader(in io.Reader, comma byte) *csv.Reader {
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord = rune(comma), -1
	return r
}

// rejectedOf makes a row of cells, the last of which are in columns that a rejects file adds.
func rejectedOf(header, cells []string, added int) (r source.Rejected) {
	own := len(header) - added
	for i, value := range cells[:own] {
		r.Cells = append(r.Cells, source.Cell{Column: header[i], Value: value})
	}
	for i := own; i < len(cells); i++ {
		switch header[i] {
		case columnRow:
			r.Whole = cells[i]
		case columnLine:
			r.Line, _ = strconv.ParseInt(cells[i], 10, 64)
		case columnColumn:
			r.Column = cells[i]
		case columnCode:
			r.Code = cells[i]
		case columnReason:
			r.Reason = cells[i]
		}
	}
	return r
}
