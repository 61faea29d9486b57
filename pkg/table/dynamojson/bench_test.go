package dynamojson_test

import (
	"strings"
	"testing"

	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
)

func customer() table.Item {
	return table.Item{
		Key: table.Key{PK: "0001f.c1#04", SK: "c#4f7cc5b9735104875a4096d98a"},
		Attrs: table.NewBuilder().Int("_at", 1_763_890_000_000).Int("_up", 1_763_890_000_000).
			Str("city", "Edinburgh").Str("company", "Harvest Insurance Ltd.").Str("country", "GB").
			Str("email", "francois.duarte2@example.com").Str("external_id", "scus_000002").
			Int("free_trial_started_at", 1_763_890_000_000).Int("lead_created_at", 1_763_890_000_000).
			Str("name", "François Duarte").Str("state", "Scotland").Str("zip", "EH7 0FJ").Attrs(),
	}
}

func BenchmarkAppendItem(b *testing.B) {
	it := customer()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = dynamojson.AppendItem(dst[:0], it)
	}
	b.SetBytes(int64(len(dst)))
}

// BenchmarkItems reads a page of items whose attributes come in no order, as in answers of the
// service.
func BenchmarkItems(b *testing.B) {
	const items = 1000
	one := `{"name":{"S":"François Duarte"},"zip":{"S":"EH7 0FJ"},"_at":{"N":"1763890000000"},"country":{"S":"GB"},` +
		`"sk":{"S":"c#4f7cc5b9735104875a4096d98a"},"company":{"S":"Harvest Insurance Ltd."},"_up":{"N":"1763890000000"},` +
		`"email":{"S":"francois.duarte2@example.com"},"state":{"S":"Scotland"},"pk":{"S":"0001f.c1#04"},"city":{"S":"Edinburgh"},` +
		`"lead_created_at":{"N":"1763890000000"},"external_id":{"S":"scus_000002"},"free_trial_started_at":{"N":"1763890000000"}}`
	page := []byte("[" + strings.Repeat(one+",", items-1) + one + "]")
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		d, n := dynamojson.NewDecoder(page), 0
		err := d.Array(func() error {
			n++
			_, err := d.Item()
			return err
		})
		if err != nil || n != items {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N*items)/b.Elapsed().Seconds(), "items/s")
}
