package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/table/mem"
)

// sweep runs every open erase to its end.
func (a *service) sweep() {
	a.t.Helper()
	open, err := a.ledger.Open(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	for _, j := range open {
		for done := false; !done && j.Kind == job.Erase; {
			if done, err = a.eraser.Sweep(a.t.Context(), j.ID); err != nil {
				a.t.Fatal(err)
			}
		}
	}
}

func (a *service) status(want int, method, path, body string) {
	a.t.Helper()
	if ans := a.do(method, path, body); ans.status != want {
		a.t.Errorf("%s %s: status %d, want %d: %s", method, path, ans.status, want, ans.body)
	}
}

func (a *service) count(want int, path, list string) {
	a.t.Helper()
	if n := len(entries(a.t, a.must(http.StatusOK, "GET", path, ""), list)); n != want {
		a.t.Errorf("%s: %d records, want %d", path, n, want)
	}
}

func TestADeletedCustomerIsInvisibleAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	gone := a.customer(first, "c1", `,"email":"a@example.com"`)
	stays := a.customer(second, "c1", `,"email":"a@example.com"`)
	invoice := a.invoice(gone, "i1", "2020-01-01")
	kept := a.invoice(stays, "i1", "2020-01-01")
	a.must(http.StatusNoContent, "DELETE", "/v1/customers/"+gone, "")

	a.status(404, "GET", "/v1/customers/"+gone, "")
	a.status(404, "GET", "/v1/customers/"+gone+"/attributes", "")
	a.status(404, "POST", "/v1/customers/"+gone+"/attributes/tags", `{"tags":["x"]}`)
	a.status(404, "POST", "/v1/import/customers/"+gone+"/invoices", `{"invoices":[]}`)
	a.status(404, "GET", "/v1/invoices/"+invoice, "")
	a.status(404, "DELETE", "/v1/invoices/"+invoice, "")
	a.count(0, "/v1/import/customers/"+gone+"/invoices", "invoices")
	a.count(1, "/v1/customers", "entries")
	a.count(1, "/v1/customers?external_id=c1", "entries")
	a.count(1, "/v1/customers/search?email=a@example.com", "entries")
	a.count(1, "/v1/invoices", "invoices")
	a.count(1, "/v1/invoices?external_id=i1", "invoices")
	a.status(200, "GET", "/v1/invoices/"+kept, "")

	again := fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c1"}`, first)
	a.status(http.StatusTooManyRequests, "POST", "/v1/customers", again)
	a.sweep()
	a.status(http.StatusCreated, "POST", "/v1/customers", again)
	a.count(0, "/v1/import/customers/"+gone+"/invoices", "invoices")
	a.status(200, "GET", "/v1/invoices/"+kept, "")
}

func TestADeletedInvoiceIsInvisibleAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c := a.customer(first, "c1", "")
	id := a.invoice(c, "i1", "2020-01-01")
	a.invoice(c, "i2", "2020-01-01")
	a.must(http.StatusNoContent, "DELETE", "/v1/invoices?data_source_uuid="+first+"&external_id=i1", "")
	a.status(404, "GET", "/v1/invoices/"+id, "")
	a.count(1, "/v1/invoices", "invoices")
	a.count(1, "/v1/invoices?customer_uuid="+c, "invoices")
	body := `{"invoices":[` + invoice("i1", "2020-02-02") + `]}`
	a.status(http.StatusTooManyRequests, "POST", "/v1/import/customers/"+c+"/invoices", body)
	a.sweep()
	a.status(http.StatusCreated, "POST", "/v1/import/customers/"+c+"/invoices", body)
	a.count(2, "/v1/invoices?customer_uuid="+c, "invoices")
}

func TestADeletedSourceTakesEverythingAndFreesItsName(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	c, p := a.customer(first, "c1", `,"email":"a@example.com"`), a.plan(first, "p1")
	i := a.invoice(c, "i1", "2020-01-01")
	a.customer(second, "c1", "")
	a.must(http.StatusNoContent, "DELETE", "/v1/data_sources/"+first, "")
	for _, path := range []string{
		"/v1/data_sources/" + first, "/v1/customers/" + c, "/v1/plans/" + p, "/v1/invoices/" + i,
		"/v1/import/customers/" + c + "/invoices", "/v1/customers/search?email=a@example.com",
	} {
		a.status(404, "GET", path, "")
	}
	a.count(1, "/v1/customers", "entries")
	a.count(0, "/v1/plans", "plans")
	a.status(http.StatusCreated, "POST", "/v1/data_sources", `{"name":"First"}`)
}

