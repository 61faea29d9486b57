package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// sizesOfPieces are sizes for newLine: one worker decides all, or many pieces are mapped.
func sizesOfPieces() [][2]int64 { return [][2]int64{{0, 1 << 30}, {0, 1}, {40, 1}, {300, 1}} }

// A job says for each reason how many rows were rejected, and where the first three are, whatever
// the size of the pieces; and how many of each file.
func TestReasons(t *testing.T) {
	t.Parallel()
	var customers, invoices strings.Builder
	customers.WriteString("External ID,Company,Country\n")
	invoices.WriteString("Customer external ID,Invoice external ID,Invoiced date,Currency\n")
	for i := range 63 {
		country := "EU" // no country
		if i%3 == 0 {
			country = "DE"
		}
		_, _ = fmt.Fprintf(&customers, "m%d,Co,%s\n", i, country)
	}
	customers.WriteString(",Nameless,DE\n")
	for i := range 30 {
		_, _ = fmt.Fprintf(&invoices, "m%d,mi%d,2024-01-01,EUR\n", i%4, i)
	}
	const noCountry = "Country: This is not a country; use its English name or its two-letter code, such as DE for Germany."
	orphan := func(line int64) string {
		return fmt.Sprintf("The customer of this invoice is in line %d of many.csv, which was rejected, too: correct that line, and import both again.", line)
	}
	want := []job.Reason{
		{Dataset: "customers", Column: "Country", Code: "unknown_country", Count: 42, First: []job.Rejected{{Line: 3, Reason: noCountry}, {Line: 4, Reason: noCountry}, {Line: 6, Reason: noCountry}}},
		{Dataset: "customers", Column: "External ID", Code: "required", Count: 1, First: []job.Rejected{{Line: 65, Reason: "External ID: This must not be blank."}}},
		{Dataset: "invoices", Column: "Customer external ID", Code: "unknown_customer", Count: 15, First: []job.Rejected{
			{File: 1, Line: 3, Reason: orphan(3)}, {File: 1, Line: 4, Reason: orphan(4)}, {File: 1, Line: 7, Reason: orphan(3)},
		}},
	}
	for _, sizes := range sizesOfPieces() {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
		j := l.done(t, l.source(t, "S"), input{name: "many.csv", body: []byte(customers.String())}, input{name: "many_i.csv", body: []byte(invoices.String())})
		if diff := cmp.Diff(want, j.Reasons); diff != "" {
			t.Errorf("pieces of %v: %s", sizes, diff)
		}
		if j.Import.Files[0].Rejects != 43 || j.Import.Files[1].Rejects != 15 {
			t.Errorf("%+v", j.Import.Files)
		}
	}
}

// However many reasons there are, and however long they are, a job keeps a bounded part of them,
// and counts all.
func TestManyReasons(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 200 {
		for n := range 5 {
			_, _ = fmt.Fprintf(&text, `{"dataset":"customers","external_id":"c%d-%d","%s%d":1}`+"\n", i, n, strings.Repeat("é", 5000), i)
		}
	}
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 1<<20, 1)
	j := l.done(t, l.source(t, "S"), input{name: "x.ndjson", body: []byte(text.String())})
	var rows int64
	for _, r := range j.Reasons {
		rows += r.Count
		if len(r.First) != 3 || len(r.Column)+len(r.First[0].Reason) > 1000 {
			t.Errorf("%+v", r)
		}
	}
	if last := j.Reasons[len(j.Reasons)-1]; rows != 1000 || len(j.Reasons) > 51 || last.Code != "" && len(j.Reasons) > 1 {
		t.Errorf("%d reasons of %d rows; the last is %+v", len(j.Reasons), rows, last)
	}
}

// A row that is rejected because the row of its customer, invoice or plan was rejected says so, and
// where that is: in whichever dataset, and whichever step rejected that row.
func TestOrphansNameTheirParents(t *testing.T) {
	t.Parallel()
	files := []input{
		{"plans.csv", "", []byte("Name,Interval count,Interval unit,Plan ID\nGold,0,month,gold\nIron,1,month,iron\n")},
		{"customers.csv", "", []byte("External ID,Company,Country\nok,Fine,DE\nbad,Broken,ZZ\n\"odd\"x,,\nlong,too,many,cells\n")},
		{"contacts.csv", "", []byte("Customer external ID,First name\nok,A\nbad,B\nnobody,C\n")},
		{"invoices.csv", "", []byte("Customer external ID,Invoice external ID,Invoiced date,Currency\nok,i1,2024-01-01,EUR\nbad,i2,2024-01-01,EUR\nok,i3,never,EUR\nnobody,i4,2024-01-01,EUR\nlong,i5,2024-01-01,EUR\n")},
		{"lines.csv", "", []byte("Invoice external ID,Type,Amount in cents,Subscription external ID,Plan,Service period start,Service period end\n" +
			"i1,one_time,1,,,,\ni2,one_time,1,,,,\ni2,one_time,2,,,,\ni3,one_time,1,,,,\ni4,one_time,1,,,,\ni9,one_time,1,,,,\ni1,subscription,1,s,gold,2024-01-01,2024-02-01\ni1,subscription,1,s,iron,2024-01-01,2024-02-01\n")},
		{"cancelled.csv", "cancellations", []byte("Subscription external ID,Customer external ID,Date\ns1,ok,2024-01-01\ns2,bad,2024-01-01\ns3,nobody,2024-01-01\n")},
	}
	want := []string{
		"contacts.csv 3 customers.csv 3", "contacts.csv 4",
		"invoices.csv 3 customers.csv 3", "invoices.csv 5", "invoices.csv 6 customers.csv 5",
		"lines.csv 3 invoices.csv 3", "lines.csv 4 invoices.csv 3", "lines.csv 5 invoices.csv 4", "lines.csv 6 invoices.csv 5", "lines.csv 7", "lines.csv 8 plans.csv 2",
		"cancelled.csv 3 customers.csv 3", "cancelled.csv 4",
	}
	for _, sizes := range sizesOfPieces() {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
		var got []string
		for _, rec := range records(t, l.rejects(t, l.done(t, l.source(t, "S"), files...))) {
			n := len(rec) - 1 // without the settings
			if !strings.HasPrefix(rec[n-2], "unknown_") || rec[n-2] == "unknown_country" {
				continue
			}
			at := rec[n-5] + " " + rec[n-4]
			var what, file string
			var line int
			if _, rest, is := strings.Cut(rec[n-1], " is in line "); is {
				_, _ = fmt.Sscanf(rest, "%d of %s which was %s", &line, &file, &what)
				at += fmt.Sprintf(" %s %d", strings.TrimSuffix(file, ","), line)
			}
			got = append(got, at)
		}
		if !slices.Equal(got, want) {
			t.Errorf("pieces of %v: %s", sizes, cmp.Diff(want, got))
		}
	}
}
