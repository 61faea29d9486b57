package billing

import (
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"reseed/pkg/fault"
)

// row is the struct of one dataset's columns: string fields with the tags
//
//	csv:"External ID"                the header of the column; "-": CSV files have none
//	field:"external_id"              its name in a record (NDJSON): the same as over REST
//	is:"id"                          what it holds, see [Field]; empty is text
//	rule:"required"                  it must be there and not blank
//	in:"currency"                    the field that names its currency, see [Field]
//	names:"id|customer|plan"         it holds the external id of the row itself, its customer or its plan
//
// record makes a record of the fields, and fill is its opposite: it spells a record as fields from
// which record makes the same record.
type row interface {
	record(c *cells) Record
	fill(r Record)
}

// layout says which row struct a dataset has.
type layout struct {
	dataset Dataset
	becomes Dataset // the dataset as which its rows are stored, if it is another one
	row     func() row
}

//nolint:gochecknoglobals // a constant, except that tests may add to it with AddLayout
var layouts = []layout{
	{dataset: Plans, row: func() row { return &planRow{} }},
	{dataset: Customers, row: func() row { return &customerRow{} }},
	{dataset: Contacts, row: func() row { return &contactRow{} }},
	{dataset: Invoices, row: func() row { return &invoiceRow{} }},
	{dataset: LineItems, row: func() row { return &lineItemRow{} }},
	{dataset: Transactions, row: func() row { return &transactionRow{} }},
	{dataset: Events, row: func() row { return &eventRow{} }},
	{dataset: Cancellations, becomes: Events, row: func() row { return &cancellationRow{} }},
	{dataset: Edits, row: func() row { return &editRow{} }},
}

// Order lists the datasets of records so that each comes after those that it refers to.
func Order() []Dataset {
	return slices.DeleteFunc(Datasets(), func(ds Dataset) bool { return ds == Edits })
}

// Datasets lists what files may hold: the datasets of records, in the order of [Order], and last [Edits].
func Datasets() []Dataset {
	order := make([]Dataset, 0, len(layouts))
	for i := range layouts {
		if layouts[i].dataset != Edits {
			order = append(order, layouts[i].dataset)
		}
	}
	return append(order, Edits)
}

// Becomes returns the dataset as which the rows of ds are stored: Events for Cancellations, ds
// itself for others.
func Becomes(ds Dataset) Dataset {
	for i := range layouts {
		if l := &layouts[i]; l.dataset == ds && l.becomes != "" {
			return l.becomes
		}
	}
	return ds
}

// Row is a pointer to the struct of a test's own dataset. Its columns are string fields with the
// tags of this package; Record makes a record of them, Fill spells a record as them.
type Row interface {
	Record() Record
	Fill(r Record)
}

type addedRow struct{ Row }

func (r addedRow) record(*cells) Record { return r.Record() }
func (r addedRow) fill(rec Record)      { r.Fill(rec) }

// AddLayout adds a dataset that exists only in a test, for the whole process. Call it before
// anything else. The linter forbids it outside tests.
func AddLayout(ds Dataset, newRow func() Row) {
	layouts = append(layouts, layout{dataset: ds, row: func() row { return addedRow{newRow()} }})
}

func newRow(ds Dataset) row {
	for i := range layouts {
		if layouts[i].dataset == ds {
			return layouts[i].row()
		}
	}
	return nil
}

// column is one field of a row struct.
type column struct {
	name     string // its header, or its name in a record
	is       string
	in       string
	names    string
	required bool
	cell     *string // the field itself
}

// columnsOf reads the columns that files have from the tags of a row struct; it is called once per
// layout.
func columnsOf(r row) []column {
	return slices.DeleteFunc(tagged(r, "csv"), func(c column) bool { return c.name == "-" })
}

// fieldsOf reads the fields that records have.
func fieldsOf(r row) []column { return tagged(r, "field") }

// tagged reads the fields of a row struct, named by a tag.
func tagged(r row, by string) []column {
	var of any = r
	if added, ok := r.(addedRow); ok {
		of = added.Row
	}
	v := reflect.ValueOf(of).Elem()
	columns := make([]column, 0, v.NumField())
	for i := range v.NumField() {
		cell, ok := reflect.TypeAssert[*string](v.Field(i).Addr())
		if !ok {
			continue
		}
		tag := v.Type().Field(i).Tag
		columns = append(columns, column{tag.Get(by), tag.Get("is"), tag.Get("in"), tag.Get("names"), tag.Get("rule") == "required", cell})
	}
	return columns
}

func datasetColumns(ds Dataset) []column {
	if r := newRow(ds); r != nil {
		return columnsOf(r)
	}
	return nil
}

