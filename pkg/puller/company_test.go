package puller_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/googletest"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const samples = "../../testdata/twelve"

// TestTheCompanyIsTheSame: the sample company as a spreadsheet and as CSV files gives the same items
// under the same keys, byte for byte, except what says how they came.
func TestTheCompanyIsTheSame(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(samples, "*.csv"))
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		afterTheSamples()
		var tabs []*googletest.Tab
		for i, name := range files {
			tabs = append(tabs, tabOf(t, int64(i), name))
		}
		b := newBed(t, tabs...)
		b.edit(func(s *googletest.Spreadsheet) { s.TimeZone = "America/New_York" })
		j := b.pull(puller.Request{})
		csvs := b.add("Files", "CSV")
		var uploads []job.File
		for _, name := range files {
			text, err := os.ReadFile(name)
			must(t, err)
			f, err := b.Keep(t.Context(), csvs, filepath.Base(name), strings.NewReader(string(text)))
			must(t, err)
			uploads = append(uploads, f)
		}
		other, err := b.Importer.Submit(t.Context(), importer.Request{Source: csvs, Files: uploads, Origin: job.ByFile})
		must(t, err)
		b.work()
		if got := b.job(other.ID); j.Status != job.Done || counts(j) != counts(got) || j.Rejects > 0 {
			t.Fatalf("the pull is %s %q %s, the import %s %s; %+v", j.Status, j.Error, counts(j), got.Status, counts(got), j.Reasons)
		}
		pulled := b.content(b.src)
		same(t, "the items", b.content(csvs), pulled)
		if len(pulled) < 100 {
			t.Errorf("only %d items", len(pulled))
		}
	})
}

// tabOf types a CSV file into a tab: numbers become numbers, days become serial numbers, and texts
// stay.
func tabOf(t *testing.T, id int64, name string) *googletest.Tab {
	t.Helper()
	in, err := os.Open(name)
	must(t, err)
	defer in.Close()
	rows, err := csv.NewReader(in).ReadAll()
	must(t, err)
	tab := &googletest.Tab{ID: id, Title: strings.TrimSuffix(filepath.Base(name), ".csv")}
	for _, row := range rows {
		var cells []any
		for _, text := range row {
			cells = append(cells, typed(text))
		}
		tab.Cells = append(tab.Cells, cells)
	}
	return tab
}

func typed(text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(n, 'f', -1, 64) == text {
		return n
	}
	if day, err := time.Parse("2006-01-02", text); err == nil {
		return googletest.Date(day.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours()/24, text)
	}
	switch text {
	case "":
		return nil
	case "TRUE", "FALSE":
		return text == "TRUE"
	}
	return text
}

// content are the items of a source by their keys, without the tag and without the attributes about
// the items.
func (b *bed) content(src store.Source) map[string]string {
	b.t.Helper()
	sp := src.Space()
	pks := []string{sp.PlanPK()}
	for shard := range src.Shards {
		pks = append(pks, sp.CustomerPK(shard), sp.DataPK(shard))
	}
	out := map[string]string{}
	for _, pk := range pks {
		for it, err := range b.Store.Items(b.t.Context(), table.Query{PK: pk}) {
			must(b.t, err)
			_, place, _ := strings.Cut(it.PK, ".")
			out[place+" "+it.SK] = string(it.Attrs.Content())
		}
	}
	return out
}
