package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/pkg/billing"
	"reseed/pkg/source"
	"reseed/pkg/source/records"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// ids returns the ids of objects and of the parts that they show, sorted.
func (b *bed) ids(objects []system.Object) []string {
	var all []string
	for _, o := range objects {
		all = append(all, b.IDs(o)...)
	}
	slices.Sort(all)
	return all
}

// eachOnce: any number of objects, in the same second or not, arrive once each; with no request twice, of the largest pages, and
// without a filter on changes.
func eachOnce(t *testing.T, c Case) {
	t.Helper()
	for n, span := range map[int]time.Duration{0: 0, 1: 0, c.PageSize: 0, c.PageSize + 1: 0, 3 * c.PageSize: time.Second} {
		t.Run(fmt.Sprintf("%d every %v", n, span), func(t *testing.T) {
			inBed(t, c, func(t *testing.T, b *bed) {
				t.Helper()
				b.same(t, b.world.Fill(n, span), b.whole(t))
				b.thrifty(t)
			})
		})
	}
}

// same checks that there is one object for each id, and no other.
func (b *bed) same(t *testing.T, want []string, objects []system.Object) {
	t.Helper()
	got := b.ids(objects)
	slices.Sort(want)
	if !slices.Equal(want, got) {
		t.Errorf("wanted, and got:\n%s", cmp.Diff(want, got))
	}
}

// thrifty checks the requests of a clean run.
func (b *bed) thrifty(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range b.world.Requests() {
		if seen[r] {
			t.Errorf("%s is asked for twice", r)
		}
		seen[r] = true
		if !b.Sized(r) {
			t.Errorf("%s does not ask for the largest page", r)
		}
		for _, f := range b.Filters {
			if strings.Contains(r, f) {
				t.Errorf("%s has the filter %s", r, f)
			}
		}
	}
}

func longLists(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(3, time.Second)
		b.same(t, b.world.Long(2, 2*c.PageSize+5), b.whole(t))
		b.thrifty(t)
	})
}

// killed: whatever page was the last before a kill, a new process reads the same next page from the cursor, however its JSON was
// written meanwhile, and so the same end.
func killed(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(c.PageSize+1, time.Second)
		b.world.Long(2, c.PageSize+1)
		cursor := b.start()
		var objects []system.Object
		for done := false; !done; {
			lost, err := b.reader.Page(t.Context(), slices.Clone(cursor)) // the process dies before it counts
			if err != nil {
				t.Fatal(err)
			}
			page, err := c.reader(t, b.world).Page(t.Context(), rewritten(t, cursor))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(lost, page) {
				t.Fatal(cmp.Diff(lost, page))
			}
			objects = append(objects, page.Objects...)
			cursor, done = page.Next, page.Done
		}
		if diff := cmp.Diff(rows(t, c.mapped(b.whole(t)).Records), rows(t, c.mapped(objects).Records)); diff != "" {
			t.Error(diff)
		}
	})
}

// rewritten writes a cursor as a database may give it back.
func rewritten(t *testing.T, cursor json.RawMessage) json.RawMessage {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, cursor, " ", "\t"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cursors are small, and hold nothing that is secret or personal.
func cursors(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(3, time.Second)
		b.world.Long(c.PageSize+1, 11)
		cursor := b.start()
		for done := false; !done; {
			if len(cursor) >= 8<<10 || !json.Valid(cursor) {
				t.Fatalf("a cursor of %d bytes", len(cursor))
			}
			b.clean(t, string(cursor))
			p, err := b.reader.Page(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			cursor, done = p.Next, p.Done
		}
	})
}

// clean checks that a text holds no secret.
func (b *bed) clean(t *testing.T, text string) {
	t.Helper()
	for _, secret := range b.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q holds %q", text, secret)
		}
	}
}

// changes: what happens during a scan, before whichever call, loses nothing that was there before and stays.
func changes(t *testing.T, c Case) {
	t.Helper()
	for at := range effort.Cases(t.Name(), changedAt(t, c, 1), 1) {
		changedAt(t, c, at)
	}
}

// changedAt changes the world before a call of a pull, and returns how many calls there were.
func changedAt(t *testing.T, c Case, at int) (calls int) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(2*c.PageSize+1, time.Second)
		cursor := b.reader.Begin(time.Now().Add(time.Duration(2*c.PageSize+2)*time.Second), "")
		var stays []string
		b.world.Before(at, func() { stays = b.world.Churn() })
		objects, err := b.pull(t.Context(), cursor)
		if err != nil {
			t.Fatalf("changed before call %d: %v", at, err)
		}
		got := b.ids(objects)
		for _, id := range stays {
			if _, ok := slices.BinarySearch(got, id); !ok {
				t.Fatalf("changed before call %d: %s is lost", at, id)
			}
		}
		calls = len(b.world.Requests())
	})
	return calls
}

