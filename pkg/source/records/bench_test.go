package records_test

import (
	"bytes"
	"io"
	"testing"

	"reseed/internal/gen/company"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/records"
	"reseed/pkg/source/sourcetest"
)

// BenchmarkRecords reads the records of a customers file in both formats, as an import does before
// it sorts. Compare rows/s.
func BenchmarkRecords(b *testing.B) {
	const n = 50_000
	for name, format := range map[string]struct {
		source.Format
		as company.Format
	}{"CSV": {csvsource.Format{}, company.CSV}, "NDJSON": {records.Format{}, company.NDJSON}} {
		b.Run(name, func(b *testing.B) {
			var file bytes.Buffer
			_, err := company.Generate(company.Options{Seed: 2, Customers: n, Months: 24, Layout: company.Named, Format: format.as}, map[company.Dataset]io.Writer{company.Customers: &file})
			if err != nil {
				b.Fatal(err)
			}
			var pieces []source.Piece
			scan := func() source.Shape {
				pieces = pieces[:0]
				shape, err := format.Scan(b.Context(), bytes.NewReader(file.Bytes()), source.Hint{}, 1<<30, func(p source.Piece) error {
					pieces = append(pieces, p)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				return shape
			}
			b.SetBytes(int64(file.Len()))
			for b.Loop() {
				shape := scan()
				rows, err := format.Open(io.NopCloser(bytes.NewReader(file.Bytes()[pieces[0].Offset:])), shape, pieces[0].Place, sourcetest.Now())
				if err != nil {
					b.Fatal(err)
				}
				for range n {
					if _, err := rows.Next(b.Context()); err != nil {
						b.Fatal(err)
					}
					if _, p := rows.Record(); p != nil {
						b.Fatal(p)
					}
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
