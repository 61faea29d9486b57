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

// edits lists all edits of a source, as "id what", those of records that are not there with a star.
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

func (w *world) gone(rec edit.Record) {
	w.t.Helper()
	must(w.t, w.st.Write(w.t.Context(), []table.Write{{Item: table.Item{Key: rec.Key}, Delete: true}}))
}

func TestListOfAllEdits(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	src, hash := w.dir.Sources[0], w.dir.Hasher()
	c, i, p := &billing.Customer{ExternalID: "c1"}, &billing.Invoice{ExternalID: "i1", CustomerExternalID: "c1"}, &billing.Plan{ExternalID: "p1"}
	l := &billing.LineItem{InvoiceExternalID: "i1", ExternalID: "l1"}
	crec, irec, prec, lrec := w.record(w.sp, c, 0), w.record(w.sp, i, 0), w.record(w.sp, p, 0), w.record(w.sp, l, 0)
	other := w.person(src, "c2", 0)
	who := edit.Of(w.sp, hash.CustomerH("c1"), crec.Base).By("me")

	_, err := w.e.AddTags(ctx, who, "x")
	must(t, err)
	_, err = w.e.Put(ctx, who, map[string]edit.Untyped{"k": {Value: "v"}})
	must(t, err)
	w.change(crec, &billing.Customer{Email: "a@x.de"}, "me", "email")
	w.merge(other, edit.Ref{Tag: src.Tag, H: who.H})
	day := table.NewBuilder().Int("date", 86400000).Attrs()
	_, err = w.e.Change(ctx, irec, day, []string{"date"}, "me")
	must(t, err)
	_, err = w.e.Disable(ctx, irec, true, "you")
	must(t, err)
	_, err = w.e.Delete(ctx, lrec, "me")
	must(t, err)
	w.change(prec, &billing.Plan{Name: "Gold"}, "me", "name")

	id := func(prefix string, h store.H) string { return store.ID(prefix, src.Tag, h) }
	cus, inv := id("cus_", who.H), id("inv_", hash.InvoiceH("i1"))
	li, pl := id("li_", store.Under(hash.InvoiceH("i1"), hash.LineItemH(l))), id("pl_", hash.PlanH(p))
	want := []string{
		cus + "[attributes]", cus + "[fields]", cus + "[merge]", cus + "[tags]", other.CustomerID() + "[merge]",
		inv + "[fields disabled]", li + "[deleted]", pl + "[fields]",
	}
	slices.Sort(want)
	same(t, "edits", want, w.edits(src))

	var places []edit.Place
	for n, err := range w.e.All(ctx, w.dir, src, edit.Place{}) {
		must(t, err)
		places = append(places, n.Place)
		if by := map[string]string{inv: "you"}[n.ID]; n.ID != cus && n.By != max(by, "me") {
			t.Errorf("%s %v is by %q", n.ID, n.What(), n.By)
		}
		if n.At.IsZero() || n.ID == cus && len(n.Tags) == 1 && n.By != "me" {
			t.Errorf("%v by %q at %v", n.What(), n.By, n.At)
		}
	}
	for at, p := range places {
		parsed, ok := edit.ParsePlace(p.String())
		same(t, "place", true, ok && parsed == p)
		rest := 0
		for _, err := range w.e.All(ctx, w.dir, src, parsed) {
			must(t, err)
			rest++
		}
		same(t, "behind the place", len(places)-at-1, rest)
	}
	for _, bad := range []string{"", "1", "x.c#", "-1." + store.CustomerSK(who.H) + "#tags", "1.m#x#tags", "0." + store.CustomerSK(who.H)} {
		if _, ok := edit.ParsePlace(bad); ok {
			t.Errorf("%q is a place", bad)
		}
	}

	for _, x := range []struct {
		id   string
		what string
	}{{cus, "[fields]"}, {inv, "[fields disabled]"}, {li, "[deleted]"}, {pl, "[fields]"}, {other.CustomerID(), "[]"}} {
		_, n, err := w.e.Find(ctx, w.dir, x.id)
		must(t, err)
		same(t, x.id, x.id+x.what, n.ID+fmt.Sprint(n.What()))
	}

	// A line item is an orphan without its invoice, and all edits of an invoice without its customer's.
	w.gone(irec)
	same(t, "orphans", []string{inv + "[fields disabled]*", li + "[deleted]*"},
		slices.DeleteFunc(w.edits(src), func(s string) bool { return s[len(s)-1] != '*' }))
	rec, n, err := w.e.Find(ctx, w.dir, inv)
	must(t, err)
	same(t, "orphan", true, n.Orphan)
	_, err = w.e.Revert(ctx, rec, "date")
	must(t, err)
	same(t, "pointers", 1, len(w.pointers(w.sp))) // that of the customer's e-mail

	dropped, err := w.e.Drop(ctx, w.dir, src)
	must(t, err)
	same(t, "dropped", 2, dropped)
	same(t, "edits", 6, len(w.edits(src)))
	if _, _, err := w.e.Find(ctx, w.dir, inv); code(err) != "record_not_found" {
		t.Errorf("found an edit that was dropped: %v", err)
	}
	w.gone(crec)
	w.gone(prec)
	dropped, err = w.e.Drop(ctx, w.dir, src)
	must(t, err)
	same(t, "dropped", 5, dropped)
	same(t, "left", []string{other.CustomerID() + "[merge]"}, w.edits(src))
	same(t, "pointers", 0, len(w.pointers(w.sp)))
	w.record(w.sp, c, 0)
	same(t, "group", []edit.Ref{other}, w.groups(other)[other])
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
	w.raiseManual() // edits of manual customers are hidden with them, and may be restored
	stars := slices.DeleteFunc(w.edits(src), func(s string) bool { return s[len(s)-1] != '*' })
	same(t, "orphans", 150/2, len(stars))
	dropped, err := w.e.Drop(t.Context(), w.dir, src)
	must(t, err)
	same(t, "dropped", 150/2, dropped)
	same(t, "edits", 40, len(w.edits(src)))
	same(t, "pointers", 230-150/2, len(w.pointers(w.sp)))
}
