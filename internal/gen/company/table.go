package company

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
)

// The header rows, in the exact order and spelling of ChartMogul's samples.
const (
	customersHeader2020 = "Name,Email,Company,Country,State,City,Zip,External ID,Lead created at,Free trial started at"
	customersHeader     = "Company,Country,State,City,Zip,External ID,Lead created at,Free trial started at"
	contactsHeader      = "Customer External ID,First name,Last name,Email,Position,Title,Phone,LinkedIn,Twitter,Note"
	plansHeader         = "Name,Interval count,Interval unit,Plan ID"
	invoicesHeader2020  = "Customer external ID,Invoice external ID,Invoiced date,Due date,Currency"
	invoicesHeader      = "Customer external ID,Invoice external ID,Invoiced date,Due Date,Currency"
	lineItemsHeader2020 = "Invoice external ID,External ID,Subscription external ID,Subscription set external ID,Type,Amount in cents,Plan," +
		"Service period start,Service period end,Quantity,Proration,Discount code,Discount amount,Tax amount,Description,Transaction fee,Account Code"
	lineItemsHeader     = lineItemsHeader2020 + ",Transaction fees currency,Discount description,Event order,Balance transfer,Proration type"
	transactionsHeader  = "Invoice external ID,External ID,Type,Result,Date"
	eventsHeader        = "Customer external ID,Subscription external ID,External ID,Event Type,Retracted event ID,Date,Effective Date,Plan external ID,Currency,Amount in Cents,Quantity"
	cancellationsHeader = "Subscription external ID,Customer external ID,Date"
)

// header returns the header row of a dataset of the layout.
func (l Layout) header(d Dataset) string {
	old := l == Y2020
	switch d {
	case Customers:
		return choose(l != Current, customersHeader2020, customersHeader)
	case Contacts:
		return contactsHeader
	case Plans:
		return plansHeader
	case Invoices:
		return choose(old, invoicesHeader2020, invoicesHeader)
	case LineItems:
		return choose(old, lineItemsHeader2020, lineItemsHeader)
	case Transactions:
		return transactionsHeader
	case SubscriptionEvents:
		return eventsHeader
	case Cancellations:
		return cancellationsHeader
	}
	return ""
}

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// table is one file being written. A nil table ignores its rows: its file is not
// written.
type table struct {
	out     *csv.Writer
	records *recordWriter // in place of out
	rows    int64
	err     error // the first error; nothing is written after it
}

func newTable(w io.Writer, d Dataset, o Options) *table {
	header := strings.Split(o.Layout.header(d), ",")
	if o.Format == NDJSON {
		return &table{records: newRecordWriter(w, d, header)}
	}
	t := &table{out: csv.NewWriter(w)}
	t.err = t.out.Write(header)
	return t
}

// add writes one record.
func (t *table) add(cells ...string) {
	if t == nil || t.err != nil {
		return
	}
	t.rows++
	if t.records != nil {
		t.err = t.records.write(cells)
		return
	}
	t.err = t.out.Write(cells)
}

// finish writes what is buffered and returns the first error.
func (t *table) finish() error {
	if t.records != nil {
		return errors.Join(t.err, t.records.out.Flush())
	}
	t.out.Flush()
	if t.err == nil {
		t.err = t.out.Error()
	}
	return t.err
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// numberUnlessZero is blank for zero: the samples leave some amounts blank.
func numberUnlessZero(n int64) string {
	if n == 0 {
		return ""
	}
	return number(n)
}
