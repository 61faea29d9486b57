package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
)

// fieldAttributes is the field of a customer with its custom attributes as they were imported.
const fieldAttributes = "custom_attributes"

// fieldValue is the value of a field, for people.
type fieldValue struct {
	Text string
	At   time.Time // instead of Text, of a time
}

// Given reports whether the field has a value.
func (v fieldValue) Given() bool { return v.Text != "" || !v.At.IsZero() }

// fieldRow is a field of a record.
type fieldRow struct {
	Name, Label string
	Now         fieldValue
	Edit        *fieldEdit // nil if it is as it was imported
}

// fieldEdit is what a person has done to a field, and the form that takes it back.
type fieldEdit struct {
	Was  fieldValue
	Mark wire.Mark
	Form revertForm
}

// revertForm is a form that takes back edits of a record.
type revertForm struct {
	Record string   // its id
	Fields []string // none: all
	Value  string   // of the only field, to offer it again
	Label  string   // what is taken back
	Back   string   // the page to go to
}

// recordView is a record for people.
type recordView struct {
	wire.Record
	Title  string
	Rows   []fieldRow
	States []stateMark
}

// stateMark says that a person has disabled or deleted a record.
type stateMark struct {
	state
	Mark wire.Mark
}

// viewOf makes the view of a record on the page at back.
func viewOf(r wire.Record, back string) recordView {
	w := recordView{Record: r, Title: titleOf(&r), States: statesOf(&r)}
	for _, f := range r.Fields {
		if f.Name == fieldAttributes { // they have a table of their own
			continue
		}
		w.Rows = append(w.Rows, rowOf(r.ID, f, back))
	}
	return w
}

func rowOf(id string, f wire.RecordField, back string) fieldRow {
	row := fieldRow{Name: f.Name, Label: labelOf(f.Name), Now: readableField(f.Is, f.Value, f.Money)}
	if e := f.Edit; e != nil {
		row.Edit = &fieldEdit{
			Was: readableField(f.Is, e.Imported, e.ImportedMoney), Mark: e.Mark,
			Form: revertForm{Record: id, Fields: []string{e.Name}, Value: f.Value, Label: row.Label, Back: back},
		}
	}
	return row
}

// titleOf names a record, such as Invoice i1.
func titleOf(r *wire.Record) string {
	what := labelOf(strings.TrimSuffix(r.Dataset, "s"))
	if event := r.Field("event_type").Value; event != "" {
		what = labelOf(event)
	}
	return strings.TrimSpace(what + " " + r.Field("external_id").Value)
}

// labelOf writes the name of a field for people.
func labelOf(name string) string {
	text := fieldName(name)
	if text == "" {
		return ""
	}
	return strings.Replace(strings.ToUpper(text[:1])+text[1:], " url", " URL", 1)
}

// readableField makes a value of what a field holds.
func readableField(is, text string, amount *wire.Money) fieldValue {
	switch is {
	case "time":
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return fieldValue{At: at}
		}
	case "cents":
		if amount != nil {
			return fieldValue{Text: moneyText(amount)}
		}
	case "attributes":
		return fieldValue{Text: attributesText(text)}
	case "truth":
		if text == "true" {
			return fieldValue{Text: "yes"}
		}
		return fieldValue{Text: "no"}
	}
	return fieldValue{Text: text}
}

// attributesText writes custom attributes as people read them.
func attributesText(text string) string {
	all := attributesIn(text)
	list := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, fmt.Sprintf("%s: %v", name, all[name]))
	}
	return strings.Join(list, ", ")
}

// attributesIn reads the value of [fieldAttributes]; none of an empty one.
func attributesIn(text string) map[string]any {
	all := map[string]any{}
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	_ = in.Decode(&all) // an answer of the API
	return all
}

func statesOf(r *wire.Record) (marks []stateMark) {
	for _, e := range r.Edits {
		if e.Deleted != nil {
			marks = append(marks, stateMark{state{"deleted by hand", "✕", "bad"}, *e.Deleted})
		}
		if e.Disabled != nil {
			marks = append(marks, stateMark{state{"left out of metrics", "–", "warn"}, *e.Disabled})
		}
	}
	return marks
}

// isEdited reports whether a field of a record, or of one of its parts, was edited.
func isEdited(r *wire.Record) bool {
	for _, f := range r.Fields {
		if f.Edit != nil {
			return true
		}
	}
	for i := range r.Parts {
		if isEdited(&r.Parts[i]) || len(statesOf(&r.Parts[i])) > 0 {
			return true
		}
	}
	return false
}
