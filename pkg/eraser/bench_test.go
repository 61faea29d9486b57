package eraser_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/store/pebble"
)

// benchItems is how many items a source of these benchmarks holds, unless RESEED_BENCH_ITEMS says otherwise.
const benchItems = 1_000_000

func itemsOfBench(b *testing.B) int {
	b.Helper()
	text := os.Getenv("RESEED_BENCH_ITEMS")
	if text == "" {
		return benchItems
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("RESEED_BENCH_ITEMS=%q is no number above 0", text)
	}
	return n
}

// embedded is an eraser over a table in a folder that holds one source of n customers of about 300 bytes.
func embedded(b *testing.B, n int) (*eraser.Eraser, store.Source) {
	b.Helper()
	d, err := pebble.Open(b.TempDir(), pebble.Options{})
	if err != nil {
		b.Fatal(err)
	}
	st := store.New(d)
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	dir, err := st.ChangeDirectory(b.Context(), func(d *store.Directory) ([]store.Write, error) {
		_, err := d.Add("ds_1", "Acme", "CSV", time.Now())
		return nil, err
	})
	if err != nil {
		b.Fatal(err)
	}
	src := dir.Sources[0]
	w := st.Writer(b.Context())
	for i := range n {
		// In key order within each shard, as an import writes.
		var h store.H
		binary.BigEndian.PutUint64(h[:8], uint64(float64(i)/float64(n)*(1<<63))<<1)
		attrs := store.NewBuilder().Int(store.AttrCreated, 1_763_890_000_000).Str("city", "Springfield").Str("company", fmt.Sprintf("Company %d", i)).
			Str("country", "US").Str("email", fmt.Sprintf("person%d@example.com", i)).Str("external_id", fmt.Sprintf("cus-%08d", i)).
			Bytes("h", make([]byte, 100)).Str("name", fmt.Sprintf("Person %d", i)).Attrs()
		if err := w.Add(store.Write{Item: store.Item{Key: src.Space().Customer(h), Attrs: attrs}, Replaces: store.Nothing}); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return eraser.New(eraser.Config{Store: st, Ledger: job.NewLedger(st, time.Now), Objects: objects.Mem(), Now: time.Now}), src
}

// BenchmarkErase is a whole erase of a source in the embedded store: planned, hidden, swept, verified, purged from the disk.
func BenchmarkErase(b *testing.B) {
	n := itemsOfBench(b)
	for b.Loop() {
		b.StopTimer()
		e, src := embedded(b, n)
		sel := eraser.Selection{Kind: eraser.Source, Source: src.UUID}
		b.StartTimer()
		begin := time.Now()
		p, err := e.Plan(b.Context(), sel, eraser.Options{})
		if err != nil || p.Total() != int64(n) {
			b.Fatal(p, err)
		}
		planned := time.Now()
		j, err := e.Start(b.Context(), sel, eraser.Options{})
		if err != nil {
			b.Fatal(err)
		}
		hidden := time.Now()
		if done, err := e.Sweep(b.Context(), j.ID); !done || err != nil {
			b.Fatal(done, err)
		}
		swept := time.Now()
		b.ReportMetric(float64(n)/planned.Sub(begin).Seconds(), "planned/s")
		b.ReportMetric(float64(hidden.Sub(planned).Microseconds())/1000, "hidden-ms")
		b.ReportMetric(float64(n)/swept.Sub(hidden).Seconds(), "swept/s")
		b.ReportMetric(0, "ns/op")
	}
}
