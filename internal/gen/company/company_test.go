package company_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/gen/company"
	"reseed/pkg/billing"
)

func sample() company.Options {
	return company.Options{Seed: 1, Customers: 200, Months: 24, Layout: company.Named}
}

func twelve() company.Options {
	o := sample()
	o.Customers = 12
	return o
}

// The checked-in companies are not edited by hand, and the same seed gives the
// same bytes on every machine.
func TestCheckedInFilesAreFresh(t *testing.T) {
	t.Parallel()
	for folder, o := range map[string]company.Options{"company": sample(), "twelve": twelve()} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, err := company.WriteDir(dir, o); err != nil {
				t.Fatal(err)
			}
			want, got := readDir(t, dir), readDir(t, filepath.Join("../../../testdata", folder))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("run go run ./internal/gen -out testdata/%s -customers %d (-fresh +checked in):\n%s", folder, o.Customers, diff)
			}
		})
	}
}

func readDir(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(text)
	}
	return files
}

func generate(t *testing.T, o company.Options, only ...company.Dataset) (map[company.Dataset]string, company.Summary) {
	t.Helper()
	if len(only) == 0 {
		only = o.Layout.Datasets()
	}
	buffers, writers := map[company.Dataset]*bytes.Buffer{}, map[company.Dataset]io.Writer{}
	for _, dataset := range only {
		buffers[dataset] = &bytes.Buffer{}
		writers[dataset] = buffers[dataset]
	}
	summary, err := company.Generate(o, writers)
	if err != nil {
		t.Fatal(err)
	}
	files := map[company.Dataset]string{}
	for dataset, b := range buffers {
		files[dataset] = b.String()
	}
	return files, summary
}

func TestOneDatasetAloneIsTheSame(t *testing.T) {
	t.Parallel()
	for _, layout := range []company.Layout{company.Named, company.Current, company.Y2020} {
		o := sample()
		o.Layout, o.LineItems = layout, 500
		all, _ := generate(t, o)
		for dataset, want := range all {
			if alone, _ := generate(t, o, dataset); alone[dataset] != want {
				t.Errorf("layout %s: %s alone differs", layout, dataset)
			}
		}
	}
}

func TestSeedMatters(t *testing.T) {
	t.Parallel()
	o := twelve()
	one, _ := generate(t, o)
	o.Seed = 2
	two, _ := generate(t, o)
	for _, dataset := range []company.Dataset{company.Customers, company.Contacts, company.LineItems} {
		if one[dataset] == two[dataset] {
			t.Errorf("%s are the same for two seeds", dataset)
		}
	}
}

// The rules of imports accept every row of every layout.
func TestRowsAreValid(t *testing.T) {
	t.Parallel()
	// Dates in the sample that must lie in the past are not later than this.
	now := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, layout := range []company.Layout{company.Named, company.Current, company.Y2020} {
		o := sample()
		o.Layout = layout
		files, summary := generate(t, o)
		for dataset, text := range files {
			rows := parse(t, text)
			if got, err := billing.Recognise(rows[0]); err != nil || string(got) != string(dataset) {
				t.Errorf("layout %s: header of %s is recognised as %q, %v", layout, dataset, got, err)
			}
			checkRows(t, dataset, rows, now)
			if int64(len(rows)-1) != summary.Rows[dataset] {
				t.Errorf("layout %s: %d rows of %s, summary says %d", layout, len(rows)-1, dataset, summary.Rows[dataset])
			}
		}
	}
}

func checkRows(t *testing.T, dataset company.Dataset, rows [][]string, now time.Time) {
	t.Helper()
	l, err := billing.NewLayout(billing.Dataset(dataset), rows[0], billing.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Unknown()) > 0 {
		t.Errorf("%s has unknown columns %v", dataset, l.Unknown())
	}
	for i, row := range rows[1:] {
		record, problem := l.Record(row, now)
		if problem != nil {
			t.Errorf("%s, row %d: %+v", dataset, i+1, *problem)
			continue
		}
		for _, date := range past(record) {
			if date.After(now) {
				t.Errorf("%s, row %d: %s is too late", dataset, i+1, date)
			}
		}
	}
}

// past lists the dates of a record that must not be later than the middle of 2026.
func past(record billing.Record) []time.Time {
	switch r := record.(type) {
	case *billing.Customer:
		return []time.Time{r.LeadCreatedAt, r.FreeTrialStartedAt}
	case *billing.Invoice:
		return []time.Time{r.Date, r.DueDate}
	case *billing.LineItem:
		return []time.Time{r.ServicePeriodStart, r.ServicePeriodEnd}
	case *billing.Transaction:
		return []time.Time{r.Date}
	case *billing.Event:
		return []time.Time{r.Date}
	}
	return nil
}

