package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/internal/effort"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// unreachable is where nobody may ask.
type unreachable struct{ t *testing.T }

// RoundTrip fails the test.
func (u unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	u.t.Errorf("%s is asked for", r.URL.Path)
	return nil, errors.New("there is no network here")
}

// describesItself: people can be asked for what a connection needs, and are told which credential cannot be right.
func describesItself(t *testing.T, c Case) {
	t.Helper()
	names := map[string]bool{}
	for _, a := range c.System.Asks() {
		if a.Name == "" || a.Label == "" || a.Help == "" || names[a.Name] {
			t.Errorf("asks for %+v", a)
		}
		names[a.Name] = true
		c.refuses(t, a.Name)
	}
	for _, p := range c.System.Places() {
		if p.Name == "" || !strings.HasPrefix(p.Address, "https://") || strings.HasSuffix(p.Address, "/") {
			t.Errorf("the place %+v", p)
		}
	}
	known := map[string]bool{"subscriptions": true} // a setting of the connection
	for f := range reflect.TypeFor[system.Settings]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[name] = true
	}
	for _, option := range c.System.Options() {
		if !known[option] {
			t.Errorf("there is no setting %s", option)
		}
	}
}

// refuses checks that a connection without a credential is refused, and without a call.
func (c Case) refuses(t *testing.T, credential string) {
	t.Helper()
	lacking := maps.Clone(c.Credentials)
	delete(lacking, credential)
	_, err := c.System.Open(system.Connection{Credentials: lacking, Transport: unreachable{t}, Now: time.Now})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Invalid || f.Param != credential {
		t.Errorf("without %s: %v", credential, err)
	}
}

// cursorsOfOthers: what is no cursor is refused, without a call.
func cursorsOfOthers(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		for _, cursor := range []string{``, `[]`, `[1]`, `7`, `"x"`} {
			if _, err := b.reader.Page(t.Context(), json.RawMessage(cursor)); !fault.Is(err, fault.Invalid) || len(b.world.Requests()) > 0 {
				t.Fatalf("the cursor %q: %v", cursor, err)
			}
		}
	})
}

// failsForGood: if a call goes wrong again and again the pull ends with an error that says so, and that holds nothing of the answers.
// The cursor is good for a later try. A pull that is cancelled makes no further call.
func failsForGood(t *testing.T, c Case) {
	t.Helper()
	for _, what := range []Trouble{Busy, BusyMute, Failing, Lost, Cut} {
		t.Run(string(what), func(t *testing.T) {
			inBed(t, c, func(t *testing.T, b *bed) {
				t.Helper()
				want := b.world.Fill(2, time.Second)
				const first, last = 2, 80 // more calls than a request is tried
				for n := first; n <= last; n++ {
					b.world.Trouble(n, what)
				}
				objects, cursor, err := b.pullTo(t.Context(), b.start())
				kind, ok := remote.KindOf(err)
				if !ok || kind != remote.Wait && (what != Cut || kind != remote.Shape) {
					t.Fatal(err)
				}
				b.clean(t, err.Error())
				for len(b.world.Requests()) < last {
					_, _ = b.reader.Page(t.Context(), cursor)
				}
				rest, err := b.pull(t.Context(), cursor)
				if err != nil {
					t.Fatal(err)
				}
				b.same(t, want, append(objects, rest...))
				asked := len(b.world.Requests())
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := b.reader.Page(ended, b.start()); !errors.Is(err, context.Canceled) || len(b.world.Requests()) != asked {
					t.Errorf("cancelled: %v", err)
				}
			})
		})
	}
}

// odd are values of which each is of another type than some field.
func odd() []any {
	return []any{nil, "ann@example.com", -1.5, true, []any{}, []any{nil, 7}, map[string]any{}}
}