// AllColumns lists the columns of all datasets.
func AllColumns() (names []string) {
	for _, ds := range Order() {
		for _, c := range datasetColumns(ds) {
			names = append(names, c.name)
		}
	}
	return names
}

// IsColumn reports whether some dataset has a column or, in NDJSON, a field with this name. A name
// that none has was made up by whoever made the file, and may hold anything.
func IsColumn(name string) bool {
	for _, ds := range Order() {
		r := newRow(ds)
		if r == nil {
			continue
		}
		for _, c := range append(columnsOf(r), fieldsOf(r)...) {
			if c.name == name {
				return true
			}
		}
	}
	return false
}

func columnNaming(ds Dataset, what string) string {
	for _, c := range datasetColumns(ds) {
		if c.names == what {
			return c.name
		}
	}
	return ""
}

// ColumnOf returns the header of the column that holds a field of a record; empty if there is none.
func ColumnOf(ds Dataset, field string) string {
	r := newRow(ds)
	if r == nil {
		return ""
	}
	for _, f := range fieldsOf(r) {
		for _, c := range columnsOf(r) {
			if f.name == field && c.cell == f.cell {
				return c.name
			}
		}
	}
	return ""
}

// ColumnID returns the header of a dataset's own external ids; empty if it has no such column.
func ColumnID(ds Dataset) string { return columnNaming(ds, "id") }

// ColumnPlan is ColumnID for the external ids of the plans that rows refer to.
func ColumnPlan(ds Dataset) string { return columnNaming(ds, "plan") }

// form is a dataset's row struct, to be filled and judged row by row. It reuses its memory: one
// goroutine at a time may use it.
type form struct {
	dataset  Dataset
	row      row
	reader   cells
	required []*string // those that must not be blank
	id       column    // holds the external id of the row itself, if there is one
	customer column    // holds the external id of the customer that the row is or names, if there is one
	others   []column  // those that hold external ids of customers, too
}

// newForm makes a form; columns says which of the struct's fields count.
func newForm(ds Dataset, columns func(row) []column) (form, error) {
	r := newRow(ds)
	if r == nil {
		return form{}, invalid("unknown_dataset", "There is no dataset of this name; the datasets are %v.", Order())
	}
	f := form{dataset: ds, row: r, reader: cells{columns: columns(r)}}
	for _, c := range f.reader.columns {
		if c.required {
			f.required = append(f.required, c.cell)
		}
		if c.names == "id" {
			f.id = c
		}
		switch {
		case c.names != "customer" && (c.names != "id" || ds != Customers):
		case f.customer.cell == nil:
			f.customer = c
		default:
			f.others = append(f.others, c)
		}
	}
	return f, nil
}

// judge makes a record of the filled row, or says why that cannot be. The record is valid until the
// row is filled again.
func (f *form) judge() (Record, *Problem) {
	c := &f.reader
	if c.problem != nil {
		return nil, c.problem
	}
	for _, cell := range f.required {
		if *cell == "" {
			c.fail(cell, errBlank())
			return nil, c.problem
		}
	}
	rec := f.row.record(c)
	if c.problem != nil {
		return nil, c.problem
	}
	return rec, nil
}

// Values say how the cells of a table write their values. The zero value is how docs/FORMATS.md says.
type Values struct {
	DateFormat   string // such as DD.MM.YYYY; empty: ISO 8601
	Units        bool   // amounts are in units of their currency, such as 12.50
	DecimalComma bool
	VerbatimIDs  bool // ids are taken as they are, even if a spreadsheet seems to have damaged them
}

// Layout is one file's header laid over a dataset's columns. It reuses its
// memory from row to row: one goroutine at a time may use it.
type Layout struct {
	form

	cells   []*string // where the file's n-th cell goes; nil for an unknown column
	unknown []string
}

// NewLayout is [Header.Layout] of a header without a mapping.
func NewLayout(ds Dataset, header []string, values Values) (*Layout, error) {
	h, err := NewHeader(header, nil)
	if err != nil {
		return nil, err
	}
	return h.Layout(ds, values)
}

// Layout lays a header over a dataset. It is fault.Invalid when a required column is missing
// (missing_column), two columns are the same known one (duplicate_header), or the dataset lacks a
// column of the mapping (bad_map); Param is the column, or map. It also returns the error of
// [CheckDateFormat].
func (h Header) Layout(ds Dataset, values Values) (*Layout, error) {
	f, err := newForm(ds, columnsOf)
	if err != nil {
		return nil, err
	}
	s, _ := sheetOf(ds)
	if err := h.checkMapping(s); err != nil {
		return nil, err
	}
	if f := h.fit(s); len(f.missing) > 0 {
		return nil, h.missingColumn(f)
	}
	spelling := &spelling{values: values}
	if values.DateFormat != "" {
		if spelling.dates, err = compileDates(values.DateFormat); err != nil {
			return nil, err
		}
	}
	f.reader.spelling = spelling
	l := &Layout{form: f, cells: make([]*string, len(h.names))}
	for i, key := range h.keys {
		at := s.column(key)
		switch {
		case at < 0 && h.names[i] == "":
		case at < 0:
			l.unknown = append(l.unknown, h.names[i])
		case slices.Index(h.keys, key) != i:
			return nil, duplicateHeader(h.names[slices.Index(h.keys, key)], h.names[i])
		default:
			l.cells[i] = f.reader.columns[at].cell
		}
	}
	for _, c := range h.constants {
		*f.reader.columns[s.column(c.key)].cell = c.value // no row writes there
	}
	return l, nil
}

