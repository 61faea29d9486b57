package billing_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
)

type row map[string]string

// with returns a copy of r with one cell changed.
func (r row) with(name, value string) row {
	out := maps.Clone(r)
	out[name] = value
	return out
}

// good returns a valid row of every dataset.
func good() map[billing.Dataset]row {
	return map[billing.Dataset]row{
		billing.Customers: {
			"Name": "Ann", "Email": "ann@example.com", "Company": "Acme", "Country": "united states", "State": "california",
			"City": "LA", "Zip": "90001", "External ID": "c1", "Lead created at": "2019-08-05", "Free trial started at": "2019-08-06",
			"Custom attributes": `{"segment":"SMB","seats":5}`,
		},
		billing.Contacts: {
			"Customer External ID": "c1", "First name": "Ann", "Last name": "Lee", "Email": "a@b", "Position": "2",
			"Title": "CEO", "Phone": "1", "LinkedIn": "l", "Twitter": "t", "Note": "n",
		},
		billing.Plans: {"Name": "Gold", "Interval count": "6", "Interval unit": "Month", "Plan ID": "gold"},
		billing.Invoices: {
			"Customer external ID": "c1", "Invoice external ID": "i1", "Invoiced date": "2020-08-13 13:42:37 UTC",
			"Due date": "2030-01-01", "Currency": "usd", "Status": "Written off", "Collection Method": "Automatic",
		},
		billing.LineItems: {
			"Invoice external ID": "i1", "Type": "Subscription", "Subscription external ID": "s1", "Amount in cents": "-900",
			"Plan": "gold", "Service period start": "2020-01-01", "Service period end": "2020-02-01", "Quantity": "-3",
			"Proration": "TRUE", "Proration type": "Full", "Discount amount": "5", "Tax amount": "6", "Transaction fee": "7",
			"Transaction fees currency": "EUR", "Event order": "0", "Balance transfer": "0", "External ID": "l1",
		},
		billing.Transactions: {
			"Invoice external ID": "i1", "Type": "Payment", "Result": "SUCCESSFUL", "Date": "2020-08-13T13:42:37.5+02:00",
			"Amount in cents": "0", "Exclude tax on refund": "yes", "External ID": "t1",
		},
		billing.Events: {
			"Customer external ID": "c1", "Subscription external ID": "s1", "Event Type": "Subscription Start Scheduled",
			"Date": "2020-01-01", "Effective Date": "2040-01-01", "Plan external ID": "gold", "Currency": "JPY",
			"Amount in Cents": "100", "Quantity": "2", "External ID": "e1", "Event Order": "3",
		},
		billing.Cancellations: {
			"Customer external ID": "c1", "Subscription external ID": "s1", "Date": "2020-01-01", "Event Order": "1",
		},
	}
}

func read(t *testing.T, ds billing.Dataset, r row) (billing.Record, *billing.Problem) {
	t.Helper()
	header := slices.Sorted(maps.Keys(r))
	cells := make([]string, len(header))
	for i, h := range header {
		cells[i] = r[h]
	}
	l, err := billing.NewLayout(ds, header, billing.Values{})
	if err != nil {
		t.Fatal(err)
	}
	return l.Record(cells, now())
}

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func TestGoodRows(t *testing.T) {
	t.Parallel()
	want := map[billing.Dataset]billing.Record{
		billing.Customers: &billing.Customer{
			ExternalID: "c1", Name: "Ann", Email: "ann@example.com", Company: "Acme", Country: "US", State: "US-CA", City: "LA",
			Zip: "90001", LeadCreatedAt: day(2019, 8, 5), FreeTrialStartedAt: day(2019, 8, 6),
			CustomAttributes: `{"seats":5,"segment":"SMB"}`,
		},
		billing.Contacts: &billing.Contact{
			CustomerExternalID: "c1", FirstName: "Ann", LastName: "Lee", Email: "a@b", Position: 2, Title: "CEO", Phone: "1",
			LinkedIn: "l", Twitter: "t", Note: "n",
		},
		billing.Plans: &billing.Plan{ExternalID: "gold", Name: "Gold", IntervalCount: 6, IntervalUnit: "month"},
		billing.Invoices: &billing.Invoice{
			CustomerExternalID: "c1", ExternalID: "i1", Date: time.Date(2020, 8, 13, 13, 42, 37, 0, time.UTC),
			DueDate: day(2030, 1, 1), Currency: "USD", Status: "written_off", CollectionMethod: "automatic",
		},
		billing.LineItems: &billing.LineItem{
			InvoiceExternalID: "i1", ExternalID: "l1", Type: "subscription", SubscriptionExternalID: "s1", AmountInCents: -900,
			PlanExternalID: "gold", ServicePeriodStart: day(2020, 1, 1), ServicePeriodEnd: day(2020, 2, 1), Quantity: -3,
			Prorated: true, ProrationType: "full", DiscountAmountInCents: 5, TaxAmountInCents: 6, TransactionFeesInCents: 7,
			TransactionFeesCurrency: "EUR", EventOrder: new(int64(0)),
		},
		billing.Transactions: &billing.Transaction{
			InvoiceExternalID: "i1", ExternalID: "t1", Type: "payment", Result: "successful",
			Date: time.Date(2020, 8, 13, 11, 42, 37, 500_000_000, time.UTC), AmountInCents: new(int64(0)), ExcludeTaxOnRefund: true,
		},
		billing.Events: &billing.Event{
			CustomerExternalID: "c1", ExternalID: "e1", SubscriptionExternalID: "s1", PlanExternalID: "gold",
			Type: "subscription_start_scheduled", Date: day(2020, 1, 1), EffectiveDate: day(2040, 1, 1), Currency: "JPY",
			AmountInCents: new(int64(100)), Quantity: new(int64(2)), EventOrder: new(int64(3)),
		},
		billing.Cancellations: &billing.Event{
			CustomerExternalID: "c1", SubscriptionExternalID: "s1", Type: "subscription_cancelled", Date: day(2020, 1, 1),
			EffectiveDate: day(2020, 1, 1), EventOrder: new(int64(1)), Cancellation: true,
		},
	}
	for ds, r := range good() {
		got, p := read(t, ds, r)
		if p != nil {
			t.Errorf("%s: %+v", ds, *p)
			continue
		}
		if diff := cmp.Diff(want[ds], got); diff != "" || got.Dataset() != ds {
			t.Errorf("%s (-want +got):\n%s", ds, diff)
		}
	}
}

