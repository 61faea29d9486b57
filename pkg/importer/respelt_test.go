package importer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/store"
)

func verbatim() source.Settings { return source.Settings{IDs: source.IDsVerbatim} }

// with imports files that are read with these settings.
func (l *line) with(t tester, src store.Source, settings source.Settings, inputs ...input) *job.Job {
	t.Helper()
	l.pass(time.Minute)
	j, err := l.Submit(t.Context(), importer.Request{
		Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, inputs), Options: importer.Options{Settings: settings},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}

// TestIDsInTheOldSpelling imports ids like ="00123" into sources that hold some of them as they are
// written: nothing is added a second time before a person says yes.
func TestIDsInTheOldSpelling(t *testing.T) {
	t.Parallel()
	customers := input{name: "c.csv", body: []byte("External ID,Company\n\"=\"\"00123\"\"\",Acme\n\"=\"\"00124\"\"\",Beta\nx1,Gamma\n")}
	invoices := input{name: "i.csv", body: []byte("Customer external ID,Invoice external ID,Invoiced date,Currency\n" +
		"\"=\"\"00123\"\"\",\"=\"\"7\"\"\",2024-01-01,EUR\n\"=\"\"00124\"\"\",i8,2024-01-01,EUR\n")}
	plain := input{name: "p.csv", body: []byte("External ID,Company\n00124,Beta\nx2,Delta\n")}
	for name, tt := range map[string]struct {
		before   []input // imported with ids verbatim
		inputs   []input
		settings source.Settings
		asks     string // part of the sentence; empty if nobody is asked
	}{
		"nothing is stored":         {inputs: []input{customers, invoices}},
		"stored as written":         {before: []input{customers}, inputs: []input{customers}, asks: `Of 2 rows looked up whose ids are written like ="00123", 2 are stored with these signs`},
		"one is stored both ways":   {before: []input{customers, plain}, inputs: []input{customers}, asks: "Of 2 rows looked up whose ids are written like =\"00123\", 1 are stored"},
		"invoices too":              {before: []input{customers, invoices}, inputs: []input{customers, invoices}, asks: "Of 3 rows looked up whose ids are written like =\"00123\", 3 are stored"},
		"stored as read":            {before: []input{plain}, inputs: []input{customers}},
		"read as it is stored":      {before: []input{customers}, inputs: []input{customers}, settings: verbatim()},
		"the file has no such ids":  {before: []input{customers}, inputs: []input{plain}},
		"in NDJSON an id is itself": {before: []input{customers}, inputs: []input{{name: "c.ndjson", dataset: "customers", body: []byte(`{"external_id":"=\"00123\"","company":"Acme"}`)}}},
	} {
		for size, small := range map[string]int64{"one worker": 1 << 20, "several pieces": 0} {
			t.Run(name+", "+size, func(t *testing.T) {
				t.Parallel()
				l := fresh(t, 40, small)
				src := l.source(t, "A")
				if len(tt.before) > 0 {
					l.with(t, src, verbatim(), tt.before...)
				}
				before := l.dump(t, src)
				j := l.with(t, src, tt.settings, tt.inputs...)
				if tt.asks == "" {
					if j.Status != job.Done {
						t.Errorf("%s: %s %s", j.Status, j.Error, j.Import.Confirm)
					}
					return
				}
				if j.State() != job.StateAsking || !strings.HasPrefix(j.Import.Confirm, tt.asks) || !strings.Contains(j.Import.Confirm, "--ids verbatim") {
					t.Fatalf("%s: %q, want %q", j.State(), j.Import.Confirm, tt.asks)
				}
				same(t, l.dump(t, src), before)
				if j = l.applied(t, j); j.Status != job.Done {
					t.Fatalf("%s: %s", j.Status, j.Error)
				}
				if j = l.with(t, src, tt.settings, tt.inputs...); j.Status != job.Done {
					t.Errorf("asked again: %q", j.Import.Confirm)
				}
			})
		}
	}
}

// TestFormsOfDatesAreSaid finds over all pieces of a file the one form that its dates fit.
func TestFormsOfDatesAreSaid(t *testing.T) {
	t.Parallel()
	for name, small := range map[string]int64{"one worker": 1 << 20, "several pieces": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fresh(t, 100, small)
			src := l.source(t, "A")
			file := input{name: "c.csv", body: []byte("External ID,Lead created at\n" + strings.Repeat("c1,01/02/2024\n", 30) + "c2,01/31/2024\n" + strings.Repeat("c3,02/03/2024\n", 30))}
			j := l.run(t, src, file)
			want := `c.csv: 61 cells of the column "Lead created at" cannot be read as dates like 2024-12-31, and all fit the date format "MM/DD/YYYY"`
			about := func(note string) bool { return strings.HasPrefix(note, want) }
			if !slices.ContainsFunc(j.Notes, about) || j.Rejects != 61 {
				t.Errorf("%d rejects, notes %q", j.Rejects, j.Notes)
			}
			if j = l.with(t, src, source.Settings{DateFormat: "MM/DD/YYYY"}, file); j.Status != job.Done || j.Rejects != 0 || slices.ContainsFunc(j.Notes, about) {
				t.Errorf("with the format: %s, %d rejects, %q", j.Status, j.Rejects, j.Notes)
			}
		})
	}
}
