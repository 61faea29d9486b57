package edit_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// record stores a record as an import does.
func (w *world) record(sp store.Space, r billing.Record, manual int64) edit.Record {
	w.t.Helper()
	hash := w.dir.Hasher()
	var key table.Key
	switch r := r.(type) {
	case *billing.Customer:
		key = sp.Customer(hash.CustomerH(r.ExternalID))
	case *billing.Plan:
		key = sp.Plan(hash.PlanH(r))
	case *billing.Invoice:
		key = sp.Invoice(hash.InvoiceH(r.ExternalID))
	case *billing.LineItem:
		key = sp.LineItem(hash.InvoiceH(r.InvoiceExternalID), hash.LineItemH(r))
	}
	b := table.NewBuilder().Int(store.AttrManual, manual)
	store.EncodeRecord(b, r)
	w.until(func() error {
		return w.st.Write(w.t.Context(), []table.Write{{Item: table.Item{Key: key, Attrs: b.Attrs()}}})
	})
	return edit.Record{Space: sp, Key: key, Base: b.Attrs(), Hash: hash}
}

// change gives fields of a record the values that they have in now; a field without a value is
// emptied.
func (w *world) change(rec edit.Record, now billing.Record, by string, fields ...string) edit.Row {
	w.t.Helper()
	b := table.NewBuilder()
	store.EncodeRecord(b, now)
	row, err := w.e.Change(w.t.Context(), rec, b.Attrs(), fields, by)
	must(w.t, err)
	return row
}

func (w *world) row(rec edit.Record) edit.Row {
	w.t.Helper()
	found, err := w.st.Lookup(w.t.Context(), rec.Space.FieldsOf(rec.Key))
	must(w.t, err)
	row, err := edit.ReadRow(w.dir, found, rec.Space, rec.Key)
	must(w.t, err)
	return row
}

