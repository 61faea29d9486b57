package billing

import (
	"slices"
	"time"
)

// Edits is the dataset of what people have done by hand. Its rows are no records: each belongs to a
// record of another dataset. Only NDJSON has them.
const Edits Dataset = "edits"

// Edit is one thing that a person has done to a record. One of Tag, Attribute, Field, Disabled,
// Deleted, Into and From is set.
type Edit struct {
	Of     Dataset // the dataset of the record
	Record Record  // holds what identifies the record, and nothing else
	Nth    int64   // which of several equal records without an external id, from 1; 0 is 1

	Tag         string
	Attribute   string    // name of a custom attribute
	ValueType   string    // of the attribute
	ValueSource string    // of the attribute; may be empty
	Field       string    // name of a field of the record
	Value       EditValue // what the field or attribute has become; Null: the field was emptied
	// Given is a record in which only Field is set, to its new value. It is nil if the field was emptied.
	Given    Record
	Disabled bool
	Deleted  bool
	Into     string // external id of the customer that the record is merged into
	From     string // external id of the customer that is merged into the record
	// OtherSource names the data source of the customer in Into or From. It is empty if that is the data
	// source of the record.
	OtherSource string
	Place       int64 // of a merge: the place among those that were merged into the same customer, from 1

	By string // author
	At time.Time
}

// EditValue is a value as JSON has it.
type EditValue struct {
	Type ValueType // Null, Text, Number or Truth
	Text string    // of a text what it says, else how it is written
}

// Dataset names the dataset of the record.
func (*Edit) Dataset() Dataset { return Edits }

// Codes of edits that are refused.
const (
	CodeWhichEdit   = "which_edit"   // it says not one thing, but none or several
	CodeUnknownEdit = "unknown_edit" // a record of the dataset cannot be edited so
)

// EditsOf tells whether people can edit records of a dataset.
func EditsOf(ds Dataset) bool { return slices.Contains(editable(), ds) }

func editable() []Dataset { return []Dataset{Customers, Plans, Invoices, LineItems, Transactions} }

// editRow is a line of edits. The first fields identify the record, as rows of other datasets name
// such a record.
type editRow struct {
	Of                     string `csv:"-" field:"of" is:"word" rule:"required"`
	CustomerExternalID     string `csv:"-" field:"customer_external_id" is:"id" names:"customer"`
	PlanExternalID         string `csv:"-" field:"plan_external_id" is:"id"`
	Name                   string `csv:"-" field:"name" is:"exact"`
	IntervalCount          string `csv:"-" field:"interval_count" is:"integer"`
	IntervalUnit           string `csv:"-" field:"interval_unit" is:"word"`
	InvoiceExternalID      string `csv:"-" field:"invoice_external_id" is:"id"`
	ExternalID             string `csv:"-" field:"external_id" is:"id"`
	Type                   string `csv:"-" field:"type" is:"word"`
	Result                 string `csv:"-" field:"result" is:"word"`
	Date                   string `csv:"-" field:"date" is:"time"`
	SubscriptionExternalID string `csv:"-" field:"subscription_external_id" is:"id"`
	ServicePeriodStart     string `csv:"-" field:"service_period_start" is:"time"`
	Description            string `csv:"-" field:"description" is:"exact"`
	Nth                    string `csv:"-" field:"nth" is:"integer"`

	Tag          string `csv:"-" field:"tag" is:"exact"`
	Attribute    string `csv:"-" field:"attribute" is:"exact"`
	ValueType    string `csv:"-" field:"value_type" is:"word"`
	ValueSource  string `csv:"-" field:"value_source" is:"exact"`
	Field        string `csv:"-" field:"field" is:"exact"`
	Value        string `csv:"-" field:"value" is:"any"`
	Disabled     string `csv:"-" field:"disabled" is:"truth"`
	Deleted      string `csv:"-" field:"deleted" is:"truth"`
	MergedInto   string `csv:"-" field:"merged_into" is:"id" names:"customer"`
	MergedFrom   string `csv:"-" field:"merged_from" is:"id" names:"customer"`
	MergedSource string `csv:"-" field:"merged_source" is:"exact"`
	Place        string `csv:"-" field:"place" is:"integer"`

	By string `csv:"-" field:"by" is:"exact"`
	At string `csv:"-" field:"at" is:"time" rule:"required"`

	Forms map[Dataset]*Fields // made when the first field of such a record is met
}

