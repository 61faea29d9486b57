package sourcetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// testWritten writes records of every dataset, and reads them back: whole files through Scan, and the
// rows from the middle on with the shape that the writer gives.
func testWritten(t *testing.T, s Spelling) {
	t.Helper()
	for _, ds := range billing.Order() {
		w, err := s.Format.Writer(ds)
		if err != nil {
			t.Fatal(err)
		}
		text, middle := string(w.Head()), 0
		var want []string
		for i := range 40 {
			if i == 20 {
				middle = len(text)
			}
			rec := sample(ds, i)
			text, want = string(w.Append([]byte(text), rec)), append(want, spelled(rec))
		}
		shape, _ := s.scan(t, text, 1<<20)
		whole := s.records(t, text, shape, source.Place{Line: 1 + int64(bytes.Count(w.Head(), []byte("\n"))), Offset: int64(len(w.Head()))})
		if diff := cmp.Diff(want, whole); diff != "" {
			t.Errorf("%s: -want +got\n%s", ds, diff)
		}
		if diff := cmp.Diff(want[20:], s.records(t, text, w.Shape(), source.Place{Line: 99, Offset: int64(middle)})); diff != "" {
			t.Errorf("%s from the middle: -want +got\n%s", ds, diff)
		}
	}
	if _, err := s.Format.Writer("nothing"); fault.CodeOf(err) != "unknown_dataset" {
		t.Errorf("a writer of nothing: %v", err)
	}
}

// records reads the records of a file from a place on.
func (s Spelling) records(t *testing.T, text string, shape source.Shape, at source.Place) (out []string) {
	t.Helper()
	rows := s.open(t, strings.NewReader(text[at.Offset:]), shape, at)
	defer func() { _ = rows.Close() }()
	for {
		_, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		rec, problem := rows.Record()
		if problem != nil {
			t.Fatalf("%+v", problem)
		}
		out = append(out, spelled(rec))
	}
}

func spelled(r billing.Record) string {
	text, _ := json.Marshal(r) // its fields are texts, numbers, truths and times
	return string(r.Dataset()) + " " + string(text)
}

// sample is the n-th record of a dataset: fields are given or not, and texts hold what formats quote.
func sample(ds billing.Dataset, n int) billing.Record {
	id := fmt.Sprintf("id %d", n)
	at := time.Date(2025, 1, 1+n%28, n%3*10, 0, n%2*30, n%5*int(time.Millisecond), time.UTC)
	text := []string{"", "plain", `a "word"`, "x,y;z", "two\nlines", "Zoë\t北京", "'=1+1", "\\u0041"}[n%8]
	given := []*int64{nil, new(int64), new(int64)}[n%3]
	if n%3 == 2 {
		*given = -125 * int64(n)
	}
	switch ds { //nolint:exhaustive // edits are no records
	case billing.Plans:
		return &billing.Plan{ExternalID: id, Name: "n" + text + "n", IntervalCount: int64(1 + n), IntervalUnit: "month"}
	case billing.Customers:
		return &billing.Customer{
			ExternalID: id, Name: text, Email: "a@example.com", Company: text, Country: "US", State: "US-CA", City: text, Zip: "01234",
			LeadCreatedAt: at, FreeTrialStartedAt: time.Time{}, Owner: "o@example.com", WebsiteURL: text,
			CustomAttributes: `{"a \"b\"":"ü, <1>\n","n":-1.50,"yes":true}`,
		}
	case billing.Contacts:
		return &billing.Contact{CustomerExternalID: "c", ExternalID: id, FirstName: text, Position: int64(n), Note: text}
	case billing.Invoices:
		return &billing.Invoice{CustomerExternalID: "c", ExternalID: id, Date: at, DueDate: at, Currency: "EUR", Status: "paid", CollectionMethod: "manual"}
	case billing.LineItems:
		return &billing.LineItem{
			InvoiceExternalID: "i", ExternalID: id, Type: billing.OneTime, AmountInCents: int64(n - 20), Quantity: int64(1 + n), Prorated: n%2 == 0,
			DiscountAmountInCents: int64(n), Description: text, EventOrder: given, BalanceTransfer: given,
		}
	case billing.Transactions:
		return &billing.Transaction{
			InvoiceExternalID: "i", ExternalID: id, Type: billing.Refund, Result: billing.Failed, Date: at, AmountInCents: given,
			ExcludeTaxOnRefund: n%2 == 0, TransactionFeesInCents: given, TransactionFeesCurrency: "USD",
		}
	case billing.Events:
		return &billing.Event{
			CustomerExternalID: "c", ExternalID: id, SubscriptionExternalID: "s", Type: billing.Cancelled, Date: at, EffectiveDate: at, Currency: "EUR",
			AmountInCents: given, TaxAmountInCents: given, Quantity: given, EventOrder: given,
		}
	case billing.Cancellations:
	}
	return &billing.Event{CustomerExternalID: "c", SubscriptionExternalID: id, Type: billing.Cancelled, Date: at, EffectiveDate: at, EventOrder: given, Cancellation: true}
}
