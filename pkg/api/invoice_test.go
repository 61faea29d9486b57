package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table/mem"
)

// lines is the JSON of an invoice with n one-time lines that have external ids.
func lines(ext string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"invoices":[{"external_id":%q,"date":"2020-01-01","currency":"USD","line_items":[`, ext)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"one_time","amount_in_cents":%d,"external_id":"%s-%d"}`, i, ext, i)
	}
	b.WriteString(`]}]}`)
	return b.String()
}

func TestALargeInvoiceIsThereWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	const n = 130 // 260 items and more: three transactions
	broken := false
	a := newAPI(t, mem.Options{Before: func(op mem.Op, _ int) error {
		if broken && op == mem.Transact {
			return fault.New(fault.Unavailable, "down", "down")
		}
		return nil
	}, After: nil})
	first, _ := a.fixed()
	c := a.customer(first, "c1", "")
	path := "/v1/import/customers/" + c + "/invoices"
	a.status(201, "POST", path, lines("big", n))
	inv := entries(t, a.must(200, "GET", path, ""), "invoices")[0]
	got := entries(t, inv, "line_items")
	if len(got) != n {
		t.Fatalf("%d line items, want %d", len(got), n)
	}
	for i, l := range got {
		if l["external_id"] != fmt.Sprint("big-", i) {
			t.Fatalf("line %d is %v: not in the order of the request", i, l["external_id"])
		}
	}
	broken = true
	a.status(503, "POST", path, lines("later", n))
	broken = false
	a.count(1, path, "invoices")
	a.wait(2 * time.Minute)
	a.status(201, "POST", path, lines("later", n))
	a.count(2, "/v1/invoices", "invoices")
}

// Whatever call of the write fails, the same request later succeeds.
func TestAnInterruptedImportCanBeRepeated(t *testing.T) {
	t.Parallel()
	for failing := range 6 {
		t.Run(fmt.Sprint(failing), func(t *testing.T) {
			t.Parallel()
			calls, armed := 0, false
			a := newAPI(t, mem.Options{Before: func(op mem.Op, _ int) error {
				if armed && op == mem.Transact {
					if calls++; calls == failing+1 {
						return fault.New(fault.Unavailable, "down", "down")
					}
				}
				return nil
			}})
			first, _ := a.fixed()
			c := a.customer(first, "c1", "")
			path := "/v1/import/customers/" + c + "/invoices"
			armed = true
			status := a.do("POST", path, lines("big", 220)).status // 442 items: five transactions and the invoice's
			armed = false
			if failing < 6 && status != 503 && calls > failing {
				t.Errorf("status %d", status)
			}
			if status == 201 {
				return
			}
			a.count(0, path, "invoices")
			a.count(0, "/v1/invoices", "invoices")
			if failing > 0 { // the first request may still be writing
				a.status(429, "POST", path, lines("big", 220))
			}
			a.wait(2 * time.Minute)
			a.status(201, "POST", path, lines("big", 220))
			inv := entries(t, a.must(200, "GET", "/v1/invoices", ""), "invoices")
			if len(inv) != 1 || len(entries(t, inv[0], "line_items")) != 220 {
				t.Errorf("%d invoices", len(inv))
			}
		})
	}
}

func TestDuplicatesAreReportedTogetherAndNothingIsStored(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	c, other := a.customer(first, "c1", ""), a.customer(second, "c1", "")
	a.invoice(c, "i1", "2020-01-01")
	path := "/v1/import/customers/" + c + "/invoices"
	out := a.must(422, "POST", path, `{"invoices":[`+invoice("i2", "2020-01-01")+","+invoice("i1", "2020-01-01")+`]}`)
	both := entries(t, out, "invoices")
	errs, _ := both[1]["errors"].(map[string]any)
	if len(errs) != 3 || errs["external_id"] != "The external ID for this invoice already exists in our system." ||
		errs["line_items.external_id"] != "The external ID for this line item already exists in our system." ||
		errs["transactions.external_id"] != "has already been taken" {
		t.Errorf("errors: %v", errs)
	}
	a.count(1, path, "invoices")
	// Only the line item's id is taken, by another invoice.
	stolen := strings.Replace(invoice("i3", "2020-01-01"), "li-i3", "li-i1", 1)
	out = a.must(422, "POST", path, `{"invoices":[`+stolen+`]}`)
	errs, _ = entries(t, out, "invoices")[0]["errors"].(map[string]any)
	if len(errs) != 1 || errs["line_items.external_id"] == nil {
		t.Errorf("errors: %v", errs)
	}
	// Another source has ids of its own.
	a.invoice(other, "i1", "2020-01-01")
}

// race sends several bodies to one path at once, and counts the answers by their status.
func (a *service) race(method, path string, bodies ...string) map[int]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[int]int{}
	for _, body := range bodies {
		wg.Go(func() {
			status := a.do(method, path, body).status
			mu.Lock()
			got[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	return got
}

// eight is one body for eight requests.
func eight(body string) []string { return slices.Repeat([]string{body}, 8) }

func TestOneOfManyAtOnceWins(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c := a.customer(first, "c", "")
	for path, body := range map[string]string{
		"/v1/customers":    fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"x","email":"x@example.com"}`, first),
		"/v1/plans":        fmt.Sprintf(`{"data_source_uuid":%q,"external_id":"x","name":"x","interval_count":1,"interval_unit":"day"}`, first),
		"/v1/data_sources": `{"name":"x"}`,
		"/v1/import/customers/" + c + "/invoices": `{"invoices":[` + invoice("i1", "2020-01-01") + `]}`,
	} {
		if got := a.race("POST", path, eight(body)...); got[http.StatusCreated] != 1 || got[http.StatusUnprocessableEntity] != 7 {
			t.Errorf("%s: %v %s", path, got, a.log.String())
		}
	}
	// Large invoices take several transactions. A request that finds the parts of another one
	// waits, or is refused.
	if got := a.race("POST", "/v1/import/customers/"+c+"/invoices", eight(lines("big", 230))...); got[201] > 1 || got[201]+got[422]+got[429] != 8 {
		t.Errorf("large invoices: %v", got)
	}
	a.wait(2 * time.Minute)
	if status := a.do("POST", "/v1/import/customers/"+c+"/invoices", lines("big", 230)).status; status != 201 && status != 422 {
		t.Errorf("after all: status %d", status)
	}
	for _, inv := range entries(t, a.must(200, "GET", "/v1/invoices", ""), "invoices") {
		if n := len(entries(t, inv, "line_items")); n != 1 && n != 230 {
			t.Errorf("an invoice with %d line items", n)
		}
	}
}

func TestACancelledLineMakesAnEvent(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c, p := a.customer(first, "c1", ""), a.plan(first, "p1")
	line := fmt.Sprintf(`{"type":"subscription","amount_in_cents":1,"plan_uuid":%q,"subscription_external_id":"s1",
		"service_period_start":"2020-01-01","service_period_end":"2020-02-01","cancelled_at":"2020-01-20"}`, p)
	a.status(201, "POST", "/v1/import/customers/"+c+"/invoices",
		`{"invoices":[{"external_id":"i1","date":"2020-01-01","currency":"USD","line_items":[`+line+","+line+`]}]}`)
	plan := a.must(200, "POST", "/v1/erasures", fmt.Sprintf(`{"selection":"customer","id":%q,"dry_run":true}`, c))
	counts, _ := plan["counts"].(map[string]any)
	if counts["subscription_events"] != float64(1) || counts["line_items"] != float64(2) {
		t.Errorf("counts: %v", counts)
	}
}
