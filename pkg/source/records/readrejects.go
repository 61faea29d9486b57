package records

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// ReadRejects yields the lines of a rejects file. An error ends it: one of in, or
// [source.ErrNotRejects].
func (Format) ReadRejects(in io.Reader, _ source.Shape) iter.Seq2[source.Rejected, error] {
	return func(yield func(source.Rejected, error) bool) {
		lines := bufio.NewReader(in)
		var end int64
		for {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(source.Rejected{}, err)
				return
			}
			end += int64(len(line))
			r, err := rejectedOf(line)
			r.End = end
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// rejectedOf reads one line.
func rejectedOf(line []byte) (r source.Rejected, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return r, errors.Join(source.ErrNotRejects, err)
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return r, errors.Join(source.ErrNotRejects, err)
		}
		column, _ := name.(string)
		take(&r, column, value)
	}
	return r, nil
}

// take takes a member of the line.
func take(r *source.Rejected, name string, value json.RawMessage) {
	switch name {
	case memberReject:
		var why note
		_ = json.Unmarshal(value, &why)
		r.Line, r.Column, r.Code, r.Reason = why.Line, why.Field, why.Code, why.Reason
	case memberLine:
		r.Whole = plain(value)
	case memberDataset:
		r.Dataset = billing.Dataset(plain(value))
	default:
		r.Cells = append(r.Cells, source.Cell{Column: name, Value: plain(value)})
	}
}

// plain is a text as it is, and any other value as JSON.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
