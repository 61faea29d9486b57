package puller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/edit"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/records"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// changesOf lists what a job changes, as words.
func (b *bed) changesOf(j *job.Job) (out []string) {
	b.t.Helper()
	page, err := b.Importer.ChangePage(b.t.Context(), j, importer.ChangeFilter{}, "", 100)
	must(b.t, err)
	for _, c := range page.Changes {
		of := c.After
		if of == nil {
			of = c.Before
		}
		text := fmt.Sprintf("%s %s %v", c.Action, c.Dataset, of["external_id"])
		if c.Action == importer.Changed {
			text += fmt.Sprintf(": %v → %v", c.Before["status"], c.After["status"])
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

// The story: an account is connected, looked at and imported. People tag a customer and correct an invoice. At Stripe an invoice
// is voided and a customer is deleted. The next pull shows exactly that, and what people did stays.
func TestStoryOfStripe(t *testing.T) {
	t.Parallel()
	judged(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		b, w := newStripe(t)
		var customers, invoices []string
		for i := range 12 {
			c := w.Add("customer", stripetest.Fields{"name": fmt.Sprintf("Name %d", i)})
			in := w.Bill(c, "eur", stripetest.Line{Amount: 1000, Text: "Workshop"})
			customers, invoices = append(customers, c), append(invoices, in)
			if i != 3 {
				w.Pay(in, 1000)
			}
			w.Advance(time.Hour)
		}
		w.Change(customers[0], stripetest.Fields{"metadata": stripetest.Fields{"segment": "SMB", "seats": "5"}})
		leaver := w.Add("customer", stripetest.Fields{"name": "Leaver"})
		w.Advance(time.Hour)

		j := b.pull(puller.Request{Plan: true})
		same(t, "a plan", job.Planned, j.Status)
		same(t, "what it would add", int64(13), j.Datasets["customers"].Added)
		same(t, "customers before a yes", 0, len(b.names(b.src)))
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		same(t, "after a yes", 13, len(b.names(b.src)))

		b.tag(customers[0], "vip")
		b.correct(invoices[1], "USD")
		w.Change(invoices[3], stripetest.Fields{"status": "void"})
		w.Change(invoices[5], stripetest.Fields{"status": "void"})
		w.Delete(leaver)

		j = b.pull(puller.Request{Plan: true})
		same(t, "the plan", job.Planned, j.Status)
		same(t, "what it would change", []string{
			"added invoices " + invoices[3], "added line_items", "changed invoices " + invoices[5] + ": paid → voided", "removed customers " + leaver,
		}, withoutIDs(b.changesOf(j)))
		_, err = b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		same(t, "it is done", job.Done, b.job(j.ID).Status)
		same(t, "customers", 12, len(b.names(b.src)))
		same(t, "the tag", []string{"vip"}, b.tagsOf(customers[0]))
		same(t, "the correction", "USD", b.currencyOf(invoices[1]))
		second := b.pull(puller.Request{})
		same(t, "once more", job.Done, second.Status)
		same(t, "writes of rows", int64(0), second.Cost.WriteMilli)
		same(t, "attributes", map[string]any{}, b.attributesOf(customers[0]))
		must(t, b.Puller.SetMapping(t.Context(), b.src.UUID, puller.Mapping{Settings: func(m *system.Settings) { m.Metadata = true }}))
		same(t, "with metadata", int64(1), b.pull(puller.Request{Reprocess: true}).Datasets["customers"].Changed)
		b.setAttribute(customers[0], "seats", "7")
		w.Change(customers[0], stripetest.Fields{"metadata": stripetest.Fields{"segment": "Enterprise", "seats": "6"}})
		same(t, "changed at Stripe", int64(1), b.pull(puller.Request{}).Datasets["customers"].Changed)
		same(t, "attributes", map[string]any{"segment": "Enterprise", "seats": "7"}, b.attributesOf(customers[0]))
		b.untouched()
		for _, v := range w.Verdicts() {
			t.Error(v)
		}
	})
}

// withoutIDs leaves out the ids of line items.
func withoutIDs(list []string) []string {
	for i, text := range list {
		if at := strings.Index(text, "line_items"); at >= 0 {
			list[i] = text[:at+len("line_items")]
		}
	}
	return list
}

// tag tags a customer of the bed's source.
func (b *bed) tag(customer, tag string) {
	b.t.Helper()
	_, err := b.records().EditCustomer(b.t.Context(), b.customerID(customer), func(_ records.Account, cu records.Customer) ([]records.CustomerEdit, error) {
		return []records.CustomerEdit{records.AddTags(cu.Group[0], "me", []string{tag})}, nil
	})
	must(b.t, err)
}

func (b *bed) customerID(external string) string {
	b.t.Helper()
	r := b.records()
	a, err := r.Account(b.t.Context())
	must(b.t, err)
	ref, err := r.Ref(b.t.Context(), a, records.Name{Source: b.src.UUID, ExternalID: external})
	must(b.t, err)
	return store.ID(store.PrefixCustomer, ref.Tag, ref.H)
}

func (b *bed) tagsOf(customer string) []string {
	b.t.Helper()
	_, cu, err := b.records().Customer(b.t.Context(), b.customerID(customer))
	must(b.t, err)
	return cu.Group.Tags()
}

func (b *bed) attributesOf(customer string) map[string]any {
	b.t.Helper()
	_, cu, err := b.records().Customer(b.t.Context(), b.customerID(customer))
	must(b.t, err)
	return edit.Custom(cu.Group.Attributes())
}

// setAttribute gives a customer of the bed's source a custom attribute by hand.
func (b *bed) setAttribute(customer, name, text string) {
	b.t.Helper()
	_, err := b.records().EditCustomer(b.t.Context(), b.customerID(customer), func(_ records.Account, cu records.Customer) ([]records.CustomerEdit, error) {
		return []records.CustomerEdit{records.SetCustom(cu.Group[0], "me", map[string]edit.Value{name: {Type: edit.String, Text: text}})}, nil
	})
	must(b.t, err)
}

// correct sets the currency of an invoice by hand.
func (b *bed) correct(invoice, currency string) {
	b.t.Helper()
	_, _, err := b.records().ChangeInvoice(b.t.Context(), records.Name{Source: b.src.UUID, ExternalID: invoice}, "me", func(records.Account, *records.Invoice) (records.Change, error) {
		return records.Change{Want: table.NewBuilder().Str("currency", currency).Attrs(), Attrs: []string{"currency"}, AsEdit: true}, nil
	})
	must(b.t, err)
}

func (b *bed) currencyOf(invoice string) string {
	b.t.Helper()
	_, in, err := b.records().Invoice(b.t.Context(), records.Name{Source: b.src.UUID, ExternalID: invoice})
	must(b.t, err)
	return in.Record.Currency
}

// A single customer is pulled: nothing of another one changes, and what the last pull has read stays. A reprocessing would take
// the customer back, so it waits for a yes.
func TestOneCustomer(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		first := b.done(shopDone)
		s.put("customers", good{ID: "c01", Name: "New name"}, good{ID: "c02", Name: "New name, too"})
		s.remove("invoices", "in01")
		s.remove("invoices", "in02")
		j := b.pull(puller.Request{Customer: "c01"})
		same(t, "all its invoices are gone", job.StateAsking, j.State())
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		if j = b.job(j.ID); j.Status != job.Done || j.Datasets["customers"].Changed != 1 || j.Datasets["invoices"].Removed != 1 {
			t.Fatalf("%s %q %q %s", j.Status, j.Error, j.Import.Confirm, counts(j))
		}
		names := b.names(b.src)
		same(t, "the customer", "New name", names["c01"])
		same(t, "another one", "Name 2", names["c02"])
		same(t, "customers", shopCustomers, len(names))
		same(t, "what is left of it", 0, len(b.inputsOf(j)))
		same(t, "raw pages of the pull before", 10, len(b.rawOf(first)))
		same(t, "the note", true, strings.HasPrefix(j.Notes[0], "Read from the Ledgerly account Acme (acc_1), for one customer alone"))
		same(t, "a reprocessing", job.StateAsking, b.pull(puller.Request{Reprocess: true}).State())
		j = b.pull(puller.Request{})
		if j.Status != job.Done || j.Datasets["customers"].Changed != 1 || j.Datasets["invoices"].Removed != 1 {
			t.Fatalf("all: %s %q %q %s", j.Status, j.Error, j.Import.Confirm, counts(j))
		}
		same(t, "raw pages of the first pull", 0, len(b.rawOf(first)))
		j = b.pull(puller.Request{Customer: "nobody"})
		same(t, "who is not there is told of", true, slices.ContainsFunc(j.Notes, func(n string) bool { return strings.HasPrefix(n, "Ledgerly knows no such customer") }))
		same(t, "and changes nothing", job.Done, j.Status)
	})
}

