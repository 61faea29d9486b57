package puller_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"reseed/internal/googletest"
	"reseed/pkg/app"
	"reseed/pkg/credentials"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/source/sheets/google"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

const (
	benchRows = 500_000
	// The command limits the Go runtime's memory to this during imports.
	benchMemory = 120 << 20
)

// BenchmarkPull pulls a tab of customers with ten columns from the stand-in into the embedded store,
// durably, with two workers: first into an empty source, then again unchanged. Calls do not wait for
// Google's quota. MB is the most memory that the process holds, the stand-in included; calls are those
// of the first pull.
func BenchmarkPull(b *testing.B) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(benchMemory))
	for range b.N {
		b.StopTimer()
		m := newMachine(b, benchRows)
		peak := watchMemory()
		b.StartTimer()
		m.pull(b)
		first := b.Elapsed()
		calls := len(m.google.Calls())
		m.pull(b)
		b.StopTimer()
		b.ReportMetric(benchRows/first.Seconds(), "rows/s")
		b.ReportMetric(benchRows/(b.Elapsed()-first).Seconds(), "unchanged-rows/s")
		b.ReportMetric(float64(calls), "calls")
		b.ReportMetric(peak()/(1<<20), "MB")
	}
}

// machine is a process on a data folder, with two workers.
type machine struct {
	*app.App
	google *googletest.Server
	src    store.Source
	work   chan any
	open   sync.WaitGroup
	find   func(name string) (system.System, bool)
	vault  credentials.Vault
}

func newMachine(tb testing.TB, rows int) *machine {
	tb.Helper()
	m := &machine{google: googletest.New(), work: make(chan any, 10_000)}
	m.google.Add(&googletest.Spreadsheet{ID: sheetID, Title: "Company", TimeZone: "UTC", Shared: []string{address}, Tabs: []*googletest.Tab{{
		ID: 1, Title: "Customers", Rows: rows + 1, Columns: 10, Row: customerRow,
	}}})
	m.run(tb)
	m.src = m.add(tb, "Sheet", "Google Sheets")
	_, err := m.Puller.Set(tb.Context(), m.src.Tag, puller.Change{Spreadsheet: new(sheetID)})
	check(tb, err)
	return m
}

// run puts the machine together, and starts its workers.
func (m *machine) run(tb testing.TB) {
	tb.Helper()
	client, err := google.New(google.Config{
		Key: m.google.Key(tb, address), Endpoint: m.google.URL, Transport: m.google.Transport(), Turn: func(context.Context) error { return nil },
	})
	check(tb, err)
	dir := tb.TempDir()
	db, err := pebble.Open(filepath.Join(dir, "table"), pebble.Options{})
	check(tb, err)
	objs, err := objects.Dir(filepath.Join(dir, "objects"))
	check(tb, err)
	m.App = app.New(app.Config{
		Store: store.New(db), Objects: objs, Now: time.Now, Log: slog.New(slog.DiscardHandler), PieceBytes: 4 << 20, Sheets: client, System: m.find, Vault: m.vault,
		Imports: func(_ context.Context, list ...importer.Message) error { return send(m, list) },
		Pulls:   func(_ context.Context, list ...puller.Message) error { return send(m, list) },
	})
	ctx, stop := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() { m.serve(ctx, tb) })
	}
	tb.Cleanup(func() {
		stop()
		workers.Wait()
		check(tb, m.Store.Close())
	})
}

func (m *machine) add(tb testing.TB, name, of string) (s store.Source) {
	tb.Helper()
	_, err := m.Store.ChangeDirectory(tb.Context(), func(d *store.Directory) (_ []table.Write, err error) {
		s, err = d.Add("ds_"+uuid.NewString(), name, of, time.Now())
		return nil, err
	})
	check(tb, err)
	return s
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func send[M any](m *machine, list []M) error {
	for _, one := range list {
		m.open.Add(1)
		m.work <- one
	}
	return nil
}

func (m *machine) serve(ctx context.Context, tb testing.TB) {
	tb.Helper()
	for {
		select {
		case <-ctx.Done():
			return
		case message := <-m.work:
			var err error
			switch message := message.(type) {
			case importer.Message:
				err = m.Work(ctx, message)
			case puller.Message:
				err = m.Pull(ctx, message)
			}
			if err != nil && ctx.Err() == nil {
				tb.Errorf("%+v: %v", message, err)
			}
			m.open.Done()
		}
	}
}

// pull pulls to the end.
func (m *machine) pull(tb testing.TB) *job.Job {
	tb.Helper()
	j, err := m.Puller.Start(context.Background(), m.src.UUID, puller.Request{})
	check(tb, err)
	m.open.Wait()
	if j, err = m.Ledger.Get(context.Background(), j.ID); err != nil || j.Status != job.Done || j.Rejects > 0 {
		tb.Fatalf("%v, %+v", err, j)
	}
	return j
}

func customerRow(n int) []any {
	if n == 0 {
		return []any{"External ID", "Name", "Email", "Company", "Country", "State", "City", "Zip", "Lead created at", "Free trial started at"}
	}
	return []any{
		float64(n), fmt.Sprintf("Customer number %d", n), fmt.Sprintf("customer%d@example.com", n), fmt.Sprintf("Company %d Ltd.", n%977), "US", "California", "Los Angeles",
		float64(90000 + n%1000), float64(44000+n%1000) + 0.5, float64(44100 + n%1000),
	}
}

// watchMemory watches how much memory the process holds. What it returns stops that, and returns the
// most, in bytes.
func watchMemory() func() float64 {
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for {
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			peak = max(peak, s.Sys-s.HeapReleased)
			select {
			case <-stop:
				most <- peak
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() float64 {
		close(stop)
		return float64(<-most)
	}
}
