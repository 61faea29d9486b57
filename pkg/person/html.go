package person

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

//go:embed page.html
var page string

// WriteHTML writes the page for people: a self-contained one without scripts, which a browser can
// show or print.
func WriteHTML(w io.Writer, head Head, lines Lines) error {
	t, err := template.New("page").Funcs(template.FuncMap{"words": words, "when": when, "one": singular}).Parse(page)
	if err != nil {
		return broken(err)
	}
	out := &htmlFile{w: bufio.NewWriter(w), t: t, fields: map[billing.Dataset][]billing.Field{}, sources: sourceNames(head)}
	out.show("head", head)
	for _, section := range Sections() {
		out.section = section
		for text, err := range lines(section) {
			if err != nil {
				return err
			}
			part, object, _ := bytes.Cut(text, []byte("\t"))
			if err := out.line(string(part), object); err != nil {
				return err
			}
		}
		out.close()
	}
	out.show("foot", head)
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.err
}

// sourceNames lists the names of the data sources by uuid. It is empty if there is one only, which the
// head names.
func sourceNames(head Head) map[string]string {
	names := map[string]string{}
	if len(head.DataSources) > 1 {
		for _, s := range head.DataSources {
			names[s.ID] = s.Name
		}
	}
	return names
}

func broken(err error) error {
	return fault.Wrap(err, fault.Internal, "person", "write what is known of a customer")
}

// htmlFile writes the page, piece by piece.
type htmlFile struct {
	w       *bufio.Writer
	t       *template.Template
	section string
	titled  bool // the section has a title
	open    bool // a record has not ended
	parts   string
	money   sums   // of the line items of the open record
	of      string // the currency of the open record
	fields  map[billing.Dataset][]billing.Field
	sources map[string]string // see sourceNames
	err     error
}

// fieldsOf lists the fields of a dataset.
func (f *htmlFile) fieldsOf(ds billing.Dataset) []billing.Field {
	if _, known := f.fields[ds]; !known {
		f.fields[ds] = billing.FieldsOf(ds)
	}
	return f.fields[ds]
}

func (f *htmlFile) show(name string, data any) {
	if f.err == nil {
		f.err = f.t.ExecuteTemplate(f.w, name, data)
	}
}

// line writes a line of the section.
func (f *htmlFile) line(part string, object []byte) error {
	if !f.titled {
		f.show("section", f.section)
		f.titled = true
	}
	if part == "" {
		f.endRecord()
	}
	switch f.section {
	case SectionEdits, SectionFiles, SectionErases, SectionListed:
		return f.fact(object)
	}
	v, err := f.viewOf(object, part != "")
	if err != nil {
		return err
	}
	if part == "" {
		f.of, f.open = v.Currency, true
		f.show("record", v)
		return nil
	}
	if f.parts != part {
		f.endParts()
		f.show("parts", part)
		f.parts, f.money = part, nil
	}
	f.money.add(v)
	f.show("part", v)
	return nil
}

func (f *htmlFile) fact(object []byte) (err error) {
	switch f.section {
	case SectionEdits:
		var e wire.Edit
		err = json.Unmarshal(object, &e)
		f.show("left", struct {
			ID    string
			Edits []string
		}{e.ID, sentences(e)})
	case SectionFiles:
		var x File
		err = json.Unmarshal(object, &x)
		f.show("file", x)
	case SectionErases:
		var x Erase
		err = json.Unmarshal(object, &x)
		f.show("erase", x)
	case SectionListed:
		var x Listed
		err = json.Unmarshal(object, &x)
		f.show("listed", x)
	}
	if err != nil {
		return broken(err)
	}
	return nil
}

func (f *htmlFile) endParts() {
	if f.parts != "" {
		f.show("endparts", f.money.list())
	}
	f.parts, f.money = "", nil
}

func (f *htmlFile) endRecord() {
	f.endParts()
	if f.open {
		f.show("endrecord", nil)
	}
	f.open, f.of = false, ""
}

// close ends the section.
func (f *htmlFile) close() {
	f.endRecord()
	if f.titled {
		f.show("endsection", f.section)
	}
	f.titled = false
}

// view is a record as the page shows it.
type view struct {
	Title    string
	ID       string
	Source   string // name of the data source, if there are several
	Fields   []field
	Amount   string // of a part: also apart from the other fields
	Minor    int64
	Currency string
	Summed   bool // the amount is one of those that make the sum of an invoice: of a line item that nobody has deleted
	Added    time.Time
	Changed  time.Time
	Edits    []string
}

// field is a field of a record.
type field struct {
	Label, Value string
	Was          string // as it was imported, if that differs
	Differs      bool
}

const (
	fieldAmount   = "amount_in_cents"
	fieldCurrency = "currency"
	fieldID       = "external_id"
)

