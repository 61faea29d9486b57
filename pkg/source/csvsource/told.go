package csvsource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// told is what a cell of [columnSettings] holds as JSON: how the rows of a rejects file were read.
type told struct {
	Dataset billing.Dataset `json:"dataset"`
	source.Settings
}

// tell makes the cell for the rows of a file.
func tell(s source.Shape) string {
	return told{s.Dataset, s.Settings.OfRows()}.String()
}

// readTold reads a cell; one that is no such JSON tells nothing.
func readTold(cell string) (t told) {
	err := json.Unmarshal([]byte(cell), &t)
	t.Settings = t.OfRows()
	if err != nil || !slices.Contains(billing.Order(), t.Dataset) || t.Check() != nil {
		return told{}
	}
	return t
}

// String spells it as a cell; empty if it tells nothing.
func (t told) String() string {
	if t.Dataset == "" {
		return ""
	}
	text, _ := json.Marshal(t) // of strings
	return string(text)
}

// told finds the first row that tells how it was read, among those that the sample behind the header
// row of a rejects file holds. The sample holds the first row, unless that is too long for a record.
func (r *Reader) told(ctx context.Context) (t told, err error) {
	added := addedColumns(r.header)
	if !slices.Contains(added, columnSettings) {
		return t, nil
	}
	sample, complete, err := r.sample(ctx, r.opts.MaxRecord+source.ReadRoom/2)
	if err != nil {
		return t, err
	}
	opts := r.PieceOptions(Piece{})
	opts.MaxRecord = min(opts.MaxRecord, max(1, len(sample)))
	ahead := rows{Reader: Open(bytes.NewReader(sample), opts), added: added}
	for t.Dataset == "" {
		ahead.row, err = ahead.Reader.Next(ctx)
		switch end := ahead.row.Offset + ahead.row.Length; {
		case errors.Is(err, io.EOF), err == nil && !complete && end == int64(len(sample)): // the row may be cut
			return told{}, nil
		case err != nil:
			return told{}, err
		case ahead.row.Err == nil:
			t = readTold(ahead.addedCell(columnSettings))
		}
	}
	return t, nil
}

// kept is what it tells of a file with a header row. Lines of the mapping about columns that are gone
// do not count.
func (t told) kept(header []string) source.Kept {
	t.Map = billing.Applicable(header, t.Map, t.Dataset)
	return source.Kept{Dataset: t.Dataset, Settings: t.Settings}
}

// toldOtherwise reports whether a row of a rejects file was not read as the file is.
func (r *rows) toldOtherwise() bool {
	if cell := r.addedCell(columnSettings); cell != r.cell {
		r.cell, r.told = cell, readTold(cell).String()
	}
	return r.told != r.shape.Told
}

// tells returns the cell that tells how the row was read: as it is, if that is not how the file is
// read.
func (r *rows) tells() string {
	if len(r.row.Fields) == len(r.added) && r.toldOtherwise() {
		return r.cell
	}
	return r.tell
}
