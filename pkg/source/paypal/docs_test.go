package paypal_test

import (
	"strings"
	"testing"

	"reseed/internal/connectortest"
	"reseed/pkg/source/paypal"
)

// The page of PayPal says what the code does: its fields, codes and settings.
func TestDocs(t *testing.T) {
	t.Parallel()
	connectortest.Documented(t, connectortest.Document{System: paypal.System{}, Shapes: paypal.Shapes(), Unsaid: shared, Codes: 15})
}

// shared reports whether a field is there because amounts and cycles have one shape, or is said in words.
func shared(name string) bool {
	return strings.HasSuffix(name, ".currency_code") || strings.HasPrefix(name, "plans.billing_cycles.pricing_scheme") || name == "plans.billing_cycles.total_cycles"
}