// viewOf makes the view of a record, or of a part of the open record.
func (f *htmlFile) viewOf(object []byte, part bool) (v view, err error) {
	var r Record
	if err := json.Unmarshal(object, &r); err != nil {
		return v, broken(err)
	}
	shown, err := valuesOf(r.Shown)
	if err != nil {
		return v, err
	}
	was, err := valuesOf(r.Imported)
	if err != nil {
		return v, err
	}
	ds := billing.Dataset(shown["dataset"])
	v = view{ID: r.ID, Source: f.sources[r.DataSource], Currency: shown[fieldCurrency], Added: r.AddedAt, Changed: r.ChangedAt, Title: strings.TrimSpace(singular(string(ds)) + " " + shown[fieldID])}
	v.Currency = cmp.Or(v.Currency, f.of)
	deleted := slices.ContainsFunc(r.Edits, func(e wire.Edit) bool { return e.Deleted != nil })
	for _, fd := range f.fieldsOf(ds) {
		now, before := readable(fd, shown, v.Currency), readable(fd, was, v.Currency)
		if part && fd.Name == fieldAmount {
			v.Amount, v.Summed = now, ds == billing.LineItems && !deleted
			_, _ = fmt.Sscan(shown[fd.Name], &v.Minor)
			if now == before {
				continue
			}
		}
		if now != "" || before != "" {
			v.Fields = append(v.Fields, field{labelOf(fd), now, before, now != before})
		}
	}
	for _, e := range r.Edits {
		v.Edits = append(v.Edits, sentences(e)...)
	}
	return v, nil
}

// valuesOf reads the fields of a record, as texts.
func valuesOf(record json.RawMessage) (map[string]string, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(record, &all); err != nil {
		return nil, broken(err)
	}
	out := map[string]string{}
	for name, v := range all {
		text := string(v) // a number, a truth, or custom attributes
		if v[0] == '"' {
			if err := json.Unmarshal(v, &text); err != nil {
				return nil, broken(err)
			}
		}
		out[name] = text
	}
	return out, nil
}

// readable spells the value of a field for people; empty if it is not given.
func readable(f billing.Field, values map[string]string, invoice string) string {
	v := values[f.Name]
	switch {
	case v == "":
		return ""
	case f.Is == "time":
		if t, err := billing.ParseTime(v); err == nil {
			return when(t)
		}
	case f.Is == "cents":
		currency := values[f.In]
		if currency == "" {
			currency = invoice
		}
		var minor int64
		if _, err := fmt.Sscan(v, &minor); err == nil && currency != "" {
			return billing.Money(minor, currency)
		}
		return v + " (minor units of a currency that is not given)"
	case f.Is == "attributes":
		return billing.ReadableAttributes(v)
	case v == "true":
		return "yes"
	case v == "false":
		return "no"
	}
	return v
}

func labelOf(f billing.Field) string {
	return strings.TrimSuffix(capital(words(f.Name)), " in cents")
}

// when spells a time: only the date at midnight.
func when(t time.Time) string {
	t = t.UTC()
	if t.Truncate(24 * time.Hour).Equal(t) {
		return t.Format("2 January 2006")
	}
	return t.Format("2 January 2006, 15:04:05 UTC")
}

func words(name string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(name) }

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// singular names one record of a dataset.
func singular(ds string) string { return capital(strings.TrimSuffix(words(ds), "s")) }

// sums are the sums of amounts, in minor units, by currency.
type sums map[string]int64

func (s *sums) add(v view) {
	if !v.Summed {
		return
	}
	if *s == nil {
		*s = sums{}
	}
	(*s)[v.Currency] += v.Minor
}

func (s sums) list() (out []string) {
	for _, currency := range slices.Sorted(maps.Keys(s)) {
		out = append(out, billing.Money(s[currency], currency))
	}
	return out
}

// sentences tells what people have done to a record.
func sentences(e wire.Edit) (out []string) {
	by := ""
	if e.ChangedAt != nil {
		by = who(wire.Mark{Author: e.Author, At: *e.ChangedAt})
	}
	if len(e.Tags) > 0 {
		out = append(out, "Tags: "+strings.Join(e.Tags, ", ")+by)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		out = append(out, fmt.Sprintf("Attribute %s: %v%s", name, e.Attributes[name], by))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		f := e.Fields[name]
		if f.Value == nil {
			out = append(out, capital(words(name))+" was emptied"+who(f.Mark))
		} else {
			out = append(out, fmt.Sprintf("%s was changed to: %v%s", capital(words(name)), f.Value, who(f.Mark)))
		}
	}
	if e.Disabled != nil {
		out = append(out, "Left out of metrics"+who(*e.Disabled))
	}
	if e.Deleted != nil {
		out = append(out, "Deleted by hand: people do not see it"+who(*e.Deleted))
	}
	if e.MergedInto != nil {
		out = append(out, "Merged into "+*e.MergedInto+by)
	}
	if len(e.MergedFrom) > 0 {
		out = append(out, "Merged with it: "+strings.Join(e.MergedFrom, ", "))
	}
	return out
}

func who(m wire.Mark) string {
	if m.Author == "" {
		return fmt.Sprintf(" (%s)", when(m.At))
	}
	return fmt.Sprintf(" (by %s, %s)", m.Author, when(m.At))
}
