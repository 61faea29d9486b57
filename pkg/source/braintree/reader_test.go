package braintree_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/braintreetest"
	"reseed/internal/standin"
	"reseed/pkg/fault"
	"reseed/pkg/source/braintree"
	"reseed/pkg/source/system"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func opened(t *testing.T, now time.Time) (*braintreetest.World, system.Reader) {
	t.Helper()
	return openedWith(t, now, braintreetest.StartJudge(t))
}

func openedWith(t *testing.T, now time.Time, j *braintreetest.Judge) (*braintreetest.World, system.Reader) {
	t.Helper()
	w := braintreetest.New(now, j)
	r, err := braintree.System{}.Open(connection(w))
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

func connection(w *braintreetest.World) system.Connection {
	return system.Connection{
		Credentials: map[string]string{"merchant_id": braintreetest.Merchant, "public_key": braintreetest.PublicKey, "private_key": braintreetest.PrivateKey},
		Place:       "Sandbox", Transport: w, Now: time.Now,
	}
}

func pull(t *testing.T, r system.Reader, cursor json.RawMessage) []system.Object {
	t.Helper()
	var all []system.Object
	for done := false; !done; {
		p, err := r.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Objects...)
		cursor, done = p.Next, p.Done
	}
	return all
}

// ids returns the ids of objects, sorted.
func ids(objects []system.Object) []string {
	var all []string
	for _, o := range objects {
		b, _ := braintree.System{}.BelongsTo(o)
		all = append(all, b.Own)
	}
	slices.Sort(all)
	return all
}

func content(t *testing.T, w *braintreetest.World) {
	t.Helper()
	for _, v := range w.Judged() {
		t.Error(v)
	}
}

// A search that finds as many as it can may lack any others: spans of time are halved until none does. What is deleted, or comes in
// between, moves nothing.
func TestCappedSearches(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	const most = 20
	w.Cap(braintreetest.Transactions, most)
	braintree.SetMost(r, most)
	customer := w.Customer(nil)
	for range 3 * most {
		w.Advance(time.Second)
		w.Sale(customer, "eur", "1.00", nil)
	}
	cursor := r.Begin(w.Now(), "")
	w.Advance(time.Second)
	w.Sale(customer, "eur", "1.00", nil) // during the pull
	want := w.All()
	slices.Sort(want)
	one := ids(pull(t, r, cursor))
	asked := len(w.Requests())
	if got := one; !slices.Equal(got, want[:len(want)-1]) {
		t.Errorf("%d objects of %d", len(got), len(want)-1)
	}
	var again []system.Object // each page by another process
	for done := false; !done; {
		other, err := braintree.System{}.Open(connection(w))
		if err != nil {
			t.Fatal(err)
		}
		braintree.SetMost(other, most)
		p, err := other.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		again, cursor, done = append(again, p.Objects...), p.Next, p.Done
	}
	if got := ids(again); !slices.Equal(got, want[:len(want)-1]) {
		t.Errorf("%d objects of %d", len(got), len(want)-1)
	}
	searches := 0
	for _, q := range w.Requests()[:asked] {
		if strings.Contains(q, "transactions/advanced_search_ids") {
			searches++
		}
	}
	if searches < 4 || searches > 60 {
		t.Errorf("%d searches", searches)
	}
	content(t, w)
}

func TestTooManyInOneSecond(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	braintree.SetMost(r, 5)
	for range 5 {
		w.Sale("", "eur", "1.00", nil)
	}
	var err error
	for c, p := r.Begin(newYear, ""), (system.Page{}); err == nil && !p.Done; c = p.Next {
		p, err = r.Page(t.Context(), c)
	}
	if fault.CodeOf(err) != "system_bad_answer" || !strings.Contains(err.Error(), "one second") {
		t.Error(err)
	}
}

