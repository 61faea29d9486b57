package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// inPieces makes a bed whose imports take many messages.
func inPieces(t *testing.T) *bed {
	t.Helper()
	b := &bed{}
	b.App = app.New(app.Config{
		Store: store.New(mem.New(mem.Options{})), Objects: objects.Mem(), Now: time.Now, Log: slog.New(slog.DiscardHandler), PieceBytes: 600,
		Imports: func(_ context.Context, m ...importer.Message) error { b.imports = append(b.imports, m...); return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { b.sweeps = append(b.sweeps, m...); return nil },
	})
	return b
}

// step handles the oldest message, and returns false if there is none. The message of an import may
// fail, and then its job fails.
func (b *bed) step(t *testing.T) bool {
	t.Helper()
	switch {
	case len(b.imports) > 0:
		m := b.imports[0]
		b.imports = b.imports[1:]
		_ = b.Work(t.Context(), m)
	case len(b.sweeps) > 0:
		m := b.sweeps[0]
		b.sweeps = b.sweeps[1:]
		must(t, b.Sweep(t.Context(), m))
	default:
		return false
	}
	return true
}

// settle handles messages and ticks until no job is open.
func (b *bed) settle(t *testing.T) {
	t.Helper()
	for range 50 {
		for b.step(t) {
		}
		open, err := b.Ledger.Open(t.Context())
		must(t, err)
		if len(open) == 0 {
			return
		}
		must(t, b.Tick(t.Context()))
	}
	t.Fatal("a job never ends")
}

// hidden counts the items of a source that carry an old manual epoch.
func (b *bed) hidden(t *testing.T, sp store.Space) (n int) {
	t.Helper()
	d, err := b.Store.Directory(t.Context())
	must(t, err)
	for i := range sp.Shards {
		for _, pk := range []string{sp.CustomerPK(i), sp.DataPK(i), sp.EditPK(i)} {
			for item, err := range b.Store.Items(t.Context(), table.Query{PK: pk}) {
				must(t, err)
				if !d.Visible(item.Attrs) {
					n++
				}
			}
		}
	}
	return n
}

const rowsOfRace = 30

// company makes two files: rowsOfRace customers, and an invoice for each.
func (b *bed) company(t *testing.T, src store.Source) []job.File {
	t.Helper()
	var customers, invoices strings.Builder
	customers.WriteString("Name,Email,External ID\n")
	invoices.WriteString("Customer external ID,Invoice external ID,Invoiced date,Due date,Currency\n")
	for i := range rowsOfRace {
		_, _ = fmt.Fprintf(&customers, "Person %d,p%d@example.com,c%d\n", i, i, i)
		_, _ = fmt.Fprintf(&invoices, "c%d,i%d,2024-01-01,,EUR\n", i, i)
	}
	var files []job.File
	for name, text := range map[string]string{"customers.csv": customers.String(), "invoices.csv": invoices.String()} {
		f, err := b.Keep(t.Context(), src, name, strings.NewReader(text))
		must(t, err)
		files = append(files, f)
	}
	return files
}

// stored counts the items of a source at some epochs.
func (b *bed) stored(t *testing.T, sp store.Space) (n int) {
	t.Helper()
	pks := []string{sp.PlanPK(), sp.PlanEditPK()}
	for i := range sp.Shards {
		pks = append(pks, sp.CustomerPK(i), sp.DataPK(i), sp.EditPK(i))
	}
	for _, pk := range pks {
		for _, err := range b.Store.Items(t.Context(), table.Query{PK: pk, KeysOnly: true}) {
			must(t, err)
			n++
		}
	}
	return n
}

// An erase of a source begins after each message of an import. In all cases nothing that was erased
// is left, the receipt counts what was removed, and the same files again make the source whole.
func TestAnEraseWhileAnImportRuns(t *testing.T) {
	t.Parallel()
	const whole = 4 * rowsOfRace // customers and invoices, each with a pointer
	for _, kind := range []eraser.Kind{eraser.Source, eraser.Content, eraser.Dependent, eraser.ManualCustomers} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			ended := map[job.Status]int{}
			for n := 0; ; n++ {
				b := inPieces(t)
				src, err := b.Source(t.Context(), "Raced")
				must(t, err)
				other, err := b.Source(t.Context(), "Bystander")
				must(t, err)
				_, err = b.Submit(t.Context(), other.UUID, b.company(t, other), importer.Options{})
				must(t, err)
				b.settle(t)
				first, err := b.Submit(t.Context(), src.UUID, b.company(t, src), importer.Options{})
				must(t, err)
				through := false
				for range n {
					through = !b.step(t)
				}
				sel := eraser.Selection{Kind: kind, Source: src.UUID}
				if kind == eraser.ManualCustomers {
					sel.Source = ""
				}
				j, err := b.StartErase(t.Context(), sel, eraser.Options{})
				must(t, err)
				b.settle(t)
				b.raced(t, kind, src, j.ID)
				if got := b.stored(t, other.Space()); kind != eraser.ManualCustomers && got != whole {
					t.Fatalf("after %d messages: the bystander has %d items", n, got)
				}
				now, err := b.Ledger.Get(t.Context(), first.ID)
				must(t, err)
				ended[now.Status]++
				src, err = b.Source(t.Context(), "Raced")
				must(t, err)
				again, err := b.Submit(t.Context(), src.UUID, b.company(t, src), importer.Options{})
				must(t, err)
				b.settle(t)
				again, err = b.Ledger.Get(t.Context(), again.ID)
				must(t, err)
				if got := b.stored(t, src.Space()); again.Status != job.Done || got != whole {
					t.Fatalf("after %d messages: the same files again are %s (%s), and make %d items of %d", n, again.Status, again.Error, got, whole)
				}
				if through {
					break
				}
			}
			t.Logf("imports: %v", ended)
			if ended[job.Failed] == 0 || ended[job.Done] == 0 {
				t.Error("the erase never came in between, or always")
			}
		})
	}
}

