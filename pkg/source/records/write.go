package records

import (
	"bytes"
	"encoding/json"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// writer writes records as lines: the dataset, then the fields that are given.
type writer struct {
	*billing.Speller

	dataset billing.Dataset
	begin   string   // of each line
	members []string // the names of the fields, spelled with what stands around them
	types   []billing.ValueType
	values  []string
	text    bytes.Buffer
	json    *json.Encoder
}

// Writer makes a writer of lines of a dataset.
func (Format) Writer(ds billing.Dataset) (source.Writer, error) {
	s, err := billing.NewFieldSpeller(ds)
	if err != nil {
		return nil, err
	}
	w := &writer{Speller: s, dataset: ds, begin: `{"` + memberDataset + `":"` + string(ds) + `"`, types: s.Types()}
	for _, name := range s.Names() {
		w.members = append(w.members, `,"`+name+`":`)
	}
	w.json = json.NewEncoder(&w.text)
	w.json.SetEscapeHTML(false)
	return w, nil
}

// Shape returns the shape of a file whose lines all name their dataset.
func (w *writer) Shape() source.Shape { return source.Shape{} }

// Head returns nothing.
func (w *writer) Head() []byte { return nil }

// Append appends a line.
func (w *writer) Append(dst []byte, r billing.Record) []byte {
	dst = append(dst, w.begin...)
	w.values = w.Spell(w.values[:0], r)
	for i, v := range w.values {
		if v == "" {
			continue
		}
		dst = append(dst, w.members[i]...)
		quoted := w.types[i] == billing.Text
		if w.types[i] == billing.Any {
			v, quoted = billing.ReadValue(v).JSON()
		}
		if quoted {
			dst = w.appendText(dst, v)
		} else {
			dst = append(dst, v...)
		}
	}
	return append(dst, "}\n"...)
}

func (w *writer) appendText(dst []byte, s string) []byte {
	if isSimple(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	w.text.Reset()
	_ = w.json.Encode(s) // a text, into memory
	return append(dst, bytes.TrimSuffix(w.text.Bytes(), []byte{'\n'})...)
}

// isSimple reports whether a text is spelled as it is between quotes.
func isSimple(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
