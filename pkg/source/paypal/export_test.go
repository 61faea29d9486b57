package paypal

import (
	"time"

	"reseed/pkg/source/system"
)

// Shapes are the types into which objects are decoded.
func Shapes() map[system.Stream]any {
	return map[system.Stream]any{Plans: planShape{}, Customers: customerShape{}, Subscriptions: subscriptionShape{}, Payments: paymentShape{}, Events: eventShape{}}
}

// SetMost says how many transactions a page of the search has.
func SetMost(r system.Reader, n int) {
	if r, ok := r.(*reader); ok {
		r.most = n
	}
}

// Later adds an interval to a time.
func Later(t time.Time, count int, unit string) time.Time { return later(t, count, unit) }
