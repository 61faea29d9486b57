package api_test

import (
	"fmt"
	"strings"
	"testing"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// hiddenRows counts the customers of a source that are hidden, but that no erase will remove.
func (b *bed) hiddenRows(src store.Source) (n int) {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for shard := range src.Shards {
		for item, err := range b.store.Items(b.t.Context(), table.Query{PK: src.Space().CustomerPK(shard)}) {
			if err != nil {
				b.t.Fatal(err)
			}
			if !d.Visible(item.Attrs) {
				n++
			}
		}
	}
	return n
}

// ofSource finds a source by its uuid.
func (b *bed) ofSource(uuid string) store.Source {
	b.t.Helper()
	d, err := b.store.Directory(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	src, _ := d.ByUUID(uuid)
	return src
}

// locked lets another import lock a source, until end is called.
func (b *bed) locked(src store.Source) (end func()) {
	b.t.Helper()
	j, err := b.ledger.Create(b.t.Context(), &job.Job{Kind: job.Import, Tag: src.Tag, Import: &job.ImportSpec{Failing: "it fails"}})
	if err != nil {
		b.t.Fatal(err)
	}
	return func() {
		if _, _, err := b.ledger.End(b.t.Context(), j.ID, func(j *job.Job) error { j.Status = job.Failed; return nil }); err != nil {
			b.t.Fatal(err)
		}
	}
}

// later works, with some ticks.
func (b *bed) later() {
	b.t.Helper()
	for range 3 {
		if err := b.app.Tick(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		b.work()
	}
}

// An import that waits while all manual customers are erased brings rows that are visible, even if
// the erase has done its source already.
func TestAnImportThatWaitedForAnEraseOfManualCustomers(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	src := b.ofSource(b.source)
	other := b.must(202, "POST", "/v1/erasures", `{"selection":"content","source":"First"}`) // locks the source
	id := b.id(b.imported(file("c.csv", customersFile)))
	b.is(id, "waiting")
	erase := b.erase(`{"selection":"manual-customers","grace":"0s"}`)
	b.work()
	b.later()
	b.must(200, "GET", "/v1/erasures/"+text(t, other, "id")+"/receipt", "")
	b.must(200, "GET", "/v1/erasures/"+erase+"/receipt", "")
	b.is(id, "done")
	b.count(2, "/v1/customers", "entries")
	if n := b.hiddenRows(src); n > 0 {
		t.Errorf("%d rows that nobody sees stay for ever", n)
	}
}

// While an erase of all manual customers runs, an undo in a source that it has done already puts no
// manual customer back.
func TestAnUndoAfterAnEraseOfManualCustomers(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	src := b.ofSource(b.source)
	b.done("done", file("c.csv", customersFile))
	id := b.done("done", part{"mode", "", "replace"}, part{"max_removed", "", "100"}, file("c.csv", "Name,External ID\nBob,c2\n"))
	end := b.locked(b.ofSource(second)) // where the erase waits
	erase := b.erase(`{"selection":"manual-customers","grace":"0s"}`)
	b.work()
	if rejects := b.undone(id); !strings.Contains(rejects, "erased") {
		t.Errorf("not told: %s", rejects)
	}
	end()
	b.later()
	b.must(200, "GET", "/v1/erasures/"+erase+"/receipt", "")
	if n := b.hiddenRows(src); n > 0 {
		t.Errorf("%d rows that nobody sees stay for ever", n)
	}
}

// An undo leaves alone the manual customers that an erase has hidden: a restore brings them back.
func TestAnUndoLeavesManualCustomersThatCanBeRestored(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	id := b.done("done", accountFiles("", "")...)
	shown := "/v1/import/customers/" + b.c1() + "/invoices"
	was := b.do("GET", shown, "").body
	erase := b.erase(`{"selection":"manual-customers","grace":"48h"}`)
	if rejects := b.undone(id); strings.Count(rejects, ",erased,") < 10 {
		t.Errorf("not told: %s", rejects)
	}
	b.restored(erase, shown, was)
}

// A customer is manual if a file has made it, and not if it was made over the API, whatever has
// changed it since. What belongs to it is manual if it is.
func TestWhoIsAManualCustomer(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	byAPI := b.customer(b.source, "c1", `,"name":"Old"`)
	b.done("done", accountFiles("", "")...) // changes c1, makes c2, and invoices of both
	b.tells("Ann", "/v1/customers/"+byAPI, "name")
	byFile := column(t, b.must(200, "GET", "/v1/customers?external_id=c2", ""), "entries", "uuid")[0]
	b.must(200, "PATCH", "/v1/customers/"+byFile, `{"name":"Robert"}`)
	b.invoice(byFile, "i8", "2025-01-01")
	b.erase(`{"selection":"manual-customers"}`)
	b.work()
	b.count(1, "/v1/customers", "entries")
	b.tells("Ann", "/v1/customers/"+byAPI, "name")
	b.count(3, "/v1/invoices", "invoices") // invoices of c1, by file
	b.count(2, "/v1/plans", "plans")
}

// TestACustomerMadeByHandIsManual: with its contact; one that was made over the API is not.
func TestACustomerMadeByHandIsManual(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	made := func(id, more string) {
		b.must(201, "POST", "/v1/customers", `{"data_source_uuid":"`+b.source+`","external_id":"`+id+`","email":"ann@example.com","primary_contact":{"first_name":"Eve"},
			"attributes":{"tags":["vip"]}`+more+`}`)
	}
	made("hand", `,"manual":true`)
	made("api", "")
	made("no", `,"manual":false`)
	b.status(422, "POST", "/v1/customers", `{"data_source_uuid":"`+b.source+`","external_id":"x","manual":"maybe"}`)
	if plan := b.must(200, "POST", "/v1/erasures", `{"selection":"manual-customers","dry_run":true}`); fmt.Sprint(plan["counts"]) != "map[contacts:1 customers:1 edits:1]" {
		t.Errorf("%v", plan["counts"])
	}
	b.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`)
	b.finds("customers", "", "api", "no")
	b.finds("customers", "email=ann%40example.com", "api", "no")
	b.work()
	b.finds("customers", "", "api", "no")
	if n := len(b.rowsOf("contacts", "", 200)); n != 2 {
		t.Errorf("%d contacts", n)
	}
	made("hand", `,"manual":true`)
	b.finds("customers", "", "api", "hand", "no")
}
