package billing_test

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gocarina/gocsv"
	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

func now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// headers returns the header rows of ChartMogul's sample files, older and current.
func headers() map[string]billing.Dataset {
	return map[string]billing.Dataset{
		"Name,Email,Company,Country,State,City,Zip,External ID,Lead created at,Free trial started at": billing.Customers,
		"Company,Country,State,City,Zip,External ID,Lead created at,Free trial started at":            billing.Customers,
		"External ID": billing.Customers,
		"Customer External ID,First name,Last name,Email,Position,Title,Phone,LinkedIn,Twitter,Note":        billing.Contacts,
		"Name,Interval count,Interval unit,Plan ID":                                                         billing.Plans,
		"Name,Interval count,Interval unit":                                                                 billing.Plans,
		"Customer external ID,Invoice external ID,Invoiced date,Due date,Currency":                          billing.Invoices,
		"Customer external ID,Invoice external ID,Invoiced date,Due Date,Currency":                          billing.Invoices,
		"Customer external ID,Invoice external ID,Invoiced date,Due date,Currency,Status,Collection Method": billing.Invoices,
		"Invoice external ID,External ID,Subscription external ID,Subscription set external ID,Type,Amount in cents,Plan,Service period start,Service period end,Quantity,Proration,Discount code,Discount amount,Tax amount,Description,Transaction fee,Account Code,Transaction fees currency,Discount description,Proration type,Event Order":                  billing.LineItems,
		"Invoice external ID,External ID,Subscription external ID,Subscription set external ID,Type,Amount in cents,Plan,Service period start,Service period end,Quantity,Proration,Discount code,Discount amount,Tax amount,Description,Transaction fee,Account Code,Transaction fees currency,Discount description,Event order,Balance transfer,Proration type": billing.LineItems,
		"Invoice external ID,External ID,Subscription external ID,Subscription set external ID,Type,Amount in cents,Plan,Service period start,Service period end,Quantity,Proration,Discount code,Discount amount,Tax amount,Description,Transaction fee,Account Code":                                                                                            billing.LineItems,
		"Invoice external ID,External ID,Type,Result,Date": billing.Transactions,
		"Invoice external ID,External ID,Type,Result,Date,Amount in cents,Exclude tax on refund,Exclude discount on refund,Exclude fees on refund,Transaction fee,Transaction fees currency": billing.Transactions,
		"Subscription external ID,Customer external ID,Date":                                 billing.Cancellations,
		"Subscription external ID,Customer external ID,Date,Invoice external ID,Event Order": billing.Cancellations,
		"External ID,Subscription set external ID,Subscription external ID,Customer external ID,Plan external ID,Date,Effective Date,Event Type,Currency,Amount in Cents,Quantity,Retracted event ID,Event Order,Invoice external ID": billing.Events,
		"Customer external ID,Subscription external ID,External ID,Event Type,Retracted event ID,Date,Effective Date,Plan external ID,Currency,Amount in Cents,Quantity":                                                              billing.Events,
	}
}

func TestSampleHeadersAreRecognised(t *testing.T) {
	t.Parallel()
	for text, want := range headers() {
		shouted := " " + strings.ReplaceAll(strings.ToUpper(text), ",", " ,\t")
		reversed := strings.Split(text, ",")
		slices.Reverse(reversed)
		for _, header := range [][]string{strings.Split(text, ","), strings.Split(shouted, ","), reversed} {
			got, err := billing.Recognise(header)
			if err != nil || got != want {
				t.Errorf("%v is %q, %v; want %q", header, got, err, want)
				continue
			}
			l, err := billing.NewLayout(got, header, billing.Values{})
			if err != nil || len(l.Unknown()) > 0 || l.Dataset() != want {
				t.Errorf("%v: %v, unknown %v", header, err, l.Unknown())
			}
		}
	}
}

func TestEveryDatasetRecognisesItsOwnColumns(t *testing.T) {
	t.Parallel()
	for _, ds := range billing.Order() {
		got, err := billing.Recognise(billing.Columns(ds))
		if err != nil || got != ds {
			t.Errorf("columns of %s are taken for %q, %v", ds, got, err)
		}
	}
}

func TestBadHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct{ header, code, param string }{
		{"", billing.CodeUnknownHeader, ""},
		{"Foo,Bar", billing.CodeUnknownHeader, ""},
		{"Email,Foo", billing.CodeUnknownHeader, ""},
		{"Company,Country,City", billing.CodeMissingColumn, "External ID"},
		{"Invoice external ID,External ID,Type,Date", billing.CodeMissingColumn, "Result"}, // not customers
		{"Customer external ID,Invoice external ID,Invoiced date", billing.CodeMissingColumn, "Currency"},
	}
	for _, tt := range tests {
		_, err := billing.Recognise(strings.Split(tt.header, ","))
		wantFault(t, tt.header, err, tt.code, tt.param)
	}
	_, err := billing.NewLayout(billing.Customers, []string{"External ID", "City", " CITY"}, billing.Values{})
	wantFault(t, "twice", err, billing.CodeDuplicateHeader, "CITY")
	_, err = billing.NewLayout(billing.Customers, []string{"Name"}, billing.Values{})
	wantFault(t, "no id", err, billing.CodeMissingColumn, "External ID")
	_, err = billing.NewLayout("nothing", []string{"Name"}, billing.Values{})
	wantFault(t, "no dataset", err, "unknown_dataset", "")
}