// oddObjects: whatever the type of an object is, or of a field at any depth, nothing panics, and what is said holds nothing of it. What is not
// that customer's stays.
func oddObjects(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(2, time.Second)
		objects := b.whole(t)
		all := oddVersions(t, objects)
		step := 4 // there are thousands
		if effort.All() {
			step = 1
		}
		for i := range effort.Cases(t.Name(), len(all), step) {
			v := all[i-1]
			_, _ = c.System.BelongsTo(v.object)
			changed := slices.Clone(objects)
			changed[v.of] = v.object
			mapped := c.mapped(changed)
			if len(mapped.Records) == 0 {
				t.Fatalf("%s: nothing is left", v.object.JSON)
			}
			c.sameIfPicked(t, changed, mapped)
			for _, i := range mapped.Issues {
				if b.clean(t, text(i)); t.Failed() {
					t.Fatalf("%s", v.object.JSON)
				}
			}
		}
	})
}

type oddVersion struct {
	of     int // place of the object
	object system.Object
}

// oddVersions are odd versions of the first object of each stream: all of it is odd, or one thing in it.
func oddVersions(t *testing.T, objects []system.Object) []oddVersion {
	t.Helper()
	var all []oddVersion
	seen := map[system.Stream]bool{}
	for of, o := range objects {
		if seen[o.Stream] {
			continue
		}
		seen[o.Stream] = true
		var fields any
		if err := json.Unmarshal(o.JSON, &fields); err != nil {
			t.Fatal(err)
		}
		eachOdd(fields, func(version any) {
			body, err := json.Marshal(version)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, oddVersion{of, system.Object{Stream: o.Stream, Parent: o.Parent, JSON: body}})
		})
	}
	return all
}

// eachOdd calls do with a value in which one thing is odd, for each thing and each odd value.
func eachOdd(v any, do func(version any)) {
	for _, value := range odd() {
		do(value)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			whole := v[name]
			eachOdd(whole, func(version any) {
				v[name] = version
				do(v)
			})
			v[name] = whole
		}
	case []any:
		for i, whole := range v {
			eachOdd(whole, func(version any) {
				v[i] = version
				do(v)
			})
			v[i] = whole
		}
	}
}

// paid: for each customer, what was paid is what invoices that are paid come to. It may be less by what credits come to, which pay
// invoices or wait to do so. No more is paid back than was paid. Or an issue says that it is not so.
func paid(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Story()
		b.world.Fill(3, time.Second)
		all := c.bundled(b.whole(t))
		for _, customer := range all.customers {
			mapped := c.System.Map(all.of[customer], settingsOfStory())
			s := sum(mapped.Records)
			told := slices.ContainsFunc(mapped.Issues, func(i system.Issue) bool { return i.Dataset == billing.Transactions || i.Dataset == billing.Invoices })
			if (s.paid > s.billed || s.paid < s.billed-s.credited || s.back > s.paid) && !told {
				t.Errorf("%s: %+v", customer, s)
			}
		}
		if len(all.customers) < 2 {
			t.Errorf("there are only %d customers", len(all.customers))
		}
	})
}

// sums are of invoices that are paid, in minor units. Those whose lines are less than nothing are credits.
type sums struct{ billed, credited, paid, back int64 }

func sum(all []billing.Record) sums {
	lines := map[string]int64{}
	for _, r := range all {
		if in, ok := r.(*billing.Invoice); ok && (in.Status == "paid" || in.Status == "refunded") {
			lines[in.ExternalID] = 0
		}
	}
	var s sums
	for _, r := range all {
		switch r := r.(type) {
		case *billing.LineItem:
			if _, settled := lines[r.InvoiceExternalID]; settled {
				lines[r.InvoiceExternalID] += r.AmountInCents
			}
		case *billing.Transaction:
			_, settled := lines[r.InvoiceExternalID]
			switch {
			case r.Result != billing.Successful || r.AmountInCents == nil || !settled:
			case r.Type == billing.Refund:
				s.back += *r.AmountInCents
			default:
				s.paid += *r.AmountInCents
			}
		}
	}
	for _, amount := range lines {
		s.billed += max(amount, 0)
		s.credited += max(-amount, 0)
	}
	return s
}