func TestTheManualEpochHidesWhatBelongsToManualCustomers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	manual := a.manual(first, "m1", "a@example.com")
	rest := a.customer(first, "r1", "")
	a.must(200, "POST", "/v1/customers/"+manual+"/attributes/tags", `{"tags":["old"]}`)
	invoice := a.invoice(manual, "i1", "2020-01-01")
	a.count(2, "/v1/customers", "entries")
	a.count(1, "/v1/customers/search?email=a@example.com", "entries")

	if _, err := a.eraser.Start(t.Context(), eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{}); err != nil {
		t.Fatal(err)
	}
	a.status(404, "GET", "/v1/customers/"+manual, "")
	a.status(404, "GET", "/v1/customers/search?email=a@example.com", "")
	a.status(404, "GET", "/v1/invoices/"+invoice, "")
	a.count(1, "/v1/customers", "entries")
	a.count(0, "/v1/invoices", "invoices")

	// Nothing takes the place of a hidden customer. Once it is gone, the same customer made over
	// REST is a new one: nothing old comes back with it.
	again := fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"m1"}`, first)
	a.status(http.StatusTooManyRequests, "POST", "/v1/customers", again)
	a.status(http.StatusTooManyRequests, "POST", "/v1/import/customers/"+rest+"/invoices", lines("i1", 1))
	a.sweep()
	if again := a.customer(first, "m1", `,"email":"a@example.com"`); again != manual {
		t.Errorf("the id has changed: %s, %s", manual, again)
	}
	out := a.must(200, "GET", "/v1/customers/"+manual+"/attributes", "")
	if fmt.Sprint(out["tags"]) != "[]" {
		t.Errorf("tags of the erased customer are back: %v", out["tags"])
	}
	a.count(0, "/v1/import/customers/"+manual+"/invoices", "invoices")
	if again := a.invoice(manual, "i1", "2021-01-01"); again != invoice {
		t.Errorf("the id has changed: %s, %s", invoice, again)
	}
	a.status(200, "GET", "/v1/customers/"+manual, "")
	a.status(200, "GET", "/v1/customers/"+rest, "")
	a.count(1, "/v1/invoices?customer_uuid="+manual, "invoices")
	a.count(1, "/v1/customers/search?email=a@example.com", "entries")
	one := entries(t, a.must(200, "GET", "/v1/invoices", ""), "invoices")[0]
	if n := len(entries(t, one, "line_items")) + len(entries(t, one, "transactions")); n != 2 {
		t.Errorf("%d parts of the new invoice survived the sweep, want 2", n)
	}
}

func TestForeignIDsAreNotFound(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	c, p := a.customer(first, "c1", ""), a.plan(first, "p1")
	i := a.invoice(c, "i1", "2020-01-01")
	a.plan(second, "p2")
	bad := []string{
		"cus_", "x", "cus_zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", "cus_" + i[4:], "inv_" + c[4:], "pl_" + c[4:],
		"cus_00fff024-aa6f-8c81-8b3d-8d293055fbfa", "%2e%2e", "c%23", "cus_" + c, first,
	}
	for _, id := range bad {
		a.status(404, "GET", "/v1/customers/"+id, "")
		a.status(404, "DELETE", "/v1/customers/"+id, "")
		a.status(404, "GET", "/v1/customers/"+id+"/attributes", "")
		a.status(404, "POST", "/v1/customers/"+id+"/attributes/tags", `{"tags":["x"]}`)
		a.status(404, "DELETE", "/v1/customers/"+id+"/attributes/tags", `{"tags":["x"]}`)
		a.status(404, "POST", "/v1/customers/"+id+"/attributes/custom", `{"custom":[]}`)
		a.status(404, "PUT", "/v1/customers/"+id+"/attributes/custom", `{"custom":{}}`)
		a.status(404, "DELETE", "/v1/customers/"+id+"/attributes/custom", `{"custom":[]}`)
		a.status(404, "POST", "/v1/import/customers/"+id+"/invoices", `{"invoices":[]}`)
		a.status(404, "GET", "/v1/plans/"+id, "")
		a.status(404, "GET", "/v1/invoices/"+id, "")
		a.status(404, "DELETE", "/v1/invoices/"+id, "")
		a.status(404, "GET", "/v1/jobs/"+id, "")
	}
	// Another source's plan is no plan for this customer's invoices.
	theirs := text(t, a.must(201, "POST", "/v1/plans", fmt.Sprintf(
		`{"data_source_uuid":%q,"name":"x","interval_count":1,"interval_unit":"day"}`, second)), "uuid")
	line := `{"invoices":[{"external_id":"i9","date":"2020-01-01","currency":"USD","line_items":[{"type":"subscription",
		"amount_in_cents":1,"plan_uuid":%q,"service_period_start":"2020-01-01","service_period_end":"2020-02-01"}]}]}`
	a.status(422, "POST", "/v1/import/customers/"+c+"/invoices", fmt.Sprintf(line, theirs))
	a.status(201, "POST", "/v1/import/customers/"+c+"/invoices", fmt.Sprintf(line, p))
	// A customer filter of another source finds nothing.
	a.count(0, "/v1/invoices?customer_uuid="+c+"&data_source_uuid="+second, "invoices")
	a.count(2, "/v1/invoices?customer_uuid="+c+"&data_source_uuid="+first, "invoices")
}

// Line items of an erased invoice do not appear in a new invoice with its external id.
func TestOldPartsAreNotOfANewInvoice(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	old := a.invoice(a.manual(first, "c", "a@example.com"), "i1", "2020-01-01")
	line := text(t, entries(t, a.must(200, "GET", "/v1/invoices/"+old, ""), "line_items")[0], "uuid")
	a.must(200, "PATCH", "/v1/invoices/"+old+"?handle_as_user_edit=true", `{"date":"2020-05-05","status":"paid"}`)
	a.must(202, "POST", "/v1/erasures", `{"selection":"manual-customers"}`)
	a.status(429, "POST", "/v1/customers", fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"c"}`, first))
	a.sweep()
	c := a.customer(first, "c", "")
	a.must(201, "POST", "/v1/import/customers/"+c+"/invoices",
		`{"invoices":[{"external_id":"i1","date":"2021-01-01","currency":"USD","line_items":[{"type":"one_time","amount_in_cents":7}]}]}`)
	a.invoice(c, "i0", "2020-08-08")
	inv := a.must(200, "GET", "/v1/invoices/"+old+"?include_edit_histories=true", "")
	if inv["status"] != nil || inv["edit_history_summary"] != nil || len(entries(t, inv, "line_items")) != 1 || len(entries(t, inv, "transactions")) != 0 {
		t.Errorf("%v", inv)
	}
	a.status(404, "GET", "/v1/line_items/"+line, "")
	a.status(404, "GET", "/v1/line_items?data_source_uuid="+first+"&external_id=li-i1", "")
	if order := column(t, a.must(200, "GET", "/v1/import/customers/"+c+"/invoices", ""), "invoices", "external_id"); fmt.Sprint(order) != "[i1 i0]" {
		t.Errorf("%v", order)
	}
}