// troubles: a call that goes wrong once, whichever it is, changes nothing.
func troubles(t *testing.T, c Case) {
	t.Helper()
	for _, what := range []Trouble{Busy, BusyMute, Failing, Lost, Cut} {
		t.Run(string(what), func(t *testing.T) {
			calls := 0
			for at := 1; at == 1 || at < calls; at++ {
				inBed(t, c, func(t *testing.T, b *bed) {
					t.Helper()
					want := b.world.Fill(2, time.Second)
					b.world.Trouble(at, what)
					b.same(t, want, b.whole(t))
					calls = len(b.world.Requests())
				})
			}
		})
	}
}

// shapes: an answer that is no page ends the pull, and an object that is odd is an issue that names it. Others go on.
func shapes(t *testing.T, c Case) {
	t.Helper()
	for _, what := range []Trouble{HTML, NullList, NullInner, NewWord, WrongType} {
		t.Run(string(what), func(t *testing.T) {
			calls, issues := 0, 0
			for at := 1; at == 1 || at <= calls; at++ {
				inBed(t, c, func(t *testing.T, b *bed) {
					t.Helper()
					b.world.Fill(2, time.Second)
					b.world.Trouble(at, what)
					objects, err := b.pull(t.Context(), b.start())
					calls = max(calls, len(b.world.Requests()))
					if kind, ok := remote.KindOf(err); err != nil && (!ok || kind != remote.Shape) || noPage(what) && err == nil && !bodiless(b.world.Requests()[at-1]) {
						t.Fatalf("call %d: %v", at, err)
					}
					if err != nil {
						b.clean(t, err.Error())
						return
					}
					issues += b.helpful(t, c.mapped(objects))
				})
			}
			if !noPage(what) && issues == 0 {
				t.Error("nothing was noticed")
			}
		})
	}
}

// bodiless reports whether nothing but a header is asked for.
func bodiless(request string) bool { return strings.HasPrefix(request, http.MethodHead+" ") }

func noPage(what Trouble) bool { return what == HTML || what == NullList }

// helpful checks that issues lead to their objects and hold no secret, and returns how many there are.
func (b *bed) helpful(t *testing.T, m system.Mapped) int {
	t.Helper()
	for _, i := range m.Issues {
		b.clean(t, text(i))
		if i.Object == "" || i.Code == "" || i.Message == "" || !strings.Contains(i.Link, i.Object) {
			t.Errorf("an issue that helps nobody: %+v", i)
		}
	}
	return len(m.Issues)
}

// revoked: a key that is revoked in the middle ends the pull at once.
func revoked(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(2, time.Second)
		b.world.Before(4, b.world.Revoke)
		_, err := b.pull(t.Context(), b.start())
		last := 4
		if c.Tokens {
			last++
		}
		if kind, ok := remote.KindOf(err); !ok || kind != remote.Auth || len(b.world.Requests()) != last {
			t.Errorf("%v after %d requests", err, len(b.world.Requests()))
		}
		b.clean(t, err.Error())
	})
}

// money: amounts are exact in every currency, or rejected.
func money(t *testing.T, c Case) {
	t.Helper()
	for _, tt := range []struct {
		currency string
		amounts  []int64
		want     []int64 // nil: an issue rejects it
	}{
		{"jpy", []int64{500, 1}, []int64{500, 1}},
		{"kwd", []int64{1230}, []int64{1230}},
		{"eur", []int64{0}, []int64{0}},
		{"eur", []int64{1999, -500}, []int64{1999, -500}},
		{"eur", []int64{-500}, []int64{-500}},
		{"usd", []int64{billing.MaxInteger}, []int64{billing.MaxInteger}},
		{"usd", []int64{billing.MaxInteger + 1}, nil},
		{"usd", []int64{billing.MaxInteger, 1}, nil},
		{"xyz", []int64{1}, nil},
	} {
		if c.OneLine && tt.want == nil && len(tt.amounts) > 1 {
			continue // there is no sum
		}
		t.Run(fmt.Sprint(tt.currency, tt.amounts), func(t *testing.T) {
			inBed(t, c, func(t *testing.T, b *bed) {
				t.Helper()
				b.world.Sell(tt.currency, tt.amounts...)
				mapped := c.mapped(b.whole(t))
				var got []int64
				for _, r := range mapped.Records {
					if l, ok := r.(*billing.LineItem); ok {
						got = append(got, l.AmountInCents)
					}
				}
				rejected := slices.ContainsFunc(mapped.Issues, func(i system.Issue) bool { return i.Rejects })
				if !slices.Equal(got, tt.want) || rejected != (tt.want == nil) {
					t.Errorf("%d, want %d; %+v", got, tt.want, mapped.Issues)
				}
			})
		})
	}
}

// unbalanced: lines sum to the invoice's total, or an issue rejects the invoice with all that belongs to it, and no other.
func unbalanced(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Sell("eur", 700)
		before := rows(t, c.mapped(b.whole(t)).Records)
		b.world.Unbalance()
		mapped := c.mapped(b.whole(t))
		if diff := cmp.Diff(before, rows(t, mapped.Records)); diff != "" || !slices.ContainsFunc(mapped.Issues, func(i system.Issue) bool { return i.Rejects }) {
			t.Errorf("%s%+v", diff, mapped.Issues)
		}
	})
}

