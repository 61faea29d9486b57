package chargify_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/chargifytest"
	"reseed/pkg/fault"
	"reseed/pkg/source/chargify"
	"reseed/pkg/source/system"
)

func TestReader(t *testing.T) {
	t.Parallel()
	j := chargifytest.StartJudge(t)
	for name, check := range map[string]func(*testing.T, *chargifytest.Judge){
		"deleted during the scan": deletedDuringScan, "secrets": secrets, "later than the pull": later, "one customer": oneCustomer, "refusals": refusals, "closed during the scan": closed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, j)
		})
	}
}

// deletedDuringScan: whatever was deleted before whichever request, nothing else is lost, though pages are numbered.
func deletedDuringScan(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	for at := 2; at < 9; at++ {
		w := newSite(t, j)
		for range 450 {
			w.Advance(time.Second)
			w.Attribute(w.Customer(nil), "segment", "SMB")
		}
		customers := w.IDs(chargifytest.Customers)
		w.Before(at, func() {
			for _, i := range []int{0, 5, 199, 200, 201} {
				w.Delete(customers[i])
			}
		})
		got := map[string]bool{}
		for _, o := range w.pull(t, "") {
			b, err := chargify.System{}.BelongsTo(o)
			if err != nil {
				t.Fatal(err)
			}
			got[b.Own] = true
		}
		for i, c := range customers {
			if gone := slices.Contains([]int{0, 5, 199, 200, 201}, i); !gone && (!got[c] || !got["metadata/"+c+":segment"]) {
				t.Errorf("deleted before request %d: customer %d is lost, or its metadata", at, i)
			}
		}
	}
}

// secrets: tokens of payment methods and of public pages are not kept.
func secrets(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	w.Story()
	for _, o := range w.pull(t, "") {
		for _, secret := range []string{chargifytest.VaultToken, chargifytest.PublicToken, chargifytest.Key} {
			if strings.Contains(string(o.JSON), secret) {
				t.Errorf("%s is kept: %s", secret, o.JSON)
			}
		}
	}
}

// later: what is made after a pull has begun is not read.
func later(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	before := w.Customer(nil)
	r := w.reader(t)
	at := r.Begin(w.Now(), "")
	w.Advance(time.Second)
	w.Customer(nil)
	p, err := r.Page(t.Context(), at)
	if err != nil || len(p.Objects) != 1 || !strings.Contains(string(p.Objects[0].JSON), before) || p.Objects[0].Parent != "world.chargify.com" {
		t.Errorf("%+v %v", p, err)
	}
}

// oneCustomer: also of a customer with more subscriptions and invoices than one page has; and nothing if there is no such customer.
func oneCustomer(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	w.Fill(2, time.Second)
	product, _ := w.Product("Plan")
	ann := w.Customer(nil)
	want := map[system.Stream]int{chargify.Customers: 1, chargify.Products: 3, chargify.PricePoints: 3, chargify.Components: 2, chargify.Subscriptions: 2, chargify.Events: 3, chargify.Invoices: 201, chargify.InvoiceEvents: 2, chargify.CreditNotes: 2}
	for range 2 {
		sub := w.Subscribe(ann, product, nil)
		w.State(sub, "on_hold", nil)
		w.Credit(ann, sub, "EUR", nil, line{Amount: 1})
		if sub == w.IDs(chargifytest.Subscriptions)[2] {
			w.State(sub, "active", nil)
		}
	}
	for range 201 {
		w.Advance(time.Second)
		w.Bill(ann, "", "EUR", nil, line{Amount: 1})
	}
	invoices := w.IDs(chargifytest.Invoices)
	w.Fail(invoices[2], 1)
	w.Fail(invoices[202], 1)
	got := map[system.Stream]int{}
	for _, o := range w.pull(t, ann) {
		got[o.Stream]++
	}
	for s, n := range want {
		if got[s] != n {
			t.Errorf("%d %s, want %d", got[s], s, n)
		}
	}
	for _, nobody := range []string{"19999999", "nobody", "-1", "007"} {
		for _, o := range w.pull(t, nobody) {
			if b, err := (chargify.System{}).BelongsTo(o); err != nil || !b.Catalog {
				t.Errorf("%s has %s", nobody, o.JSON)
			}
		}
	}
}

