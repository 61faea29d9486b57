package console_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkPages opens the pages that are no tables, beside a large source, from the request of a
// browser to the last byte of HTML. It tells how long the slowest hundredth took.
func BenchmarkPages(b *testing.B) {
	bed, source, job := large(b)
	w := bed.SignIn()
	var found struct {
		Entries []struct {
			UUID string `json:"uuid"`
		} `json:"entries"`
	}
	if err := bed.API.Call(b.Context(), http.MethodGet, "/v1/customers?per_page=1", nil, &found); err != nil || len(found.Entries) != 1 {
		b.Fatalf("%+v, %v", found, err)
	}
	customer := "/customers/" + found.Entries[0].UUID
	for name, path := range map[string]string{
		"sources": "/sources", "imports": "/sources/" + source + "/imports", "source settings": "/sources/" + source + "/settings", "edits": "/sources/" + source + "/edits",
		"customer": customer, "edit": customer + "/edit", "search": "/customers?q=ann7@example.com", "activity": "/jobs", "job": "/jobs/" + job, "changes": "/jobs/" + job + "/changes",
		"receipts": "/receipts", "keys": "/keys", "settings": "/settings",
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				p := w.Get(path)
				took = append(took, time.Since(began))
				if p.Status != http.StatusOK || !strings.Contains(p.Text, "</html>") {
					b.Fatalf("%d\n%s", p.Status, p.Text)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
