package records_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// world is the use-cases over a table in memory, with one source and a bystander in it.
type world struct {
	*records.Records
	t         *testing.T
	source    string
	bystander string // public id of a customer
	forgotten string // external id of a customer on the do-not-reload list
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st := store.New(mem.New(mem.Options{}))
	w := &world{t: t}
	w.Records = records.New(records.Config{
		Store: st, Edits: edit.New(st, clock), Now: clock,
		Holder: func(context.Context, store.Tag) (string, error) { return "", nil },
		Forgotten: func(_ context.Context, _ *store.Directory, _, customer string) (bool, error) {
			return customer == w.forgotten, nil
		},
	})
	src, err := w.AddSource(t.Context(), "Billing", "Custom")
	if err != nil {
		t.Fatal(err)
	}
	w.source = src.UUID
	w.bystander = w.customer("bystander").CustomerID()
	t.Cleanup(func() {
		_, cu, err := w.Customer(context.WithoutCancel(t.Context()), w.bystander)
		if err != nil || cu.Record.ExternalID != "bystander" || cu.Record.Name != "Name of bystander" {
			t.Errorf("the bystander is %+v now, %v", cu.Record, err)
		}
	})
	return w
}

func (w *world) customer(ext string) records.Customer {
	w.t.Helper()
	cu, err := w.CreateCustomer(w.t.Context(), w.newCustomer(ext))
	if err != nil {
		w.t.Fatal(err)
	}
	return cu
}

func (w *world) newCustomer(ext string) records.NewCustomer {
	return records.NewCustomer{Source: w.source, Record: &billing.Customer{ExternalID: ext, Name: "Name of " + ext}, By: "me"}
}

func draft(ext string, lines ...string) *records.Draft {
	d := &records.Draft{
		Invoice: &records.Invoice{Record: &billing.Invoice{ExternalID: ext, Date: clock(), Currency: "USD"}}, Errs: map[string]string{},
	}
	for i, line := range lines {
		d.Invoice.Lines = append(d.Invoice.Lines, records.Line{
			Part:   records.Part{Place: int64(i + 1)},
			Record: &billing.LineItem{InvoiceExternalID: ext, ExternalID: line, Type: billing.OneTime, AmountInCents: 500, Quantity: 1},
		})
		d.Plans, d.Cancelled = append(d.Plans, ""), append(d.Cancelled, time.Time{})
	}
	return d
}

func wantFault(t *testing.T, err error, kind fault.Kind, param string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != kind || f.Param != param {
		t.Fatalf("%v: want %v about %q", err, kind, param)
	}
}

func TestACustomerIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.newCustomer("one")
	n.Tags, n.Custom = []string{"vip"}, map[string]edit.Value{}
	made, err := w.CreateCustomer(t.Context(), n)
	if err != nil || made.Record.Name != "Name of one" {
		t.Fatal(made, err)
	}
	if _, cu, err := w.Customer(t.Context(), made.CustomerID()); err != nil || len(cu.Group.Tags()) != 1 {
		t.Fatal(cu.Group.Tags(), err)
	}
	_, err = w.CreateCustomer(t.Context(), n)
	wantFault(t, err, fault.Invalid, "external_id")

	w.forgotten = "two"
	_, err = w.CreateCustomer(t.Context(), w.newCustomer("two"))
	wantFault(t, err, fault.Invalid, "external_id")
}

func TestWhatIsWrongWithACustomerIsSaidAfterItsSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := errors.New("wrong")
	n := w.newCustomer("one")
	n.Wrong = wrong
	if _, err := w.CreateCustomer(t.Context(), n); !errors.Is(err, wrong) {
		t.Fatal(err)
	}
	n.Source = "ds_00000000-0000-0000-0000-000000000000"
	_, err := w.CreateCustomer(t.Context(), n)
	wantFault(t, err, fault.NotFound, "")
}

func TestInvoicesAreStoredAllOrNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.customer("one").CustomerID()
	read := func(list ...*records.Draft) func() ([]*records.Draft, error) {
		return func() ([]*records.Draft, error) { return list, nil }
	}
	if _, _, err := w.ImportInvoices(t.Context(), id, read(draft("a", "line"))); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.ImportInvoices(t.Context(), id, read(draft("b"), draft("c", "line")))
	refused, ok := errors.AsType[*records.RefusedError](err)
	if !ok || len(refused.Drafts[0].Errs) != 0 || refused.Drafts[1].Errs["line_items.external_id"] == "" {
		t.Fatalf("%v: %+v", err, refused)
	}
	wantFault(t, err, fault.Invalid, "")
	for ext, there := range map[string]bool{"a": true, "b": false, "c": false} {
		_, inv, err := w.Invoice(t.Context(), records.Name{Source: w.source, ExternalID: ext})
		if there != (err == nil) || there && inv.Record.CustomerExternalID != "one" {
			t.Errorf("invoice %s: %v", ext, err)
		}
	}
	_, p, err := w.Part(t.Context(), store.KindLineItem, records.Name{Source: w.source, ExternalID: "line"})
	if err != nil || p.Invoice.Record.ExternalID != "a" || p.Line().Record.AmountInCents != 500 {
		t.Fatal(p, err)
	}
}

// If another writer comes first, a change is decided anew, from what the other one has written.
func TestAnOvertakenChangeIsDecidedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, id := t.Context(), w.customer("one").CustomerID()
	if _, _, err := w.ImportInvoices(ctx, id, func() ([]*records.Draft, error) { return []*records.Draft{draft("a")}, nil }); err != nil {
		t.Fatal(err)
	}
	name := records.Name{Source: w.source, ExternalID: "a"}
	set := func(attr, value string) records.Change {
		return records.Change{Want: table.NewBuilder().Str(attr, value).Attrs(), Attrs: []string{attr}}
	}
	var seen []string
	_, inv, err := w.ChangeInvoice(ctx, name, "me", func(_ records.Account, inv *records.Invoice) (records.Change, error) {
		if seen = append(seen, inv.Record.Currency); len(seen) == 1 {
			_, _, err := w.ChangeInvoice(ctx, name, "another", func(records.Account, *records.Invoice) (records.Change, error) {
				return set("currency", "EUR"), nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		return set("status", "voided"), nil
	})
	if err != nil || len(seen) != 2 || seen[1] != "EUR" {
		t.Fatal(seen, err)
	}
	if _, inv, err = w.Invoice(ctx, records.Name{ID: store.ID(store.PrefixInvoice, inv.Source.Tag, inv.H)}); err != nil ||
		inv.Record.Status != "voided" || inv.Record.Currency != "EUR" {
		t.Fatal(inv.Record, err)
	}
}

func TestAMergedCustomerIsFoundByItsRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	from, into := w.customer("from"), w.customer("into")
	if err := w.Merge(ctx, from.Ref, into.Ref, "me"); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.Customer(ctx, from.CustomerID())
	wantFault(t, err, fault.NotFound, "")
	cu, err := w.EditCustomer(ctx, into.CustomerID(), func(_ records.Account, cu records.Customer) ([]records.CustomerEdit, error) {
		return []records.CustomerEdit{records.AddTags(cu.Group[0], "me", []string{"both"})}, nil
	})
	if err != nil || len(cu.Group) != 2 || len(cu.Group.Tags()) != 1 {
		t.Fatal(cu.Group, err)
	}
	if err := w.Unmerge(ctx, from.Ref, into.Ref); err != nil {
		t.Fatal(err)
	}
	if _, cu, err := w.Customer(ctx, from.CustomerID()); err != nil || len(cu.Group.Tags()) != 0 {
		t.Fatal(cu.Group, err)
	}
}
