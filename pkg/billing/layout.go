package billing

import (
	"reflect"
	"strings"
	"time"

	"reseed/pkg/fault"
)

// row is the struct of one dataset's columns: string fields with a csv tag,
// the header. Two more tags say what a column is:
//
//	rule:"required"                  the column must be there, its cells filled
//	names:"id|customer|invoice|plan" it holds the external id of this
type row interface{ record(c *cells) Record }

// layout is the columns of one dataset.
type layout struct {
	dataset Dataset
	becomes Dataset // what its rows become, if not records of a dataset of that name
	row     func() row
}

//nolint:gochecknoglobals // a constant; only AddLayout, of tests, ever changes it
var layouts = []layout{
	{dataset: Plans, row: func() row { return &planRow{} }},
	{dataset: Customers, row: func() row { return &customerRow{} }},
	{dataset: Contacts, row: func() row { return &contactRow{} }},
	{dataset: Invoices, row: func() row { return &invoiceRow{} }},
	{dataset: LineItems, row: func() row { return &lineItemRow{} }},
	{dataset: Transactions, row: func() row { return &transactionRow{} }},
	{dataset: Events, row: func() row { return &eventRow{} }},
	{dataset: Cancellations, becomes: Events, row: func() row { return &cancellationRow{} }},
}

// Order is the order in which datasets depend on one another.
func Order() []Dataset {
	order := make([]Dataset, len(layouts))
	for i := range layouts {
		order[i] = layouts[i].dataset
	}
	return order
}

// Becomes is the dataset as which the rows of a dataset are stored: Events of Cancellations, else the same.
func Becomes(ds Dataset) Dataset {
	for i := range layouts {
		if l := &layouts[i]; l.dataset == ds && l.becomes != "" {
			return l.becomes
		}
	}
	return ds
}

// Row is a struct of a dataset's columns that makes a record of its cells. The columns are string fields with the tags
// of this package.
type Row interface{ Record() Record }

type addedRow struct{ Row }

func (r addedRow) record(*cells) Record { return r.Record() }

// AddLayout adds a dataset that exists only in a test, for the whole process: call it before anything else. The linter
// keeps it out of what is built.
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
	name     string
	names    string
	required bool
	cell     *string // the field itself
}

// columnsOf reads the tags of a row struct; it is called once per layout.
func columnsOf(r row) []column {
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
		columns = append(columns, column{tag.Get("csv"), tag.Get("names"), tag.Get("rule") == "required", cell})
	}
	return columns
}

func datasetColumns(ds Dataset) []column {
	if r := newRow(ds); r != nil {
		return columnsOf(r)
	}
	return nil
}

// Columns are the headers of a dataset's files, in the order and spelling that an export should use.
func Columns(ds Dataset) []string {
	var names []string
	for _, c := range datasetColumns(ds) {
		names = append(names, c.name)
	}
	return names
}

func columnNaming(ds Dataset, what string) string {
	for _, c := range datasetColumns(ds) {
		if c.names == what {
			return c.name
		}
	}
	return ""
}

// ColumnID is the header of a dataset's own external ids; empty if it has none.
func ColumnID(ds Dataset) string { return columnNaming(ds, "id") }

// ColumnCustomer is the header of the column in which a dataset refers to a customer; empty if it has none.
func ColumnCustomer(ds Dataset) string { return columnNaming(ds, "customer") }

// ColumnInvoice is the header of the column in which a dataset refers to an invoice; empty if it has none.
func ColumnInvoice(ds Dataset) string { return columnNaming(ds, "invoice") }

// ColumnPlan is the header of the column in which a dataset refers to a plan; empty if it has none.
func ColumnPlan(ds Dataset) string { return columnNaming(ds, "plan") }

