package chargify

import (
	"net/url"
	"strconv"

	"reseed/pkg/source/system"
)

// pageSize is the largest page that Chargify gives.
const pageSize = 200

// The streams, in the order in which they are read.
const (
	Customers     system.Stream = "customers"
	Metadata      system.Stream = "metadata" // of customers
	Products      system.Stream = "products"
	PricePoints   system.Stream = "products_price_points"
	Components    system.Stream = "components"
	Subscriptions system.Stream = "subscriptions"
	Events        system.Stream = "events" // of subscriptions
	Invoices      system.Stream = "invoices"
	InvoiceEvents system.Stream = "invoice_events"
	CreditNotes   system.Stream = "credit_notes"
)

// Streams lists the streams whose objects a pull freezes, in the order in which they are read.
func Streams() []system.Stream {
	var all []system.Stream
	for _, l := range lists() {
		all = append(all, l.stream)
	}
	return all
}

// paging is how the pages of a list follow each other.
type paging byte

const (
	byNumber paging = iota // pages are numbered; what is gone moves all that is behind it
	byTime                 // from the time at which the last object of a page was created; nothing moves
	byID                   // behind the id of the last object of a page; nothing moves
	whole                  // there is one page
)

// list is how a stream is read.
type list struct {
	stream  system.Stream
	path    string
	query   url.Values
	paging  paging
	wrapper string // each object stands in an object under this name
	inner   string // the list stands in an object under this name
	catalog bool   // it is not of one customer
	// how a pull of one customer reads it
	customer string // parameter that names the customer
	of       string // path for each subscription, or parameter that names it
}

func lists() []list {
	return []list{
		{stream: Customers, path: "/customers.json", query: url.Values{"direction": {"asc"}}, paging: byTime, wrapper: "customer"},
		{stream: Metadata, path: "/customers/metadata.json", query: url.Values{"direction": {"asc"}}, inner: "metadata", customer: "resource_ids[]"},
		{stream: Products, path: "/products.json", query: url.Values{"include_archived": {"true"}}, wrapper: "product", catalog: true},
		{stream: PricePoints, path: "/products_price_points.json", query: url.Values{"direction": {"asc"}}, inner: "price_points", catalog: true},
		{stream: Components, path: "/components.json", query: url.Values{"include_archived": {"true"}}, wrapper: "component", catalog: true},
		{stream: Subscriptions, path: "/subscriptions.json", query: url.Values{"direction": {"asc"}, "sort": {"created_at"}}, paging: byTime, wrapper: "subscription"},
		{
			stream: Events, path: "/events.json", query: url.Values{"direction": {"asc"}, "filter": {"subscription_state_change,pending_cancellation_change"}},
			paging: byID, wrapper: "event", of: "/subscriptions/%s/events.json",
		},
		{
			stream: Invoices, path: "/invoices.json", paging: byTime, inner: "invoices", customer: "customer_ids",
			query: url.Values{
				"direction": {"asc"}, "sort": {"created_at"}, "line_items": {"true"}, "discounts": {"true"}, "taxes": {"true"}, "credits": {"true"}, "payments": {"true"}, "refunds": {"true"},
			},
		},
		{
			stream: InvoiceEvents, path: invoiceEventsPath, paging: byID, inner: "events",
			query: url.Values{"event_types": {"refund_invoice,failed_payment,change_chargeback_status"}},
		},
		{
			stream: CreditNotes, path: "/credit_notes.json", inner: "credit_notes", of: "subscription_id",
			query: url.Values{"line_items": {"true"}, "discounts": {"true"}, "taxes": {"true"}, "refunds": {"true"}, "applications": {"true"}},
		},
	}
}

const invoiceEventsPath = "/invoices/events.json"

// customerPath is where a customer is.
func customerPath(id string) string { return "/customers/" + id + ".json" }

// subscriptionsPath is where all subscriptions of a customer are.
func subscriptionsPath(customer string) string {
	return "/customers/" + customer + "/subscriptions.json"
}

// isID reports whether a text may be the id of a customer.
func isID(s string) bool {
	n, err := strconv.ParseUint(s, 10, 63)
	return err == nil && strconv.FormatUint(n, 10) == s
}
