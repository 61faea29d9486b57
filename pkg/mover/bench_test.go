package mover_test

import (
	"testing"

	"reseed/pkg/mover"
)

// BenchmarkMove moves 50,000 items of a data folder to the test engine, and compares both ends.
func BenchmarkMove(b *testing.B) {
	const items = 50_000
	for range b.N {
		b.StopTimer()
		from, to := folder(b), cloud(b)
		must(b, newcomer(from, "one"))
		many(b, from, items)
		b.StartTimer()
		_, err := mover.Move(b.Context(), config(from, to))
		must(b, err)
		if units := to.Store.Spent().WriteUnits() / items; units > 1.01 {
			b.Errorf("%.4f write units an item", units)
		}
	}
	b.ReportMetric(float64(items*b.N)/b.Elapsed().Seconds(), "items/s")
}