// What is deleted between the search and the page of it is not counted as there.
func TestTotals(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	w.Fill(120, time.Second)
	gone := w.IDs(braintreetest.Customers)[60]
	w.Before(4, func() { w.Delete(gone) }) // the second page of customers
	done, total := 0, int64(0)
	for c, p := r.Begin(w.Now(), ""), (system.Page{}); !p.Done; c = p.Next {
		var err error
		if p, err = r.Page(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Objects {
			if o.Stream == braintree.Customers {
				done++
			}
		}
		if p.Stream == braintree.Customers {
			total = p.Total
		}
	}
	if done != 119 || total != 119 {
		t.Errorf("%d of %d", done, total)
	}
}

// If Braintree fails for a page it is asked for each object of it.
func TestPagesThatFail(t *testing.T) {
	t.Parallel()
	judge := braintreetest.StartJudge(t)
	synctest.Test(t, func(t *testing.T) {
		w, r := openedWith(t, newYear, judge)
		w.Fill(3, time.Second)
		gone := w.IDs(braintreetest.Customers)[1]
		for n := 3; n < 3+8; n++ { // the page of customers
			w.FailAt(n, standin.Fault{Status: 500})
		}
		w.Before(12, func() { w.Delete(gone) })
		got := ids(pull(t, r, r.Begin(w.Now(), "")))
		want := w.All()
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		content(t, w)
	})
}

// Of one customer all is read, and nobody else's.
func TestOneCustomer(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	w.Story()
	w.Fill(2, time.Second)
	ann := w.IDs(braintreetest.Customers)[1]
	other := w.Subscribe(ann, w.IDs(braintreetest.Plans)[0], braintreetest.Fields{"payment_method_token": "gone"})
	w.Charge(other, "1.00", "2026-01-01", "2026-01-31", nil)
	trial := w.Subscribe(ann, w.IDs(braintreetest.Plans)[0], nil)
	bundles := map[string]bool{}
	objects := pull(t, r, r.Begin(w.Now(), ann))
	for _, o := range objects {
		b, err := braintree.System{}.BelongsTo(o)
		if err != nil {
			t.Fatal(err)
		}
		if !b.Catalog && b.ID == "" {
			bundles[b.Customer] = true
		}
	}
	got := ids(objects)
	if len(bundles) != 1 || !bundles[ann] || !slices.Contains(got, other) || !slices.Contains(got, trial) {
		t.Errorf("%v, %q", bundles, got)
	}
	if n := len(slices.DeleteFunc(got, func(id string) bool { return id[0] != 't' })); n != 7 {
		t.Errorf("%d transactions", n)
	}
	if objects := pull(t, r, r.Begin(w.Now(), "c999999")); slices.ContainsFunc(objects, func(o system.Object) bool { return o.Stream != braintree.Plans }) {
		t.Errorf("%+v", objects)
	}
	content(t, w)
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	stays, goes := w.Customer(braintreetest.Fields{"first_name": "Ann"}), w.Customer(nil)
	w.Delete(goes)
	o, found, err := r.Customer(t.Context(), stays)
	if !found || err != nil || o.Stream != braintree.Customers || !strings.Contains(string(o.JSON), `"Ann"`) {
		t.Errorf("%s, %t, %v", o.JSON, found, err)
	}
	if _, found, err = r.Customer(t.Context(), goes); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
	content(t, w)
}

// A cursor of another version is refused, and asks for nothing.
func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	for _, c := range []string{`{"done":true}`, `{"list":99}`, `{"list":-1}`, `[]`, ``} {
		if _, err := r.Page(t.Context(), json.RawMessage(c)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", c, err)
		}
	}
	if len(w.Requests()) != 0 {
		t.Errorf("%v", w.Requests())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Page(ended, r.Begin(newYear, "")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The judge objects to what is not Braintree's.
func TestJudgeObjects(t *testing.T) {
	t.Parallel()
	w, r := opened(t, newYear)
	w.Sale("", "eur", "1.00", braintreetest.Fields{"disputes": "none"}) // a text in place of a list
	for c, p := r.Begin(newYear, ""), (system.Page{}); !p.Done; c = p.Next {
		var err error
		if p, err = r.Page(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.Judged()) != 1 || !strings.Contains(w.Judged()[0].Error(), "disputes") {
		t.Errorf("%v", w.Judged())
	}
}
