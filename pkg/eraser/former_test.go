package eraser_test

import (
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// former makes a world where the content of acme was erased and can be restored, and the same
// customers were imported again. It returns one of these customers, and the erase.
func former(t *testing.T, kind eraser.Kind) (w *world, customer eraser.Selection, hidden *job.Job) {
	t.Helper()
	w = seeded(t, mem.Options{})
	grace := 1000 * time.Hour
	hidden = w.start(eraser.Selection{Kind: kind, Source: w.acme.UUID}, eraser.Options{Grace: &grace})
	now, _ := w.directory().ByUUID(w.acme.UUID)
	w.seed(now, 12, 0)
	return w, eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: customerH(w.directory().Hasher(), 3)}, hidden
}

// left lists the items of a source at some epochs that belong to a customer of seed.
func (w *world) left(src store.Source, i int) (n int) {
	w.t.Helper()
	all := w.items(src)
	for _, item := range customer(w.directory().Hasher(), src.Space(), i, 0) {
		if _, there := all[item.PK+" "+item.SK]; there {
			n++
		}
	}
	return n
}

// A customer is also erased where a restore could bring it back from, and the plan and the receipt
// count that.
func TestACustomerIsErasedAtFormerEpochsToo(t *testing.T) {
	t.Parallel()
	for _, kind := range []eraser.Kind{eraser.Content, eraser.Dependent} {
		w, sel, hidden := former(t, kind)
		plan, err := w.eraser().Plan(t.Context(), sel, eraser.Options{})
		must(t, err)
		now, _ := w.directory().ByUUID(w.acme.UUID)
		before := len(w.items(w.acme)) + len(w.items(now))
		j := w.sweep(w.start(sel, eraser.Options{}).ID)
		same(t, "removed", plan.Total(), removed(j).Total())
		// partitions that both spaces share count twice
		if before -= len(w.items(w.acme)) + len(w.items(now)); int64(before) < plan.Total() {
			t.Errorf("%s: %d items went, planned were %d", kind, before, plan.Total())
		}
		if w.left(w.acme, 3)+w.left(now, 3) > 0 || w.left(w.acme, 4) != perCustomer || w.left(now, 4) != perCustomer {
			t.Errorf("%s: %d and %d items are left of it, %d and %d of another", kind, w.left(w.acme, 3), w.left(now, 3), w.left(w.acme, 4), w.left(now, 4))
		}
		if hidden, err = w.ledger().Get(t.Context(), hidden.ID); err != nil || hidden.Status != job.Grace {
			t.Errorf("the earlier erase is %s, %v", hidden.Status, err)
		}
	}
}

// A restore between the erase of a customer and its sweep does not bring the customer back.
func TestACustomerIsErasedAtRestoredEpochsToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, mem.Options{})
		grace := 1000 * time.Hour
		hidden := w.start(eraser.Selection{Kind: eraser.Content, Source: w.acme.UUID}, eraser.Options{Grace: &grace})
		now, _ := w.directory().ByUUID(w.acme.UUID)
		sp, h := now.Space(), customerH(w.directory().Hasher(), 3)
		one := table.Item{Key: sp.Customer(h), Attrs: attrs(0, "external_id", "cus-3")}
		w.put(one)
		moment := time.Millisecond
		j := w.start(eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: h}, eraser.Options{Grace: &moment})
		// so that the source is empty
		must(t, w.st.Write(t.Context(), []table.Write{{Item: table.Item{Key: one.Key}, Delete: true}}))
		_, err := w.eraser().Restore(t.Context(), hidden.ID, eraser.RestoreOptions{})
		must(t, err)
		time.Sleep(2 * moment)
		_, err = w.eraser().Due(t.Context(), j)
		must(t, err)
		same(t, "removed", counts(1), removed(w.sweep(j.ID)))
		if n := w.left(w.acme, 3); n > 0 {
			t.Errorf("%d items are visible again", n)
		}
	})
}
