package importer_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"reseed/internal/gen/company"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// Capacity units a row, compared with the bars of the import engine: the cost of an import does not
// depend on the machine.

// generated is one file of a made-up company.
func generated(t *testing.T, customers int, ds company.Dataset) []byte {
	t.Helper()
	dir := t.TempDir()
	if _, err := company.WriteDir(dir, company.Options{Seed: 3, Customers: customers, Months: 12, Layout: company.Named}, ds); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v %v", names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edited changes the name in every n-th row.
func edited(t *testing.T, file []byte, n int) []byte {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i := n; i < len(rows); i += n {
		rows[i][0] += " Ltd" // column with the name
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// head is the header and the first n rows.
func head(file []byte, n int) []byte {
	return []byte(strings.Join(strings.SplitAfterN(string(file), "\n", n+2)[:n+1], ""))
}

func atMost(t *testing.T, what string, milli, rows, most int64) {
	t.Helper()
	if rows == 0 || milli > most*rows {
		t.Errorf("%s: %.3f units a row, want at most %.3f", what, float64(milli)/float64(rows)/1000, float64(most)/1000)
	}
	t.Logf("%s: %.3f units a row", what, float64(milli)/float64(rows)/1000)
}

func TestWhatAReimportCosts(t *testing.T) {
	t.Parallel()
	const customers = 6000
	file := generated(t, customers, company.Customers)
	for name, sizes := range map[string][2]int64{"one worker": {0, 1 << 30}, "many pieces": {200_000, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
			src := l.source(t, "S")
			first := l.done(t, src, input{"customers.csv", "", file})
			atMost(t, "first, writes", first.Cost.WriteMilli, first.Datasets["customers"].Added, 2010)

			again := l.done(t, src, input{"customers.csv", "", file})
			if again.Datasets["customers"].Unchanged != customers || again.Cost.WriteMilli != 0 {
				t.Errorf("again: %+v, %d thousandths of a write unit", again.Datasets, again.Cost.WriteMilli)
			}
			atMost(t, "unchanged, reads", again.Cost.ReadMilli, customers, 200)

			some := l.done(t, src, input{"customers.csv", "", edited(t, file, 100)})
			if some.Datasets["customers"].Changed != customers/100 {
				t.Errorf("one in a hundred changed: %+v", some.Datasets)
			}
			atMost(t, "one in a hundred changed, writes", some.Cost.WriteMilli, customers, 30)
			atMost(t, "one in a hundred changed, reads", some.Cost.ReadMilli, customers, 200)
		})
	}
}

// A few rows imported into a large source cost the same however large it is: they are read one by
// one.
func TestWhatAFewRowsIntoALargeSourceCost(t *testing.T) {
	t.Parallel()
	const rows = 1000
	var reads []int64
	for _, customers := range []int{20_000, 60_000} {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 1<<30)
		src := l.source(t, "S")
		file := generated(t, customers, company.Customers)
		l.done(t, src, input{"customers.csv", "", file})
		j := l.done(t, src, input{"few.csv", "", head(edited(t, file, 2), rows)})
		if c := j.Datasets["customers"]; c.Changed != rows/2 || c.Unchanged != rows/2 {
			t.Errorf("%+v", c)
		}
		atMost(t, "reads", j.Cost.ReadMilli, rows, 1100)
		reads = append(reads, j.Cost.ReadMilli)
	}
	if reads[1] > reads[0]+reads[0]/10 {
		t.Errorf("%d thousandths of a read unit in a larger source, %d in a smaller one", reads[1], reads[0])
	}
}

// A plan's estimate is what applying it costs.
func TestAnEstimateIsWhatItCosts(t *testing.T) {
	t.Parallel()
	file := generated(t, 500, company.Customers)
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 20_000, 1)
	setSecret(t, l) // shards follow from it, and how rows are read from how many a shard has
	src := l.source(t, "S")
	l.done(t, src, input{"customers.csv", "", file})
	plan := l.plan(t, src, input{"customers.csv", "", edited(t, file, 3)})
	e := plan.Import.Estimate
	if e == nil || e.Changes != 166 || plan.Cost.WriteMilli != 0 || e.Dollars <= 0 || e.PricesOf == "" || e.Seconds <= 0 {
		t.Fatalf("%+v", e)
	}
	done := l.applied(t, plan)
	if got := done.Cost.WriteUnits(); got != e.WriteUnits {
		t.Errorf("it cost %v write units, estimated %v", got, e.WriteUnits)
	}
	if got := done.Cost.ReadUnits() - plan.Cost.ReadUnits(); got > e.ReadUnits {
		t.Errorf("applying cost %v read units, estimated at most %v", got, e.ReadUnits)
	}
	if done.Status != job.Done {
		t.Errorf("%s %s", done.Status, done.Error)
	}
}

// Payments of invoices that are stored already: where the payments have no external ids, the import
// also reads what else these invoices have (see doubling.go). An undo reads the invoices, whose
// currency its payments are in.
func TestWhatPaymentsOfStoredInvoicesCost(t *testing.T) {
	t.Parallel()
	const invoices = 500
	for _, c := range []struct {
		name             string
		id               string
		most, mostToUndo int64 // thousandths of a read unit, for each payment
	}{
		{"with external ids", "p%d", 200, 200},
		{"without", "", 200, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 1<<30)
			setSecret(t, l)
			src := l.source(t, "S")
			stored := "Customer external ID,Invoice external ID,Invoiced date,Currency\n"
			payments := "Invoice external ID,External ID,Type,Result,Date\n"
			for i := range invoices {
				stored += fmt.Sprintf("c1,i%d,2024-01-31,EUR\n", i)
				payments += fmt.Sprintf("i%d,%s,payment,successful,2024-02-01\n", i, strings.ReplaceAll(c.id, "%d", strconv.Itoa(i)))
			}
			l.done(t, src, input{"customers.csv", "", []byte("External ID\nc1\n")}, input{"invoices.csv", "", []byte(stored)})
			j := l.done(t, src, input{"payments.csv", "", []byte(payments)})
			atMost(t, "import, reads", j.Cost.ReadMilli, j.Datasets["transactions"].Added, c.most)
			l.pass(time.Minute)
			u, err := l.Undo(t.Context(), j.ID, importer.UndoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			u = l.finished(t, u.ID)
			atMost(t, "undo, reads", u.Cost.ReadMilli, u.Datasets["transactions"].Removed, c.mostToUndo)
		})
	}
}
