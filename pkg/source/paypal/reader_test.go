package paypal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/paypaltest"
	"reseed/internal/standin"
	"reseed/pkg/fault"
	"reseed/pkg/source/paypal"
	"reseed/pkg/source/system"
)

// inBed runs a test in virtual time, since PayPal is asked slowly. Afterwards the judge must be content.
func inBed(t *testing.T, test func(*testing.T, *paypaltest.World)) {
	t.Helper()
	judge := paypaltest.StartJudge(t)
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		w := paypaltest.New(time.Now(), judge)
		test(t, w)
		for _, v := range w.Judged() {
			t.Error(v)
		}
	})
}

func opened(t *testing.T, w *paypaltest.World, subscriptions ...string) system.Reader {
	t.Helper()
	r, err := paypal.System{}.Open(connection(w, subscriptions...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pull(t *testing.T, r system.Reader, cursor json.RawMessage) []system.Object {
	t.Helper()
	var all []system.Object
	for done := false; !done; {
		p, err := r.Page(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Next) >= 8<<10 {
			t.Errorf("a cursor of %d bytes", len(p.Next))
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
		b, _ := paypal.System{}.BelongsTo(o)
		all = append(all, b.Own)
	}
	slices.Sort(all)
	return all
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A token that expires in the middle is renewed, each time once.
func TestTokensThatExpire(t *testing.T) {
	t.Parallel()
	inBed(t, func(t *testing.T, w *paypaltest.World) {
		t.Helper()
		want := w.Fill(3, time.Second)
		w.Expire(10)
		r := opened(t, w)
		same(t, ids(pull(t, r, r.Begin(w.Now(), ""))), want)
		tokens, calls := 0, len(w.Requests())
		for _, q := range w.Requests() {
			if strings.Contains(q, "/v1/oauth2/token") {
				tokens++
			}
		}
		if renewed := (calls - tokens - 1) / 11; tokens != renewed+1 || tokens < 3 {
			t.Errorf("%d tokens for %d calls", tokens, calls)
		}
	})
}

// A token is renewed before it expires: it is never refused.
func TestTokensThatWillExpire(t *testing.T) {
	t.Parallel()
	inBed(t, func(t *testing.T, w *paypaltest.World) {
		t.Helper()
		r := opened(t, w)
		cursor := r.Begin(w.Now(), "")
		for range 3 {
			p, err := r.Page(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			cursor = p.Next
			time.Sleep(9*time.Hour - time.Second)
		}
		if q := w.Requests(); len(q) != 6 || !strings.Contains(q[2], "token") || !strings.Contains(q[4], "token") {
			t.Errorf("%q", q)
		}
	})
}

// If PayPal lists no subscriptions, those are read that people have named, and those that the search finds.
func TestUnlistedSubscriptions(t *testing.T) {
	t.Parallel()
	inBed(t, func(t *testing.T, w *paypaltest.World) {
		t.Helper()
		w.Fill(7, time.Second)
		quiet := w.Subscribe(w.Payer("Quiet", "Lee", "quiet@example.com", nil), w.IDs(paypaltest.Plans)[0], nil) // without a payment
		for range 3 {
			w.Advance(40 * 24 * time.Hour)
			w.Pay(w.IDs(paypaltest.Subscriptions)[0], "EUR", "10.00", nil)
		}
		w.Advance(4 * time.Hour)
		want := w.All()
		w.Unlist()
		r := opened(t, w, quiet, w.IDs(paypaltest.Subscriptions)[1], "I-GONE")
		objects := pull(t, r, r.Begin(w.Now(), ""))
		same(t, ids(objects), want)

		// Another process in the middle reads some twice, and misses none.
		var all []system.Object
		cursor := r.Begin(w.Now(), "")
		for done := false; !done; {
			p, err := opened(t, w, quiet, w.IDs(paypaltest.Subscriptions)[1]).Page(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			all, cursor, done = append(all, p.Objects...), p.Next, p.Done
		}
		same(t, slices.Compact(ids(all)), want)

		nobody := opened(t, w)
		same(t, ids(pull(t, nobody, nobody.Begin(w.Now(), ""))), slices.DeleteFunc(want, func(id string) bool { return id == quiet || strings.HasPrefix(id, "PAYER") && id == "PAYER000008" }))
	})
}

// A search that finds too much is halved, until it does not.
func TestTooManyTransactions(t *testing.T) {
	t.Parallel()
	inBed(t, func(t *testing.T, w *paypaltest.World) {
		t.Helper()
		sub := w.Subscribe(w.Payer("Ann", "Lee", "ann@example.com", nil), w.Plan("Plan", "10.00", nil), nil)
		payment := w.Pay(sub, "EUR", "10.00", nil)
		for range 30 {
			w.Advance(time.Minute)
			w.Back(payment, "T1107", "EUR", "0.01")
		}
		w.Advance(4 * time.Hour)
		w.Cap(7)
		r := opened(t, w)
		paypal.SetMost(r, 3) // more than one page in each span of time
		same(t, ids(pull(t, r, r.Begin(w.Now(), ""))), w.All())
		for range 8 {
			w.Back(payment, "T1107", "EUR", "0.01")
		}
		w.Advance(4 * time.Hour)
		var err error
		for c, p := r.Begin(w.Now(), ""), (system.Page{}); err == nil && !p.Done; c = p.Next {
			p, err = r.Page(t.Context(), c)
		}
		if fault.CodeOf(err) != "system_bad_answer" || !strings.Contains(err.Error(), "one second") {
			t.Error(err)
		}
	})
}

// A plan of which the list does not show the cycles is read by itself; a list that is not whole is refused.
func TestListsThatShowLittle(t *testing.T) {
	t.Parallel()
	inBed(t, func(t *testing.T, w *paypaltest.World) {
		t.Helper()
		w.Fill(1, time.Second)
		r := opened(t, w)
		w.FailAt(2, standin.Fault{Change: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), `"billing_cycles"`, `"cycles"`))
		}})
		p, err := r.Page(t.Context(), r.Begin(w.Now(), ""))
		if err != nil || len(p.Objects) != 1 || !strings.Contains(string(p.Objects[0].JSON), `"billing_cycles"`) {
			t.Fatalf("%+v, %v", p, err)
		}
		w.FailAt(len(w.Requests())+3, standin.Fault{Change: func(body []byte) []byte {
			return []byte(strings.ReplaceAll(string(body), `"total_items":1`, `"total_items":2`))
		}})
		if _, err = r.Page(t.Context(), p.Next); fault.CodeOf(err) != "system_bad_answer" {
			t.Error(err)
		}
		w.FailAt(len(w.Requests())+1, standin.Fault{Body: `{}`})
		if _, err = r.Page(t.Context(), p.Next); fault.CodeOf(err) != "system_bad_answer" {
			t.Error(err)
		}
	})
}

// A cursor of another version is refused, and asks for nothing.
func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()
	inBed(t, func(t *testing.T, w *paypaltest.World) {
		t.Helper()
		r := opened(t, w)
		for _, c := range []string{`{"done":true,"page":1}`, `{"stage":9,"page":1}`, `{"stage":-1,"page":1}`, `{"page":0}`, `[]`, ``} {
			if _, err := r.Page(t.Context(), json.RawMessage(c)); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", c, err)
			}
		}
		if len(w.Requests()) != 0 {
			t.Errorf("%v", w.Requests())
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Page(ended, r.Begin(w.Now(), "")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	if _, err := (paypal.System{}).Open(system.Connection{Credentials: connection(nil).Credentials, Place: "Moon"}); err == nil {
		t.Error("any place is taken")
	}
	for _, name := range []string{"client_id", "secret"} {
		for _, bad := range []string{"", "secret bad", "a:b", "x\r\nY: z"} {
			c := map[string]string{"client_id": "abc", "secret": "def"}
			c[name] = bad
			_, err := paypal.System{}.Open(system.Connection{Credentials: c})
			if err == nil || bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("%s %q: %v", name, bad, err)
			}
		}
	}
}

// The judge objects to what is not PayPal's.
func TestJudgeObjects(t *testing.T) {
	t.Parallel()
	judge := paypaltest.StartJudge(t)
	synctest.Test(t, func(t *testing.T) {
		w := paypaltest.New(time.Now(), judge)
		w.Plan("Plan", "10.00", paypaltest.Fields{"billing_cycles": "monthly"})
		r := opened(t, w)
		if _, err := r.Page(t.Context(), r.Begin(w.Now(), "")); err != nil {
			t.Fatal(err)
		}
		if v := w.Judged(); len(v) != 1 || !strings.Contains(fmt.Sprint(v), "billing") {
			t.Errorf("%v", v)
		}
	})
}