// raced checks what an erase has left of the source as it was.
func (b *bed) raced(t *testing.T, kind eraser.Kind, was store.Source, id string) {
	t.Helper()
	j, err := b.Ledger.Get(t.Context(), id)
	must(t, err)
	r, err := eraser.ReceiptOf(j)
	must(t, err)
	left := b.stored(t, was.Space())
	d, err := b.Store.Directory(t.Context())
	must(t, err)
	now, there := d.ByTag(was.Tag)
	switch {
	case kind == eraser.ManualCustomers: // rows that came later carry the new epoch
		if n := b.hidden(t, was.Space()); n > 0 || left > 0 && left != 4*rowsOfRace {
			t.Fatalf("%d items are left, %d of them of an old manual epoch, removed %v", left, n, r.Removed)
		}
	case kind == eraser.Dependent: // customers and their pointers stay, at the same epoch
		if left > 2*rowsOfRace || r.Removed["customers"] > 0 {
			t.Fatalf("%d items are left, removed %v", left, r.Removed)
		}
	case left > 0:
		t.Fatalf("%d items are left at the old epochs, removed %v", left, r.Removed)
	}
	if kind == eraser.Source == there {
		t.Fatalf("the source is there: %v", there)
	}
	// An import that had not begun finds the source empty, and fills it.
	if n := b.stored(t, now.Space()); kind == eraser.Content && n > 0 && (n != 4*rowsOfRace || r.Total > 0) {
		t.Fatalf("%d items came into the emptied source, removed %v", n, r.Removed)
	}
}

// A source of the same name can be filled while the erased one is still being removed.
func TestASourceIsMadeAgainWhileItIsSwept(t *testing.T) {
	t.Parallel()
	for n := range 12 {
		b := inPieces(t)
		src, err := b.Source(t.Context(), "Again")
		must(t, err)
		_, err = b.Submit(t.Context(), src.UUID, b.company(t, src), importer.Options{})
		must(t, err)
		b.settle(t)
		j, err := b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: src.UUID}, eraser.Options{})
		must(t, err)
		second, err := b.Source(t.Context(), "Again")
		must(t, err)
		if second.Tag == src.Tag {
			t.Fatal("a tag was used twice")
		}
		_, err = b.Submit(t.Context(), second.UUID, b.company(t, second), importer.Options{})
		must(t, err)
		for range n { // some messages of the import before the sweep
			b.step(t)
		}
		b.settle(t)
		b.raced(t, eraser.Source, src, j.ID)
		if got := b.stored(t, second.Space()); got != 4*rowsOfRace {
			t.Fatalf("the new source has %d items", got)
		}
	}
}
