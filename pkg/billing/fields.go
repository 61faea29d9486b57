package billing

import (
	"slices"
	"strings"
	"time"
)

// Field is what a record of a dataset may hold, and the column of CSV files that holds the same.
type Field struct {
	Name   string // in a record
	Column string // header of the column; empty if files have none
	// Is tells what the field holds: text (at most [MaxText] characters), note (at most [MaxNote]),
	// id, email, country, currency, word (one of a few), time, cents, integer, truth or attributes (see
	// [ParseAttributes]).
	Is       string
	Required bool
	// In is the field of the same record that names the currency of an amount (cents). If it is
	// empty or not given, the amount is in the currency of the record's invoice.
	In string
}

// FieldsOf lists the fields of a dataset, in the order of its columns.
func FieldsOf(ds Dataset) []Field {
	r := newRow(ds)
	if r == nil {
		return nil
	}
	columns := tagged(r, "csv")
	var out []Field
	for i, f := range fieldsOf(r) {
		field := Field{Name: f.name, Column: columns[i].name, Is: f.is, Required: f.required, In: f.in}
		if field.Column == "-" {
			field.Column = ""
		}
		if field.Is == "" {
			field.Is = "text"
		}
		out = append(out, field)
	}
	return out
}

// Words lists the words that a field of words takes; none for other fields.
func Words(ds Dataset, field string) []string {
	if ds == Events && field == "event_type" {
		return EventTypes()
	}
	f, err := newForm(ds, fieldsOf)
	if err != nil {
		return nil
	}
	f.reader.words = map[*string][]string{}
	f.row.record(&f.reader)
	for _, c := range f.reader.columns {
		if c.name == field {
			return f.reader.words[c.cell]
		}
	}
	return nil
}

// ValueType is how a value is written in a record.
type ValueType byte

// The types of values.
const (
	Null ValueType = iota
	Text
	Number
	Truth // true or false
	List
	Object
	Any // of a field: null, a text, a number or a truth
)

func (t ValueType) String() string {
	return [...]string{"null", "a text", "a number", "true or false", "a list", "an object", "a text, a number, true, false or null"}[t]
}

// typeOf is how the values of a field are written, by what it holds.
func typeOf(is string) ValueType {
	switch is {
	case "cents", "integer":
		return Number
	case "truth":
		return Truth
	case "any":
		return Any
	case "attributes":
		return Object
	}
	return Text
}

// Fields takes the fields of one record after the other, and makes the same record of them as
// [Layout] of a row with the same cells. It reuses its memory: one goroutine at a time may use it.
type Fields struct {
	form

	places map[string]int // of the columns, by name
	types  []ValueType    // of the columns
	listed []Field        // see [FieldsOf]
	seen   uint64         // columns that the record has given
	next   int            // the column that probably comes next: records of one file have one order
}

// NewFields makes ready for the records of a dataset. The error is fault.Invalid, code
// unknown_dataset, if there is none of that name.
func NewFields(ds Dataset) (*Fields, error) {
	f, err := newForm(ds, fieldsOf)
	if err != nil {
		return nil, err
	}
	out := &Fields{form: f, places: map[string]int{}, listed: FieldsOf(ds)}
	for i, c := range f.reader.columns {
		out.places[c.name] = i
		out.types = append(out.types, typeOf(c.is))
	}
	return out, nil
}

// Name returns the name that a column of the dataset has in a record. A text that is not a column
// stays as it is.
func (f *Fields) Name(column string) string {
	for _, l := range f.listed {
		if l.Column != "" && headerKey(l.Column) == headerKey(column) {
			return l.Name
		}
	}
	return column
}

// IDField returns the name of the field with the external id of the record itself; empty if the
// dataset has none.
func (f *Fields) IDField() string { return f.id.name }

// NamesCustomer tells whether the field of that name holds the external id of a customer: the one
// that a record is, or one that it names.
func (f *Fields) NamesCustomer(name string) bool {
	return name == f.customer.name || slices.ContainsFunc(f.others, func(c column) bool { return c.name == name })
}

// unknown says that the dataset has no field of that name, and how the field is called if the name
// is the header of its column.
func (f *Fields) unknown(name string) *Problem {
	text := "there is no such field of " + strings.ReplaceAll(string(f.dataset), "_", " ")
	if known := f.Name(name); known != name {
		text += "; it is called " + known
	}
	return fieldProblem(name, CodeUnknownField, text+".")
}

// Begin makes ready for the next record.
func (f *Fields) Begin() {
	for i := range f.reader.columns {
		*f.reader.columns[i].cell = ""
	}
	f.seen, f.next = 0, 0
}

// Set gives a field its value: of a text what it says, of a number how it is written, of a truth
// "true" or "false". What is null or blank counts as not given.
func (f *Fields) Set(name string, t ValueType, value string) *Problem {
	columns := f.reader.columns
	i := f.next
	if i >= len(columns) || columns[i].name != name {
		var known bool
		if i, known = f.places[name]; !known {
			return f.unknown(name)
		}
	}
	f.next = i + 1
	switch bit := uint64(1) << i; {
	case f.seen&bit != 0:
		return fieldProblem(name, CodeDuplicateField, "this field stands twice.")
	case f.types[i] == Any:
		f.seen |= bit
		if t == List || t == Object {
			return fieldProblem(name, CodeWrongType, "this must be "+Any.String()+", and is "+t.String()+".")
		}
		*columns[i].cell = EditValue{t, value}.cell()
	case t == Null:
		f.seen |= bit
	case t != f.types[i]:
		return fieldProblem(name, CodeWrongType, "this must be "+f.types[i].String()+", and is "+t.String()+".")
	default:
		f.seen |= bit
		if *columns[i].cell = value; columns[i].is != "exact" {
			*columns[i].cell = trim(value)
		}
	}
	return nil
}

// fieldProblem names a field, unless its name may be anything: it may hold an e-mail address, or be
// endless.
func fieldProblem(name, code, what string) *Problem {
	if q := quote(name); q == "the value" || q != `"`+name+`"` {
		name = ""
	}
	message := strings.ToUpper(what[:1]) + what[1:]
	if name != "" {
		message = name + ": " + message
	}
	return &Problem{Column: name, Code: code, Message: message}
}

// Record makes a record of the fields that were set, or says why that cannot be. now is what "in
// the future" is measured against. The record is valid until Begin; its strings stay so.
func (f *Fields) Record(now time.Time) (Record, *Problem) {
	f.reader.start(now)
	return f.judge()
}
