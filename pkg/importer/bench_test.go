package importer_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	bare "github.com/cockroachdb/pebble/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"reseed/internal/gen/company"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// benchRows is the number of rows in the benchmark's file, large enough for every phase to count.
const benchRows = 200_000

// BenchmarkImport imports one file of customers into the embedded store, durably, with two workers:
// first into an empty source, then again unchanged. ns/op is the time for one file; compare rows/s.
// -cpuprofile shows where the time goes.
func BenchmarkImport(b *testing.B) { benchmarkImport(b, company.CSV, "customers.csv") }

// BenchmarkImportNDJSON does the same with the same customers as NDJSON.
func BenchmarkImportNDJSON(b *testing.B) { benchmarkImport(b, company.NDJSON, "customers.ndjson") }

func benchmarkImport(b *testing.B, format company.Format, name string) {
	b.Helper()
	dir := b.TempDir()
	if _, err := company.WriteDir(dir, company.Options{Seed: 2, Customers: benchRows, Months: 24, Layout: company.Named, Format: format}, company.Customers); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, name)
	b.Run("first", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			m := newMachine(b)
			b.StartTimer()
			m.run(b, file)
		}
		b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("unchanged", func(b *testing.B) {
		m := newMachine(b)
		m.run(b, file)
		b.ResetTimer()
		for range b.N {
			m.run(b, file)
		}
		b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkImportEncoded imports the same customers, paired: in UTF-8, and in windows-1252. share is
// the speed of the second, where the first has 1.
func BenchmarkImportEncoded(b *testing.B) {
	dir := b.TempDir()
	if _, err := company.WriteDir(dir, company.Options{Seed: 2, Customers: benchRows, Months: 24, Layout: company.Named}, company.Customers); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "customers.csv")
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	western := filepath.Join(dir, "western.csv")
	body, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).Bytes(text)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(western, body, 0o600); err != nil {
		b.Fatal(err)
	}
	var plain, encoded time.Duration
	for range b.N {
		for _, one := range []struct {
			file  string
			read  source.Settings
			total *time.Duration
		}{{file, source.Settings{}, &plain}, {western, source.Settings{Encoding: "windows-1252"}, &encoded}} {
			b.StopTimer()
			m := newMachine(b)
			b.StartTimer()
			began := time.Now()
			m.read(b, one.file, one.read)
			*one.total += time.Since(began)
		}
	}
	b.ReportMetric(plain.Seconds()/encoded.Seconds(), "share")
}

