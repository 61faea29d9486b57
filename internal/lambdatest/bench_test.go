package lambdatest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reseed/internal/lambdatest"
)

func event(b *testing.B, bed *lambdatest.Bed, name string) []byte {
	b.Helper()
	body, err := os.ReadFile(filepath.Join(bed.Template.Root, "events", name))
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func invoke(b *testing.B, f *lambdatest.Function, body []byte) {
	b.Helper()
	if _, err := f.Invoke(b.Context(), body); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkColdStart measures from the start of the process to its first answer: of the API without
// and with a read of the table, and of the function that S3 invokes.
func BenchmarkColdStart(b *testing.B) {
	bed := lambdatest.NewBed(b, &engine, binaries)
	for _, name := range []string{"api.ping.json", "api.customers.json", "ingest-csv.put.json"} {
		folder, _, _ := strings.Cut(name, ".")
		b.Run(name, func(b *testing.B) {
			body := event(b, bed, name)
			st, err := os.Stat(filepath.Join(binaries, folder))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				f := bed.Start(b, folder)
				invoke(b, f, body)
				b.StopTimer()
				f.Stop()
				b.StartTimer()
			}
			b.ReportMetric(float64(st.Size())/1e6, "MB/binary")
		})
	}
}

// BenchmarkWarmInvoke measures one more event for a process that is running already.
func BenchmarkWarmInvoke(b *testing.B) {
	bed := lambdatest.NewBed(b, &engine, binaries)
	for _, name := range []string{"api.ping.json", "api.customers.json"} {
		b.Run(name, func(b *testing.B) {
			body := event(b, bed, name)
			invoke(b, bed.Functions["api"], body)
			for b.Loop() {
				invoke(b, bed.Functions["api"], body)
			}
		})
	}
}