func (r *editRow) record(c *cells) Record {
	var of []string
	for _, ds := range editable() {
		of = append(of, string(ds))
	}
	e := &Edit{
		Of: Dataset(c.word(&r.Of, of...)), Nth: parsed(c, &r.Nth, parseInteger),
		Tag: r.Tag, Attribute: r.Attribute, ValueType: r.ValueType, ValueSource: r.ValueSource, Field: r.Field, Value: editValue(r.Value),
		Disabled: parsed(c, &r.Disabled, ParseBool), Deleted: parsed(c, &r.Deleted, ParseBool),
		Into: c.id(&r.MergedInto), From: c.id(&r.MergedFrom), OtherSource: r.MergedSource, Place: parsed(c, &r.Place, parseInteger),
		By: r.By, At: c.past(&r.At),
	}
	if e.Nth < 0 || e.Nth > maxNth {
		c.fail(&r.Nth, invalid(CodeOutOfRange, "The number of a record among equal ones is from 1 to %d.", maxNth))
	}
	if c.problem == nil {
		e.Record = r.identity(c, e.Of)
	}
	if c.problem == nil {
		r.checkWhat(c, e)
	}
	if c.problem == nil && e.Field != "" && e.Value.Type != Null {
		e.Given = r.given(c, e)
	}
	return e
}

// maxNth limits [Edit.Nth]: imports refuse more equal rows than that.
const maxNth = 10_000

// identity makes the record that holds what identifies the edited one.
func (r *editRow) identity(c *cells, of Dataset) Record {
	switch of { //nolint:exhaustive // only editable datasets come here; what stands below the switch is for transactions
	case Customers:
		c.need(&r.CustomerExternalID)
		return &Customer{ExternalID: c.id(&r.CustomerExternalID)}
	case Plans:
		p := &Plan{ExternalID: c.id(&r.PlanExternalID), Name: r.Name, IntervalCount: parsed(c, &r.IntervalCount, parseInteger), IntervalUnit: r.IntervalUnit}
		if p.ExternalID == "" {
			c.need(&r.Name)
			c.need(&r.IntervalCount)
			c.need(&r.IntervalUnit)
		}
		return p
	case Invoices:
		c.need(&r.InvoiceExternalID)
		return &Invoice{ExternalID: c.id(&r.InvoiceExternalID)}
	case LineItems:
		c.need(&r.InvoiceExternalID)
		l := &LineItem{
			InvoiceExternalID: c.id(&r.InvoiceExternalID), ExternalID: c.id(&r.ExternalID), Type: c.word(&r.Type, Subscription, OneTime),
			SubscriptionExternalID: c.id(&r.SubscriptionExternalID), PlanExternalID: c.id(&r.PlanExternalID),
			ServicePeriodStart: c.time(&r.ServicePeriodStart), Description: r.Description,
		}
		if l.ExternalID == "" {
			c.need(&r.Type)
		}
		return l
	}
	c.need(&r.InvoiceExternalID)
	t := &Transaction{
		InvoiceExternalID: c.id(&r.InvoiceExternalID), ExternalID: c.id(&r.ExternalID),
		Type: c.word(&r.Type, Payment, Refund), Result: c.word(&r.Result, Successful, Failed), Date: c.time(&r.Date),
	}
	if t.ExternalID == "" {
		c.need(&r.Type)
		c.need(&r.Result)
		c.need(&r.Date)
	}
	return t
}

// checkWhat checks that the line says one thing, which can be done to records of its dataset.
func (r *editRow) checkWhat(c *cells, e *Edit) {
	said := []bool{e.Tag != "", e.Attribute != "", e.Into != "", e.From != "", e.Disabled, e.Deleted, e.Field != ""}
	what := slices.Index(said, true)
	const marks, field = 4, 6
	switch {
	case what < 0, slices.Contains(said[what+1:], true):
		c.problem = &Problem{Code: CodeWhichEdit, Message: "A line holds one edit: tag, attribute, field, disabled, deleted, merged_into or merged_from."}
	case what < marks && e.Of != Customers:
		c.problem = &Problem{Code: CodeUnknownEdit, Message: "Only customers have tags, attributes and merges."}
	case what >= marks && what < field && (e.Of == Customers || e.Of == Plans):
		c.problem = &Problem{Code: CodeUnknownEdit, Message: "Only invoices, line items and transactions can be disabled or deleted by hand."}
	case what == field:
		r.checkField(c, e)
	case e.Attribute != "":
		c.need(&r.Value)
	}
}

