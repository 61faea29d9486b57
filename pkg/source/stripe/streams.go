package stripe

import (
	"net/url"

	"reseed/pkg/source/system"
)

// Version is the version of Stripe's API that requests ask for, whatever the account's own is.
const Version = "2026-03-25.dahlia"

// pageSize is the largest page that Stripe gives.
const pageSize = "100"

// fewCharges is how many charges of one customer are a page: for each of them there are requests, and a page is to take seconds.
const fewCharges = "10"

// The streams, in the order in which they are read. Lists that stand inside another object are read as streams of their
// own only as far as they are longer than Stripe shows them there.
const (
	Customers       system.Stream = "customers"
	Products        system.Stream = "products"
	Prices          system.Stream = "prices"
	Subscriptions   system.Stream = "subscriptions"
	Items           system.Stream = "subscription_items"
	Invoices        system.Stream = "invoices"
	Lines           system.Stream = "invoice_lines"
	Payments        system.Stream = "invoice_payments"
	CreditNotes     system.Stream = "credit_notes"
	CreditNoteLines system.Stream = "credit_note_lines"
	Charges         system.Stream = "charges"
	Refunds         system.Stream = "refunds"
	Disputes        system.Stream = "disputes"
)

// list is how a stream is read that is not part of another one.
type list struct {
	stream system.Stream
	path   string
	query  url.Values // besides those of paging
	long   *part      // may be long in many objects: cursors lead through it
	short  []part     // hardly ever longer than an object shows
	// how one customer's are read: with the parameter customer, or each after the charges that it names in part; neither
	// for what is no customer's
	customers bool
	charges   bool
}

func (l list) parts() []part {
	if l.long == nil {
		return l.short
	}
	return append([]part{*l.long}, l.short...)
}

// part is a list inside the objects of another one.
type part struct {
	field  string        // of the object
	stream system.Stream // of what the object does not show
	path   string        // of the whole list; %s stands for the id of the object
	param  string        // of the query that takes the id, if the path does not
	apart  bool          // its objects are not read as parts in a pull of everything
}

func lists() []list {
	return []list{
		{stream: Customers, path: "/v1/customers"},
		{stream: Products, path: "/v1/products"},
		{stream: Prices, path: "/v1/prices"},
		{stream: Subscriptions, path: "/v1/subscriptions", customers: true, query: url.Values{"status": {"all"}}, short: []part{
			{field: "items", stream: Items, path: "/v1/subscription_items", param: "subscription"},
		}},
		{stream: Invoices, path: "/v1/invoices", customers: true, query: url.Values{"expand[]": {"data.payments"}}, long: &part{field: "lines", stream: Lines, path: "/v1/invoices/%s/lines"}, short: []part{
			{field: "payments", stream: Payments, path: "/v1/invoice_payments", param: "invoice"},
		}},
		{stream: CreditNotes, path: "/v1/credit_notes", customers: true, long: &part{field: "lines", stream: CreditNoteLines, path: "/v1/credit_notes/%s/lines"}},
		{stream: Charges, path: "/v1/charges", customers: true},
		{stream: Refunds, path: "/v1/refunds", charges: true},
		{stream: Disputes, path: "/v1/disputes", charges: true},
	}
}

// ofCharge are the lists of what belongs to a charge.
func ofCharge() []part {
	var all []part
	for _, l := range lists() {
		if l.charges {
			all = append(all, part{stream: l.stream, path: l.path, param: "charge", apart: true})
		}
	}
	return all
}

// Streams lists the streams in the order in which they are read.
func Streams() []system.Stream {
	var all []system.Stream
	for _, l := range lists() {
		all = append(all, l.stream)
		for _, p := range l.parts() {
			all = append(all, p.stream)
		}
	}
	return all
}
