package eraser_test

import (
	"testing"
	"time"

	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// A customer is merged into the one to be erased at the very moment of the erase: the plan that was
// confirmed did not say that it goes, too. Nothing is erased.
func TestAMergeAtTheLastMomentMakesAPlanStale(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr := w.directory().Hasher()
	from, into := edit.Ref{Tag: w.acme2.Tag, H: customerH(hr, 3)}, edit.Ref{Tag: w.acme.Tag, H: customerH(hr, 7)}
	sel := eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: into.H}
	plan, err := w.eraser().Plan(t.Context(), sel, eraser.Options{})
	must(t, err)
	w.before = func(op mem.Op) error {
		if op != mem.Transact {
			return nil
		}
		w.armed.Store(false)
		return edit.New(w.st, time.Now).Merge(t.Context(), from, into, "anna")
	}
	w.armed.Store(true)
	_, err = w.eraser().Start(t.Context(), sel, eraser.Options{Plan: plan.ID})
	if fault.CodeOf(err) != eraser.CodeStale {
		t.Errorf("the erase began: %v", err)
	}
	d := w.directory()
	for _, ref := range []edit.Ref{from, into} {
		if d.Hidden(ref.Tag, store.KindCustomer, ref.H) {
			t.Errorf("%v is hidden", ref)
		}
	}
	w.quiet()
	again, err := w.eraser().Plan(t.Context(), sel, eraser.Options{})
	must(t, err)
	same(t, "records of the new plan", 2, len(again.Records))
	w.sweep(w.start(sel, eraser.Options{Plan: again.ID}).ID)
}
