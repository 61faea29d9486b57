package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/fault"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

func opened(t *testing.T) (*stripetest.World, system.Reader) {
	t.Helper()
	w, err := stripetest.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	r, err := stripe.System{}.Open(system.Connection{Credentials: map[string]string{"key": stripetest.Key}, Transport: w, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

// A customer is read alone: as it is, as a stub if it was deleted, or not at all.
func TestOneCustomer(t *testing.T) {
	t.Parallel()
	w, r := opened(t)
	stays, goes := w.Add("customer", stripetest.Fields{"name": "Ann"}), w.Add("customer", stripetest.Fields{"name": "Bob"})
	w.Delete(goes)
	o, found, err := r.Customer(t.Context(), stays)
	if err != nil || !found || o.Stream != stripe.Customers || !strings.Contains(string(o.JSON), `"Ann"`) {
		t.Errorf("%+v, %t, %v", o, found, err)
	}
	o, found, err = r.Customer(t.Context(), goes)
	if err != nil || !found || !strings.Contains(string(o.JSON), `"deleted":true`) {
		t.Errorf("%s, %t, %v", o.JSON, found, err)
	}
	if _, found, err = r.Customer(t.Context(), "cus_none"); found || err != nil {
		t.Error(found, err)
	}
	for _, v := range w.Verdicts() {
		t.Error(v)
	}
}

// A cursor of another version is refused, and asks for nothing.
func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	w, r := opened(t)
	for _, c := range []string{`{"until":1,"done":true}`, `{"until":1,"list":99}`, `{"until":1,"list":-1}`, `{"until":1,"rest":[["cus_1",""]]}`, `{}`, `[]`, ``} {
		if _, err := r.Page(t.Context(), json.RawMessage(c)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", c, err)
		}
	}
	if len(w.Calls()) != 0 {
		t.Errorf("%v", w.Calls())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Page(ended, r.Begin(time.Now(), "")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
