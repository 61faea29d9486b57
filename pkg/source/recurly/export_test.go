package recurly

import (
	"encoding/json"
	"reflect"

	"reseed/pkg/source/system"
)

// Shapes are the types into which objects are decoded.
func Shapes() map[system.Stream]any {
	return map[system.Stream]any{
		Accounts: accountShape{}, Plans: planShape{}, AddOns: addOnShape{}, Subscriptions: subscriptionShape{}, Invoices: invoiceShape{}, Lines: lineShape{},
		Transactions: transactionShape{},
	}
}

// IsValue reports whether a type has no fields of its own that are mapped.
func IsValue(t reflect.Type) bool {
	return t == reflect.TypeFor[system.Moment]() || t == reflect.TypeFor[json.RawMessage]()
}
