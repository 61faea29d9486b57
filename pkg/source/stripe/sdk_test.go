package stripe_test

import (
	"reflect"
	"strings"
	"testing"

	sdk "github.com/stripe/stripe-go/v85"

	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// Every field that is mapped is one of Stripe's own Go package, of the same type; and so is the version of the API.
func TestFieldsAreStripes(t *testing.T) {
	t.Parallel()
	if stripe.Version != sdk.APIVersion {
		t.Errorf("the version is %s, that of Stripe's package %s", stripe.Version, sdk.APIVersion)
	}
	theirs := map[system.Stream]any{
		stripe.Customers: sdk.Customer{}, stripe.Products: sdk.Product{}, stripe.Prices: sdk.Price{}, stripe.Subscriptions: sdk.Subscription{},
		stripe.Items: sdk.SubscriptionItem{}, stripe.Invoices: sdk.Invoice{}, stripe.Lines: sdk.InvoiceLineItem{}, stripe.Payments: sdk.InvoicePayment{},
		stripe.CreditNotes: sdk.CreditNote{}, stripe.Charges: sdk.Charge{}, stripe.Refunds: sdk.Refund{}, stripe.Disputes: sdk.Dispute{},
	}
	fields := 0
	for s, ours := range stripe.Shapes() {
		fields += sameFields(t, string(s), reflect.TypeOf(ours), reflect.TypeOf(theirs[s]))
	}
	if fields < 100 {
		t.Errorf("only %d fields were compared", fields)
	}
}

// sameFields compares two types, and returns how many fields it has compared.
func sameFields(t *testing.T, at string, ours, theirs reflect.Type) (fields int) {
	t.Helper()
	byName := map[string]reflect.Type{}
	for f := range theirs.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		byName[name] = f.Type
	}
	for f := range ours.Fields() {
		name := f.Tag.Get("json")
		is, ok := byName[name]
		if !ok {
			t.Errorf("Stripe has no field %s.%s", at, name)
			continue
		}
		fields++
		fields += sameType(t, at+"."+name, f.Type, is)
	}
	return fields
}

func sameType(t *testing.T, at string, ours, theirs reflect.Type) (fields int) {
	t.Helper()
	theirs = pointed(theirs)
	switch {
	case stripe.IsRef(ours), stripe.IsList(ours):
		if theirs.Kind() != reflect.Struct {
			t.Errorf("%s is a %s, no object", at, theirs)
		}
		return 0
	case pointed(ours).Kind() == reflect.Struct && theirs.Kind() == reflect.Struct:
		return sameFields(t, at, pointed(ours), theirs)
	case ours.Kind() == reflect.Slice && theirs.Kind() == reflect.Slice:
		return sameType(t, at+"[]", ours.Elem(), theirs.Elem())
	}
	if pointed(ours).Kind() != theirs.Kind() {
		t.Errorf("%s is a %s, not a %s", at, theirs, ours)
	}
	return 0
}

func pointed(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
