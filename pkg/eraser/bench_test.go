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
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// benchItems is how many items a source of these benchmarks holds, unless RESEED_BENCH_ITEMS says
// otherwise.
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

// embedded makes an eraser over a table in a folder. The table holds one source with n manual
// customers of about 300 bytes each, and the import that added them.
func embedded(b *testing.B, n int) (e *eraser.Eraser, source, imported string) {
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
	dir, err := st.ChangeDirectory(b.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_1", "Acme", "CSV", time.Now())
		return nil, err
	})
	if err != nil {
		b.Fatal(err)
	}
	src := dir.Sources[0]
	ledger := job.NewLedger(st, time.Now)
	j := ended(b, ledger, src, &job.ImportSpec{Applying: true})
	w := st.Writer(b.Context())
	for i := range n {
		// In key order within each shard, like an import.
		var h store.H
		binary.BigEndian.PutUint64(h[:8], uint64(float64(i)/float64(n)*(1<<63))<<1)
		attrs := store.Origin{Import: job.Number(j.ID), Manual: 1}.AddTo(table.NewBuilder().Int(store.AttrCreated, 1_763_890_000_000)).Str("city", "Springfield").Str("company", fmt.Sprintf("Company %d", i)).
			Str("country", "US").Str("email", fmt.Sprintf("person%d@example.com", i)).Str("external_id", fmt.Sprintf("cus-%08d", i)).
			Bytes("h", make([]byte, 100)).Str("name", fmt.Sprintf("Person %d", i)).Attrs()
		if err := w.Add(table.Write{Item: table.Item{Key: src.Space().Customer(h), Attrs: attrs}, Replaces: table.Nothing}); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return eraser.New(eraser.Config{Store: st, Ledger: ledger, Objects: objects.Mem(), Now: time.Now}), src.UUID, j.ID
}

// BenchmarkErase measures a whole erase in the embedded store: plan, hide, sweep, verify, and purge
// from the disk.
func BenchmarkErase(b *testing.B) {
	b.Run("source", func(b *testing.B) {
		benchErase(b, func(source, _ string) eraser.Selection { return eraser.Selection{Kind: eraser.Source, Source: source} })
	})
	b.Run("import", func(b *testing.B) {
		benchErase(b, func(_, imported string) eraser.Selection {
			return eraser.Selection{Kind: eraser.Import, Import: imported}
		})
	})
	b.Run("manual", func(b *testing.B) {
		benchErase(b, func(_, _ string) eraser.Selection { return eraser.Selection{Kind: eraser.ManualCustomers} })
	})
}

func benchErase(b *testing.B, selected func(source, imported string) eraser.Selection) {
	b.Helper()
	n := itemsOfBench(b)
	for b.Loop() {
		b.StopTimer()
		e, source, imported := embedded(b, n)
		sel := selected(source, imported)
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
