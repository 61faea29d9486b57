package recurly_test

import (
	"reflect"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"reseed/internal/recurlytest"
	"reseed/pkg/source/recurly"
	"reseed/pkg/source/system"
)

// Every field that is mapped is one of Recurly's own description of its API, of the same type; and so is the version.
func TestFieldsAreRecurlys(t *testing.T) {
	t.Parallel()
	judge := recurlytest.TheJudge(t)
	if recurly.Version != judge.Version() {
		t.Errorf("the version is %s, that of the description %s", recurly.Version, judge.Version())
	}
	kinds := map[system.Stream]string{
		recurly.Accounts: "Account", recurly.Plans: "Plan", recurly.AddOns: "AddOn", recurly.Subscriptions: "Subscription", recurly.Invoices: "Invoice",
		recurly.Lines: "LineItem", recurly.Transactions: "Transaction",
	}
	fields := 0
	for s, ours := range recurly.Shapes() {
		fields += sameFields(t, string(s), reflect.TypeOf(ours), judge.Schema(kinds[s]))
	}
	if fields < 70 {
		t.Errorf("only %d fields were compared", fields)
	}
}

// sameFields compares a type with a description, and returns how many fields it has compared.
func sameFields(t *testing.T, at string, ours reflect.Type, theirs *openapi3.Schema) (fields int) {
	t.Helper()
	properties := recurlytest.Properties(theirs)
	for f := range ours.Fields() {
		name := f.Tag.Get("json")
		is := properties[name]
		if is == nil {
			t.Errorf("Recurly has no field %s.%s", at, name)
			continue
		}
		fields += 1 + sameType(t, at+"."+name, f.Type, is)
	}
	return fields
}

func sameType(t *testing.T, at string, ours reflect.Type, theirs *openapi3.Schema) (fields int) {
	t.Helper()
	if ours.Kind() == reflect.Pointer {
		ours = ours.Elem()
	}
	var want string
	switch {
	case recurly.IsValue(ours) && ours == reflect.TypeFor[system.Moment]():
		if theirs.Format != "date-time" {
			t.Errorf("%s is no time", at)
		}
		return 0
	case recurly.IsValue(ours): // an object that is decoded later
		return 0
	case ours == reflect.TypeFor[system.Decimal]():
		want = openapi3.TypeNumber
	case ours.Kind() == reflect.Slice:
		if !theirs.Type.Is(openapi3.TypeArray) {
			t.Errorf("%s is no list", at)
			return 0
		}
		return sameType(t, at+"[]", ours.Elem(), theirs.Items.Value)
	case ours.Kind() == reflect.Struct:
		return sameFields(t, at, ours, theirs)
	case ours.Kind() == reflect.Int64:
		want = openapi3.TypeInteger
	case ours.Kind() == reflect.Bool:
		want = openapi3.TypeBoolean
	default:
		want = openapi3.TypeString
	}
	if !theirs.Type.Is(want) {
		t.Errorf("%s is %v, not %s", at, theirs.Type, want)
	}
	return 0
}
