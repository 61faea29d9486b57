package puller_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reseed/internal/googletest"
	"reseed/internal/stripetest"
	"reseed/pkg/credentials"
	"reseed/pkg/exporter"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// benchInvoices is how many invoices, and charges, each customer of the account has.
const benchInvoices = 10

// benchCustomers is how many customers the account has, unless RESEED_BENCH_ROWS says otherwise.
func benchCustomers(b *testing.B) int {
	b.Helper()
	text := os.Getenv("RESEED_BENCH_ROWS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("RESEED_BENCH_ROWS=%q is no number above 0", text)
	}
	return n
}

// unlimited is Stripe without its limits, reached through a transport.
type unlimited struct {
	stripe.System

	transport http.RoundTripper
}

func (u unlimited) Open(c system.Connection) (system.Reader, error) {
	c.Transport, c.Unlimited = u.transport, true
	return u.System.Open(c)
}

// clocked notes when a transport was called last, and how much CPU time the process had used then.
type clocked struct {
	http.RoundTripper

	mu    sync.Mutex
	calls int
	last  time.Time
	used  time.Duration
}

func (c *clocked) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.RoundTripper.RoundTrip(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.last, c.used = time.Now(), cpu()
	return answer, err
}

// cpu is the CPU time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for bad arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkStripe pulls an account of Stripe into the embedded store, durably, with two workers: first into an empty source, then
// again unchanged; then it imports the same records from CSV files into another store. frozen/s are objects, until the last page
// is there; rows/s are rows of the import, with the mapping before it, which uses cpu-s seconds of CPU time. csv is how long the import of
// the files takes, as a share of the time for mapping and importing, and csv-cpu how much CPU time it uses, as a share of theirs. MB is the most memory that the process holds during the pulls.
func BenchmarkStripe(b *testing.B) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(benchMemory))
	for range b.N {
		large, err := stripetest.NewLarge(benchCustomers(b), benchInvoices)
		check(b, err)
		account := &clocked{RoundTripper: large}
		m := newStripeMachine(b, account)
		account.calls = 0
		peak := watchMemory()
		began := time.Now()
		j := m.pull(b)
		first, mapped, used := account.last.Sub(began), time.Since(account.last), cpu()-account.used
		calls := account.calls
		began = time.Now()
		again := m.pull(b)
		unchanged := time.Since(began)
		memory := peak()
		if again.Cost.WriteMilli != 0 || account.calls != 2*calls {
			b.Fatalf("unchanged: %d write units, %d calls after %d", again.Cost.WriteMilli, account.calls-calls, calls)
		}
		csv, usedByCSV := m.importCSV(b)
		b.ReportMetric(float64(j.Import.Pull.Objects)/first.Seconds(), "frozen/s")
		b.ReportMetric(float64(rowsOf(j))/mapped.Seconds(), "rows/s")
		b.ReportMetric(csv.Seconds()/mapped.Seconds(), "csv")
		b.ReportMetric(usedByCSV.Seconds()/used.Seconds(), "csv-cpu")
		b.ReportMetric(used.Seconds(), "cpu-s")
		b.ReportMetric(float64(rowsOf(j))/unchanged.Seconds(), "unchanged-rows/s")
		b.ReportMetric(float64(calls), "calls")
		b.ReportMetric(memory/(1<<20), "MB")
		b.ReportMetric(0, "ns/op")
	}
}

func newSystemMachine(b *testing.B, sys system.System) *machine {
	b.Helper()
	m := &machine{
		google: googletest.New(), work: make(chan any, 10_000), vault: credentials.NewFolder(b.TempDir()),
		find: func(name string) (system.System, bool) { return sys, strings.EqualFold(name, sys.Name()) },
	}
	m.run(b)
	return m
}

func newStripeMachine(b *testing.B, account http.RoundTripper) *machine {
	b.Helper()
	sys := unlimited{transport: account}
	m := newSystemMachine(b, sys)
	m.src = m.add(b, "Stripe", sys.Name())
	_, err := m.Puller.Connect(b.Context(), m.src.UUID, puller.Connection{System: sys.Name(), Credentials: map[string]string{"key": stripetest.Key}})
	check(b, err)
	return m
}

func rowsOf(j *job.Job) (n int64) {
	for _, c := range j.Datasets {
		n += c.Read
	}
	return n
}

// importCSV imports the rows of the source into another store, from CSV files, and returns how long that takes, and how much CPU time
// it uses.
func (m *machine) importCSV(b *testing.B) (took, used time.Duration) {
	b.Helper()
	ctx := context.Background()
	j, err := m.Exporter.Start(ctx, exporter.Request{Source: m.src})
	check(b, err)
	m.open.Wait()
	j, err = m.Ledger.Get(ctx, j.ID)
	check(b, err)
	d, err := m.ExportFile(ctx, j)
	check(b, err)
	body, err := io.ReadAll(d.Body)
	check(b, err)
	packed, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	check(b, err)
	other := newSystemMachine(b, unlimited{}) // that pulls nothing
	to := other.add(b, "CSV", "CSV")
	var files []job.File
	for _, f := range packed.File {
		in, err := f.Open()
		check(b, err)
		kept, err := other.Keep(ctx, to, f.Name, in)
		check(b, err)
		files = append(files, kept)
	}
	began, before := time.Now(), cpu()
	j, err = other.Importer.Submit(ctx, importer.Request{Source: to, Files: files, Origin: job.ByFile})
	check(b, err)
	other.open.Wait()
	if j, err = other.Ledger.Get(ctx, j.ID); err != nil || j.Status != job.Done || j.Rejects > 0 {
		b.Fatalf("%v, %+v", err, j)
	}
	return time.Since(began), cpu() - before
}
