package chargify_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reseed/internal/sdkjudge"
	"reseed/pkg/billing"
	"reseed/pkg/source/chargify"
	"reseed/pkg/source/system"
)

// sections reads docs/systems/chargify.md by its headings.
func sections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/systems/chargify.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, s := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(s, "\n")
		all[title] = body
	}
	return all
}

var (
	quoted = regexp.MustCompile("`([a-z_.]+)`")
	nested = regexp.MustCompile("`([a-z_]+\\.[a-z_.]+)`")
)

func names(re *regexp.Regexp, text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all[m[1]] = true
	}
	return all
}

// The tables say of each field of a record where it comes from, or that it is left out.
func TestDocsHaveEveryField(t *testing.T) {
	t.Parallel()
	all := sections(t)
	for title, ds := range map[string]billing.Dataset{
		"Plans": billing.Plans, "Customers": billing.Customers, "Invoices": billing.Invoices, "Line items": billing.LineItems,
		"Transactions": billing.Transactions, "Subscription events": billing.Events,
	} {
		said := names(quoted, all[title])
		for _, f := range billing.FieldsOf(ds) {
			if !said[f.Name] {
				t.Errorf("%s says nothing of %s", title, f.Name)
			}
		}
	}
}

// fieldsOf lists the fields of a shape, by their paths.
func fieldsOf(at string, shape reflect.Type) []string {
	for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice {
		shape = shape.Elem()
	}
	if shape.Kind() != reflect.Struct || shape == reflect.TypeFor[system.Moment]() {
		return []string{at}
	}
	var all []string
	for f := range shape.Fields() {
		under := at
		if !f.Anonymous {
			under += "." + f.Tag.Get("json")
		}
		all = append(all, fieldsOf(under, f.Type)...)
	}
	return all
}

func mapped() map[string]bool {
	all := map[string]bool{}
	for s, shape := range chargify.Shapes() {
		for _, name := range fieldsOf(string(s), reflect.TypeOf(shape)) {
			all[name] = true
		}
	}
	return all
}

// Every field of Chargify that the tables name is one that is mapped, and every one that is mapped is named. Credit notes have the
// fields of invoices.
func TestDocsHaveChargifysFields(t *testing.T) {
	t.Parallel()
	text := ""
	for _, s := range sections(t) {
		text += s
	}
	said, all := names(nested, text), mapped()
	for name := range said {
		if !all[name] && !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(m string) bool { return strings.HasPrefix(m, name+".") }) {
			t.Errorf("the document names %s, which is not mapped", name)
		}
	}
	for name := range all {
		if !said[name] && !said[strings.Replace(name, "credit_notes.", "invoices.", 1)] && name != "invoice_events.id" && name != "invoice_events.invoice.customer_id" {
			t.Errorf("the document does not name %s, which is mapped", name)
		}
	}
}

// The document lists every code and what becomes of the object, and every setting.
func TestDocsHaveEveryCode(t *testing.T) {
	t.Parallel()
	all := sections(t)
	file, err := parser.ParseFile(token.NewFileSet(), "issue.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(v.Value, `"chargify_`) {
			codes++
			if !strings.Contains(all["What may be wrong"], "| `"+strings.Trim(v.Value, `"`)+"` |") {
				t.Errorf("the document does not list %s", v.Value)
			}
		}
		return true
	})
	if codes < 15 || strings.Count(all["What may be wrong"], "| `chargify_") != codes {
		t.Errorf("%d codes", codes)
	}
	for _, name := range (chargify.System{}).Options() {
		if !strings.Contains(all["Settings"], "`"+name+"`") {
			t.Errorf("the document does not explain the setting %s", name)
		}
	}
}

// models are where Maxio's client says what fields objects have: files of its models, by the path of the object.
func models() map[string][]string {
	return map[string][]string{
		"customers": {"customer"}, "metadata": {"metadata"}, "products": {"product"}, "products_price_points": {"productPricePoint"}, "components": {"component"},
		"subscriptions": {"subscription"}, "subscriptions.customer": {"customer"},
		"events": {"event"}, "events.event_specific_data": {"subscriptionStateChange", "pendingCancellationChange"},
		"invoices": {"invoice"}, "invoices.line_items": {"invoiceLineItem"}, "invoices.discounts": {"invoiceDiscount"}, "invoices.discounts.line_item_breakouts": {"invoiceDiscountBreakout"},
		"invoices.taxes": {"invoiceTax"}, "invoices.taxes.line_item_breakouts": {"invoiceTaxBreakout"}, "invoices.payments": {"invoicePayment"}, "invoices.refunds": {"invoiceRefund"},
		"invoice_events": {"refundInvoiceEvent"}, "invoice_events.invoice": {"invoice"},
		"invoice_events.event_data": {"refundInvoiceEventData", "failedPaymentEventData", "changeChargebackStatusEventData"},
		"credit_notes":              {"creditNote"}, "credit_notes.line_items": {"creditNoteLineItem", "invoiceLineItem"}, "credit_notes.discounts": {"invoiceDiscount"},
		"credit_notes.discounts.line_item_breakouts": {"invoiceDiscountBreakout"}, "credit_notes.taxes": {"invoiceTax"}, "credit_notes.taxes.line_item_breakouts": {"invoiceTaxBreakout"},
		"credit_notes.refunds": {"invoiceRefund"}, "credit_notes.applications": {"creditNoteApplication"}, "credit_notes.origin_invoices": {"originInvoice"},
	}
}

// Every field that is mapped is one that Maxio's own client knows.
func TestFieldsAreMaxios(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(sdkjudge.Package(t, "@maxio-com/advanced-billing-sdk"), "src", "models")
	known := map[string]string{}
	for path, files := range models() {
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(folder, f+".ts"))
			if err != nil {
				t.Fatal(err)
			}
			known[path] += string(text)
		}
	}
	for name := range mapped() {
		at := strings.LastIndex(name, ".")
		if !regexp.MustCompile(`\[\s*'` + name[at+1:] + `',`).MatchString(known[name[:at]]) {
			t.Errorf("Maxio's client knows no %s", name)
		}
	}
}
