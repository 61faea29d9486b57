package company

import (
	"errors"
	"fmt"
)

// Dataset is one of the files of a company, named like the file without its
// extension.
type Dataset string

// The datasets that [Generate] can write.
const (
	Customers          Dataset = "customers"
	Contacts           Dataset = "contacts"
	Plans              Dataset = "plans"
	Invoices           Dataset = "invoices"
	LineItems          Dataset = "line_items"
	Transactions       Dataset = "transactions"
	SubscriptionEvents Dataset = "subscription_events"
	Cancellations      Dataset = "cancellations"
)

// Layout chooses the header rows.
type Layout string

const (
	// Named is the current layout with the columns Name and Email in the
	// customers file, so that customers can be found by e-mail.
	Named Layout = "named"
	// Current is the sample of 2026: names and e-mails are in contacts only.
	Current Layout = "current"
	// Y2020 is the older sample: no contacts file, and cancellations in place
	// of subscription events.
	Y2020 Layout = "2020"
)

// Format chooses how the files are spelled.
type Format string

const (
	// CSV is the zero value.
	CSV Format = ""
	// NDJSON is one record a line, with the cells of the layout as its fields (docs/FORMATS.md).
	NDJSON Format = "ndjson"
)

// end is the ending of a file.
func (f Format) end() string {
	if f == NDJSON {
		return ".ndjson"
	}
	return ".csv"
}

// Datasets lists the files that a company has in this layout, each after those
// that it refers to; nil for an unknown layout.
func (l Layout) Datasets() []Dataset {
	switch l {
	case Named, Current:
		return []Dataset{Plans, Customers, Contacts, Invoices, LineItems, Transactions, SubscriptionEvents}
	case Y2020:
		return []Dataset{Plans, Customers, Invoices, LineItems, Transactions, Cancellations}
	}
	return nil
}

// The shortest and longest history, in months. In less than a year a yearly plan
// would not fit before the books close.
const (
	minMonths = 12
	maxMonths = 240
)

// Options say how large the company is and how its files look.
type Options struct {
	Seed uint64 // another seed makes another company
	// Customers is how many customers there are; ignored if LineItems is set.
	Customers int
	// LineItems, if above zero, adds customers until there are at least that
	// many line items; the last customer's may exceed it.
	LineItems int
	Months    int    // length of the books, which end with December 2025; 12 to 240
	Layout    Layout // header rows
	Format    Format // of the files
}

func (o Options) check() error {
	if o.Layout.Datasets() == nil {
		return fmt.Errorf("unknown layout %q", o.Layout)
	}
	if o.Format != CSV && o.Format != NDJSON {
		return fmt.Errorf("unknown format %q", o.Format)
	}
	if o.Months < minMonths || o.Months > maxMonths {
		return fmt.Errorf("months must be %d to %d", minMonths, maxMonths)
	}
	if o.Customers < 0 || o.LineItems < 0 {
		return errors.New("customers and line items must not be negative")
	}
	return nil
}