func wantFault(t *testing.T, what string, err error, code, param string) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Code != code || e.Param != param {
		t.Errorf("%s: %v, want code %s about %q", what, err, code, param)
	}
}

func TestUnknownColumnsAreNamedAndIgnored(t *testing.T) {
	t.Parallel()
	l, err := billing.NewLayout(billing.Customers, []string{"Shoe size", "External ID", "", "City", "Hobby"}, billing.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Shoe size", "Hobby"}, l.Unknown()); diff != "" {
		t.Error(diff)
	}
	rec, p := l.Record([]string{"44", " c1 ", "x", "Rome", "y"}, now())
	if diff := cmp.Diff(billing.Record(&billing.Customer{ExternalID: "c1", City: "Rome"}), rec); diff != "" || p != nil {
		t.Error(p, diff)
	}
	// A short row leaves nothing behind from the row before.
	rec, _ = l.Record([]string{"", "c2"}, now())
	if diff := cmp.Diff(billing.Record(&billing.Customer{ExternalID: "c2"}), rec); diff != "" {
		t.Error(diff)
	}
}

func TestColumnsThatName(t *testing.T) {
	t.Parallel()
	got := [][]string{}
	for _, ds := range billing.Order() {
		got = append(got, []string{billing.ColumnID(ds), billing.ColumnPlan(ds)})
	}
	want := [][]string{
		{"Plan ID", ""},
		{"External ID", ""},
		{"External ID", ""},
		{"Invoice external ID", ""},
		{"External ID", "Plan"},
		{"External ID", ""},
		{"External ID", "Plan external ID"},
		{"", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Layout.fill and gocsv's unmarshaller read the same tags; they must agree.
func TestFillAgreesWithGocsv(t *testing.T) {
	t.Parallel()
	for _, ds := range billing.Order() {
		header := billing.Columns(ds)
		slices.Reverse(header)
		cells := make([]string, len(header))
		for i, h := range header {
			cells[i] = "value of " + h
		}
		l, err := billing.NewLayout(ds, header, billing.Values{})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(header, ",") + "\n" + strings.Join(cells, ",") + "\n"
		u, err := gocsv.NewUnmarshaller(csv.NewReader(strings.NewReader(text)), billing.NewRow(ds))
		if err != nil {
			t.Fatal(err)
		}
		want, err := u.Read()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, l.Fill(cells)); diff != "" {
			t.Errorf("%s (-gocsv +ours):\n%s", ds, diff)
		}
	}
}

// Every row of the sample companies is good.
func TestSampleCompaniesAreAccepted(t *testing.T) {
	t.Parallel()
	rows := 0
	for _, folder := range []string{"company", "twelve"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "testdata", folder, "*.csv"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			rows += acceptAll(t, file)
		}
	}
	if rows == 0 {
		t.Error("there are no sample companies in testdata")
	}
}

func acceptAll(t *testing.T, file string) int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	ds, err := billing.Recognise(header)
	if err != nil {
		t.Fatal(file, err)
	}
	l, err := billing.NewLayout(ds, header, billing.Values{})
	if err != nil {
		t.Fatal(file, err)
	}
	for n := 0; ; n++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(file, err)
		}
		if _, p := l.Record(fields, now()); p != nil {
			t.Errorf("%s row %d: %+v", file, n+1, *p)
		}
	}
}

func BenchmarkCustomers(b *testing.B) {
	header := strings.Split("Name,Email,Company,Country,State,City,Zip,External ID,Lead created at,Free trial started at", ",")
	row := strings.Split("Andrew Jones,andrew.jones@example.com,CA Printing Company,United States,California,Los Angeles,90001,scus_001,2019-08-05,2019-08-13 13:42:37 UTC", ",")
	bench(b, billing.Customers, header, row)
}

func BenchmarkLineItems(b *testing.B) {
	row := strings.Split("inv_1,,sub_1,,Subscription,5000,gold,2024-01-01,2024-02-01,1,FALSE,,0,0,,0,,,,,,", ",")
	bench(b, billing.LineItems, billing.Columns(billing.LineItems), row)
}

func bench(b *testing.B, ds billing.Dataset, header, row []string) {
	b.Helper()
	l, err := billing.NewLayout(ds, header, billing.Values{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, p := l.Record(row, now()); p != nil {
			b.Fatal(*p)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