// BenchmarkImportLineItems imports the line items of a company whose invoices are stored, first into
// an empty source, then again unchanged.
func BenchmarkImportLineItems(b *testing.B) {
	dir := b.TempDir()
	options := company.Options{Seed: 2, Customers: 12_000, Months: 12, Layout: company.Named}
	if _, err := company.WriteDir(dir, options, company.Plans, company.Customers, company.Invoices, company.LineItems); err != nil {
		b.Fatal(err)
	}
	ready := func(b *testing.B) *machine {
		b.Helper()
		m := newMachine(b)
		for _, name := range []string{"plans.csv", "customers.csv", "invoices.csv"} {
			m.imports(b, filepath.Join(dir, name))
		}
		return m
	}
	lines := filepath.Join(dir, "line_items.csv")
	rows := func(j *job.Job) float64 { return float64(j.Datasets["line_items"].Read) }
	b.Run("first", func(b *testing.B) {
		n := 0.0
		for range b.N {
			b.StopTimer()
			m := ready(b)
			b.StartTimer()
			n += rows(m.imports(b, lines))
		}
		b.ReportMetric(n/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("unchanged", func(b *testing.B) {
		m := ready(b)
		m.imports(b, lines)
		b.ResetTimer()
		n := 0.0
		for range b.N {
			n += rows(m.imports(b, lines))
		}
		b.ReportMetric(n/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkUndo undoes an import of customers with e-mail addresses, and compares its time with the
// time of the import.
func BenchmarkUndo(b *testing.B) {
	dir := b.TempDir()
	if _, err := company.WriteDir(dir, company.Options{Seed: 2, Customers: benchRows, Months: 24, Layout: company.Named}, company.Customers); err != nil {
		b.Fatal(err)
	}
	var imports, undos time.Duration
	for range b.N {
		m := newMachine(b)
		began := time.Now()
		j := m.run(b, filepath.Join(dir, "customers.csv"))
		imports += time.Since(began)
		began = time.Now()
		m.undo(b, j)
		undos += time.Since(began)
	}
	b.ReportMetric(undos.Seconds()/imports.Seconds(), "of-the-import")
	b.ReportMetric(float64(benchRows*b.N)/undos.Seconds(), "rows/s")
}

// BenchmarkAgainstBarePebble compares an import, with everything that it does, with bare Pebble
// (its defaults) that writes the same items in synced batches of 1,000, in the same run: in key
// order, which sorting first makes possible, and in random order, which is the order of hashes in a
// file.
func BenchmarkAgainstBarePebble(b *testing.B) {
	dir := b.TempDir()
	if _, err := company.WriteDir(dir, company.Options{Seed: 2, Customers: benchRows, Months: 24, Layout: company.Named}, company.Customers); err != nil {
		b.Fatal(err)
	}
	var ours, sorted, random time.Duration
	timed := func(f func()) time.Duration {
		began := time.Now()
		f()
		return time.Since(began)
	}
	for range b.N {
		m := newMachine(b)
		ours += timed(func() { m.run(b, filepath.Join(dir, "customers.csv")) })
		items := m.items(b)
		sorted += timed(func() { putBare(b, items) })
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		random += timed(func() { putBare(b, items) })
	}
	b.ReportMetric(sorted.Seconds()/ours.Seconds(), "ratio-sorted")
	b.ReportMetric(random.Seconds()/ours.Seconds(), "ratio-random")
	b.ReportMetric(float64(benchRows*b.N)/ours.Seconds(), "rows/s")
}

// items are all items of the source, in key order.
func (m *machine) items(b *testing.B) []table.Item {
	b.Helper()
	var out []table.Item
	for shard := range m.source.Shards {
		for it, err := range m.store.Items(b.Context(), table.Query{PK: m.source.Space().CustomerPK(shard)}) {
			if err != nil {
				b.Fatal(err)
			}
			out = append(out, it)
		}
	}
	slices.SortFunc(out, func(x, y table.Item) int { return x.Compare(y.Key) })
	return out
}

func putBare(b *testing.B, items []table.Item) {
	b.Helper()
	db, err := bare.Open(b.TempDir(), &bare.Options{Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	for chunk := range slices.Chunk(items, 1000) {
		batch := db.NewBatch()
		for _, it := range chunk {
			if err := batch.Set([]byte(it.PK+"\x00"+it.SK), it.Attrs, nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(bare.Sync); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// machine is an embedded store, a folder of objects, and two workers.
type machine struct {
	im      *importer.Importer
	store   *store.Store
	ledger  *job.Ledger
	objects *objects.Objects
	source  store.Source
	queue   chan importer.Message
}

func newMachine(b *testing.B) *machine {
	b.Helper()
	d, err := pebble.Open(filepath.Join(b.TempDir(), "table"), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	o, err := objects.Dir(filepath.Join(b.TempDir(), "objects"))
	if err != nil {
		b.Fatal(err)
	}
	st := store.New(d)
	m := &machine{store: st, ledger: job.NewLedger(st, time.Now), objects: o, queue: make(chan importer.Message, 10_000)}
	m.im = importer.New(importer.Config{
		Store: st, Ledger: m.ledger, Objects: o, Now: time.Now, Log: slog.New(slog.DiscardHandler), PieceBytes: 4 << 20,
		Send: func(_ context.Context, list []importer.Message) error {
			for _, msg := range list {
				m.queue <- msg
			}
			return nil
		},
	})
	_, err = st.ChangeDirectory(b.Context(), func(d *store.Directory) ([]table.Write, error) {
		var err error
		m.source, err = d.Add("ds_bench", "Bench", "CSV", time.Now())
		return nil, err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	return m
}

// run imports customers.
func (m *machine) run(b *testing.B, file string) *job.Job {
	b.Helper()
	j := m.imports(b, file)
	if j.Datasets["customers"].Read != benchRows {
		b.Fatalf("%+v", j)
	}
	return j
}

// imports imports a file.
func (m *machine) imports(b *testing.B, file string) *job.Job {
	b.Helper()
	return m.read(b, file, source.Settings{})
}

// read imports a file with settings, and demands that no row is rejected.
func (m *machine) read(b *testing.B, file string, settings source.Settings) *job.Job {
	b.Helper()
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	name := filepath.Base(file)
	key := "uploads/bench/" + m.ledger.NewID() + "/" + name
	if err := m.objects.Put(b.Context(), key, f); err != nil {
		b.Fatal(err)
	}
	info, err := m.objects.Stat(b.Context(), key)
	if err != nil {
		b.Fatal(err)
	}
	j, err := m.im.Submit(b.Context(), importer.Request{
		Source: m.source, Origin: job.ByFile, Files: []job.File{{Name: name, Object: key, Version: info.Version, Size: info.Size}},
		Options: importer.Options{Settings: settings},
	})
	if err != nil {
		b.Fatal(err)
	}
	m.work(b, j.ID)
	if j, err = m.ledger.Get(b.Context(), j.ID); err != nil || j.Status != job.Done || j.Rejects > 0 {
		b.Fatalf("%v %+v", err, j)
	}
	return j
}

// undo undoes a job and checks that every row is undone.
func (m *machine) undo(b *testing.B, j *job.Job) {
	b.Helper()
	u, err := m.im.Undo(b.Context(), j.ID, importer.UndoOptions{})
	if err != nil {
		b.Fatal(err)
	}
	m.work(b, u.ID)
	if u, err = m.ledger.Get(b.Context(), u.ID); err != nil || u.Datasets["customers"].Removed != benchRows {
		b.Fatalf("%v %+v", err, u)
	}
}

// work runs two workers until the job has ended.
func (m *machine) work(b *testing.B, id string) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case msg := <-m.queue:
					if err := m.im.Handle(ctx, msg); err != nil && ctx.Err() == nil {
						b.Error(err)
						cancel()
					}
					if j, err := m.ledger.Get(ctx, id); err != nil || j.Status.Ended() {
						cancel()
					}
				}
			}
		})
	}
	wg.Wait()
	cancel()
}
