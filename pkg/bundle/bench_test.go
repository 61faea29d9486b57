package bundle_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/bundle"
	"reseed/pkg/objects"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// benchCustomers is how many customers the account has, with 10 invoices each, unless RESEED_BENCH_ROWS says otherwise.
func benchCustomers() int {
	if n, err := strconv.Atoi(os.Getenv("RESEED_BENCH_ROWS")); err == nil && n > 0 {
		return n
	}
	return 100_000
}

// BenchmarkStripe reads an account of Stripe over a transport in memory and freezes its pages in a folder; then it brings the objects
// together and maps them. The ledger is left out.
func BenchmarkStripe(b *testing.B) {
	const perCustomer = 10
	large, err := stripetest.NewLarge(benchCustomers(), perCustomer)
	if err != nil {
		b.Fatal(err)
	}
	r, err := stripe.System{}.Open(system.Connection{Credentials: map[string]string{"key": stripetest.Key}, Transport: large, Unlimited: true, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	dir, err := objects.Dir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	maker := bundle.New(bundle.Config{Objects: dir, System: stripe.System{}, Raw: "raw/", Dir: "runs/", Out: "in/"})
	state, read := bundle.State{}, 0
	began := time.Now()
	for cursor, done := r.Begin(time.Now(), ""), false; !done; state.Pages++ {
		page, err := r.Page(b.Context(), cursor)
		if err != nil {
			b.Fatal(err)
		}
		if err := maker.WritePage(b.Context(), state.Pages, page.Objects); err != nil {
			b.Fatal(err)
		}
		read += len(page.Objects)
		cursor, done = page.Next, page.Done
	}
	b.ReportMetric(float64(read)/time.Since(began).Seconds(), "frozen/s")
	for _, part := range []struct {
		name string
		more func(bundle.State) bool
	}{{"sorted/s", func(s bundle.State) bool { return !maker.AllSorted(s) }}, {"mapped/s", func(s bundle.State) bool { return !s.Done }}} {
		began := time.Now()
		for part.more(state) {
			if state, err = maker.Step(b.Context(), state); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(read)/time.Since(began).Seconds(), part.name)
	}
	told, err := maker.Told(b.Context())
	if err != nil || told.Rejects != 0 {
		b.Fatal(told, err)
	}
	b.ReportMetric(float64(told.Rows), "rows")
	b.ReportMetric(0, "ns/op")
}