func (r *editRow) checkField(c *cells, e *Edit) {
	if e.Field == "custom_attributes" {
		c.fail(&r.Field, invalid(CodeUnknownEdit, "Each custom attribute is an edit of its own: give its name as attribute, and its value."))
	}
	if slices.Contains([]string{"external_id", "customer_external_id", "invoice_external_id"}, e.Field) {
		c.fail(&r.Field, invalid(CodeUnknownEdit, "This field identifies the record, and can't be changed."))
	}
	if !slices.ContainsFunc(FieldsOf(e.Of), func(f Field) bool { return f.Name == e.Field }) {
		c.fail(&r.Field, invalid(CodeUnknownField, "The dataset of the record has no field of this name."))
	}
	c.need(&r.Value)
}

// given makes [Edit.Given]: it reads the new value as if it stood in a row of the dataset.
func (r *editRow) given(c *cells, e *Edit) Record {
	f := r.Forms[e.Of]
	if f == nil {
		f, _ = NewFields(e.Of) // a dataset that there is
		if r.Forms == nil {
			r.Forms = map[Dataset]*Fields{}
		}
		r.Forms[e.Of] = f
	}
	f.Begin()
	p := f.Set(e.Field, e.Value.Type, e.Value.Text)
	f.reader.start(c.now)
	rec := f.row.record(&f.reader)
	if p == nil && f.reader.problem != nil && f.reader.problem.Column == e.Field { // else the row lacks other fields
		p = f.reader.problem
	}
	if p != nil {
		c.problem = &Problem{Column: "value", Code: p.Code, Message: p.Message}
	}
	return rec
}

// editValue reads the cell of a value: a letter for its type, then its text.
func editValue(cell string) EditValue {
	if cell == "" {
		return EditValue{}
	}
	return EditValue{ValueType(cell[0] - '0'), cell[1:]}
}

// cell is the cell of a value that is given, also of null.
func (v EditValue) cell() string {
	if v.Type == Null {
		return string([]byte{'0'}) + "null"
	}
	return string([]byte{'0' + byte(v.Type)}) + v.Text
}

// JSON returns how the cell of a value is written in a line: as a text, or as it stands.
func (v EditValue) JSON() (text string, quoted bool) { return v.Text, v.Type == Text }

// ReadValue reads the cell of a field that may hold any value, as [Speller.Spell] returns it.
func ReadValue(cell string) EditValue { return editValue(cell) }

func (r *editRow) fill(rec Record) {
	e, _ := rec.(*Edit)
	*r = editRow{
		Of: string(e.Of), Nth: spellSome(e.Nth), Tag: e.Tag, Attribute: e.Attribute, ValueType: e.ValueType, ValueSource: e.ValueSource, Field: e.Field,
		Disabled: spellTruth(e.Disabled), Deleted: spellTruth(e.Deleted), MergedInto: e.Into, MergedFrom: e.From, MergedSource: e.OtherSource,
		Place: spellSome(e.Place), By: e.By, At: spellTime(e.At), Forms: r.Forms,
	}
	if e.Field != "" || e.Attribute != "" {
		r.Value = e.Value.cell()
	}
	switch of := e.Record.(type) {
	case *Customer:
		r.CustomerExternalID = of.ExternalID
	case *Plan:
		if r.PlanExternalID = of.ExternalID; of.ExternalID == "" {
			r.Name, r.IntervalCount, r.IntervalUnit = of.Name, spellInteger(of.IntervalCount), of.IntervalUnit
		}
	case *Invoice:
		r.InvoiceExternalID = of.ExternalID
	case *LineItem:
		r.InvoiceExternalID, r.ExternalID = of.InvoiceExternalID, of.ExternalID
		if of.ExternalID == "" {
			r.Type, r.SubscriptionExternalID, r.PlanExternalID = of.Type, of.SubscriptionExternalID, of.PlanExternalID
			r.ServicePeriodStart, r.Description = spellTime(of.ServicePeriodStart), of.Description
		}
	case *Transaction:
		r.InvoiceExternalID, r.ExternalID = of.InvoiceExternalID, of.ExternalID
		if of.ExternalID == "" {
			r.Type, r.Result, r.Date = of.Type, of.Result, spellTime(of.Date)
		}
	}
}

// FieldValue returns the value of a field of a record as NDJSON has it; Null if it is not given.
func (s *Speller) FieldValue(r Record, field string) EditValue {
	s.row.fill(r)
	for _, c := range s.reader.columns {
		if c.name == field && *c.cell != "" {
			return EditValue{typeOf(c.is), *c.cell}
		}
	}
	return EditValue{}
}