// pointers lists the sort keys of the pointers in the edit partitions of a source.
func (w *world) pointers(sp store.Space) []string {
	w.t.Helper()
	var all []string
	for shard := range sp.Shards {
		for it, err := range w.st.Items(w.t.Context(), table.Query{PK: sp.EditPK(shard)}) {
			must(w.t, err)
			if what := store.SKPrefix(it.SK); what == store.SKEmail || what == store.SKOwner {
				all = append(all, it.SK)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was := &billing.Customer{ExternalID: "c1", Name: "Ann", City: "Rome", LeadCreatedAt: time.UnixMilli(5).UTC()}
	rec := w.record(w.sp, was, 0)
	shown := func() *billing.Customer { return store.DecodeCustomer(w.row(rec).Over(rec.Base)) }
	same(t, "unchanged", was, shown())

	w.change(rec, &billing.Customer{Name: "Anna", Company: "Acme"}, "me", "name", "company", "city", "lead_created_at")
	same(t, "changed", &billing.Customer{ExternalID: "c1", Name: "Anna", Company: "Acme"}, shown())
	same(t, "author", "me", w.row(rec).Fields["city"].By)
	same(t, "fields", []string{"city", "company", "lead_created_at", "name"}, slices.Sorted(maps.Keys(w.row(rec).Fields)))

	w.change(rec, &billing.Customer{Name: "Anna"}, "you", "name")
	same(t, "author of the same again", "me", w.row(rec).Fields["name"].By)
	w.change(rec, was, "you", "name", "city")
	same(t, "imported values given back", []string{"company", "lead_created_at"}, slices.Sorted(maps.Keys(w.row(rec).Fields)))

	row, err := w.e.Revert(t.Context(), rec, "company")
	must(t, err)
	same(t, "fields left", 1, len(row.Fields))
	_, err = w.e.Disable(t.Context(), rec, true, "me")
	must(t, err)
	_, err = w.e.Delete(t.Context(), rec, "me")
	must(t, err)
	row = w.row(rec)
	same(t, "hidden", true, row.Disabled != nil && row.Disabled.By == "me" && row.Deleted != nil && row.Deleted.By == "me")
	_, err = w.e.Disable(t.Context(), rec, false, "me")
	must(t, err)
	same(t, "still deleted", true, w.row(rec).Deleted != nil)
	_, err = w.e.Revert(t.Context(), rec)
	must(t, err)
	same(t, "reverted", edit.Row{}, w.row(rec))
	found, err := w.st.Get(t.Context(), w.sp.FieldsOf(rec.Key))
	must(t, err)
	same(t, "items", 0, len(found))
}

func TestConcurrentEditsOfFieldsAreAllKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.record(w.sp, &billing.Customer{ExternalID: "c1"}, 0)
	all := []string{"name", "company", "city", "zip", "owner", "website_url", "email"}
	var wg sync.WaitGroup
	for i, name := range all {
		wg.Go(func() {
			want := table.NewBuilder().Str(name, name).Attrs()
			if _, err := w.e.Change(t.Context(), rec, want, []string{name}, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	row := w.row(rec)
	same(t, "fields", len(all), len(row.Fields))
	for i, name := range all {
		same(t, name, name, *row.Fields[name].Str)
		same(t, "author", fmt.Sprint(i), row.Fields[name].By)
	}
}

func TestPointersFollowTheEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hash := w.dir.Hasher()
	email := func(s string) string { return store.EmailSK(hash.EmailH(s), hash.CustomerH("c1")) }
	rec := w.record(w.sp, &billing.Customer{ExternalID: "c1", Email: "a@x.de"}, 0)
	for _, x := range []struct {
		email string
		want  []string
	}{
		{"b@x.de", []string{email("b@x.de")}},
		{"B@X.de", []string{email("b@x.de")}},
		{"c@x.de", []string{email("c@x.de")}},
		{"", nil},
		{"d@x.de", []string{email("d@x.de")}},
		{"a@x.de", nil},
	} {
		w.change(rec, &billing.Customer{Email: x.email}, "me", "email")
		same(t, x.email, x.want, w.pointers(w.sp))
	}

	day := func(n int) time.Time { return time.Date(2020, 1, n, 0, 0, 0, 0, time.UTC) }
	inv := &billing.Invoice{ExternalID: "i1", CustomerExternalID: "c1", Date: day(1)}
	owner := func(c string) string { return store.OwnerSK(hash.CustomerH(c), hash.InvoiceH("i1")) }
	irec := w.record(w.sp, inv, 0)
	w.change(irec, &billing.Invoice{Date: day(2)}, "me", "date")
	w.change(irec, &billing.Invoice{Date: day(3), DueDate: day(4)}, "me", "date", "due_date")
	same(t, "date", []string{owner("c1")}, w.pointers(w.sp))
	found, err := w.st.Lookup(t.Context(), w.sp.EditOwner(hash.CustomerH("c1"), hash.InvoiceH("i1")))
	must(t, err)
	date, _ := found[w.sp.EditOwner(hash.CustomerH("c1"), hash.InvoiceH("i1"))].Int("date")
	same(t, "date in the pointer", day(3).UnixMilli(), date)

	inv.CustomerExternalID = "c2" // an import gives it to another customer
	irec = w.record(w.sp, inv, 0)
	w.change(irec, &billing.Invoice{Date: day(5)}, "me", "date")
	same(t, "owner", []string{owner("c2")}, w.pointers(w.sp))
	_, err = w.e.Revert(t.Context(), irec, "date")
	must(t, err)
	same(t, "reverted", []string(nil), w.pointers(w.sp))
}

// The edit of a manual record becomes invisible with it. It stays if the record was made again over
// REST.
func TestFieldsOfManualRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := &billing.Customer{ExternalID: "c1"}
	rec := w.record(w.sp, c, w.dir.ManualEpoch)
	w.change(rec, &billing.Customer{Name: "Old", Email: "old@x.de"}, "me", "name", "email")
	rec = w.record(w.sp, c, 0) // made anew over REST
	w.change(rec, &billing.Customer{City: "Rome"}, "me", "city")
	same(t, "fields", 3, len(w.row(rec).Fields))

	rec = w.record(w.sp, c, w.dir.ManualEpoch)
	w.change(rec, &billing.Customer{Zip: "1"}, "me", "zip")
	w.raiseManual()
	same(t, "after the erase", edit.Row{}, w.row(rec))
	rec = w.record(w.sp, c, w.dir.ManualEpoch)
	w.change(rec, &billing.Customer{Company: "New"}, "me", "company")
	same(t, "of the new one", []string{"company"}, slices.Collect(maps.Keys(w.row(rec).Fields)))
}

func (w *world) raiseManual() {
	w.t.Helper()
	var err error
	w.dir, err = w.st.ChangeDirectory(w.t.Context(), func(d *store.Directory) ([]table.Write, error) { d.ManualEpoch++; return nil, nil })
	must(w.t, err)
}

// A change whose answer is lost and that is tried again is made once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, mem.Options{Seed: 3, Lost: 0.3, Busy: 0.1, Partial: 0.2})
		rec := w.record(w.sp, &billing.Customer{ExternalID: "c1"}, 0)
		for i := range 30 {
			b := table.NewBuilder().Str("name", fmt.Sprint("n", i)).Str("email", fmt.Sprint(i, "@x.de")).Attrs()
			w.until(func() error { _, err := w.e.Change(t.Context(), rec, b, []string{"name", "email"}, "me"); return err })
		}
		var row edit.Row
		var sks []string
		w.until(func() error {
			found, err := w.st.Lookup(t.Context(), w.sp.FieldsOf(rec.Key))
			if err != nil {
				return err
			}
			row, err = edit.ReadRow(w.dir, found, w.sp, rec.Key)
			return err
		})
		same(t, "name", "n29", *row.Fields["name"].Str)
		for shard := range w.sp.Shards {
			w.until(func() error {
				page, err := w.st.Page(t.Context(), table.Query{PK: w.sp.EditPK(shard), From: store.SKEmail})
				for _, it := range page.Items {
					sks = append(sks, it.SK)
				}
				return err
			})
		}
		same(t, "pointers", 1, len(sks))
	})
}