func TestBadCells(t *testing.T) {
	t.Parallel()
	const (
		cu, co, pl, in = billing.Customers, billing.Contacts, billing.Plans, billing.Invoices
		li, tr, ev, ca = billing.LineItems, billing.Transactions, billing.Events, billing.Cancellations
	)
	long := strings.Repeat("é", 256)
	tests := []struct {
		ds                  billing.Dataset
		column, value, code string
	}{
		{cu, "External ID", " ", billing.CodeRequired},
		{cu, "External ID", "a\u200bb", billing.CodeBadCharacter},
		{cu, "External ID", "a\tb", billing.CodeBadCharacter},
		{cu, "External ID", "a\x00b", billing.CodeBadCharacter},
		{cu, "External ID", "a\xffb", billing.CodeBadCharacter},
		{cu, "External ID", long, billing.CodeTooLong},
		{cu, "Name", long, billing.CodeTooLong},
		{cu, "Company", "a\x00b", billing.CodeBadCharacter},
		{cu, "Email", "ann", billing.CodeBadEmail},
		{cu, "Email", "a@b@c", billing.CodeBadEmail},
		{cu, "Email", "a b@c", billing.CodeBadEmail},
		{cu, "Email", "@c", billing.CodeBadEmail},
		{cu, "Country", "Atlantis", billing.CodeUnknownCountry},
		{cu, "Country", "N/A", billing.CodeUnknownCountry},
		{cu, "Lead created at", "2026-11-25", billing.CodeDateInFuture},
		{cu, "Lead created at", "08/05/2019", billing.CodeNotADate},
		{co, "Customer External ID", "", billing.CodeRequired},
		{co, "Position", "1.5", billing.CodeNotAnInteger},
		{co, "Note", strings.Repeat("x", 10_001), billing.CodeTooLong},
		{pl, "Interval count", "0", billing.CodeOutOfRange},
		{pl, "Interval count", "one", billing.CodeNotAnInteger},
		{pl, "Interval unit", "week", billing.CodeUnknownValue},
		{pl, "Name", "", billing.CodeRequired},
		{in, "Customer external ID", "", billing.CodeRequired},
		{in, "Currency", "ZZZ", billing.CodeUnknownCurrency},
		{in, "Currency", "XXX", billing.CodeUnknownCurrency},
		{in, "Currency", "$", billing.CodeUnknownCurrency},
		{in, "Invoiced date", "2026-11-24 02:00:01", billing.CodeDateInFuture},
		{in, "Invoiced date", "2026-11-23 12:00:01Z", billing.CodeDateInFuture},
		{in, "Invoiced date", "2026-11-24 01:00:01+13:00", billing.CodeDateInFuture},
		{in, "Due date", "2023-02-29", billing.CodeNotADate},
		{in, "Due date", "9999-01-01", billing.CodeOutOfRange},
		{in, "Status", "settled", billing.CodeUnknownValue},
		{in, "Collection Method", "cash", billing.CodeUnknownValue},
		{li, "Type", "trial", billing.CodeUnknownValue},
		{li, "Amount in cents", "1e9", billing.CodeNotCents},
		{li, "Amount in cents", "1,234.50", billing.CodeNotCents},
		{li, "Amount in cents", "(5.00)", billing.CodeNotCents},
		{li, "Amount in cents", "NaN", billing.CodeNotCents},
		{li, "Amount in cents", "10.0", billing.CodeNotCents},
		{li, "Amount in cents", "+5", billing.CodeNotCents},
		{li, "Amount in cents", "-", billing.CodeNotCents},
		{li, "Amount in cents", "５", billing.CodeNotCents},
		{li, "Amount in cents", "9223372036854775808", billing.CodeOutOfRange},
		{li, "Amount in cents", "-9007199254740992", billing.CodeOutOfRange},
		{li, "Amount in cents", "", billing.CodeRequired},
		{li, "Plan", "", billing.CodeRequired},
		{li, "Subscription external ID", "", billing.CodeRequired},
		{li, "Service period start", "", billing.CodeRequired},
		{li, "Service period end", "2019-12-31", billing.CodeOutOfRange},
		{li, "Quantity", "0", billing.CodeZeroQuantity},
		{li, "Quantity", "many", billing.CodeNotAnInteger},
		{li, "Proration", "maybe", billing.CodeNotABoolean},
		{li, "Proration type", "half", billing.CodeUnknownValue},
		{li, "Balance transfer", "5", billing.CodeOutOfRange},
		{li, "Transaction fees currency", "EURO", billing.CodeUnknownCurrency},
		{tr, "Type", "chargeback", billing.CodeUnknownValue},
		{tr, "Result", "", billing.CodeRequired},
		{tr, "Date", "2027-01-01", billing.CodeDateInFuture},
		{ev, "Event Type", "subscription_exploded", billing.CodeUnknownEventType},
		{ev, "Plan external ID", "", billing.CodeRequired},
		{ev, "Effective Date", "soon", billing.CodeNotADate},
		{ca, "Date", "", billing.CodeRequired},
	}
	for _, tt := range tests {
		rec, p := read(t, tt.ds, good()[tt.ds].with(tt.column, tt.value))
		if p == nil {
			t.Errorf("%s: %s %q was taken: %+v", tt.ds, tt.column, tt.value, rec)
			continue
		}
		if p.Column != tt.column || p.Code != tt.code || !strings.HasPrefix(p.Message, tt.column+": ") || !strings.HasSuffix(p.Message, ".") {
			t.Errorf("%s: %s %q: %+v, want %s", tt.ds, tt.column, tt.value, *p, tt.code)
		}
		if rec != nil {
			t.Errorf("%s: %s %q: a record came with the problem", tt.ds, tt.column, tt.value)
		}
	}
}

