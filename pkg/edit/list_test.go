package edit_test

import (
	"fmt"
	"slices"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// edits lists all edits of a source as "id[kinds]", with a star behind orphans.
func (w *world) edits(src store.Source) []string {
	w.t.Helper()
	var all []string
	for n, err := range w.e.All(w.t.Context(), w.dir, src, edit.Place{}) {
		must(w.t, err)
		s := fmt.Sprint(n.ID, n.What())
		if n.Orphan {
			s += "*"
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// orphans lists the orphans among the edits of a source, each with a star behind it.
func (w *world) orphans(src store.Source) []string {
	w.t.Helper()
	return slices.DeleteFunc(w.edits(src), func(s string) bool { return s[len(s)-1] != '*' })
}

// gone deletes a record, as a sweep does.
func (w *world) gone(rec edit.Record) {
	w.t.Helper()
	must(w.t, w.st.Write(w.t.Context(), []table.Write{{Item: table.Item{Key: rec.Key}, Delete: true}}))
}

// edited is a source with an edit of every kind.
type edited struct {
	*world
	src                           store.Source
	customer, invoice, plan, line edit.Record
	cus, inv, pl, li              string   // public ids of these records
	h                             store.H  // of the customer
	other                         edit.Ref // a customer that was merged into the first one
}

func newEdited(t *testing.T) *edited {
	t.Helper()
	w, ctx := newWorld(t), t.Context()
	src, hash := w.dir.Sources[0], w.dir.Hasher()
	c, i, p := &billing.Customer{ExternalID: "c1"}, &billing.Invoice{ExternalID: "i1", CustomerExternalID: "c1"}, &billing.Plan{ExternalID: "p1"}
	l := &billing.LineItem{InvoiceExternalID: "i1", ExternalID: "l1"}
	x := &edited{
		world: w, src: src, h: hash.CustomerH("c1"), other: w.person(src, "c2", 0),
		customer: w.record(w.sp, c, 0), invoice: w.record(w.sp, i, 0), plan: w.record(w.sp, p, 0), line: w.record(w.sp, l, 0),
	}
	id := func(prefix string, h store.H) string { return store.ID(prefix, src.Tag, h) }
	x.cus, x.inv, x.pl = id("cus_", x.h), id("inv_", hash.InvoiceH("i1")), id("pl_", hash.PlanH(p))
	x.li = id("li_", store.Under(hash.InvoiceH("i1"), hash.LineItemH(l)))

	first := edit.Of(w.sp, x.h, x.customer.Base).By("me")
	_, err := w.e.AddTags(ctx, first, "x")
	must(t, err)
	_, err = w.e.Put(ctx, first, map[string]edit.Untyped{"k": {Value: "v"}})
	must(t, err)
	w.change(x.customer, &billing.Customer{Email: "a@x.de"}, "me", "email")
	w.merge(x.other, edit.Ref{Tag: src.Tag, H: x.h})
	day := table.NewBuilder().Int("date", 86400000).Attrs()
	_, err = w.e.Change(ctx, x.invoice, day, []string{"date"}, "me")
	must(t, err)
	_, err = w.e.Disable(ctx, x.invoice, true, "you")
	must(t, err)
	_, err = w.e.Delete(ctx, x.line, "me")
	must(t, err)
	w.change(x.plan, &billing.Plan{Name: "Gold"}, "me", "name")
	return x
}

func TestListOfAllEdits(t *testing.T) {
	t.Parallel()
	w := newEdited(t)
	want := []string{
		w.cus + "[attributes]", w.cus + "[fields]", w.cus + "[merge]", w.cus + "[tags]", w.other.CustomerID() + "[merge]",
		w.inv + "[fields disabled]", w.li + "[deleted]", w.pl + "[fields]",
	}
	slices.Sort(want)
	same(t, "edits", want, w.edits(w.src))

	for n, err := range w.e.All(t.Context(), w.dir, w.src, edit.Place{}) {
		must(t, err)
		by := "me"
		switch {
		case n.ID == w.inv:
			by = "you" // has disabled it last
		case n.ID == w.cus && n.Merge.Into == nil && len(n.Merge.From) > 0:
			by = "" // the other customer's end of the link says who
		}
		if n.By != by || n.At.IsZero() {
			t.Errorf("%s %v is by %q at %v, want %q", n.ID, n.What(), n.By, n.At, by)
		}
	}
}

func TestListOfEditsFromAPlaceOn(t *testing.T) {
	t.Parallel()
	w := newEdited(t)
	var places []edit.Place
	for n, err := range w.e.All(t.Context(), w.dir, w.src, edit.Place{}) {
		must(t, err)
		places = append(places, n.Place)
	}
	same(t, "places", 8, len(places))
	for at, p := range places {
		parsed, ok := edit.ParsePlace(p.String())
		same(t, "place", true, ok && parsed == p)
		rest := 0
		for _, err := range w.e.All(t.Context(), w.dir, w.src, parsed) {
			must(t, err)
			rest++
		}
		same(t, "edits after the place", len(places)-at-1, rest)
	}
	for _, bad := range []string{"", "1", "x.c#", "-1." + store.CustomerSK(w.h) + "#tags", "1.m#x#tags", "0." + store.CustomerSK(w.h)} {
		if _, ok := edit.ParsePlace(bad); ok {
			t.Errorf("%q is a place", bad)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	w := newEdited(t)
	for id, what := range map[string]string{
		w.cus: "[fields]", w.inv: "[fields disabled]", w.li: "[deleted]", w.pl: "[fields]", w.other.CustomerID(): "[]",
	} {
		_, n, err := w.e.Find(t.Context(), w.dir, id)
		must(t, err)
		same(t, id, id+what, n.ID+fmt.Sprint(n.What()))
	}
}

// Without the invoice, its edit and the edit of its line item are orphans.
func TestDropOfAnInvoicesOrphans(t *testing.T) {
	t.Parallel()
	w, ctx := newEdited(t), t.Context()
	w.gone(w.invoice)
	same(t, "orphans", []string{w.inv + "[fields disabled]*", w.li + "[deleted]*"}, w.orphans(w.src))
	rec, n, err := w.e.Find(ctx, w.dir, w.inv)
	must(t, err)
	same(t, "orphan", true, n.Orphan)
	_, err = w.e.Revert(ctx, rec, "date")
	must(t, err)
	same(t, "pointers", 1, len(w.pointers(w.sp))) // by the customer's e-mail address

	dropped, err := w.e.Drop(ctx, w.dir, w.src)
	must(t, err)
	same(t, "dropped", 2, dropped)
	same(t, "edits", 6, len(w.edits(w.src)))
	if _, _, err := w.e.Find(ctx, w.dir, w.inv); code(err) != "record_not_found" {
		t.Errorf("found an edit that was dropped: %v", err)
	}
}

// The link of the other customer is kept: its own end is no orphan. It does not count any more,
// even if the customer comes back.
func TestDropOfACustomersOrphans(t *testing.T) {
	t.Parallel()
	w := newEdited(t)
	w.gone(w.customer)
	w.gone(w.plan)
	dropped, err := w.e.Drop(t.Context(), w.dir, w.src)
	must(t, err)
	same(t, "dropped", 5, dropped)
	same(t, "left", []string{w.other.CustomerID() + "[merge]", w.inv + "[fields disabled]", w.li + "[deleted]"}, w.edits(w.src))
	same(t, "pointers", 1, len(w.pointers(w.sp))) // by the date of the invoice
	w.record(w.sp, &billing.Customer{ExternalID: "c1"}, 0)
	same(t, "group", []edit.Ref{w.other}, w.groups(w.other)[w.other])
}

func TestDropOfManyOrphans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	src := w.dir.Sources[0]
	for i := range 230 {
		rec := w.record(w.sp, &billing.Customer{ExternalID: fmt.Sprint(i)}, w.dir.ManualEpoch*int64(i%2))
		w.change(rec, &billing.Customer{Email: fmt.Sprint(i, "@x.de")}, "me", "email")
		if i < 150 {
			w.gone(rec)
		}
	}
	w.raiseManual() // hides the edits of manual customers; they may be restored
	same(t, "orphans", 150/2, len(w.orphans(src)))
	dropped, err := w.e.Drop(t.Context(), w.dir, src)
	must(t, err)
	same(t, "dropped", 150/2, dropped)
	same(t, "edits", 40, len(w.edits(src)))
	same(t, "pointers", 230-150/2, len(w.pointers(w.sp)))
}
