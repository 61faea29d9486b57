package systems_test

import (
	"testing"

	"reseed/pkg/source/systems"
)

func TestByName(t *testing.T) {
	t.Parallel()
	for _, s := range systems.All() {
		if got, ok := systems.ByName(s.Name()); !ok || got != s {
			t.Errorf("%s is not found", s.Name())
		}
		if len(s.Asks()) == 0 || len(s.Options()) == 0 {
			t.Errorf("%s asks for nothing, or has no settings", s.Name())
		}
	}
	if s, ok := systems.ByName("sTRIPE"); !ok || s.Name() != "Stripe" {
		t.Error("the case of a name counts")
	}
	if s, ok := systems.ByName("maxio"); !ok || s.Name() != "Chargify" {
		t.Error("Maxio is not Chargify")
	}
	if _, ok := systems.ByName("Abacus"); ok {
		t.Error("there is no such system")
	}
}
