package eraser_test

import (
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Fatalf("error %v, want %s", err, code)
	}
}

// others has one row of everything that can belong to rows that an import added: to customer 3, its
// invoice, or the plan.
func others(w *world) map[string][]table.Item {
	hr, sp := w.directory().Hasher(), w.acme.Space()
	h, inv := customerH(hr, 3), invoiceH(hr, 3)
	own, event := hr.External(store.KindInvoice, "other"), hr.External(store.KindEvent, "other").EventID()
	line, paid := hr.External(store.KindLineItem, "other"), hr.External(store.KindTransaction, "other")
	stranger := customerH(hr, 1)
	return map[string][]table.Item{
		"1 contacts":            {{Key: sp.Contact(h, hr.Natural(store.KindContact, "other")), Attrs: attrs(0, "name", "Other")}},
		"1 invoices":            {{Key: sp.Owner(h, own), Attrs: attrs(0)}, {Key: sp.Invoice(own), Attrs: attrs(0, "customer", "cus-3")}},
		"1 subscription events": {{Key: sp.Event(h, event), Attrs: attrs(0)}, {Key: sp.ExternalEvent(event), Attrs: attrs(0, "customer", h.String())}},
		"1 line items": {
			{Key: sp.LineItem(inv, line), Attrs: attrs(0, "external_id", "o")}, {Key: sp.External(store.KindLineItem, line), Attrs: attrs(0, "invoice", inv.String())},
		},
		"1 transactions": {
			{Key: sp.Transaction(inv, paid), Attrs: attrs(0, "external_id", "o")},
			{Key: sp.External(store.KindTransaction, paid), Attrs: attrs(0, "invoice", inv.String())},
		},
		"plan of a line item": {{Key: sp.LineItem(invoiceH(hr, 1), line), Attrs: attrs(0, "plan", "iron")}},
		"plan of an event":    {{Key: sp.Event(stranger, event), Attrs: attrs(0, "plan", "iron")}},
	}
}

// Rows from elsewhere that belong to an import's rows are neither erased nor left without a parent.
func TestAnImportWithRowsFromElsewhereIsNotErased(t *testing.T) {
	t.Parallel()
	for what := range others(seeded(t, mem.Options{})) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, x := prepared(t, "import", mem.Options{})
			later := w.past(&job.ImportSpec{Applying: true})
			for _, item := range others(w)[what] {
				item.Attrs = added(item.Attrs, later.ID)
				w.put(item)
			}
			before, dir := w.items(w.acme), w.directory()
			for _, ask := range []func() error{
				func() error { _, err := w.eraser().Plan(t.Context(), x.sel, x.opt); return err },
				func() error { _, err := w.eraser().Start(t.Context(), x.sel, x.opt); return err },
			} {
				err := ask()
				wantCode(t, err, "needed")
				if !strings.Contains(err.Error(), later.ID) || !strings.HasPrefix(what, "plan") && !strings.Contains(err.Error(), what) {
					t.Errorf("it does not say which rows belong to them, and where those came from: %v", err)
				}
			}
			same(t, "the source", before, w.items(w.acme))
			same(t, "the directory", dir, w.directory())
			same(t, "removed of the later import", int64(len(others(w)[what])), removed(w.sweep(w.start(eraser.Selection{Kind: eraser.Import, Import: later.ID}, eraser.Options{}).ID)).Total())
			same(t, "removed then", x.want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
			w.quiet()
		})
	}
}

// A row from elsewhere that a request or an import adds at the very moment of the erase is neither
// lost nor left without a parent: the erase is taken back.
func TestAnEraseThatWasOvertakenIsTakenBack(t *testing.T) {
	t.Parallel()
	for what := range others(seeded(t, mem.Options{})) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, x := prepared(t, "import", mem.Options{})
			later := w.past(&job.ImportSpec{Applying: true})
			j := w.start(x.sel, x.opt)
			items, whose := others(w)[what], "over REST"
			if strings.HasSuffix(what, "s") { // else by a request
				whose = later.ID
				for i := range items {
					items[i].Attrs = added(items[i].Attrs, later.ID)
				}
			}
			w.put(items...)
			waits, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
			must(t, err)
			before := w.items(w.acme)
			if j = w.sweep(j.ID); j.Status != job.Failed || !strings.Contains(j.Error, whose) {
				t.Fatalf("%s: %s", j.Status, j.Error)
			}
			same(t, "the source", before, w.items(w.acme))
			same(t, "dispatched", []string{waits.ID}, w.dispatch)
			_, _, err = w.ledger().End(t.Context(), waits.ID, func(j *job.Job) error { j.Status = job.Failed; return nil })
			must(t, err)
			w.quiet()
		})
	}
}

