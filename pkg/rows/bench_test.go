package rows_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/rows"
	"reseed/pkg/store"
	"reseed/pkg/table/pebble"
)

// benchRows is how many rows the source of these benchmarks holds, unless RESEED_BENCH_ITEMS says
// otherwise.
const benchRows = 1_000_000

func rowsOfBench(b *testing.B) int {
	b.Helper()
	text := os.Getenv("RESEED_BENCH_ITEMS")
	if text == "" {
		return benchRows
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("RESEED_BENCH_ITEMS=%q is no number above 0", text)
	}
	return n
}

// company makes a table in a folder with customers, and for each of them two invoices with two line
// items and a transaction each, and an event.
func company(b *testing.B) *bed {
	b.Helper()
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	bed := newBedOn(b, d)
	b.Cleanup(func() {
		if err := bed.st.Close(); err != nil {
			b.Error(err)
		}
	})
	var records []billing.Record
	for i := range rowsOfBench(b) / 10 {
		c := fmt.Sprintf("c%07d", i)
		records = append(records,
			&billing.Customer{ExternalID: c, Name: "Customer of the number " + c, Email: c + "@example.com", Country: "DE", City: "Berlin"},
			&billing.Event{CustomerExternalID: c, ExternalID: "e" + c, SubscriptionExternalID: "s" + c, Type: billing.Started, Date: clock(), EffectiveDate: clock()})
		for _, n := range []string{"a", "b"} {
			id := "i" + c + n
			records = append(records, &billing.Invoice{ExternalID: id, CustomerExternalID: c, Currency: "EUR", Date: clock()},
				&billing.LineItem{InvoiceExternalID: id, ExternalID: id + "-1", Type: "subscription", SubscriptionExternalID: "s" + c, AmountInCents: 1000},
				&billing.LineItem{InvoiceExternalID: id, ExternalID: id + "-2", Type: "one_time", AmountInCents: 500, Description: "Set-up"},
				&billing.Transaction{InvoiceExternalID: id, ExternalID: id + "-t", Type: "payment", Result: "successful", Date: clock()})
		}
		if len(records) >= 10_000 {
			bed.put(1, records...)
			records = nil
		}
	}
	bed.put(1, records...)
	return bed
}

// BenchmarkPage reads pages of 50 rows at random places, and tells how long the slowest hundredth
// took.
func BenchmarkPage(b *testing.B) {
	bed := company(b)
	for _, ds := range []billing.Dataset{billing.Customers, billing.Invoices, billing.LineItems, billing.Transactions, billing.Events} {
		b.Run(string(ds), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			var took []time.Duration
			for b.Loop() {
				var h store.H
				for i := range h {
					h[i] = byte(random.Uint32())
				}
				at := rows.Place{Shard: bed.src.Space().ShardOf(h), SK: store.KindFor(ds).SK + h.String()}
				if k := store.KindFor(ds); k.Part {
					at.SK = k.Parent().SK + h.String()
				}
				began := time.Now()
				page, err := bed.reader(ds).Page(b.Context(), rows.Filter{}, at, 50)
				took = append(took, time.Since(began))
				if err != nil || len(page.Rows) == 0 {
					b.Fatalf("%d rows: %v", len(page.Rows), err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkRemaining counts what is left of the import that has added all rows.
func BenchmarkRemaining(b *testing.B) {
	bed := company(b)
	for b.Loop() {
		c, requests := rows.Count{}, 0
		for ; !c.Done; requests++ {
			var err error
			if c, _, err = rows.Remaining(b.Context(), bed.st, bed.dir, bed.src, 1, c); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(requests), "requests")
	}
}
