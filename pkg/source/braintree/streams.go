package braintree

import "reseed/pkg/source/system"

// The streams, in the order in which they are read. A payment method is part of a customer, and leads from its subscriptions to it.
const (
	Plans          system.Stream = "plans"
	Customers      system.Stream = "customers"
	PaymentMethods system.Stream = "payment_methods"
	Subscriptions  system.Stream = "subscriptions"
	Transactions   system.Stream = "transactions"
)

// most is how many ids a search may find. If it finds as many, any others may be missing. Braintree's pages say 10,000, 20,000 and 50,000 for
// different objects; the least of them is right for all.
const most = 10_000

// pageSize is how many objects Braintree gives at once.
const pageSize = 50

// list is a stream that is searched.
type list struct {
	stream system.Stream
	item   string // name of the element that is one object
	page   string // name of the element that is a page
}

func subscriptions() list {
	return list{stream: Subscriptions, item: "subscription", page: "subscriptions"}
}

func lists() []list {
	return []list{
		{stream: Customers, item: "customer", page: "customers"},
		subscriptions(),
		{stream: Transactions, item: "transaction", page: "credit_card_transactions"},
	}
}