func TestImportsThatCanNotBeErased(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	ctx, l := t.Context(), w.ledger()
	undo := w.past(&job.ImportSpec{Applying: true, Undo: "another"})
	idle := w.past(&job.ImportSpec{})
	erase := w.sweep(w.start(eraser.Selection{Kind: eraser.Invoice, Source: w.acme.UUID, H: invoiceH(w.directory().Hasher(), 1)}, eraser.Options{}).ID)
	gone, err := l.Create(ctx, &job.Job{Kind: job.Import, Tag: 99, Import: &job.ImportSpec{Applying: true}})
	must(t, err)
	running, err := l.Create(ctx, &job.Job{Kind: job.Import, Tag: w.acme2.Tag, Import: &job.ImportSpec{Applying: true}})
	must(t, err)
	for id, code := range map[string]string{
		"nobody": "import_not_found", erase.ID: "import_not_found", undo.ID: "bad_selection", idle.ID: "nothing_added",
		gone.ID: "source_not_found", running.ID: "not_ended",
	} {
		sel := eraser.Selection{Kind: eraser.Import, Import: id}
		_, err := w.eraser().Plan(ctx, sel, eraser.Options{})
		wantCode(t, err, code)
		_, err = w.eraser().Start(ctx, sel, eraser.Options{})
		wantCode(t, err, code)
	}
	for _, x := range [][2]string{{"", ""}, {"Acme", undo.ID}} {
		_, err := eraser.Select(w.directory(), eraser.Import, eraser.Names{Source: x[0], ID: x[1]})
		wantCode(t, err, "bad_selection")
	}
}

// Rows that another job has decided about must not vanish while it runs, whether that job holds the
// source before, or takes it while the erase is being stored.
func TestAnImportIsNotErasedWhileAnotherJobHasItsSource(t *testing.T) {
	t.Parallel()
	for _, grace := range []time.Duration{0, time.Hour} {
		for n := int64(1); ; n++ { // another job takes the source at the n-th call
			w, x := prepared(t, "import", mem.Options{})
			x.opt.Grace = &grace
			var calls atomic.Int64
			var other *job.Job
			w.before = func(mem.Op) (err error) {
				if calls.Add(1) == n {
					other, err = w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
				}
				return err
			}
			w.armed.Store(true)
			j, err := w.eraser().Start(t.Context(), x.sel, x.opt)
			w.armed.Store(false)
			if other == nil {
				must(t, err)
				if n < 5 {
					t.Fatalf("it made only %d calls", n)
				}
				break
			}
			if err != nil { // the other job was first
				wantCode(t, err, "source_busy")
				if hidden := w.directory().TombstoneCount(); other.Status != job.Running || hidden > 0 {
					t.Fatalf("call %d: the other is %s, hidden is %v", n, other.Status, hidden)
				}
				continue
			}
			if grace == 0 && (j.Status != job.Running || other.Status != job.Waiting) {
				t.Fatalf("call %d: both have the source: %s, %s", n, j.Status, other.Status)
			}
		}
	}
}

func TestTheRowsOfAnImportAreInvisibleAtOnceAndComeBack(t *testing.T) {
	t.Parallel()
	w, x := prepared(t, "import", mem.Options{})
	hr, sp := w.directory().Hasher(), w.acme.Space()
	before, grace := w.items(w.acme), time.Hour
	x.opt.Grace = &grace
	j := w.start(x.sel, x.opt)
	second, err := w.eraser().Start(t.Context(), x.sel, x.opt)
	must(t, err)
	same(t, "the second job", j.ID, second.ID)
	visible := func(i int) bool {
		found, err := w.st.Lookup(t.Context(), sp.Customer(customerH(hr, i)))
		must(t, err)
		return w.directory().Visible(found[sp.Customer(customerH(hr, i))])
	}
	if visible(3) || visible(7) || !visible(2) || !visible(8) {
		t.Error("other rows are hidden than the import added")
	}
	if done, err := w.eraser().Sweep(t.Context(), j.ID); done || err != nil {
		t.Fatalf("swept in its grace period: %v %v", done, err)
	}
	_, err = w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
	must(t, err)
	if !visible(3) || w.directory().TombstoneCount() > 0 {
		t.Error("a restored row is hidden")
	}
	same(t, "the source", before, w.items(w.acme))
	want := maps.Clone(x.want)
	x.opt.Grace = nil
	same(t, "removed", want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
	w.quiet()
}

// The rows of an import may be under former epochs, and come back with a restore: no erase says
// that they are gone before.
func TestAnImportOfFormerEpochsIsNotErased(t *testing.T) {
	t.Parallel()
	for _, kind := range []eraser.Kind{eraser.Content, eraser.Dependent} {
		w, x := prepared(t, "import", mem.Options{})
		grace := time.Hour
		hidden := w.start(eraser.Selection{Kind: kind, Source: w.acme.UUID}, eraser.Options{Grace: &grace})
		_, err := w.eraser().Start(t.Context(), x.sel, x.opt)
		wantCode(t, err, "source_emptied")
		_, err = w.eraser().Restore(t.Context(), hidden.ID, eraser.RestoreOptions{})
		must(t, err)
		same(t, "removed", x.want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
		_, err = w.eraser().Plan(t.Context(), x.sel, x.opt)
		wantCode(t, err, "nothing_left")
	}
}

// No row can name a plan without an external id, so no row belongs to it.
func TestRowsWithoutAPlanBelongToNone(t *testing.T) {
	t.Parallel()
	w, x := prepared(t, "import", mem.Options{})
	sp, hr := w.acme.Space(), w.directory().Hasher()
	w.put(table.Item{Key: sp.Plan(hr.Natural(store.KindPlan, "nameless")), Attrs: added(attrs(0, "name", "Nameless"), w.imported)})
	x.want["plans"]++
	same(t, "removed", x.want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
}
