package braintree

import "reseed/pkg/source/system"

// Shapes are the types into which objects are decoded.
func Shapes() map[system.Stream]any {
	return map[system.Stream]any{Plans: planShape{}, Customers: customerShape{}, Subscriptions: subscriptionShape{}, Transactions: transactionShape{}}
}

// Decode reads a document.
func Decode(body []byte) (string, any, error) { return decode(body) }

// SetMost says how many ids a search may find.
func SetMost(r system.Reader, n int) {
	if r, ok := r.(*reader); ok {
		r.most = n
	}
}
