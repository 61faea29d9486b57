package console_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reseed/internal/consoletest"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
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

// large makes a source with customers, each with an event and two invoices, and each of these with
// two line items and a transaction, in a table in a folder.
func large(b *testing.B) (bed *consoletest.Bed, source, job string) {
	b.Helper()
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	bed = consoletest.NewOn(b, d)
	s, err := bed.API.AddSource(b.Context(), "Billing", "CSV")
	if err != nil {
		b.Fatal(err)
	}
	n := rowsOfBench(b) / 10
	var list []client.File
	for name, f := range map[string]struct {
		head string
		rows func(i int) string
	}{
		"customers": {"External ID,Name,Email,Country,City", func(i int) string { return fmt.Sprintf("c%d,Customer %d,ann%d@example.com,DE,Berlin\n", i, i, i) }},
		"subscription_events": {"Customer external ID,Subscription external ID,External ID,Event Type,Date,Effective Date", func(i int) string {
			return fmt.Sprintf("c%d,s%d,e%d,subscription_cancelled,2024-01-01,2024-01-01\n", i, i, i)
		}},
		"invoices": {"Customer external ID,Invoice external ID,Invoiced date,Currency", func(i int) string {
			return fmt.Sprintf("c%d,a%d,2024-01-01,EUR\nc%d,b%d,2024-02-01,EUR\n", i, i, i, i)
		}},
		"line_items": {"Invoice external ID,External ID,Type,Amount in cents,Description", func(i int) string {
			return fmt.Sprintf("a%d,al%d,one_time,1000,Set-up\na%d,am%d,one_time,500,More\nb%d,bl%d,one_time,1000,Set-up\nb%d,bm%d,one_time,500,More\n", i, i, i, i, i, i, i, i)
		}},
		"transactions": {"Invoice external ID,External ID,Type,Result,Date", func(i int) string {
			return fmt.Sprintf("a%d,at%d,payment,successful,2024-01-02\nb%d,bt%d,payment,successful,2024-02-02\n", i, i, i, i)
		}},
	} {
		list = append(list, client.File{Name: name + ".csv", Open: func() (io.ReadCloser, error) {
			var text strings.Builder
			text.WriteString(f.head + "\n")
			for i := range n {
				text.WriteString(f.rows(i))
			}
			return io.NopCloser(strings.NewReader(text.String())), nil
		}})
	}
	j, err := bed.API.Import(b.Context(), s.UUID, wire.ImportOptions{}, list)
	if err != nil {
		b.Fatal(err)
	}
	bed.Work()
	if j, err = bed.API.Job(b.Context(), j.ID); err != nil || j.Status != wire.Done || j.Rejects > 0 {
		b.Fatalf("the import is %s: %v, %d rejects", j.Status, err, j.Rejects)
	}
	return bed, s.UUID, j.ID
}

// BenchmarkTables opens pages of tables at random places of a large source, from the request of a
// browser to the last byte of HTML. It tells how long the slowest hundredth took.
func BenchmarkTables(b *testing.B) {
	bed, source, job := large(b)
	w := bed.SignIn()
	for dataset, prefix := range map[string]string{"customers": "c#", "invoices": "i#", "line_items": "i#", "transactions": "i#", "subscription_events": "e#"} {
		b.Run(dataset, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			var took []time.Duration
			for b.Loop() {
				identity := make([]byte, 13)
				for i := range identity {
					identity[i] = byte(random.Uint32())
				}
				place := fmt.Sprintf("%d.%s%s", identity[0]>>4, prefix, hex.EncodeToString(identity))
				began := time.Now()
				p := w.Get("/sources/" + source + "/" + dataset + "?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(place)))
				took = append(took, time.Since(began))
				if p.Status != http.StatusOK || !strings.Contains(p.Text, "<tr>") {
					b.Fatalf("%d\n%s", p.Status, p.Text)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
	b.Run("remaining", func(b *testing.B) {
		for b.Loop() {
			left, requests := wire.Remaining{HasMore: true, Cursor: new(string)}, 0
			for ; left.HasMore; requests++ {
				var err error
				if left, err = bed.API.Remaining(b.Context(), job, *left.Cursor); err != nil {
					b.Fatal(err)
				}
			}
			if n := left.Rows.Total(); n != int64(rowsOfBench(b)/10*10) {
				b.Fatalf("%d rows are left", n)
			}
			b.ReportMetric(float64(requests), "requests")
		}
	})
}