func parse(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// table returns the rows of a file as maps from column to cell.
func table(t *testing.T, text string) []map[string]string {
	t.Helper()
	rows := parse(t, text)
	var out []map[string]string
	for _, row := range rows[1:] {
		cells := map[string]string{}
		for i, column := range rows[0] {
			cells[column] = row[i]
		}
		out = append(out, cells)
	}
	return out
}

// column counts how often each value occurs in a column.
func column(rows []map[string]string, name string) map[string]int {
	counts := map[string]int{}
	for _, row := range rows {
		counts[row[name]]++
	}
	return counts
}

func TestReferencesHold(t *testing.T) {
	t.Parallel()
	const customerColumn, invoiceColumn = "Customer external ID", "Invoice external ID"
	for _, layout := range []company.Layout{company.Named, company.Y2020} {
		o := sample()
		o.Layout, o.LineItems = layout, 5000
		files, _ := generate(t, o)
		customers := column(table(t, files[company.Customers]), "External ID")
		plans := column(table(t, files[company.Plans]), "Plan ID")
		invoices := column(table(t, files[company.Invoices]), invoiceColumn)
		plans[""] = 1 // one-time lines and cancellations have none

		unique(t, "customers", customers)
		unique(t, "invoices", invoices)
		unique(t, "plans", plans)
		for _, dataset := range o.Layout.Datasets() {
			rows := table(t, files[dataset])
			refers(t, dataset, rows, customerColumn, customers)
			refers(t, dataset, rows, "Customer External ID", customers)
			refers(t, dataset, rows, invoiceColumn, invoices)
			refers(t, dataset, rows, "Plan", plans)
			refers(t, dataset, rows, "Plan external ID", plans)
			ids := column(rows, "External ID")
			delete(ids, "")
			unique(t, string(dataset), ids)
		}
	}
}

func unique(t *testing.T, what string, ids map[string]int) {
	t.Helper()
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: %d times %s", what, n, id)
		}
	}
}

func refers(t *testing.T, dataset company.Dataset, rows []map[string]string, name string, to map[string]int) {
	t.Helper()
	for _, row := range rows {
		if id, ok := row[name]; ok && to[id] == 0 {
			t.Errorf("%s: %s %q is nowhere", dataset, name, id)
		}
	}
}

// The smallest company has every shape of data that an import must cope with.
func TestTwelveCustomersShowEverything(t *testing.T) {
	t.Parallel()
	files, _ := generate(t, twelve())
	customers, contacts := files[company.Customers], files[company.Contacts]
	lines, events := table(t, files[company.LineItems]), table(t, files[company.SubscriptionEvents])
	transactions := column(table(t, files[company.Transactions]), "External ID")
	mails, types := column(table(t, customers), "Email"), column(events, "Event Type")
	twins := map[string]int{}
	for _, l := range lines {
		twins[strings.Join([]string{l["Invoice external ID"], l["Type"], l["Subscription external ID"], l["Plan"], l["Service period start"], l["Description"]}, "|")]++
	}
	has := func(rows []map[string]string, cells map[string]string) bool {
		return slices.ContainsFunc(rows, func(row map[string]string) bool {
			for name, want := range cells {
				if row[name] != want {
					return false
				}
			}
			return true
		})
	}
	for what, found := range map[string]bool{
		"a quoted comma":                 strings.Contains(customers, `, Lind & Partners"`),
		"quotes in a cell":               strings.Contains(customers, `"The ""`),
		"a line break in a cell":         strings.Contains(contacts, "PDF.\nCopy"),
		"letters beyond ASCII":           strings.ContainsFunc(customers, func(r rune) bool { return r > 0x80 }),
		"no e-mail":                      mails[""] > 0,
		"an e-mail of two customers":     slices.Max(slices.Collect(maps.Values(mails))) == 2,
		"transactions without an id":     transactions[""] > 0,
		"transactions with an id":        len(transactions) > 1,
		"one-time lines":                 has(lines, map[string]string{"Type": "OneTime", "Plan": ""}),
		"lines that differ in text only": has(lines, map[string]string{"Description": "Workshop, day 1"}) && has(lines, map[string]string{"Description": "Workshop, day 2"}),
		"lines of one natural identity":  slices.Max(slices.Collect(maps.Values(twins))) == 2,
		"proration":                      has(lines, map[string]string{"Proration": "TRUE"}),
		"discounts":                      has(lines, map[string]string{"Discount code": "WELCOME20"}),
		"a set of subscriptions":         slices.ContainsFunc(lines, func(l map[string]string) bool { return l["Subscription set external ID"] != "" }),
		"negative quantities": slices.ContainsFunc(lines, func(l map[string]string) bool {
			return l["Quantity"][0] == '-' && l["Amount in cents"][0] == '-'
		}),
		"blank cells of a cancellation": has(events, map[string]string{"Event Type": "subscription_cancelled", "Plan external ID": "", "Currency": "", "Amount in Cents": "", "Quantity": ""}),
		"a withdrawal without an id":    has(events, map[string]string{"Event Type": "subscription_event_retracted", "Retracted event ID": ""}),
		"a future effective date":       has(events, map[string]string{"Event Type": "subscription_cancellation_scheduled", "Effective Date": "2031-03-31"}),
		"a scheduled start":             types["subscription_start_scheduled"] > 0,
		"an update":                     types["subscription_updated"] > 0,
		"events without an id":          has(events, map[string]string{"External ID": ""}),
	} {
		if !found {
			t.Errorf("missing: %s", what)
		}
	}
}

