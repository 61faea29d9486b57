package eraser_test

import (
	"maps"
	"testing"
	"time"

	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestACustomerLeavesWhatIsNotIts(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr, sp := w.directory().Hasher(), w.acme.Space()
	line := hr.External(store.KindLineItem, "line-3")
	taken := table.Item{Key: sp.External(store.KindLineItem, line), Attrs: attrs(0, "invoice", invoiceH(hr, 4).String())}
	w.put(taken) // by now the external id leads to a line item of another invoice
	x := selections(w)["customer"]
	want := maps.Clone(x.want)
	want["id_pointers"]--
	same(t, "removed", want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
	same(t, "the other's pointer", string(taken.Attrs), w.items(w.acme)[taken.PK+" "+taken.SK])
	w.put(customer(hr, sp, 3, 0)...) // and it can be imported again
	same(t, "removed again", counts(1), removed(w.sweep(w.start(x.sel, x.opt).ID)))
}

func TestACustomerWithManyInvoicesAndEvents(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	hr, sp := w.directory().Hasher(), w.acme.Space()
	h := customerH(hr, 3)
	for i := range 130 {
		inv := invoiceH(hr, 1000+i)
		event := hr.External(store.KindEvent, string(rune('a'+i))).EventID()
		w.put(
			table.Item{Key: sp.Owner(h, inv), Attrs: attrs(0)},
			table.Item{Key: sp.Invoice(inv), Attrs: attrs(0, "customer", "cus-3")},
			table.Item{Key: sp.Event(h, event), Attrs: attrs(0)},
			table.Item{Key: sp.ExternalEvent(event), Attrs: attrs(0, "customer", h.String())},
		)
	}
	want := counts(1)
	want.Add(eraser.Counts{"invoices": 130, "invoice_pointers": 130, "subscription_events": 130, "id_pointers": 130})
	j := w.sweep(w.start(eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: h}, eraser.Options{}).ID)
	same(t, "removed", want, removed(j))
	same(t, "what is left", 11*perCustomer+planItems, len(w.items(w.acme)))
}

// A pointer may be left over that leads to an invoice which belongs to another customer by now.
func TestAStalePointerSparesTheInvoiceOfAnotherCustomer(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"customer", "customer invoices"} {
		w, x := prepared(t, kind, mem.Options{})
		hr, sp := w.directory().Hasher(), w.acme.Space()
		w.put(table.Item{Key: sp.Owner(customerH(hr, 3), invoiceH(hr, 4)), Attrs: attrs(0)})
		key := sp.Invoice(invoiceH(hr, 4))
		want := maps.Clone(x.want)
		want["invoice_pointers"]++
		same(t, "removed", want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
		if _, there := w.items(w.acme)[key.PK+" "+key.SK]; !there {
			t.Fatal("the other's invoice is gone")
		}
	}
}

// The largest possible merged customer, of two sources and put on the do-not-reload list, is hidden
// in one transaction, and restored in one.
func TestTheLargestMergedCustomer(t *testing.T) {
	t.Parallel()
	// DynamoDB's
	w := newWorld(t, mem.Options{Limits: table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 4, Exclusive: true}})
	w.seed(w.acme, edit.MaxMerged/2, 0)
	w.seed(w.acme2, edit.MaxMerged/2, 0)
	w.seed(w.acme, edit.MaxMerged/2+1, 0) // and a bystander
	hr, edits := w.directory().Hasher(), edit.New(w.st, time.Now)
	root := edit.Ref{Tag: w.acme.Tag, H: customerH(hr, 0)}
	for i := range edit.MaxMerged / 2 {
		for _, from := range []edit.Ref{{Tag: w.acme.Tag, H: customerH(hr, i)}, {Tag: w.acme2.Tag, H: customerH(hr, i)}} {
			if from != root {
				must(t, edits.Merge(t.Context(), from, root, "anna"))
			}
		}
	}
	sel, grace := eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: root.H}, time.Hour
	j := w.start(sel, eraser.Options{Grace: &grace, Forget: true})
	same(t, "tombstones", edit.MaxMerged, w.directory().TombstoneCount())
	_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
	must(t, err)
	w.quiet()
	w.sweep(w.start(sel, eraser.Options{Forget: true}).ID)
	w.quiet()
	if d := w.directory(); d.Hidden(w.acme.Tag, store.KindCustomer, root.H) || len(w.items(w.acme2)) > planItems {
		t.Error("something is left of it")
	}
	if found, err := w.st.Get(t.Context(), w.acme.Space().Customer(customerH(hr, edit.MaxMerged/2))); err != nil || len(found) != 1 {
		t.Errorf("a bystander is gone, %v", err)
	}
}
