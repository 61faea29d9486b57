package company

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"reseed/pkg/billing"
)

// recordWriter writes rows as NDJSON.
type recordWriter struct {
	out     *bufio.Writer
	dataset string
	fields  []billing.Field // of the cells of a row
}

func newRecordWriter(w io.Writer, d Dataset, header []string) *recordWriter {
	r := &recordWriter{out: bufio.NewWriter(w), dataset: string(d)}
	for _, name := range header {
		for _, f := range billing.FieldsOf(billing.Dataset(d)) {
			if strings.EqualFold(f.Column, name) {
				r.fields = append(r.fields, f)
			}
		}
	}
	return r
}

// write writes a row without its blank cells.
func (r *recordWriter) write(cells []string) error {
	line := append([]byte(`{"dataset":"`), r.dataset...)
	line = append(line, '"')
	for i, f := range r.fields {
		if cells[i] == "" {
			continue
		}
		line = append(append(append(line, `,"`...), f.Name...), `":`...)
		switch f.Is {
		case "cents", "integer":
			line = append(line, cells[i]...)
		case "truth":
			line = append(line, strings.ToLower(cells[i])...)
		default:
			text, err := json.Marshal(cells[i])
			if err != nil {
				return err
			}
			line = append(line, text...)
		}
	}
	_, err := r.out.Write(append(line, "}\n"...))
	return err
}