// If a withdrawal names an event, there is exactly one event with that id.
func TestWithdrawnEventsExist(t *testing.T) {
	t.Parallel()
	files, _ := generate(t, sample())
	events := table(t, files[company.SubscriptionEvents])
	ids, named := column(events, "External ID"), 0
	for _, e := range events {
		if id := e["Retracted event ID"]; id != "" {
			named++
			if ids[id] != 1 {
				t.Errorf("%s is withdrawn, but there is no such event", id)
			}
		}
	}
	if named == 0 {
		t.Error("no event is withdrawn by its id")
	}
}

func TestSummaryAddsUp(t *testing.T) {
	t.Parallel()
	files, summary := generate(t, sample())
	currency := map[string]string{}
	for _, inv := range table(t, files[company.Invoices]) {
		currency[inv["Invoice external ID"]] = inv["Currency"]
	}
	sums := map[string]int64{}
	for _, l := range table(t, files[company.LineItems]) {
		amount, err := strconv.ParseInt(l["Amount in cents"], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[currency[l["Invoice external ID"]]] += amount
	}
	if diff := cmp.Diff(sums, summary.AmountInCents); diff != "" {
		t.Errorf("(-files +summary):\n%s", diff)
	}
	if len(sums) != 4 {
		t.Errorf("%d currencies, want USD, EUR, GBP and JPY", len(sums))
	}
	var stored company.Summary
	text, err := os.ReadFile("../../../testdata/company/" + company.ExpectedFile)
	if err == nil {
		err = json.Unmarshal(text, &stored)
	}
	if diff := cmp.Diff(stored, summary); err != nil || diff != "" {
		t.Errorf("%v (-stored +summary):\n%s", err, diff)
	}
}

func TestLineItemsGrow(t *testing.T) {
	t.Parallel()
	o := sample()
	o.LineItems = 3000
	_, summary := generate(t, o)
	if n := summary.Rows[company.LineItems]; n < 3000 || n > 3100 {
		t.Errorf("%d line items", n)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*company.Options){
		"layout":    func(o *company.Options) { o.Layout = "1999" },
		"short":     func(o *company.Options) { o.Months = 11 },
		"long":      func(o *company.Options) { o.Months = 241 },
		"customers": func(o *company.Options) { o.Customers = -1 },
		"lines":     func(o *company.Options) { o.LineItems = -1 },
		"dataset":   func(o *company.Options) { o.Layout = company.Y2020 }, // which has no contacts
	} {
		o := sample()
		change(&o)
		if _, err := company.Generate(o, map[company.Dataset]io.Writer{company.Contacts: io.Discard}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// full is a writer that fails after some bytes, like a full disk.
type full struct{ room int }

var errFull = errors.New("no room")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// A writer that fails ends the work at once, no matter how large the company is.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	o := sample()
	o.Customers = 1 << 40
	for _, dataset := range []company.Dataset{company.Customers, company.LineItems} {
		_, err := company.Generate(o, map[company.Dataset]io.Writer{dataset: &full{room: 100_000}})
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v", dataset, err)
		}
	}
}

// One operation is one row of the customers file. Memory per row does not depend
// on how many rows there are.
func BenchmarkCustomers(b *testing.B) {
	o := sample()
	o.Customers = b.N
	b.ReportAllocs()
	if _, err := company.Generate(o, map[company.Dataset]io.Writer{company.Customers: io.Discard}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// One operation is one line item, with its share of the rows of every dataset.
func BenchmarkLineItems(b *testing.B) {
	o := sample()
	o.LineItems = b.N
	writers := map[company.Dataset]io.Writer{}
	for _, dataset := range o.Layout.Datasets() {
		writers[dataset] = io.Discard
	}
	b.ReportAllocs()
	if _, err := company.Generate(o, writers); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
