package stripe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/stripe"
)

func opened(t *testing.T) (*stripetest.World, *stripe.Reader) {
	t.Helper()
	w, err := stripetest.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	r, err := stripe.New(stripe.Config{Key: stripetest.Key, Transport: w, Now: time.Now})
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
	o, err := r.Customer(t.Context(), stays)
	if err != nil || o.Stream != stripe.Customers || !strings.Contains(string(o.JSON), `"Ann"`) {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = r.Customer(t.Context(), goes)
	if err != nil || !strings.Contains(string(o.JSON), `"deleted":true`) {
		t.Errorf("%s, %v", o.JSON, err)
	}
	_, err = r.Customer(t.Context(), "cus_none")
	if kind, _ := remote.KindOf(err); kind != remote.Gone {
		t.Error(err)
	}
	for _, v := range w.Verdicts() {
		t.Error(v)
	}
}

// A cursor of another version is refused, and asks for nothing.
func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	w, r := opened(t)
	for _, c := range []stripe.Cursor{{Done: true}, {List: 99}, {List: -1}, {Rest: []stripe.Rest{{"cus_1"}}}} {
		if _, err := r.Page(t.Context(), c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if len(w.Calls()) != 0 {
		t.Errorf("%v", w.Calls())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Page(ended, stripe.Begin(time.Now())); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
