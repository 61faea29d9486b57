package chargify_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reseed/internal/connectortest"
	"reseed/internal/sdkjudge"
	"reseed/pkg/source/chargify"
)

// document is the page of Chargify. Credit notes have the fields of invoices.
func document() connectortest.Document {
	return connectortest.Document{
		System: chargify.System{}, Shapes: chargify.Shapes(), Inner: true, Codes: 15, Same: map[string]string{"credit_notes": "invoices"},
		Unsaid: func(name string) bool {
			return name == "invoice_events.id" || name == "invoice_events.invoice.customer_id"
		},
	}
}

// The page of Chargify says what the code does: its fields, codes and settings.
func TestDocs(t *testing.T) {
	t.Parallel()
	connectortest.Documented(t, document())
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
	for _, name := range document().Fields() {
		at := strings.LastIndex(name, ".")
		if !regexp.MustCompile(`\[\s*'` + name[at+1:] + `',`).MatchString(known[name[:at]]) {
			t.Errorf("Maxio's client knows no %s", name)
		}
	}
}