// A pull of one customer leaves the waiting plan of the whole source as it is. Then the plan is applied: it is refused if that pull has changed
// something that the plan would change, and else carried out. The plan of a pull of one customer waits until the next pull, of one or of all, is whole. The plan of
// the whole source waits until the next pull of all is.
func TestPlansThatWait(t *testing.T) {
	t.Parallel()
	for _, changed := range []bool{false, true} {
		t.Run(fmt.Sprint(changed), func(t *testing.T) {
			t.Parallel()
			inShop(t, func(b *bed, s *shop) {
				t := b.t
				b.done(shopDone)
				s.put("customers", good{ID: "c01", Name: "New name"}, good{ID: "c02", Name: "New name, too"})
				whole := b.pull(puller.Request{Plan: true})
				s.put("customers", good{ID: "c01", Name: "Newer name"})
				one := b.pull(puller.Request{Customer: "c01", Plan: true})
				another := b.pull(puller.Request{Customer: "c02", Plan: true})
				same(t, "the plan of the customer before", job.Cancelled, b.job(one.ID).Status)
				same(t, "the plan of the customer", job.Planned, b.job(another.ID).Status)
				same(t, "the plan of all", job.Planned, b.job(whole.ID).Status)
				want := map[string]string{"c01": "New name", "c02": "New name, too"}
				if changed {
					same(t, "the pull of one", job.Done, b.pull(puller.Request{Customer: "c01"}).Status)
					want = map[string]string{"c01": "Newer name", "c02": "Name 2"}
				}
				_, err := b.Importer.Apply(t.Context(), whole.ID)
				must(t, err)
				b.work()
				j, names := b.job(whole.ID), b.names(b.src)
				same(t, "names", want, map[string]string{"c01": names["c01"], "c02": names["c02"]})
				same(t, "the plan is refused", changed, j.Status == job.Failed && strings.Contains(j.Error, "Nothing was written"))
				plans := []*job.Job{b.pull(puller.Request{Plan: true}), b.pull(puller.Request{Customer: "c02", Plan: true})}
				same(t, "the last pull", job.Done, b.pull(puller.Request{}).Status)
				for _, p := range plans {
					same(t, "a plan that is replaced", job.Cancelled, b.job(p.ID).Status)
				}
			})
		})
	}
}

// What cannot be mapped stays as it is stored; what was deleted beside it goes.
func TestRejectedStays(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		b.done(shopDone)
		s.put("invoices", good{ID: "in02", Of: "c02", Broken: true})
		s.remove("invoices", "in05")
		j := b.pull(puller.Request{})
		if j.Status != job.Done || j.Rejects != 1 || j.Datasets["invoices"].Removed != 1 || j.Datasets["line_items"].Removed != 1 {
			t.Fatalf("%s %q %q %s", j.Status, j.Error, j.Import.Confirm, counts(j))
		}
		same(t, "the code", "shop_broken", j.Reasons[0].Code)
		same(t, "the invoice", "EUR", b.currencyOf("in02"))
	})
}
