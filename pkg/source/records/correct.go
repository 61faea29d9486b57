package records

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Correct copies the corrected lines of a rejects file, see [source.Format]. In the place of a number
// or a truth, a text is read as JSON, if it is some. An empty text takes a member away. A line that was
// no JSON object is corrected as a whole, as its member _line.
func (Format) Correct(rejects io.Reader, s source.Shape, rows source.Corrections) (text []byte, err error) {
	in := bufio.NewReader(rejects)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return text, nil
		}
		if err != nil {
			return nil, badRejects(err)
		}
		var o object
		if p := o.parse(string(line)); p != nil {
			return nil, badRejects(errors.New(p.Code))
		}
		n, err := o.rejectLine()
		if err != nil {
			return nil, badRejects(err)
		}
		if cells, corrected := rows.Take(n); corrected {
			text = append(append(text, o.corrected(s.Dataset, cells)...), '\n')
		}
	}
}

// rejectLine is the line of which a line of a rejects file says why it was rejected.
func (o *object) rejectLine() (int64, error) {
	var why struct {
		Reject note `json:"_reject"`
	}
	err := json.Unmarshal([]byte(o.text), &why)
	return why.Reject.Line, err
}

// corrected is the line with corrected members. ds is the dataset of lines that name none.
func (o *object) corrected(ds billing.Dataset, cells map[string]string) []byte {
	if whole, ok := cells[memberLine]; ok {
		return []byte(strings.Join(strings.FieldsFunc(whole, isLineEnd), " "))
	}
	cells = maps.Clone(cells)
	for _, m := range o.members {
		if m.name == memberDataset {
			ds = billing.Dataset(cmp.Or(cells[memberDataset], m.value))
		}
	}
	typed := typedFields(ds)
	out := []byte{'{'}
	add := func(text []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, text...)
	}
	for _, m := range o.members {
		cell, is := cells[m.name]
		delete(cells, m.name)
		switch {
		case m.name == memberReject, m.name == memberLine, is && cell == "":
		case is:
			add(spelled(m.name, cell, typed[m.name]))
		default:
			add([]byte(o.text[m.from:m.to]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		if cells[name] != "" {
			add(spelled(name, cells[name], typed[name]))
		}
	}
	return append(out, '}')
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

// typedFields are the fields of a dataset whose values are not texts.
func typedFields(ds billing.Dataset) map[string]bool {
	typed := map[string]bool{}
	for _, f := range billing.FieldsOf(ds) {
		typed[f.Name] = slices.Contains([]string{"cents", "integer", "truth", "any", "attributes"}, f.Is)
	}
	return typed
}

// spelled spells a member. With asJSON, a text that is JSON is the value itself.
func spelled(name, cell string, asJSON bool) []byte {
	var value any = cell
	if asJSON && json.Valid([]byte(cell)) {
		value = json.RawMessage(cell)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(name) // a text, into memory
	out.Truncate(out.Len() - 1)
	out.WriteByte(':')
	_ = enc.Encode(value)
	return bytes.TrimSpace(out.Bytes())
}

func badRejects(err error) error {
	return fault.Wrap(err, fault.Internal, "rejects_file", "read a rejects file")
}
