package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// trial is a file of testdata/trials.
func trial(t tester, name string) input {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "trials", name))
	if err != nil {
		t.Fatal(err)
	}
	return input{name: name, body: b}
}

// sheetOf is a file of these lines.
func sheetOf(lines ...string) input {
	return input{name: "rows.csv", body: []byte(strings.Join(lines, "\n") + "\n")}
}

// based is a source with the customers, the plan and the invoices that the trials refer to.
func (l *line) based(t tester) *importer.Request {
	t.Helper()
	src := l.source(t, "S")
	l.done(t, src, trial(t, "base_plans.csv"), trial(t, "base_customers.csv"), trial(t, "base_invoices.csv"))
	return &importer.Request{Source: src, Origin: job.ByFile}
}

const (
	lineHeader    = "Invoice external ID,External ID,Type,Amount in cents,Description"
	paymentHeader = "Invoice external ID,External ID,Type,Result,Date,Amount in cents"
	contactHeader = "Customer External ID,External ID,First name,Email"
)

// doubledNote is what the report says of rows that may double.
const doubledAdvice = " If they are those rows corrected, both count. Then undo this import (or cancel the plan) and import the whole dataset in mode replace; " +
	"with external IDs, rows that are corrected later change in place."

func TestRowsThatMayDoubleAreSaid(t *testing.T) {
	t.Parallel()
	lines := func(rows ...string) input { return sheetOf(append([]string{lineHeader}, rows...)...) }
	payments := func(rows ...string) input { return sheetOf(append([]string{paymentHeader}, rows...)...) }
	contacts := func(rows ...string) input { return sheetOf(append([]string{contactHeader}, rows...)...) }
	many := sheetOf("Customer external ID,Invoice external ID,Invoiced date,Due date,Currency",
		"c1,n1,2024-01-31,,EUR", "c1,n2,2024-01-31,,EUR", "c1,n3,2024-01-31,,EUR", "c1,n4,2024-01-31,,EUR", "c1,n5,2024-01-31,,EUR")
	for _, c := range []struct {
		name          string
		first, second []input
		replace       bool
		want          string // empty: nothing is said
	}{
		{
			name: "corrected descriptions", first: []input{trial(t, "k1a.csv")}, second: []input{trial(t, "k1b.csv")},
			want: "line_items: 2 added without an external ID to 1 invoice (i1) that already had such rows, 2 of which this import does not bring; in all EUR 150.00 → EUR 300.00.",
		},
		{
			name: "a corrected date of a payment of the whole invoice", first: []input{trial(t, "k2a.csv")}, second: []input{trial(t, "k2b.csv")},
			want: "transactions: 1 added without an external ID to 1 invoice (i1) that already had such rows, 1 of which this import does not bring.",
		},
		{name: "corrected, in mode replace", first: []input{trial(t, "k1a.csv")}, second: []input{trial(t, "k1b.csv")}, replace: true},
		{name: "the same again", first: []input{trial(t, "k1a.csv")}, second: []input{trial(t, "k1a.csv")}},
		{
			name:  "one of two corrected, one changed in place, beside one with an id",
			first: []input{lines("i1,,one_time,100,A", "i1,,one_time,200,B", "i1,x,one_time,1000,C")}, second: []input{lines("i1,,one_time,100,A2", "i1,,one_time,250,B", "i1,y,one_time,5,D")},
			want: "line_items: 1 added without an external ID to 1 invoice (i1) that already had such rows, 1 of which this import does not bring; in all EUR 13.00 → EUR 14.55.",
		},
		{name: "one more beside all that are there", first: []input{lines("i1,,one_time,100,A")}, second: []input{lines("i1,,one_time,100,A", "i1,,one_time,200,B")}},
		{name: "beside rows that all have ids", first: []input{lines("i1,x,one_time,100,A")}, second: []input{lines("i1,,one_time,200,B")}},
		{name: "with ids beside rows without", first: []input{lines("i1,,one_time,100,A")}, second: []input{lines("i1,x,one_time,200,B")}},
		{name: "payments beside line items", first: []input{lines("i1,,one_time,100,A")}, second: []input{payments("i1,,payment,successful,2024-02-01,100")}},
		{
			name:   "payments and refunds in two currencies",
			first:  []input{payments("i1,,payment,successful,2024-02-01,100", "i1,,refund,successful,2024-02-01,30", "i2,,payment,failed,2024-02-01,7")},
			second: []input{payments("i1,,payment,successful,2024-02-02,100", "i1,,refund,successful,2024-02-02,30", "i2,,payment,failed,2024-02-02,9")},
			want: "transactions: 3 added without an external ID to 2 invoices (i1, i2) that already had such rows, 3 of which this import does not bring; " +
				"in all failed payments JPY 7 → JPY 16, payments EUR 1.00 → EUR 2.00, refunds EUR 0.30 → EUR 0.60.",
		},
		{
			name: "more invoices than are named", first: []input{many, lines("n3,,one_time,1,A", "n1,,one_time,1,A", "n5,,one_time,1,A", "n4,,one_time,1,A", "n2,,one_time,1,A")},
			second: []input{lines("n3,,one_time,1,B", "n1,,one_time,1,B", "n5,,one_time,1,B", "n4,,one_time,1,B", "n2,,one_time,1,B", "n3,,one_time,1,C")},
			want:   "line_items: 6 added without an external ID to 5 invoices (n3, n1, n5, 2 more) that already had such rows, 5 of which this import does not bring; in all EUR 0.05 → EUR 0.11.",
		},
		{
			name: "a contact with another address", first: []input{contacts("c1,,Ann,a@x.com")}, second: []input{contacts("c1,,Ann,b@x.com")},
			want: "contacts: 1 added without an external ID to 1 customer (c1) that already had such rows, 1 of which this import does not bring.",
		},
		{
			name:   "an invoice that the same import changes",
			first:  []input{lines("i1,,one_time,100,A")},
			second: []input{sheetOf("Customer external ID,Invoice external ID,Invoiced date,Due date,Currency", "c1,i1,2024-01-31,,USD"), lines("i1,,one_time,200,B")},
			want:   "line_items: 1 added without an external ID to 1 invoice (i1) that already had such rows, 1 of which this import does not bring; in all USD 1.00 → USD 3.00.",
		},
	} {
		for _, way := range []struct {
			name  string
			sizes [2]int64
			plan  bool
		}{{"small", [2]int64{0, 1 << 30}, false}, {"large", [2]int64{60, 1}, false}, {"plan", [2]int64{60, 1}, true}} {
			t.Run(c.name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				l := newLine(mem.New(mem.Options{}), objects.Mem(), way.sizes[0], way.sizes[1])
				r := l.based(t)
				if j := l.done(t, r.Source, c.first...); len(j.Notes) > 0 {
					t.Errorf("of the first import: %q", j.Notes)
				}
				r.Options.Plan = way.plan
				if c.replace {
					most := 100
					r.Options.Mode, r.Options.MaxRemoved = job.Replace, &most
				}
				j := l.asked(t, *r, c.second...)
				want := c.want
				if want != "" {
					want += doubledAdvice
				}
				if got := strings.Join(j.Notes, "\n"); got != want || j.Rejects > 0 {
					t.Errorf("%d rejects, notes:\n%s\nwant:\n%s", j.Rejects, got, want)
				}
			})
		}
	}
}

// asked makes a request to import these files, until the import has ended or is planned.
func (l *line) asked(t tester, r importer.Request, inputs ...input) *job.Job {
	t.Helper()
	l.pass(1)
	r.Files = l.put(t.Context(), t, inputs)
	j, err := l.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if j = l.finished(t, j.ID); j.Status != job.Done && j.Status != job.Planned {
		t.Fatalf("job is %s: %s", j.Status, j.Error)
	}
	return j
}
