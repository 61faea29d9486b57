package stripe

import (
	"reflect"

	"reseed/pkg/source/system"
)

// Shapes are the types into which objects are decoded.
func Shapes() map[system.Stream]any {
	return map[system.Stream]any{
		Customers: customerShape{}, Products: productShape{}, Prices: priceShape{}, Subscriptions: subscriptionShape{}, Items: itemShape{}, Invoices: invoiceShape{},
		Lines: lineShape{}, Payments: paymentShape{}, CreditNotes: creditNoteShape{}, Charges: chargeShape{}, Refunds: refundShape{}, Disputes: disputeShape{},
	}
}

// IsRef reports whether a type names another object.
func IsRef(t reflect.Type) bool { return t == reflect.TypeFor[ref]() }

// IsList reports whether a type is a list inside an object.
func IsList(t reflect.Type) bool {
	return t == reflect.TypeFor[*sublist[itemShape]]() || t == reflect.TypeFor[*sublist[lineShape]]() || t == reflect.TypeFor[*sublist[paymentShape]]()
}
