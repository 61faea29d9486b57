package person

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"time"

	"reseed/pkg/fault"
)

// Format names the shape of the JSON file. docs/FORMATS.md describes it. Members may be added; none
// goes, and none changes its meaning without another number.
const Format = "reseed customer 1"

// Head is what the files say before the sections.
type Head struct {
	Format      string    `json:"format"`
	Customer    string    `json:"customer"` // public id of the customer that the others are merged into
	Job         string    `json:"job"`
	ReadFrom    time.Time `json:"read_from"` // when the reading began
	ReadTo      time.Time `json:"read_to"`   // when it ended
	DataSources []Source  `json:"data_sources"`
	Notes       []string  `json:"notes"`
}

// Source names a data source.
type Source struct {
	ID   string `json:"id"` // uuid
	Name string `json:"name"`
}

// Lines yields the lines of a section, as [Reader] gave them. A line is valid until the next one.
type Lines func(section string) iter.Seq2[[]byte, error]

// WriteJSON writes the JSON file: the head, and for each section a list. Parts are in lists of
// their record, one for each dataset.
func WriteJSON(w io.Writer, head Head, lines Lines) error {
	out := &jsonFile{w: bufio.NewWriter(w)}
	begin, err := json.Marshal(head)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "person", "write what is known of a customer")
	}
	out.write(string(bytes.TrimSuffix(begin, []byte("}"))))
	for _, section := range Sections() {
		out.write(",\n\"" + section + "\":[")
		first := true
		for text, err := range lines(section) {
			if err != nil {
				return err
			}
			part, object, _ := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte("\t"))
			if len(part) > 0 {
				out.part(string(part), object)
				continue
			}
			out.end()
			if !first {
				out.write(",")
			}
			first = false
			out.begin(object)
		}
		out.end()
		out.write("]")
	}
	out.write("}\n")
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.err
}

// jsonFile writes objects whose ends wait for their parts.
type jsonFile struct {
	w    *bufio.Writer
	open bool   // an object has not ended
	list string // the list of parts in it that has not ended
	err  error
}

func (f *jsonFile) write(text string) {
	if f.err == nil {
		_, f.err = f.w.WriteString(text)
	}
}

// begin writes an object without its end.
func (f *jsonFile) begin(object []byte) {
	f.write("\n" + string(bytes.TrimSuffix(object, []byte("}"))))
	f.open = true
}

func (f *jsonFile) part(list string, object []byte) {
	switch {
	case f.list == list:
		f.write(",")
	case f.list != "":
		f.write("],\"" + list + "\":[")
	default:
		f.write(",\"" + list + "\":[")
	}
	f.list = list
	f.write("\n " + string(object))
}

func (f *jsonFile) end() {
	if f.list != "" {
		f.write("]")
	}
	if f.open {
		f.write("}")
	}
	f.open, f.list = false, ""
}
