package csvsource_test

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"reseed/pkg/source/csvsource"
)

const benchLines = 100_000

func benchFiles() map[string]string {
	quoted := `"` + strings.ReplaceAll(strings.TrimSuffix(line, "\n"), ",", `","`) + "\"\n"
	return map[string]string{
		"plain":  header + strings.Repeat(line, benchLines),
		"quoted": header + strings.Repeat(quoted, benchLines),
		"spaces": header + strings.Repeat(strings.ReplaceAll(quoted, ",", ", "), benchLines),
	}
}

func BenchmarkCut(b *testing.B) {
	for name, file := range benchFiles() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				err := csvsource.Open(strings.NewReader(file), csvsource.Options{}).Cut(b.Context(), 1<<20, func(csvsource.Piece) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHeader is what it costs, once a file, to find the header row.
func BenchmarkHeader(b *testing.B) {
	for name, above := range map[string]string{"first row": "", "below titles": strings.Repeat("Export, of customers;\n", 10), "none": strings.Repeat("a,b\n", 50)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := csvsource.Open(strings.NewReader(above+"External ID,Name,Email,City,Country,Segment\n"+line), csvsource.Options{}).Header(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	for name, file := range benchFiles() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				rd := csvsource.Open(strings.NewReader(file), csvsource.Options{})
				rows := 0
				for {
					if _, err := rd.Next(b.Context()); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					rows++
				}
				if rows != benchLines {
					b.Fatalf("%d rows", rows)
				}
			}
		})
	}
}

func BenchmarkEncodingCSV(b *testing.B) {
	for name, file := range benchFiles() {
		if name == "spaces" { // which it takes for text
			continue
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				rd := csv.NewReader(strings.NewReader(file))
				rd.ReuseRecord = true
				for {
					if _, err := rd.Read(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
