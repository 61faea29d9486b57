package stripe

import (
	"encoding/json"
	"net/url"
)

// Version is the version of Stripe's API that requests ask for, whatever the account's own is.
const Version = "2026-03-25.dahlia"

// pageSize is the largest page that Stripe gives.
const pageSize = "100"

// Stream is a kind of objects that are read together.
type Stream string

// The streams, in the order in which they are read. Lists that stand inside another object are read as streams of their
// own only as far as they are longer than Stripe shows them there.
const (
	Customers       Stream = "customers"
	Products        Stream = "products"
	Prices          Stream = "prices"
	Subscriptions   Stream = "subscriptions"
	Items           Stream = "subscription_items"
	Invoices        Stream = "invoices"
	Lines           Stream = "invoice_lines"
	Payments        Stream = "invoice_payments"
	CreditNotes     Stream = "credit_notes"
	CreditNoteLines Stream = "credit_note_lines"
	Charges         Stream = "charges"
	Refunds         Stream = "refunds"
	Disputes        Stream = "disputes"
)

// list is how a stream is read that is not part of another one.
type list struct {
	stream Stream
	path   string
	query  url.Values // besides those of paging
	long   *part      // may be long in many objects: cursors lead through it
	short  []part     // hardly ever longer than an object shows
}

func (l list) parts() []part {
	if l.long == nil {
		return l.short
	}
	return append([]part{*l.long}, l.short...)
}

// part is a list inside the objects of another one.
type part struct {
	field  string // of the object
	stream Stream // of what the object does not show
	path   string // of the whole list; %s stands for the id of the object
	param  string // of the query that takes the id, if the path does not
}

func lists() []list {
	return []list{
		{stream: Customers, path: "/v1/customers"},
		{stream: Products, path: "/v1/products"},
		{stream: Prices, path: "/v1/prices"},
		{stream: Subscriptions, path: "/v1/subscriptions", query: url.Values{"status": {"all"}}, short: []part{
			{field: "items", stream: Items, path: "/v1/subscription_items", param: "subscription"},
		}},
		{stream: Invoices, path: "/v1/invoices", query: url.Values{"expand[]": {"data.payments"}}, long: &part{field: "lines", stream: Lines, path: "/v1/invoices/%s/lines"}, short: []part{
			{field: "payments", stream: Payments, path: "/v1/invoice_payments", param: "invoice"},
		}},
		{stream: CreditNotes, path: "/v1/credit_notes", long: &part{field: "lines", stream: CreditNoteLines, path: "/v1/credit_notes/%s/lines"}},
		{stream: Charges, path: "/v1/charges"},
		{stream: Refunds, path: "/v1/refunds"},
		{stream: Disputes, path: "/v1/disputes"},
	}
}

// Streams lists the streams in the order in which they are read.
func Streams() []Stream {
	var all []Stream
	for _, l := range lists() {
		all = append(all, l.stream)
		for _, p := range l.parts() {
			all = append(all, p.stream)
		}
	}
	return all
}

// Object is an object as Stripe sent it. A pull freezes objects as lines of JSON.
type Object struct {
	Stream Stream          `json:"stream"`
	Parent string          `json:"parent,omitempty"` // of what was read as the rest of a list: id of the object with the list
	JSON   json.RawMessage `json:"object"`
}

// Belongs says whose an object is: the id of a customer; or else the id of the object that says it, in the
// stream of that. Both are empty for products and prices, and for what belongs to nobody.
type Belongs struct {
	Customer string
	Stream   Stream
	ID       string
}
