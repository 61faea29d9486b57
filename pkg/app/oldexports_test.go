package app_test

import (
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// The tick deletes the files of exports after a week, however many jobs there are since; the jobs stay.
func TestFilesOfOldExportsAreDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, filesOfOldExports)
}

func filesOfOldExports(t *testing.T) {
	t.Helper()
	b := newBed(t)
	b.SweepUploads = true
	must(t, b.Ingest(t.Context(), b.put(t, "uploads/Books/customers.csv", "External ID\n1\n2\n")))
	b.work(t)
	export := func(src store.Source) *job.Job {
		j, err := b.Exporter.Start(t.Context(), exporter.Request{Source: src})
		must(t, err)
		b.work(t)
		return j
	}
	d, err := b.Store.Directory(t.Context())
	must(t, err)
	src := d.Sources[0]
	old := export(src)
	time.Sleep(2 * time.Hour)
	must(t, b.Tick(t.Context())) // it notes how far it has looked
	time.Sleep(exporter.KeptFor - 3*time.Hour)
	young := export(src)
	has := func(j *job.Job) bool {
		t.Helper()
		must(t, b.Tick(t.Context()))
		j, err := b.Ledger.Get(t.Context(), j.ID)
		must(t, err)
		file, err := b.ExportFile(t.Context(), j)
		if err == nil {
			must(t, file.Body.Close())
		} else if fault.CodeOf(err) != "file_deleted" || !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !has(old) || !has(young) {
		t.Fatal("a file was deleted too early")
	}
	time.Sleep(2 * time.Hour)
	if has(old) || !has(young) {
		t.Fatal("the old file is there, or the new one is not")
	}
	time.Sleep(exporter.KeptFor)
	if has(young) {
		t.Fatal("the file is there after a week")
	}
	for _, j := range []*job.Job{old, young} {
		if names, err := b.Objects.Names(t.Context(), j.Prefix()); err != nil || len(names) > 0 {
			t.Errorf("%v, %v", names, err)
		}
	}
}