// Edits cost one query for each invoice, or for each shard of a page, and never a call for each
// row.
func TestCallsOfReads(t *testing.T) {
	t.Parallel()
	var counted sync.Map
	a := newAPI(t, mem.Options{Before: func(op mem.Op, _ int) error {
		n, _ := counted.LoadOrStore(op, new(atomic.Int64))
		n.(*atomic.Int64).Add(1) //nolint:forcetypeassert // it holds nothing else
		return nil
	}})
	first, _ := a.fixed()
	c := a.customer(first, "c", "")
	const invoices = 100
	var id string
	for i := range invoices {
		id = a.invoice(c, fmt.Sprint("i", i), "2020-01-01")
	}
	line := a.must(200, "GET", "/v1/line_items?data_source_uuid="+first+"&external_id=li-i1", "")
	for path, want := range map[string][2]int64{ // queries and gets, at most
		"/v1/invoices":                                       {2 * 2 * 16, 2}, // both sources have 16 shards
		"/v1/invoices?per_page=1":                            {2, 2},
		"/v1/invoices/" + id:                                 {2, 2},
		"/v1/invoices?customer_uuid=" + c:                    {2 + 2*invoices, 4},
		"/v1/line_items/" + text(t, line, "uuid"):            {2, 2},
		"/v1/import/customers/" + c + "/invoices?per_page=1": {2 + 2*2, 4},
	} {
		counted.Clear()
		a.must(200, "GET", path, "")
		for i, op := range []mem.Op{mem.Query, mem.Get} {
			n, ok := counted.Load(op)
			if got, _ := n.(*atomic.Int64); ok && got.Load() > want[i] {
				t.Errorf("%s: %d of %v, want at most %d", path, got.Load(), op, want[i])
			}
		}
	}
}
