package pebble_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	bare "github.com/cockroachdb/pebble/v2"
	"golang.org/x/sync/errgroup"

	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

const benchBatch = 4000

// rows returns customers of about 300 bytes in 16 shards, in key order.
func rows(n int) []table.Write { return rowsWith(n, func() []byte { return make([]byte, 100) }) }

// noisy returns rows of which a third of the bytes cannot be compressed.
func noisy(n int) []table.Write {
	rnd := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	return rowsWith(n, func() []byte {
		b := make([]byte, 100)
		_, _ = rnd.Read(b) // never fails
		return b
	})
}

func rowsWith(n int, hash func() []byte) []table.Write {
	batch := make([]table.Write, benchBatch)
	b := table.NewBuilder()
	for i := range batch {
		id := n*benchBatch + i
		b.Reset()
		b.Int("_at", 1_763_890_000_000).Int("_up", 1_763_890_000_000).Str("city", "Springfield").Str("company", fmt.Sprintf("Company %d", id)).
			Str("country", "US").Str("email", fmt.Sprintf("person%d@example.com", id)).Str("external_id", fmt.Sprintf("cus-%08d", id)).
			Bytes("h", hash()).Str("name", fmt.Sprintf("Person %d", id))
		batch[i].Item = table.Item{Key: table.Key{PK: fmt.Sprintf("0001f.c1#%02x", n%16), SK: fmt.Sprintf("c#%08x%018x", n, i)}, Attrs: b.Attrs()}
	}
	return batch
}

func rowsPerSecond(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSortedBatches measures the driver: an op is 4,000 rows, synced.
func BenchmarkSortedBatches(b *testing.B) {
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		batch := rows(n)
		b.StartTimer()
		if _, _, err := d.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	rowsPerSecond(b)
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSortedBatchesBare measures Pebble itself with its own defaults.
func BenchmarkSortedBatchesBare(b *testing.B) {
	db, err := bare.Open(b.TempDir(), &bare.Options{Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		batch := rows(n)
		b.StartTimer()
		wb := db.NewBatch()
		for i := range batch {
			it := &batch[i].Item
			if err := wb.Set([]byte(it.PK+"\x00"+it.SK), it.Attrs, nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := wb.Commit(bare.Sync); err != nil {
			b.Fatal(err)
		}
	}
	rowsPerSecond(b)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRewrite replaces 400,000 rows again and again: the driver reads what it replaces to
// count the cost.
func BenchmarkRewrite(b *testing.B) {
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	const batches = 100
	for n := range batches {
		if _, _, err := d.Write(b.Context(), rows(n)); err != nil {
			b.Fatal(err)
		}
	}
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		batch := rows(n % batches)
		b.StartTimer()
		if _, _, err := d.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	rowsPerSecond(b)
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkQuery walks 400,000 rows: an op is a page.
func BenchmarkQuery(b *testing.B) {
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for n := range 100 {
		if _, _, err := d.Write(b.Context(), rows(n)); err != nil {
			b.Fatal(err)
		}
	}
	count, after := 0, ""
	for n := 0; b.Loop(); {
		page, err := d.Query(b.Context(), table.Query{PK: fmt.Sprintf("0001f.c1#%02x", n%16), After: after})
		if err != nil {
			b.Fatal(err)
		}
		count += len(page.Items)
		if after = page.Next; after == "" {
			n++
		}
	}
	b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "rows/s")
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

const sweepBatches = 250 // a million rows

// swept returns a table with a million rows in 16 partitions, all of it in the bottom level.
func swept(b *testing.B) *pebble.Driver {
	b.Helper()
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for n := range sweepBatches {
		if _, _, err := d.Write(b.Context(), noisy(n)); err != nil {
			b.Fatal(err)
		}
	}
	if err := d.Purge(b.Context(), partitions()); err != nil {
		b.Fatal(err)
	}
	return d
}

func partitions() (pks []string) {
	for n := range 16 {
		pks = append(pks, partition(n))
	}
	return pks
}

func partition(n int) string { return fmt.Sprintf("0001f.c1#%02x", n) }

// inPartitions calls do for 16 partitions, two at a time.
func inPartitions(b *testing.B, do func(pk string) error) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(2)
	for _, pk := range partitions() {
		g.Go(func() error { return do(pk) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

// itemsPerSecond reports the items per second of wall time and of CPU time; an op is a million
// items.
func itemsPerSecond(b *testing.B, cpu time.Duration) {
	b.Helper()
	items := float64(b.N * sweepBatches * benchBatch)
	b.ReportMetric(items/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(items/cpu.Seconds(), "items/cpu-s")
	b.ReportMetric(0, "ns/op")
}

// cpuTime returns the CPU time that the process has used so far, in background compactions too.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkCountKeys counts a million items of 300 bytes, two partitions at a time, as the plan of
// an erase does.
func BenchmarkCountKeys(b *testing.B) {
	d := swept(b)
	before := cpuTime(b)
	for b.Loop() {
		var count atomic.Int64
		inPartitions(b, func(pk string) error {
			return pages(b, d, pk, func(page table.Page) error {
				count.Add(int64(len(page.Items)))
				return nil
			})
		})
		if count.Load() != sweepBatches*benchBatch {
			b.Fatal(count.Load())
		}
	}
	itemsPerSecond(b, cpuTime(b)-before)
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

// pages calls see for each page of the keys of a partition.
func pages(b *testing.B, d table.Driver, pk string, see func(table.Page) error) error {
	b.Helper()
	q := table.Query{PK: pk, KeysOnly: true, Limit: benchBatch}
	for {
		page, err := d.Query(b.Context(), q)
		if err != nil {
			return err
		}
		if err := see(page); err != nil {
			return err
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// BenchmarkSweep deletes a million items page by page, two partitions at a time, and purges them.
func BenchmarkSweep(b *testing.B) {
	erase(b, func(d *pebble.Driver, pk string) error {
		return pages(b, d, pk, func(page table.Page) error {
			_, _, err := d.Write(b.Context(), page.Deletes())
			return err
		})
	})
}

// BenchmarkSweepRange deletes the same items as whole ranges.
func BenchmarkSweepRange(b *testing.B) {
	erase(b, func(d *pebble.Driver, pk string) error { return d.DeleteRange(b.Context(), pk) })
}

func erase(b *testing.B, sweep func(d *pebble.Driver, pk string) error) {
	b.Helper()
	var purge, cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		d := swept(b)
		before := cpuTime(b)
		b.StartTimer()
		inPartitions(b, func(pk string) error { return sweep(d, pk) })
		begin := time.Now()
		if err := d.Purge(b.Context(), partitions()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		purge += time.Since(begin)
		cpu += cpuTime(b) - before
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	itemsPerSecond(b, cpu)
	b.ReportMetric(purge.Seconds()/float64(b.N), "s-purge/op")
}

// quiet drops the messages of the bare engine.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
