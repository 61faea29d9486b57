package app_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/app"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// from imports files with an origin, and returns the ended job.
func (b *bed) from(t *testing.T, origin job.Origin, src store.Source, files ...string) *job.Job {
	t.Helper()
	src, err := b.Source(t.Context(), src.UUID) // the source as it is now
	must(t, err)
	r := importer.Request{Source: src, Origin: origin, By: "a test"}
	for _, text := range files {
		f, err := b.Keep(t.Context(), src, "any.csv", strings.NewReader(text))
		must(t, err)
		r.Files = append(r.Files, f)
	}
	j, err := b.Importer.Submit(t.Context(), r)
	must(t, err)
	return b.ended(t, j)
}

func (b *bed) ended(t *testing.T, j *job.Job) *job.Job {
	t.Helper()
	b.work(t)
	j, err := b.Ledger.Get(t.Context(), j.ID)
	must(t, err)
	if j.Status != job.Done || j.Rejects > 0 {
		t.Fatalf("%s: %s, %d rejects", j.Status, j.Error, j.Rejects)
	}
	return j
}

// manuals returns whether each stored record is manual, by external id.
func (b *bed) manuals(t *testing.T, src store.Source) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	sp := src.Space()
	for shard := range src.Shards {
		for _, pk := range []string{sp.CustomerPK(shard), sp.DataPK(shard)} {
			for it, err := range b.Store.Items(t.Context(), table.Query{PK: pk}) {
				must(t, err)
				if id := it.Attrs.Str("external_id"); id != "" {
					out[id] = store.OriginOf(it.Attrs).Manual > 0
				}
			}
		}
	}
	return out
}

const invoicesOfA = "Customer external ID,Invoice external ID,Invoiced date,Currency\na,INV-A,2026-01-01,EUR\n"

// Rows that are read from a connected system are not manual: an erase of the manual customers
// leaves them alone, in a source of their own and in one that also holds manual rows.
func TestPulledRowsSurviveAnEraseOfManualCustomers(t *testing.T) {
	t.Parallel()
	for _, origin := range []job.Origin{job.ByPull, job.ByAPI} {
		b := newBed(t)
		pulled, err := b.Source(t.Context(), "Pulled")
		must(t, err)
		mixed, err := b.Source(t.Context(), "Mixed")
		must(t, err)
		b.from(t, origin, pulled, customers, invoicesOfA)
		b.from(t, job.ByFile, mixed, "Name,External ID\nM,m\n", strings.NewReplacer("a,INV-A", "m,INV-M").Replace(invoicesOfA))
		b.from(t, origin, mixed, customers, invoicesOfA)
		must(t, b.Ingest(t.Context(), b.put(t, "uploads/Files/customers.csv", customers)))
		b.work(t)

		want := map[string]bool{"a": false, "b": false, "INV-A": false}
		both := map[string]bool{"a": false, "b": false, "INV-A": false, "m": true, "INV-M": true}
		if diff := cmp.Diff([]map[string]bool{want, both}, []map[string]bool{b.manuals(t, pulled), b.manuals(t, mixed)}); diff != "" {
			t.Fatalf("%s: before: -want +got\n%s", origin, diff)
		}
		done, err := b.EraseManual(t.Context(), app.EraseManual{})
		if err != nil || done.Status != job.Done {
			t.Fatalf("%+v, %v", done, err)
		}
		if diff := cmp.Diff([]map[string]bool{want, want}, []map[string]bool{b.manuals(t, pulled), b.manuals(t, mixed)}); diff != "" {
			t.Errorf("%s: after: -want +got\n%s", origin, diff)
		}
		files, err := b.Source(t.Context(), "Files")
		must(t, err)
		if left := b.manuals(t, files); len(left) > 0 {
			t.Errorf("what came by file is still there: %v", left)
		}
		if again := b.from(t, origin, mixed, customers, invoicesOfA); again.Datasets["customers"].Unchanged != 2 || again.Datasets["invoices"].Unchanged != 1 {
			t.Errorf("again: %+v", again.Datasets)
		}
	}
}

// A row stays manual or not as it was created, whatever changes it, also if the change is undone.
func TestOriginsAreKept(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	src, err := b.Source(t.Context(), "Mixed")
	must(t, err)
	b.from(t, job.ByFile, src, "Name,External ID\nM,m\n")
	b.from(t, job.ByPull, src, customers)
	origins := map[string]bool{"m": true, "a": false, "b": false}
	changes := map[job.Origin]string{job.ByPull: "Name,External ID\nMM,m\nAA,a\n", job.ByFile: "Name,External ID\nMMM,m\nAAA,a\n"}
	for origin, text := range changes {
		changed := b.from(t, origin, src, text)
		if diff := cmp.Diff(origins, b.manuals(t, src)); changed.Datasets["customers"].Changed != 2 || diff != "" {
			t.Errorf("changed by %s: %+v: -want +got\n%s", origin, changed.Datasets, diff)
		}
		undo, err := b.Importer.Undo(t.Context(), changed.ID, importer.UndoOptions{})
		must(t, err)
		undo = b.ended(t, undo)
		if diff := cmp.Diff(origins, b.manuals(t, src)); undo.Datasets["customers"].Changed != 2 || undo.Import.Origin != origin || diff != "" {
			t.Errorf("undone: %+v: -want +got\n%s", undo.Datasets, diff)
		}
	}
	// What belongs to a customer is manual if the customer is, however it came.
	b.from(t, job.ByPull, src, "Customer external ID,Invoice external ID,Invoiced date,Currency\nm,INV-M,2026-01-01,EUR\n")
	b.from(t, job.ByFile, src, invoicesOfA)
	origins["INV-M"], origins["INV-A"] = true, false
	if diff := cmp.Diff(origins, b.manuals(t, src)); diff != "" {
		t.Errorf("invoices: -want +got\n%s", diff)
	}
}

// Imports from the upload folder say so. Jobs of older versions do not name their origin: their
// rows are manual.
func TestAnImportSaysWhoAskedForIt(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Files/customers.csv", customers)))
	list, err := b.Ledger.List(t.Context(), 1, "")
	must(t, err)
	if spec := list[0].Import; spec.By != job.UploadFolder || spec.Origin != job.ByFile || !spec.Manual() {
		t.Errorf("%+v", spec)
	}
	if _, err := b.Ledger.Update(t.Context(), list[0].ID, func(j *job.Job) error { j.Import.Origin, j.Import.By = "", ""; return nil }); err != nil {
		t.Fatal(err)
	}
	b.work(t)
	src, err := b.Source(t.Context(), "Files")
	must(t, err)
	if diff := cmp.Diff(map[string]bool{"a": true, "b": true}, b.manuals(t, src)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := b.Importer.Submit(t.Context(), importer.Request{Source: src, Files: list[0].Import.Files}); err == nil {
		t.Error("an import that does not say how its rows came here was taken")
	}
}
