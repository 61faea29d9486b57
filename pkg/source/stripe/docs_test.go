package stripe_test

import (
	"slices"
	"strings"
	"testing"

	"reseed/internal/connectortest"
	"reseed/pkg/source/stripe"
)

// The page of Stripe says what the code does: its fields, codes and settings.
func TestDocs(t *testing.T) {
	t.Parallel()
	connectortest.Documented(t, connectortest.Document{System: stripe.System{}, Shapes: stripe.Shapes(), Inner: true, Unsaid: plumbing, Codes: 20})
}

// plumbing reports whether a field leads from one object to another, or tells its mode, or is said in words.
func plumbing(name string) bool {
	_, field, _ := strings.Cut(name, ".")
	switch field {
	case "livemode", "id", "currency", "customer", "deleted", "lines", "payments", "items":
		return true
	}
	return slices.Contains([]string{
		"prices.product", "invoice_payments.payment.charge", "invoice_payments.payment.payment_intent",
		"subscription_items.price.id", "invoice_lines.pretax_credit_amounts.type",
	}, name)
}
