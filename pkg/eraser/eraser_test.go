package eraser_test

import (
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestEraseRemovesTheSelectionAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, x := prepared(t, kind, mem.Options{})
			before, neighbour := w.items(w.acme), w.items(w.acme2)
			plan, err := w.eraser().Plan(t.Context(), x.sel, x.opt)
			must(t, err)
			same(t, "planned rows", x.want.Rows(), plan.Removes)
			same(t, "planned pointers", x.want.Pointers(), plan.Pointers)
			j := w.sweep(w.start(x.sel, x.opt).ID)
			same(t, "removed", x.want, removed(j))
			after, after2 := w.items(w.acme), w.items(w.acme2)
			same(t, "what vanished", x.want.Total(), int64(len(before)-len(after)+len(neighbour)-len(after2)))
			if len(after) != x.acme || len(after2) != x.acme2 || j.Status != job.Done {
				t.Fatalf("%d and %d items are left, job %s", len(after), len(after2), j.Status)
			}
			for k, v := range after {
				same(t, "a survivor", before[k], v)
			}
			for k, v := range after2 {
				same(t, "a survivor next door", neighbour[k], v)
			}
			if j.Cost.WriteMilli < 1000*x.want.Total() {
				t.Fatalf("the cost of %d deletes is said to be %v", x.want.Total(), j.Cost)
			}
			w.quiet()
		})
	}
}

func TestASelectionIsInvisibleAndItsNameFreeAtOnce(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr := w.directory().Hasher()
	j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
	_, err := w.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_new", "Acme", "CSV", time.Now())
		return nil, err
	})
	must(t, err)
	fresh, _ := w.directory().ByName("Acme")
	if fresh.Tag == w.acme.Tag {
		t.Fatal("a tag was used twice")
	}
	w.seed(fresh, 3, 1)
	mine := w.items(fresh)
	same(t, "removed", withPlans(counts(12)), removed(w.sweep(j.ID)))
	same(t, "the new source of the name", mine, w.items(fresh))

	w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
	if d := w.directory(); d.Visible(attrs(d.ManualEpoch - 1)) {
		t.Fatal("manual customers are still visible")
	}
	w.start(eraser.Selection{Kind: eraser.Customer, Source: w.acme2.UUID, H: customerH(hr, 3)}, eraser.Options{})
	if !w.directory().Hidden(w.acme2.Tag, store.KindCustomer, customerH(hr, 3)) {
		t.Fatal("the customer is still visible")
	}
}

func TestErasingTwice(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	all := selections(w)
	for _, kind := range []string{"invoice", "customer"} {
		first, second := w.start(all[kind].sel, eraser.Options{}), w.start(all[kind].sel, eraser.Options{})
		same(t, "the second job", first.ID, second.ID)
		w.sweep(first.ID)
		_, err := w.eraser().Start(t.Context(), all[kind].sel, eraser.Options{})
		wantFault(t, err, fault.NotFound)
		_, err = w.eraser().Plan(t.Context(), all[kind].sel, eraser.Options{})
		wantFault(t, err, fault.NotFound)
	}
	first := w.sweep(w.start(all["manual"].sel, eraser.Options{}).ID)
	same(t, "removed at first", counts(6), removed(first)) // the customer erased before is missing
	same(t, "removed then", eraser.Counts{}.Total(), removed(w.sweep(w.start(all["manual"].sel, eraser.Options{}).ID)).Total())
	j := w.start(all["source"].sel, eraser.Options{})
	_, err := w.eraser().Start(t.Context(), all["source"].sel, eraser.Options{})
	wantFault(t, err, fault.NotFound)
	done := w.sweep(j.ID)
	same(t, "removed again", done, w.sweep(j.ID))
}

func TestEmptyAndUnknownSelectionsAreRefused(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	h := customerH(w.directory().Hasher(), 99)
	before := w.directory()
	for name, x := range map[string]struct {
		sel  eraser.Selection
		want fault.Kind
	}{
		"nothing":              {eraser.Selection{}, fault.Invalid},
		"no kind":              {eraser.Selection{Source: w.acme.UUID}, fault.Invalid},
		"unknown kind":         {eraser.Selection{Kind: "all", Source: w.acme.UUID}, fault.Invalid},
		"no source":            {eraser.Selection{Kind: eraser.Source}, fault.Invalid},
		"no customer":          {eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID}, fault.Invalid},
		"no invoice":           {eraser.Selection{Kind: eraser.Invoice, Source: w.acme.UUID}, fault.Invalid},
		"customer, no source":  {eraser.Selection{Kind: eraser.Customer, H: h}, fault.Invalid},
		"source and customer":  {eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID, H: h}, fault.Invalid},
		"manual of one source": {eraser.Selection{Kind: eraser.ManualCustomers, Source: w.acme.UUID}, fault.Invalid},
		"unknown source":       {eraser.Selection{Kind: eraser.Source, Source: "ds_none"}, fault.NotFound},
		"name for an id":       {eraser.Selection{Kind: eraser.Source, Source: "Acme"}, fault.NotFound},
		"unknown customer":     {eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: h}, fault.NotFound},
		"unknown invoice":      {eraser.Selection{Kind: eraser.Invoice, Source: w.acme.UUID, H: h}, fault.NotFound},
	} {
		_, err := w.eraser().Start(t.Context(), x.sel, eraser.Options{})
		if !fault.Is(err, x.want) {
			t.Errorf("%s: start answers %v", name, err)
		}
		if _, err = w.eraser().Plan(t.Context(), x.sel, eraser.Options{}); !fault.Is(err, x.want) {
			t.Errorf("%s: plan answers %v", name, err)
		}
	}
	same(t, "the directory", before, w.directory())
}

func TestOnlyErasesAreSwept(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	j, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	_, err = w.eraser().Sweep(t.Context(), j.ID)
	wantFault(t, err, fault.Invalid)
	_, err = w.eraser().Sweep(t.Context(), "none")
	wantFault(t, err, fault.NotFound)
}
