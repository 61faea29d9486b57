package exporter_test

import (
	"strings"
	"testing"

	"reseed/pkg/edit"
	"reseed/pkg/eraser"
	"reseed/pkg/exporter"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/person"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// The plan of an erase knows the latest export of what goes, and whether anything of it has changed since.
func TestThePlanOfAnEraseKnowsTheLatestExport(t *testing.T) { //nolint:gocyclo // one story
	t.Parallel()
	p := families(t, mem.New(mem.Options{}), objects.Mem())
	d, err := p.Store.Directory(t.Context())
	must(t, err)
	customer := eraser.Selection{Kind: eraser.Customer, Source: p.now("Acme").UUID, H: d.Hasher().CustomerH("one")}
	source := eraser.Selection{Kind: eraser.Source, Source: p.now("Acme").UUID}
	// says is what the plan of an erase says of exports of Acme.
	says := func(sel eraser.Selection) eraser.Exported {
		t.Helper()
		plan, err := p.Eraser.Plan(t.Context(), sel, eraser.Options{})
		must(t, err)
		if len(plan.Exports) == 0 || plan.Exports[0].SourceName != "Acme" || plan.Exports[0].Says == "" {
			t.Fatalf("%+v", plan.Exports)
		}
		return plan.Exports[0]
	}
	whole := func(r exporter.Request) *job.Job {
		t.Helper()
		r.Source = p.now("Acme")
		return p.ended(p.start(r))
	}
	none := func(after string, sel eraser.Selection) {
		t.Helper()
		if x := says(sel); x.Job != "" || x.Fresh || !x.At.IsZero() {
			t.Errorf("%s: %+v", after, x)
		}
	}
	fresh := func(after string, sel eraser.Selection, j *job.Job) {
		t.Helper()
		if x := says(sel); x.Job != j.ID || !x.Fresh || x.Changed != 0 || !x.At.Equal(j.StartedAt) {
			t.Errorf("%s: %+v", after, x)
		}
	}
	none("nothing was exported", source)
	whole(exporter.Request{Datasets: []string{"customers"}})
	whole(exporter.Request{Sheet: true})
	none("only a part, or a copy for reading", source)

	first := whole(exporter.Request{Format: job.NDJSON})
	for _, sel := range []eraser.Selection{source, customer, {Kind: eraser.Content, Source: source.Source}, {Kind: eraser.ManualCustomers}} {
		fresh("the whole source", sel, first)
	}
	p.load("Acme", map[string]string{"again.ndjson": family("one", familyInvoices)})
	fresh("an import that changed nothing", source, first)

	// A change by hand counts for the erase that takes it along.
	p.edited("Acme2")
	fresh("an edit in another source", source, first)
	own := edit.Customer{Space: p.now("Acme").Space(), H: customer.H}.By("anna")
	p.change("Acme", store.CustomerSK(own.H), func(edit.Record) *edit.Change { return own.AddTags("vip") })
	for sel, want := range map[eraser.Selection]int64{source: 1, customer: 1, {Kind: eraser.Content, Source: source.Source}: 0} {
		if x := says(sel); x.Job != first.ID || x.Changed != want || x.Fresh != (want == 0) {
			t.Errorf("%+v", x)
		}
	}
	one, err := p.Exporter.StartCustomer(t.Context(), person.Names{Source: "Acme", ExternalID: "one"}, "")
	must(t, err)
	one = p.ended(one)
	fresh("the customer was exported", customer, one)
	second := whole(exporter.Request{Edits: exporter.NoEdits})
	if x := says(source); x.Job != second.ID || !x.Fresh || !x.NoEdits {
		t.Errorf("%+v", x)
	}

	// A plan that was made before and is applied later has changed something since.
	f, err := p.Keep(t.Context(), p.now("Acme"), "new.ndjson", strings.NewReader(`{"dataset":"customers","external_id":"new"}`))
	must(t, err)
	j, err := p.Importer.Submit(t.Context(), importer.Request{Source: p.now("Acme"), Origin: job.ByFile, Files: []job.File{f}, Options: importer.Options{Plan: true}})
	must(t, err)
	j = p.ended(j)
	third := whole(exporter.Request{})
	fresh("a plan", source, third)
	_, err = p.Importer.Apply(t.Context(), j.ID)
	must(t, err)
	p.work()
	none("a plan that was applied", source)
	none("a plan that was applied", customer)

	fourth := whole(exporter.Request{})
	_, err = p.Exporter.Drop(t.Context(), fourth.ID)
	must(t, err)
	fresh("its file was fetched and deleted here", source, fourth)
	p.erase(customer, eraser.Options{})
	none("an erase", source)
}
