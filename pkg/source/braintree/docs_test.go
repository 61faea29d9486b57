package braintree_test

import (
	"slices"
	"strings"
	"testing"

	"reseed/internal/connectortest"
	"reseed/pkg/source/braintree"
)

// The page of Braintree says what the code does: its fields, codes and settings.
func TestDocs(t *testing.T) {
	t.Parallel()
	connectortest.Documented(t, connectortest.Document{System: braintree.System{}, Shapes: braintree.Shapes(), Unsaid: shared, Codes: 15})
}

// shared reports whether a field is there because the customer of a transaction has the shape of a customer, or is said in words.
func shared(name string) bool {
	return strings.HasPrefix(name, "transactions.customer.addresses") || slices.Contains([]string{"transactions.customer.custom_fields", "transactions.disputes.currency_iso_code"}, name)
}