// pure: the same objects in any order, some of them twice or in another version, make the same records and issues; so do the
// fields alone that the system says it reads.
func pure(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Fill(3, time.Second)
		b.world.Story()
		b.world.Long(1, 15)
		b.world.Unbalance()
		objects := b.whole(t)
		want := c.mapped(objects)
		c.sameIfPicked(t, objects, want)
		random := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			shuffled := slices.Concat(objects, objects[:len(objects)/3])
			for _, o := range objects[len(objects)/2:] {
				o.JSON = append([]byte(`{"a_new_field":1,`), o.JSON[1:]...)
				shuffled = append(shuffled, o)
			}
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			got := c.mapped(shuffled)
			if diff := cmp.Diff(rows(t, want.Records), rows(t, got.Records)) + cmp.Diff(want.Issues, got.Issues); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// check: it names the account; and a permission that is missing.
func check(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		account, err := b.reader.Check(t.Context())
		if account.ID == "" || account.Name == "" || err != nil {
			t.Errorf("%+v, %v", account, err)
		}
		permission := b.world.Deny()
		_, err = b.reader.Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), permission) {
			t.Fatalf("%v does not name %s", err, permission)
		}
		b.clean(t, err.Error())
		b.world.Revoke()
		if _, err = b.reader.Check(t.Context()); err == nil {
			t.Error("a revoked key is accepted")
		} else {
			b.clean(t, err.Error())
		}
	})
}

//nolint:gochecknoglobals // a flag of go test
var update = flag.Bool("update-stories", false, "write the goldens of the stories")

// story: signup with trial, paid, upgrade in mid-period, failed then retried payment, partial refund, pause, cancelled at period
// end, reactivated.
func story(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Story()
		mapped := c.mapped(b.whole(t))
		got := rows(t, mapped.Records)
		accepted(t, got, len(mapped.Records))
		for _, i := range mapped.Issues {
			got += fmt.Sprintf("# %s: %s (rejects: %t)\n", i.Object, text(i), i.Rejects)
		}
		if *update {
			if err := os.WriteFile(c.Golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(c.Golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Error(diff)
		}
	})
}

// accepted checks that an import would take every row.
func accepted(t *testing.T, text string, want int) {
	t.Helper()
	in, err := records.Format{}.Open(io.NopCloser(bytes.NewReader([]byte(text))), source.Shape{}, source.Place{Line: 1}, time.Now().AddDate(30, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		row, err := in.Next(context.WithoutCancel(t.Context()))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		if _, problem := in.Record(); problem != nil {
			t.Errorf("row %s: %+v", strconv.FormatInt(row.Line, 10), *problem)
		}
	}
	if n != want || want == 0 {
		t.Errorf("%d rows of %d records", n, want)
	}
}

// oneCustomer: a pull of one customer has the records of that customer and the plans, and nothing of others.
func oneCustomer(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Story()
		b.world.Fill(3, time.Second)
		b.world.Long(c.PageSize+1, 1)
		b.world.Long(1, c.PageSize+1)
		all := c.bundled(b.whole(t))
		for _, customer := range all.customers {
			objects, err := b.pull(t.Context(), b.reader.Begin(time.Now().AddDate(1, 0, 0), customer))
			if err != nil {
				t.Fatal(err)
			}
			one := c.bundled(objects)
			if len(one.customers) != 1 || one.customers[0] != customer || one.nobodys != 0 {
				t.Fatalf("asked for %s, and read objects of %q, and %d of nobody", customer, one.customers, one.nobodys)
			}
			if diff := cmp.Diff(rows(t, c.recordsOf(all, customer)), rows(t, c.recordsOf(one, customer))); diff != "" {
				t.Errorf("%s:\n%s", customer, diff)
			}
		}
		if _, found, err := b.reader.Customer(t.Context(), "nobody"); found || err != nil {
			t.Errorf("a customer who was never there: %t, %v", found, err)
		}
		objects, err := b.pull(t.Context(), b.reader.Begin(time.Now().AddDate(1, 0, 0), "nobody"))
		if none := c.bundled(objects); err != nil || len(none.customers) > 0 || none.nobodys > 0 || len(none.catalog) != len(all.catalog) {
			t.Errorf("a pull of a customer who was never there: %q, %v", none.customers, err)
		}
	})
}

func (c Case) recordsOf(b bundles, customer string) []billing.Record {
	return append(c.System.MapCatalog(b.catalog, settingsOfStory()).Records, c.System.Map(b.of[customer], settingsOfStory()).Records...)
}

// settings: other settings make other records of the same objects, without a request.
func settings(t *testing.T, c Case) {
	t.Helper()
	inBed(t, c, func(t *testing.T, b *bed) {
		t.Helper()
		b.world.Story()
		objects := b.whole(t)
		asked := len(b.world.Requests())
		few := c.mappedWith(objects, system.Settings{WithoutRefunded: true, WithoutVoided: true, WithoutUncollectible: true})
		many := c.mappedWith(objects, system.Settings{Invoices: system.Issued})
		if len(few.Records) > len(many.Records) || len(b.world.Requests()) != asked {
			t.Errorf("%d and %d records, %d requests", len(few.Records), len(many.Records), len(b.world.Requests())-asked)
		}
	})
}
