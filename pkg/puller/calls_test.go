package puller_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"reseed/internal/googletest"
	"reseed/pkg/job"
	"reseed/pkg/puller"
)

// mostCalls is how many calls a pull of 100,000 rows may make: Google allows 60 a minute.
const mostCalls = 30

// A spreadsheet of 100,000 rows of ten columns in four tabs, and one of scratch, is read in at most
// 30 calls, whole: each row is in a frozen table.
func TestFewCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tabs := []*googletest.Tab{{ID: 9, Title: "Scratch", Rows: 50_000, Columns: 10, Row: func(int) []any { return []any{"todo"} }}}
		rows := map[string]int{"Customers": 40_000, "Plans": 1_000, "Invoices": 29_000, "Line items": 30_000}
		for title, n := range rows {
			tabs = append(tabs, &googletest.Tab{ID: int64(n), Title: title, Rows: n + 1, Columns: 10, Row: func(i int) []any { return wideRow(title, i) }})
		}
		b := newBed(t, tabs...)
		j := b.begin(puller.Request{})
		must(t, b.step(t.Context())) // freezes the tabs
		calls := b.google.Calls()
		n := len(calls) + b.google.Tokens()
		t.Logf("%d calls, tokens included", n)
		if n > mostCalls {
			t.Errorf("%d calls, want at most %d", n, mostCalls)
		}
		j = b.job(j.ID)
		if j.Status != job.Running || len(j.Import.Files) != len(rows) {
			t.Fatalf("%s %q, %d files", j.Status, j.Error, len(j.Import.Files))
		}
		for _, f := range j.Import.Files {
			in, err := b.objs.Open(t.Context(), f.Object, f.Version, 0, -1)
			must(t, err)
			text, err := io.ReadAll(in)
			must(t, err)
			must(t, in.Close())
			same(t, "rows of "+f.Tab, rows[f.Tab]+1, bytes.Count(text, []byte("\n")))
		}
		b.untouched()
	})
}

// wideRow is row n of a tab with ten columns, as wide as they are in life.
func wideRow(title string, n int) []any {
	if n == 0 {
		return map[string][]any{
			"Customers":  {"External ID", "Name", "Email", "Company", "Country", "State", "City", "Zip", "Lead created at", "Free trial started at"},
			"Plans":      {"Plan ID", "Name", "Interval count", "Interval unit", "Note 1", "Note 2", "Note 3", "Note 4", "Note 5", "Note 6"},
			"Invoices":   {"Invoice external ID", "Customer external ID", "Invoiced date", "Due date", "Currency", "Note 1", "Note 2", "Note 3", "Note 4", "Note 5"},
			"Line items": {"Invoice external ID", "Type", "Amount in cents", "Subscription external ID", "Plan", "Service period start", "Service period end", "Quantity", "Discount code", "Discount amount"},
		}[title]
	}
	text := fmt.Sprintf("%s number %d", title, n)
	switch title {
	case "Customers":
		return customerRow(n)
	case "Plans":
		return []any{text, text, 1, "month", text, text, text, text, text, text}
	case "Invoices":
		return []any{text, fmt.Sprintf("c%d", n), 45_000 + float64(n%1000), 45_030 + float64(n%1000), "USD", text, text, text, text, text}
	}
	return []any{fmt.Sprintf("Invoices number %d", n), "subscription", 1250, text, "gold", 45_000, 45_030, 1, "none", 0}
}
