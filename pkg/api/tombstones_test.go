package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/api"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/pebble"
)

// hideRecords stores tombstones of n records of a source, of every kind, as if each was erased by
// itself. The records need not be there.
func hideRecords(tb testing.TB, st *store.Store, source string, n int) {
	tb.Helper()
	const together = 90
	for from := 0; from < n; from += together {
		_, err := st.ChangeDirectory(tb.Context(), func(d *store.Directory) ([]table.Write, error) {
			src, _ := d.ByUUID(source)
			for i := from; i < min(n, from+together); i++ {
				stone := store.Tombstone{Tag: src.Tag, Kind: store.KindImport, Import: int64(i + 1)}
				if kind := []store.Kind{store.KindCustomer, store.KindInvoicesOf, store.KindInvoice, store.KindImport}[i%4]; kind != store.KindImport {
					stone = store.Over(src.Tag, kind, d.Hasher().External(kind, fmt.Sprint("none", i)))
				}
				d.Hide(fmt.Sprintf("%032x", i), stone)
			}
			return nil, nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// filesOf are the files of one customer with everything that belongs to it. All external ids begin
// with its name.
func filesOf(who string) (parts []part) {
	for i, text := range []string{
		"Name,External ID,Email\nX,?-c,?@example.com\n",
		"Name,Interval count,Interval unit,Plan ID\nX,1,month,?-p\n",
		"Customer external ID,Invoice external ID,Invoiced date,Currency\n?-c,?-i1,2025-01-01,USD\n?-c,?-i2,2025-01-02,USD\n",
		"Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end\n" +
			"?-i1,?-l1,s1,subscription,5,?-p,2025-01-01,2025-02-01\n?-i2,?-l2,,one_time,5,,,\n",
		"Invoice external ID,External ID,Type,Result,Date,Amount in cents\n?-i1,?-t1,payment,successful,2025-01-02,\n",
	} {
		parts = append(parts, file(fmt.Sprintf("%d.csv", i), strings.ReplaceAll(text, "?", who)))
	}
	return parts
}

// gate makes a GET request: to a process that has read the tombstones before, or to a new one.
type gate func(path string) string

func (b *bed) warm(path string) string { return b.do("GET", path, "").body }

// cold is a gate to a process that has just started.
func (b *bed) cold(d table.Driver) gate {
	return func(path string) string {
		st := store.New(d)
		fresh := &service{t: b.t, handler: api.New(api.Config{
			Store: st, Keys: []httpapi.Key{{Hash: httpapi.HashKey(testKey)}}, Edits: edit.New(st, b.now), Jobs: b.ledger, Now: b.now,
			Log: slog.New(slog.DiscardHandler),
		})}
		return fresh.do("GET", path, "").body
	}
}

// No route shows what a tombstone hides, and every route shows the rest; a restore brings all of it
// back.
func TestNoRouteShowsWhatLiesUnderATombstone(t *testing.T) {
	t.Parallel()
	for kind, hidden := range map[string][]string{
		"customer":          {"ann-tag", "ann-c", "ann-i1", "ann-i2", "ann-l1", "ann-l2", "ann-t1"},
		"customer-invoices": {"ann-i1", "ann-i2", "ann-l1", "ann-l2", "ann-t1"},
		"invoice":           {"ann-i1", "ann-l1", "ann-t1"},
		"import":            {"ann-tag", "ann-c", "ann-i1", "ann-i2", "ann-l1", "ann-l2", "ann-t1", "ann-p"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := mem.New(mem.Options{})
			b := newBedOn(t, nil, d)
			b.done("done", filesOf("bob")...)
			imported := b.done("done", filesOf("ann")...)
			hideRecords(t, b.store, b.source, 500)
			v := newView(b)
			id := map[string]string{
				"customer": v.ids["ann-c"], "customer-invoices": v.ids["ann-c"], "invoice": v.ids["ann-i1"], "import": imported,
			}[kind]
			before := v.words(b.warm)
			erase := b.erase(`{"selection":%q,"id":%q,"grace":"48h"}`, kind, id)
			for name, from := range map[string]gate{"warm": b.warm, "cold": b.cold(d)} {
				for path, is := range v.words(from) {
					want := slices.DeleteFunc(slices.Clone(before[path]), func(w string) bool {
						return slices.Contains(hidden, w) || slices.Contains(hidden, v.of[path])
					})
					if !slices.Equal(is, want) {
						t.Errorf("%s %s: %v, want %v", name, path, is, want)
					}
				}
			}
			b.must(200, "POST", "/v1/erasures/"+erase+"/restore", "")
			for path, is := range v.words(b.cold(d)) {
				if !slices.Equal(is, before[path]) {
					t.Errorf("restored, %s: %v, want %v", path, is, before[path])
				}
			}
			if d := b.directory(); d.TombstoneCount() != 500 {
				t.Errorf("%d tombstones", d.TombstoneCount())
			}
		})
	}
}

func (b *bed) directory() *store.Directory {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// view is all that routes show of two customers.
type view struct {
	b   *bed
	ids map[string]string // by external id
	of  map[string]string // by path: the customer it belongs to; empty for lists
}

func newView(b *bed) *view {
	v := &view{b, map[string]string{}, map[string]string{}}
	for list, path := range map[string]string{"entries": "customers", "plans": "plans", "invoices": "invoices"} {
		for _, e := range entries(b.t, b.must(200, "GET", "/v1/"+path, ""), list) {
			v.ids[text(b.t, e, "external_id")] = text(b.t, e, "uuid")
		}
	}
	for _, list := range []string{"/v1/customers", "/v1/customers?per_page=1", "/v1/plans", "/v1/invoices", "/v1/data_sources/" + b.source + "/edits"} {
		v.of[list] = ""
	}
	for _, who := range []string{"ann", "bob"} {
		for _, what := range []string{"c", "i1", "i2"} {
			path := "/v1/customers/" + v.ids[who+"-c"]
			if what != "c" {
				path = "/v1/invoices/" + v.ids[who+"-"+what]
			} else {
				b.must(200, "POST", path+"/attributes/tags", fmt.Sprintf(`{"tags":["%s-tag"]}`, who))
				v.of[path+"/attributes"] = who + "-c"
			}
			v.of[path] = who + "-" + what
		}
		b.must(200, "PATCH", "/v1/invoices/"+v.ids[who+"-i1"]+"?handle_as_user_edit=true", fmt.Sprintf(`{"status":"paid","due_date":"20%d-01-01"}`, 30+len(v.of)))
		v.of["/v1/customers?external_id="+who+"-c"] = who + "-c"
		v.of["/v1/customers/search?email="+who+"@example.com"] = who + "-c"
		v.of["/v1/plans/"+v.ids[who+"-p"]] = who + "-p"
		v.of["/v1/invoices?customer_uuid="+v.ids[who+"-c"]] = ""
		v.of["/v1/import/customers/"+v.ids[who+"-c"]+"/invoices"] = ""
		v.of["/v1/invoices?external_id="+who+"-i1"] = who + "-i1"
		for list, ext := range map[string]string{"line_items": "-l1", "transactions": "-t1"} {
			path := b.byExternalID(list, who+ext)
			v.of[path] = who + ext
			v.of["/v1/"+list+"/"+text(b.t, b.must(200, "GET", path, ""), "uuid")] = who + ext
		}
	}
	return v
}

// words are the external ids of all records that each path shows by an external or public id.
func (v *view) words(from gate) map[string][]string {
	v.b.t.Helper()
	out := map[string][]string{}
	for path := range v.of {
		body := from(path)
		for _, who := range []string{"ann", "bob"} {
			for _, w := range []string{"c", "i1", "i2", "l1", "l2", "t1", "p", "tag"} {
				w = who + "-" + w
				customer := strings.HasSuffix(w, "-c") || strings.HasSuffix(w, "-tag")
				switch {
				case customer && strings.Contains(path, "invoices"), customer && strings.Contains(path, "line_items"): // they name their customer
				case strings.Contains(body, `"`+w+`"`), strings.Contains(path, "/edits") && v.ids[w] != "" && strings.Contains(body, v.ids[w]):
					out[path] = append(out[path], w)
				}
			}
		}
		if len(out[path]) == 0 {
			out[path] = nil
		}
	}
	return out
}

// With ten thousand tombstones, lists and single reads make not one call more and cost not one read
// unit more, and other erases still work.
func TestTenThousandTombstones(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	d := mem.New(mem.Options{Before: func(mem.Op, int) error { calls.Add(1); return nil }})
	b := newBedOn(t, nil, d)
	b.done("done", filesOf("ann")...)
	b.done("done", filesOf("bob")...)
	v := newView(b)
	cost := func() map[string]string {
		out := map[string]string{}
		for path := range v.of {
			b.warm(path)
			was, spent := calls.Load(), b.store.Spent()
			b.warm(path)
			out[path] = fmt.Sprint(calls.Load()-was, " calls, ", b.store.Spent().ReadMilli-spent.ReadMilli)
		}
		return out
	}
	erase := func(ext string) (n int64) {
		t.Helper()
		was := calls.Load()
		job := b.erase(`{"selection":"invoice","id":%q}`, v.ids[ext])
		b.work()
		b.must(200, "GET", "/v1/erasures/"+job+"/receipt", "")
		return calls.Load() - was
	}
	alone := erase("ann-i1")
	without := cost()
	hideRecords(t, b.store, b.source, 10_000)
	for path, is := range cost() {
		if is != without[path] {
			t.Errorf("%s: %s, without tombstones %s", path, is, without[path])
		}
	}
	if among := erase("ann-i2"); among > alone+10 {
		t.Errorf("an erase took %d calls, and without tombstones %d", among, alone)
	}
	if n := b.directory().TombstoneCount(); n != 10_000 {
		t.Errorf("%d tombstones are left", n)
	}
	b.status(404, "GET", "/v1/invoices/"+v.ids["ann-i2"], "")
	b.status(200, "GET", "/v1/invoices/"+v.ids["bob-i2"], "")
}

// A list reads hidden rows in growing pages, however few records it still wants.
func TestAListOverManyHiddenRows(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	b := newBedOn(t, nil, mem.New(mem.Options{Before: func(mem.Op, int) error { calls.Add(1); return nil }}))
	const n, seen = 3000, 5
	b.fill(n)
	var hs []store.H
	for i := range n {
		hs = append(hs, b.directory().Hasher().CustomerH(fmt.Sprint("c", i)))
	}
	slices.SortFunc(hs, func(x, y store.H) int { return strings.Compare(x.String(), y.String()) })
	_, err := b.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		src, _ := d.ByUUID(b.source)
		var stones []store.Tombstone
		for _, h := range append(hs[seen:n-seen:n-seen], hs[n-1]) {
			stones = append(stones, store.Over(src.Tag, store.KindCustomer, h))
		}
		d.Hide("many", stones...)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, list := range map[string]string{
		"/v1/customers?per_page=5": "entries", "/v1/customers?per_page=7": "entries", "/v1/invoices?per_page=5": "invoices", "/v1/invoices?per_page=9": "invoices",
	} {
		was := calls.Load()
		var want int
		_, _ = fmt.Sscanf(path[strings.Index(path, "=")+1:], "%d", &want)
		b.count(want, path, list)
		if made := calls.Load() - was; made > 200 {
			t.Errorf("%s: %d calls", path, made)
		}
	}
}

// BenchmarkTombstones reads lists of 200 in the embedded store, in turns from a source without
// tombstones and from one with many, and reports how much longer the latter takes. Then it measures
// processes that start and have to read all tombstones.
func BenchmarkTombstones(b *testing.B) {
	for _, stones := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(stones), func(b *testing.B) { benchTombstones(b, stones) })
	}
}

func benchTombstones(b *testing.B, stones int) {
	b.Helper()
	plain, hidden := stocked(b, 0), stocked(b, stones)
	for _, list := range []string{"customers", "invoices"} {
		b.Run(list, func(b *testing.B) {
			var without, with []time.Duration
			for b.Loop() {
				without, with = append(without, plain.listed(list)), append(with, hidden.listed(list))
			}
			slices.Sort(without)
			slices.Sort(with)
			b.ReportMetric(float64(with[len(with)/2])/float64(without[len(without)/2]), "ratio")
		})
	}
	b.Run("new process", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.New(hidden.driver).Directory(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benched is a bed over the embedded store.
type benched struct {
	*bed
	driver *pebble.Driver
}

func stocked(b *testing.B, stones int) benched {
	b.Helper()
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	bed := newBedOn(b, nil, d)
	bed.fill(2000)
	hideRecords(b, bed.store, bed.source, stones)
	return benched{bed, d}
}

// listed is how long one list of 200 takes.
func (b benched) listed(list string) time.Duration {
	b.t.Helper()
	req := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/v1/"+list+"?per_page=200", http.NoBody)
	req.SetBasicAuth(testKey, "")
	rec, begun := httptest.NewRecorder(), time.Now()
	if b.handler.ServeHTTP(rec, req); rec.Code != http.StatusOK {
		b.t.Fatal(rec.Code)
	}
	return time.Since(begun)
}

// fill makes customers with an invoice each.
func (b *bed) fill(n int) {
	b.t.Helper()
	d := b.directory()
	src, _ := d.ByUUID(b.source)
	sp, hr := src.Space(), d.Hasher()
	var writes []table.Write
	for i := range n {
		ext := fmt.Sprint("c", i)
		h, inv := hr.CustomerH(ext), hr.InvoiceH(ext)
		record := func(key table.Key, add func(*table.Builder)) {
			at := b.now().Add(-time.Hour).UnixMilli()
			rec := table.NewBuilder().Int(store.AttrCreated, at).Int(store.AttrImport, 1<<40).Int(store.AttrUpdated, at)
			add(rec)
			writes = append(writes, table.Write{Item: table.Item{Key: key, Attrs: rec.Attrs()}})
		}
		record(sp.Customer(h), func(b *table.Builder) {
			b.Str("external_id", ext).Str("name", "Name of "+ext).Str("email", ext+"@example.com").Str("country", "DE").Str("city", "Berlin")
		})
		record(sp.Invoice(inv), func(b *table.Builder) {
			b.Str("external_id", ext).Str("customer", ext).Str("currency", "USD").Int("date", 1_700_000_000_000)
		})
		record(sp.LineItem(inv, inv), func(b *table.Builder) {
			b.Str("external_id", ext).Str("invoice", ext).Str("type", "one_time").Int("amount_in_cents", 100).Int("quantity", 1)
		})
	}
	if err := b.store.Write(b.t.Context(), writes); err != nil {
		b.t.Fatal(err)
	}
}
