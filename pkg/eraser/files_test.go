package eraser_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

func TestFilesGoWithTheSource(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	ctx, l := t.Context(), w.ledger()
	put := func(key string) {
		t.Helper()
		must(t, w.objects.Put(ctx, key, strings.NewReader("text")))
	}
	past := func(tag store.Tag, object string) *job.Job {
		t.Helper()
		j, err := l.Create(ctx, &job.Job{
			Kind: job.Import, Tag: tag,
			Import: &job.ImportSpec{Files: []job.File{{Name: "ada.csv", Object: object, Header: []string{"Ada"}}}, Failing: "it fails"},
		})
		must(t, err)
		_, _, err = l.End(ctx, j.ID, func(j *job.Job) error {
			j.Status, j.Error, j.Notes = job.Failed, "ada.csv: line 2 is no row", []string{"ada.csv: columns ignored: Ada"}
			j.Reasons = []job.Reason{{Column: "Ada", First: []job.Rejected{{Reason: "The same record is in line 2 of ada.csv."}}}}
			return nil
		})
		must(t, err)
		put(object)
		put(j.Prefix() + "rejects.csv")
		return j
	}
	ours := past(w.acme.Tag, "uploads/Acme/a.csv")
	past(w.acme.Tag, "uploads/ds_1/b.csv")
	past(w.acme.Tag, "uploads/shared.csv")
	other := past(w.acme2.Tag, "uploads/Acme2/a.csv")
	past2 := past(w.acme2.Tag, "uploads/shared.csv")
	put("uploads/Acme/never-read.csv")
	put("uploads/Acme.csv")
	put("uploads/acme /by-hand.csv")
	for _, made := range []string{"input/0", "rejects/00000/00000.csv", "changes/1-00", "changes/1-01", "samples/1-00", "runs/x", "ground/x"} {
		put(ours.Prefix() + made)
	}
	receipt, err := eraser.ReceiptOf(w.sweep(w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{}).ID))
	must(t, err)
	same(t, "files by kind", eraser.Counts{"uploads": 4, "unpacked": 1, "rejects": 4, "change_sets": 2, "samples": 1, "working_files": 2}, receipt.Files)
	var page strings.Builder
	must(t, receipt.WriteHTML(&page))
	if !strings.Contains(page.String(), `<tr><td>change sets</td><td class="n">2</td></tr>`) {
		t.Errorf("%s", page.String())
	}
	names, err := w.objects.Names(ctx, "")
	must(t, err)
	want := []string{
		other.Prefix() + "rejects.csv", past2.Prefix() + "rejects.csv",
		"uploads/Acme.csv", "uploads/Acme2/a.csv", "uploads/shared.csv",
	}
	same(t, "the files that are left", want, names)
	ours, err = l.Get(ctx, ours.ID)
	must(t, err)
	same(t, "what is known of its files", []job.File{{Name: "file 1"}}, ours.Import.Files)
	if ours.Error == "" || strings.Contains(ours.Error, "ada") || strings.Contains(strings.Join(ours.Notes, ""), "Ada") || len(ours.Reasons) > 0 {
		t.Errorf("it still says %q %q %+v", ours.Error, ours.Notes, ours.Reasons)
	}
	others, err := l.Get(ctx, other.ID)
	must(t, err)
	same(t, "the other's files", other.Import.Files, others.Import.Files)
}

// Uploads whose process died before they became an import are deleted by any erase in their source,
// since they may hold what is erased. Younger uploads, uploads that an import is to read, and files
// that people put there themselves stay.
func TestUploadsOfNoImportGo(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind eraser.Kind
		goes []string
	}{
		{eraser.Content, []string{"ds_1"}},
		{eraser.Customer, []string{"ds_1"}},
		{eraser.ManualCustomers, []string{"ds_1", "ds_2"}},
		{eraser.Invoice, nil},
	} {
		t.Run(string(x.kind), func(t *testing.T) {
			t.Parallel()
			w := seeded(t, mem.Options{})
			put := func(folder, name string) string {
				key := "uploads/" + folder + "/" + name
				must(t, w.objects.Put(t.Context(), key, strings.NewReader("text")))
				return key
			}
			posted := func(minutes int64) string { // minutes from now
				id := uuid.Must(uuid.NewV7())
				for i, ms := 0, time.Now().UnixMilli()+60_000*minutes; i < 6; i++ {
					id[i] = byte(ms >> (40 - 8*i))
				}
				return id.String() + "/input"
			}
			var want []string
			for _, folder := range []string{"ds_1", "ds_2"} {
				waits := put(folder, posted(-1))
				_, err := w.ledger().Create(t.Context(), &job.Job{
					Kind: job.Import, Status: job.Planned, Tag: 77, Import: &job.ImportSpec{Files: []job.File{{Object: waits}}},
				})
				must(t, err)
				want = append(want, waits, put(folder, "own/input"), put(folder, uuid.NewString()+"/input"), put(folder, "own.csv"))
				if stray := put(folder, posted(-1)); !slices.Contains(x.goes, folder) {
					want = append(want, stray)
				}
			}
			sel := eraser.Selection{Kind: x.kind, Source: w.acme.UUID}
			switch hr := w.directory().Hasher(); x.kind { //nolint:exhaustive // the others name no record
			case eraser.ManualCustomers:
				sel.Source = ""
			case eraser.Customer:
				sel.H = customerH(hr, 3)
			case eraser.Invoice:
				sel.H = invoiceH(hr, 3)
			}
			j := w.start(sel, eraser.Options{})
			want = append(want, put("ds_1", posted(+1)))
			w.sweep(j.ID)
			names, err := w.objects.Names(t.Context(), "")
			must(t, err)
			slices.Sort(want)
			same(t, "the files that are left", want, names)
		})
	}
}

func TestANewUploadUnderTheNameOfAnErasedSourceStays(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	must(t, w.objects.Put(t.Context(), "uploads/Acme/old.csv", strings.NewReader("old")))
	j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
	must(t, w.objects.Put(t.Context(), "uploads/Acme/new.csv", strings.NewReader("new")))
	w.sweep(j.ID)
	if _, err := w.objects.Stat(t.Context(), "uploads/Acme/new.csv"); err != nil {
		t.Fatal(err)
	}
}
