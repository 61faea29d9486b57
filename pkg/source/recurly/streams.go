package recurly

import (
	"net/url"

	"reseed/pkg/source/system"
)

// pageSize is the largest page that Recurly gives.
const pageSize = "200"

// The streams, in the order in which they are read. Lines are a stream of their own only of invoices that have more of them than
// Recurly shows in the invoice; then all are read. Transactions are never read by themselves: invoices show all of theirs.
const (
	Accounts      system.Stream = "accounts"
	Plans         system.Stream = "plans"
	AddOns        system.Stream = "add_ons"
	Subscriptions system.Stream = "subscriptions"
	Invoices      system.Stream = "invoices"
	Lines         system.Stream = "line_items"
	Transactions  system.Stream = "transactions"
)

// list is how a stream is read.
type list struct {
	stream  system.Stream
	path    string
	catalog bool // not of one account
}

func lists() []list {
	return []list{
		{stream: Accounts, path: "/accounts"},
		{stream: Plans, path: "/plans", catalog: true},
		{stream: AddOns, path: "/add_ons", catalog: true},
		{stream: Subscriptions, path: "/subscriptions"},
		{stream: Invoices, path: "/invoices"},
	}
}

// at is the path of the list, of everything or of one account.
func (l list) at(customer string) string {
	if customer == "" || l.catalog {
		return l.path
	}
	return accountPath(customer) + l.path
}

// accountPath is where an account is, by its code.
func accountPath(code string) string { return "/accounts/code-" + url.PathEscape(code) }

// linesPath is where the lines of an invoice are.
func linesPath(invoice string) string { return "/invoices/" + url.PathEscape(invoice) + "/line_items" }

// Streams lists the streams whose objects a pull freezes, in the order in which they are read.
func Streams() []system.Stream {
	var all []system.Stream
	for _, l := range lists() {
		all = append(all, l.stream)
	}
	return append(all, Lines)
}
