package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"reseed/pkg/table/mem"
)

// walk follows a list's cursors and returns one member of every record, in order.
func (a *service) walk(path, list, name string, size int) []string {
	a.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var all []string
	cursor := ""
	for page := 0; ; page++ {
		out := a.must(200, "GET", fmt.Sprintf("%s%sper_page=%d&cursor=%s", path, sep, size, url.QueryEscape(cursor)), "")
		got := column(a.t, out, list, name)
		if len(got) > size {
			a.t.Fatalf("%s: page of %d records, asked for %d", path, len(got), size)
		}
		if _, legacy := out["total_pages"]; legacy != (page == 0) {
			a.t.Fatalf("%s: page %d: total_pages there: %v", path, page, legacy)
		}
		all = append(all, got...)
		if out["has_more"] != true {
			return all
		}
		cursor = text(a.t, out, "cursor")
		if page > 1000 {
			a.t.Fatal("paging does not end")
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %d records, want %d; or not the same", what, len(got), len(want))
	}
}

func TestPagingSeesEveryRecordOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, mem.Options{Busy: 0.05, Partial: 0.1, Seed: 1, PageBytes: 2000})
		first, second := a.fixed()
		var customers, plans, invoices []string
		for i := range 57 {
			src := first
			if i%3 == 0 {
				src = second
			}
			id := a.customer(src, fmt.Sprint("c", i), "")
			customers = append(customers, id)
			plans = append(plans, a.plan(src, fmt.Sprint("p", i)))
			invoices = append(invoices, a.invoice(id, fmt.Sprint("i", i), "2020-01-01"))
		}
		a.must(200, "POST", "/v1/customers/"+customers[5]+"/attributes/tags", `{"tags":["here"]}`)
		for _, size := range []int{1, 7, 26, 57, 200} {
			same(t, fmt.Sprint("customers by ", size), a.walk("/v1/customers", "entries", "uuid", size), customers)
			same(t, fmt.Sprint("plans by ", size), a.walk("/v1/plans", "plans", "uuid", size), plans)
			same(t, fmt.Sprint("invoices by ", size), a.walk("/v1/invoices", "invoices", "uuid", size), invoices)
		}
		only := a.walk("/v1/customers?data_source_uuid="+second, "entries", "uuid", 5)
		if len(only) != 19 {
			t.Errorf("%d customers of the second source, want 19", len(only))
		}
		for _, e := range entries(t, a.must(200, "GET", "/v1/customers", ""), "entries") {
			attributes, _ := e["attributes"].(map[string]any)
			tagged := fmt.Sprint(attributes["tags"]) == "[here]"
			if tagged != (e["uuid"] == customers[5]) {
				t.Errorf("tags of %v: %v", e["uuid"], attributes)
			}
		}
	})
}

func TestPerPageIsClamped(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	for i := range 201 {
		a.plan(first, fmt.Sprint("p", i))
	}
	out := a.must(200, "GET", "/v1/plans?per_page=100000", "")
	if n := len(entries(t, out, "plans")); n != 200 || out["has_more"] != true {
		t.Errorf("%d plans, has_more %v", n, out["has_more"])
	}
}

func TestInvoicesOfACustomerAreNewestFirst(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, _ := a.fixed()
	c, other := a.customer(first, "c", ""), a.customer(first, "other", "")
	a.invoice(other, "not-mine", "2020-06-06")
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprint("i", i))
		a.invoice(c, want[i], fmt.Sprintf("2020-01-%02d", 30-i))
	}
	a.invoice(c, "same-day", "2020-01-01") // two of one date: in any order, but each once
	for _, path := range []string{"/v1/import/customers/" + c + "/invoices", "/v1/invoices?customer_uuid=" + c} {
		for _, size := range []int{1, 4, 26, 200} {
			got := a.walk(path, "invoices", "external_id", size)
			if len(got) != 31 || !slices.Equal(got[:29], want[:29]) {
				t.Errorf("%s by %d: %v", path, size, got)
			}
		}
	}
	out := a.must(200, "GET", "/v1/invoices?per_page=10&customer_uuid="+c, "")
	if out["total_pages"] != float64(4) {
		t.Errorf("total_pages %v of 31 invoices by 10", out["total_pages"])
	}
}

func TestEstimatedPagesAreNear(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mem.Options{})
	first, second := a.fixed()
	for i := range 400 {
		a.plan(first, fmt.Sprint("p", i))
		a.plan(second, fmt.Sprint("p", i))
	}
	out := a.must(200, "GET", "/v1/plans?per_page=100", "")
	if n, _ := out["total_pages"].(float64); n < 6 || n > 10 {
		t.Errorf("total_pages %v, truly 8", n)
	}
}