// refusals: Check says in a sentence what is the matter, and with which credential.
func refusals(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	check := func(subdomain string, change func(site)) error {
		w := newSite(t, j)
		change(w)
		r, err := chargify.System{}.Open(system.Connection{Credentials: map[string]string{"subdomain": subdomain, "key": chargifytest.Key}, Transport: w, Now: w.Now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Check(context.WithoutCancel(t.Context()))
		return err
	}
	for name, tt := range map[string]struct {
		subdomain, code string
		change          func(site)
	}{
		"statements":   {"world", chargify.CodeStatements, func(w site) { w.Age() }},
		"closed":       {"world", chargify.CodeClosed, func(w site) { w.Close() }},
		"another site": {"elsewhere", chargify.CodeNoSite, func(site) {}},
		"permission":   {"world", chargify.CodePermission, func(w site) { w.Forbid("/invoices/events.json") }},
		"good":         {"world", "", func(site) {}},
	} {
		err := check(tt.subdomain, tt.change)
		e, _ := errors.AsType[*fault.Error](err)
		if tt.code == "" && err != nil || tt.code != "" && (e == nil || e.Code != tt.code || e.Kind != fault.Forbidden || strings.Contains(e.Message, "@")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// closed: a site whose plan at Maxio expires during a pull ends it, with a sentence.
func closed(t *testing.T, j *chargifytest.Judge) {
	t.Helper()
	w := newSite(t, j)
	r := w.reader(t)
	w.Close()
	_, err := r.Page(t.Context(), r.Begin(w.Now(), ""))
	if fault.CodeOf(err) != chargify.CodeClosed || !fault.Is(err, fault.Forbidden) {
		t.Error(err)
	}
}

// Credentials that cannot be right are refused without a request; a subdomain may have capitals.
func TestOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ subdomain, key, place, param string }{
		{"Acme", "abcdefgh12", "", ""},
		{"acme-eu", "abcdefgh12", "EU", ""},
		{"https://acme.chargify.com", "abcdefgh12", "", "subdomain"},
		{"acme.evil.example/", "abcdefgh12", "", "subdomain"},
		{"", "abcdefgh12", "", "subdomain"},
		{"acme", "", "", "key"},
		{"acme", "a key", "", "key"},
		{"acme", "abcdefgh12", "Moon", "place"},
	} {
		_, err := chargify.System{}.Open(system.Connection{Credentials: map[string]string{"subdomain": tt.subdomain, "key": tt.key}, Place: tt.place, Now: time.Now})
		e, _ := errors.AsType[*fault.Error](err)
		if (err == nil) != (tt.param == "") || e != nil && e.Param != tt.param && tt.param != "place" {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

// A customer and a subscription may have the same number, and an event may name its subscription only.
func TestBelongsTo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stream system.Stream
		json   string
		want   system.Belongs
	}{
		{chargify.Customers, `{"id":5}`, system.Belongs{Own: "5", Customer: "5", Self: true}},
		{chargify.Subscriptions, `{"id":5,"customer":{"id":5}}`, system.Belongs{Own: "subscriptions/5", Customer: "5"}},
		{chargify.Events, `{"id":7,"customer_id":null,"subscription_id":5}`, system.Belongs{Own: "events/7", Stream: chargify.Subscriptions, ID: "subscriptions/5"}},
		{chargify.Events, `{"id":7,"customer_id":5,"subscription_id":5}`, system.Belongs{Own: "events/7", Customer: "5"}},
		{chargify.InvoiceEvents, `{"id":7,"invoice":null}`, system.Belongs{Own: "invoice_events/7"}},
		{chargify.Invoices, `{"id":7,"uid":"inv_7","customer_id":5}`, system.Belongs{Own: "invoices/inv_7", Customer: "5"}},
		{chargify.Products, `{"id":7}`, system.Belongs{Own: "products/7", Catalog: true}},
	} {
		got, err := chargify.System{}.BelongsTo(system.Object{Stream: tt.stream, JSON: json.RawMessage(tt.json)})
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v", tt.json, got, err)
		}
	}
	for _, odd := range []string{`null`, `[]`, `{}`, `{"id":-1}`, `{"id":"x"}`, `{"id":1.5}`} {
		if _, err := (chargify.System{}).BelongsTo(system.Object{Stream: chargify.Customers, JSON: json.RawMessage(odd)}); err == nil {
			t.Errorf("%s is a customer", odd)
		}
	}
}