func duplicateHeader(first, second string) error {
	return &fault.Error{
		Kind: fault.Invalid, Code: CodeDuplicateHeader, Param: second,
		Message: "The columns " + quote(first) + " and " + quote(second) + " have the same name; rename or remove one of them.",
	}
}

// Customers returns the external id of the customer that the row of the last record is or names,
// even if the row has a problem; also as it is written, if it is read otherwise. It is empty if the
// dataset names none.
func (l *Layout) Customers() (ids []string) {
	if l.customer.cell == nil {
		return nil
	}
	ids = append(ids, *l.customer.cell)
	for _, id := range l.reader.spelling.wrapped {
		if id.cell == l.customer.cell {
			ids = append(ids, id.written)
		}
	}
	return ids
}

// Needs is how many cells a row must have to reach all that must not be blank.
func (l *Layout) Needs() (n int) {
	for i, cell := range l.cells {
		if cell != nil && slices.Contains(l.required, cell) {
			n = i + 1
		}
	}
	return n
}

// Dataset returns the dataset of the file's rows.
func (l *Layout) Dataset() Dataset { return l.dataset }

// Unknown lists the file's columns that the dataset does not have. They are ignored.
func (l *Layout) Unknown() []string { return l.unknown }

// Record turns the cells of one row into a validated record, or says why it cannot. A date later
// than now lies in the future. The record is valid until the next call; its strings stay valid.
func (l *Layout) Record(fields []string, now time.Time) (Record, *Problem) {
	l.reader.start(now)
	l.fill(fields)
	return l.judge()
}

// Verbatim returns the record of the row that was read last as [Values].VerbatimIDs makes it, if an
// id in it is written like ="00123"; nil if no id is. The record that Record has returned is no
// longer valid then.
func (l *Layout) Verbatim() Record {
	s := l.reader.spelling
	if len(s.wrapped) == 0 {
		return nil
	}
	for _, id := range s.wrapped {
		*id.cell = id.written
	}
	said, digits := s.remarks, s.digits
	s.remarks, s.digits = nil, nil // this row is among them already
	rec, _ := l.judge()
	s.remarks, s.digits = said, digits
	return rec
}

// IDOf returns the external id of a row itself, whatever is wrong with the row; empty if it has
// none.
func (l *Layout) IDOf(fields []string) string {
	for i, cell := range l.cells {
		if cell != nil && cell == l.id.cell && i < len(fields) {
			id := trimCell(fields[i])
			if inner, ok := textFormula(id); ok && !l.reader.spelling.values.VerbatimIDs {
				return inner
			}
			return id
		}
	}
	return ""
}

// fill puts the trimmed cells into the row struct; a short row leaves the rest blank.
func (l *Layout) fill(fields []string) {
	for i, cell := range l.cells {
		switch {
		case cell == nil:
		case i < len(fields):
			if *cell = fields[i]; !isPlain(*cell) {
				*cell = l.reader.shown(cell, trimCell(*cell))
			}
		default:
			*cell = ""
		}
	}
}

// trim is strings.TrimSpace. It is faster for the usual value, which needs no trimming.
func trim(s string) string {
	if s == "" || isInk(s[0]) && isInk(s[len(s)-1]) {
		return s
	}
	return strings.TrimSpace(s)
}

// trimCell is trim for cells, at whose ends other programs also leave characters without a width.
func trimCell(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		switch r {
		case '\u00ad', '\u200b', '\u2060', '\ufeff': // soft hyphen, zero-width spaces, byte order mark
			return true
		}
		return unicode.IsSpace(r)
	})
}

// isPlain reports whether a cell needs neither trimming nor a look at how it begins (see shown), as
// nearly every cell.
func isPlain(s string) bool {
	return s == "" || isInk(s[0]) && s[0] != '#' && s[0] != '=' && s[0] != '\'' && isInk(s[len(s)-1])
}

// isInk reports whether c is a printable ASCII character other than the space.
func isInk(c byte) bool { return c > ' ' && c <= '~' }
