package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// The workers of imports do exports, too: their messages go through the same queue. One of a worker
// that does not know exports, and one of an older version, without a kind, do no harm.
func TestExportsGoThroughTheQueueOfImports(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Books/customers.csv", "External ID\n1\n2\n")))
	b.work(t)
	d, err := b.Store.Directory(t.Context())
	must(t, err)
	src := d.Sources[0]
	j, err := b.Exporter.Start(t.Context(), exporter.Request{Source: src})
	must(t, err)
	must(t, b.Importer.Handle(t.Context(), b.imports[0]))
	must(t, b.Work(t.Context(), importer.Message{Job: j.ID}))
	b.imports = nil // lost
	must(t, b.Tick(t.Context()))
	for len(b.imports) > 0 {
		if m := b.imports[0]; m.Kind != job.Export || m.Source != src.UUID {
			t.Fatalf("%+v", m)
		}
		text, err := json.Marshal(b.imports[0])
		must(t, err)
		var m importer.Message
		must(t, json.Unmarshal(text, &m))
		b.imports = b.imports[1:]
		if _, err := b.ExportFile(t.Context(), j); fault.CodeOf(err) != "not_done" {
			t.Fatal(err)
		}
		must(t, b.Work(t.Context(), m))
	}
	j, err = b.Ledger.Get(t.Context(), j.ID)
	must(t, err)
	file, err := b.ExportFile(t.Context(), j)
	must(t, err)
	must(t, file.Body.Close())
	if j.Export.Rows["customers"] != 2 || len(j.Notes) > 0 {
		t.Errorf("%+v, %q", j.Export, j.Notes)
	}
	if text, err := json.Marshal(importer.Message{Job: "j", Task: "t"}); err != nil || strings.Contains(string(text), "kind") {
		t.Errorf("a message of an import: %s, %v", text, err)
	}
}
