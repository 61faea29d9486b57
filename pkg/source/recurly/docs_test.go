package recurly_test

import (
	"strings"
	"testing"

	"reseed/internal/connectortest"
	"reseed/pkg/source/recurly"
)

// The page of Recurly says what the code does: its fields, codes and settings.
func TestDocs(t *testing.T) {
	t.Parallel()
	connectortest.Documented(t, connectortest.Document{System: recurly.System{}, Shapes: recurly.Shapes(), Unsaid: plumbing, Codes: 15})
}

// plumbing reports whether a field leads from one object to another, or is said in words.
func plumbing(name string) bool {
	_, field, _ := strings.Cut(name, ".")
	switch field {
	case "id", "currency", "account.code", "line_items", "transactions":
		return true
	}
	return false
}