func sameHeader(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

func position(header []string, name string) int {
	for i, h := range header {
		if sameHeader(h, name) {
			return i
		}
	}
	return -1
}

// fit is how well a header suits a dataset.
type fit struct {
	dataset Dataset
	known   int    // columns that the dataset has
	missing string // the first required column that the header lacks
}

func (f fit) better(o fit) bool {
	if f.known != o.known {
		return f.known > o.known
	}
	return f.missing == "" && o.missing != ""
}

func fitOf(ds Dataset, header []string) fit {
	f := fit{dataset: ds}
	for _, c := range datasetColumns(ds) {
		switch found := position(header, c.name) >= 0; {
		case found:
			f.known++
		case c.required && f.missing == "":
			f.missing = c.name
		}
	}
	return f
}

// Recognise tells whose header a header row is: the dataset that knows most
// of its columns. It is fault.Invalid if none does (unrecognised_header_row),
// or if the dataset it looks like requires a column that is not there (missing_column).
func Recognise(header []string) (Dataset, error) {
	var best fit
	for _, ds := range Order() {
		if f := fitOf(ds, header); f.better(best) {
			best = f
		}
	}
	switch {
	case best.missing == "" && best.known > 0:
		return best.dataset, nil
	case best.known > 1:
		return "", missingColumn(best.dataset, best.missing)
	}
	return "", invalid(CodeUnknownHeader,
		"The first row is not the header of any known file; it must name columns such as %q.", ColumnID(Customers))
}

func missingColumn(ds Dataset, name string) error {
	return &fault.Error{
		Kind: fault.Invalid, Code: CodeMissingColumn, Param: name,
		Message: "The column \"" + name + "\" is missing; a file of " +
			strings.ReplaceAll(string(ds), "_", " ") + " needs it.",
	}
}

// Layout is one file's header laid over a dataset's columns. It reuses its
// memory from row to row: one goroutine at a time may use it.
type Layout struct {
	dataset  Dataset
	row      row
	reader   cells
	cells    []*string // where the file's n-th cell goes; nil for an unknown column
	required []*string // those that must not be blank
	unknown  []string
}

// NewLayout lays a header over a dataset. It is fault.Invalid when a required
// column is missing (missing_column) or a name stands twice (duplicate_header);
// Param is the column.
func NewLayout(ds Dataset, header []string) (*Layout, error) {
	r := newRow(ds)
	if r == nil {
		return nil, invalid("unknown_dataset", "There is no dataset of this name; the datasets are %v.", Order())
	}
	l := &Layout{dataset: ds, row: r, reader: cells{columns: columnsOf(r)}, cells: make([]*string, len(header))}
	if f := fitOf(ds, header); f.missing != "" {
		return nil, missingColumn(ds, f.missing)
	}
	for _, c := range l.reader.columns {
		if c.required {
			l.required = append(l.required, c.cell)
		}
	}
	for i, h := range header {
		if h = strings.TrimSpace(h); h == "" {
			continue
		}
		if position(header, h) != i {
			return nil, &fault.Error{
				Kind: fault.Invalid, Code: CodeDuplicateHeader, Param: h,
				Message: "Two columns have the name " + quote(h) + ".",
			}
		}
		if l.cells[i] = l.find(h); l.cells[i] == nil {
			l.unknown = append(l.unknown, h)
		}
	}
	return l, nil
}

func (l *Layout) find(header string) *string {
	for _, c := range l.reader.columns {
		if sameHeader(c.name, header) {
			return c.cell
		}
	}
	return nil
}

// Dataset is what the file's rows are.
func (l *Layout) Dataset() Dataset { return l.dataset }

// Unknown are the file's columns that the dataset does not have; they are ignored.
func (l *Layout) Unknown() []string { return l.unknown }

// Record turns the cells of one row into a validated record, or says why it
// cannot. now is what "in the future" is measured against. The record is valid
// until the next call; its strings stay so.
func (l *Layout) Record(fields []string, now time.Time) (Record, *Problem) {
	l.fill(fields)
	c := &l.reader
	c.start(now)
	for _, cell := range l.required {
		if *cell == "" {
			c.fail(cell, errBlank())
			return nil, c.problem
		}
	}
	rec := l.row.record(c)
	if c.problem != nil {
		return nil, c.problem
	}
	return rec, nil
}

// fill puts the trimmed cells into the row struct; a short row leaves the rest blank.
func (l *Layout) fill(fields []string) {
	for i, cell := range l.cells {
		switch {
		case cell == nil:
		case i < len(fields):
			*cell = trim(fields[i])
		default:
			*cell = ""
		}
	}
}

// trim is strings.TrimSpace, without a call for what needs no trimming.
func trim(s string) string {
	if s == "" || isInk(s[0]) && isInk(s[len(s)-1]) {
		return s
	}
	return strings.TrimSpace(s)
}

// isInk tells whether c is a printable ASCII character other than the space.
func isInk(c byte) bool { return c > ' ' && c <= '~' }