func TestContactWithoutIDNameOrEmail(t *testing.T) {
	t.Parallel()
	_, p := read(t, billing.Contacts, row{"Customer External ID": "c1", "Email": "", "Phone": "1"})
	if p == nil || p.Code != billing.CodeRequired || p.Column != "Email" {
		t.Errorf("%+v", p)
	}
}

func TestBlankCellsAndOtherSpellings(t *testing.T) {
	t.Parallel()
	rec, p := read(t, billing.LineItems, row{
		"Invoice external ID": "i1", "Type": "one time", "Amount in cents": "-0", "Quantity": "", "Balance transfer": "-7",
	})
	want := &billing.LineItem{InvoiceExternalID: "i1", Type: "one_time", Quantity: 1, BalanceTransfer: new(int64(-7))}
	if diff := cmp.Diff(billing.Record(want), rec); diff != "" || p != nil {
		t.Error(p, diff)
	}
	rec, p = read(t, billing.Events, row{
		"Customer external ID": "c1", "Subscription external ID": "s1", "Event Type": "subscription_event_retracted",
		"Date": "2020-01-01", "Effective Date": "2020-01-01", "Retracted event ID": "",
	})
	if p != nil || rec.Dataset() != billing.Events {
		t.Error(p)
	}
}

// No message shows a name or an e-mail address, even where the cells of a row have moved (I8).
func TestMessagesHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	for ds, r := range good() {
		for column := range r {
			_, p := read(t, ds, r.with(column, "secret@example.com"+strings.Repeat("x", 10_000)))
			if p != nil && (strings.Contains(p.Message, "secret") || len(p.Message) > 500) {
				t.Errorf("%s, %s: %s", ds, column, p.Message)
			}
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("2020-01-01", "1")
	f.Add("-", "\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, ds := range billing.Order() {
			header := billing.Columns(ds)
			l, err := billing.NewLayout(ds, header, billing.Values{})
			if err != nil {
				t.Fatal(err)
			}
			cells := make([]string, len(header))
			for i := range cells {
				cells[i] = []string{a, b}[i%2]
			}
			if rec, p := l.Record(cells, now()); (rec == nil) == (p == nil) {
				t.Fatalf("%s: record %v, problem %v", ds, rec, p)
			}
		}
	})
}
