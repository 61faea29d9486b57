package app_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"reseed/pkg/app"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A folder that macOS has copied has a decomposed name, and means the same source. An erase of the
// source deletes all folders that mean it.
func TestAnUploadFolderMeansASourceInAnySpelling(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	composed := norm.NFC.String("Amp & Söhne")
	folders := []string{norm.NFD.String(composed), composed, composed + " ", strings.ToUpper(composed)}
	for _, folder := range folders {
		must(t, b.Ingest(t.Context(), b.put(t, "uploads/"+folder+"/customers.csv", customers)))
		b.put(t, "uploads/"+folder+"/notes.txt", "not imported")
	}
	b.put(t, "uploads/Amp & Sohne/notes.txt", "of another name")
	b.work(t)
	b.want(t, []string{composed}, []job.Status{job.Done, job.Done, job.Done, job.Done})
	d, err := b.Store.Directory(t.Context())
	must(t, err)
	for _, folder := range folders {
		_, err := b.Refer(t.Context(), d.Sources[0], "uploads/"+folder+"/notes.txt")
		must(t, err)
	}
	done, err := b.EraseSource(t.Context(), app.EraseSource{Source: folders[0]})
	if err != nil || done.Receipt == nil || done.Receipt.Files["uploads"] != int64(2*len(folders)) {
		t.Fatalf("%+v, %v", done.Receipt, err)
	}
	left, err := b.Objects.Names(t.Context(), "uploads/")
	if err != nil || fmt.Sprint(left) != "[uploads/Amp & Sohne/notes.txt]" {
		t.Errorf("left are %q, %v", left, err)
	}
}

// Of two sources that an older version has let have the same normal form, a folder means the one
// that is spelled alike, and the import names the other.
func TestTwoSourcesOfTheSameNormalForm(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	names := []string{norm.NFC.String("Söhne"), norm.NFD.String("Söhne")}
	d, err := b.Store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		for i, name := range []string{"First", "Second"} {
			if _, err := d.Add(fmt.Sprint("ds_", i), name, "CSV", b.Now()); err != nil {
				return nil, err
			}
			d.Sources[i].Name = names[i]
		}
		return nil, nil
	})
	must(t, err)
	for _, name := range names {
		must(t, b.Ingest(t.Context(), b.put(t, "uploads/"+name+"/customers.csv", customers)))
	}
	b.work(t)
	b.want(t, names, []job.Status{job.Done, job.Done})
	jobs, err := b.Ledger.List(t.Context(), 10, "")
	must(t, err)
	for i, src := range d.Sources {
		own, other := "uploads/"+names[i]+"/customers.csv", "uploads/"+names[1-i]+"/customers.csv"
		if _, err := b.Refer(t.Context(), src, own); err != nil {
			t.Error(err)
		}
		if _, err := b.Refer(t.Context(), src, other); err == nil {
			t.Errorf("%s takes the file of the other", src.UUID)
		}
		j := jobs[len(jobs)-1-i]
		if j.Source != src.UUID || !strings.Contains(fmt.Sprint(j.Notes), d.Sources[1-i].UUID) {
			t.Errorf("the import into %s notes %q", j.Source, j.Notes)
		}
		plan, err := b.EraseSource(t.Context(), app.EraseSource{Source: names[i], DryRun: true})
		if err != nil || plan.Plan.Source != src.UUID || !strings.Contains(fmt.Sprint(plan.Plan.Notes), d.Sources[1-i].UUID) {
			t.Errorf("%+v, %v", plan.Plan, err)
		}
	}
}
