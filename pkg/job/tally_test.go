package job_test

import (
	"strings"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// tallied is a ledger with one source.
type tallied struct {
	*job.Ledger
	t  *testing.T
	st *store.Store
}

func newTallied(t *testing.T, opt mem.Options) tallied {
	t.Helper()
	st := newStore(opt)
	_, err := st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		if _, there := d.ByUUID("ds_1"); there { // only the answer was lost
			return nil, nil
		}
		_, err := d.Add("ds_1", "Company", "Custom", time.Time{})
		return nil, err
	})
	must(t, err)
	return tallied{job.NewLedger(st, time.Now), t, st}
}

func (l tallied) source() store.Source {
	l.t.Helper()
	d, err := l.st.Directory(l.t.Context())
	must(l.t, err)
	src, _ := d.ByTag(1)
	return src
}

// imported makes an import that has begun to write, and ends it.
func (l tallied) imported(as job.Status, datasets map[string]job.Counts) string {
	l.t.Helper()
	j := create(l.t, l.Ledger, &job.Job{Kind: job.Import, Tag: 1, Import: &job.ImportSpec{}})
	_, err := l.Update(l.t.Context(), j.ID, func(j *job.Job) error {
		j.Import.Scanned, j.Import.Epochs, j.Datasets = true, l.source().Epochs, datasets
		return nil
	})
	must(l.t, err)
	_, err = l.Update(l.t.Context(), j.ID, func(j *job.Job) error {
		j.Import.Applying, j.Import.Cancel = true, as == job.Cancelled
		return nil
	})
	must(l.t, err)
	for range 2 { // the second time it is over
		_, _, err = l.End(l.t.Context(), j.ID, func(j *job.Job) error { j.Status = as; return nil })
		must(l.t, err)
	}
	return j.ID
}

func (l tallied) exported(spec job.ExportSpec) {
	l.t.Helper()
	spec.Was = l.source()
	j := create(l.t, l.Ledger, &job.Job{Kind: job.Export, Tag: 1, Export: &spec})
	_, _, err := l.End(l.t.Context(), j.ID, done)
	must(l.t, err)
}

func (l tallied) want(rows map[string]int64, unknown ...string) {
	l.t.Helper()
	all, err := l.Tallies(l.t.Context())
	must(l.t, err)
	got, lost := all[1].Rows(l.source())
	same(l.t, "rows", rows, got)
	same(l.t, "unknown", unknown, lost)
}

func TestATallyCountsWhatImportsAddAndRemove(t *testing.T) {
	t.Parallel()
	l := newTallied(t, lost()) // each answer is lost once
	l.want(map[string]int64{})
	l.imported(job.Done, map[string]job.Counts{"customers": {Read: 7, Added: 5, Unchanged: 2}, "cancellations": {Added: 2}, "edits": {Added: 9}})
	last := l.imported(job.Done, map[string]job.Counts{"customers": {Removed: 1}, "subscription_events": {Added: 1}, "plans": {Unchanged: 3}})
	l.want(map[string]int64{"customers": 4, "subscription_events": 3})
	all, err := l.Tallies(t.Context())
	must(t, err)
	same(t, "the latest import", last, all[1].Latest)
}

func TestWhatAnImportHasWrittenHalfwayIsUnknown(t *testing.T) {
	t.Parallel()
	l := newTallied(t, mem.Options{})
	l.imported(job.Done, map[string]job.Counts{"customers": {Added: 5}, "plans": {Added: 2}, "contacts": {Added: 1}})
	l.imported(job.Cancelled, map[string]job.Counts{"customers": {Added: 5}, "plans": {Unchanged: 2}})
	l.imported(job.Done, map[string]job.Counts{"customers": {Added: 5}})
	l.want(map[string]int64{"plans": 2, "contacts": 1}, "customers")
	all := []string{"customers", "plans", "contacts", "invoices", "subscription_events"}
	l.exported(job.ExportSpec{Datasets: all, Rows: map[string]int64{"customers": 7}, Edits: job.EditsLaidOver})
	l.exported(job.ExportSpec{Datasets: []string{"customers"}, Rows: map[string]int64{"customers": 7}, Customer: "cus_1"})
	l.want(map[string]int64{"plans": 2, "contacts": 1}, "customers")
	l.exported(job.ExportSpec{Datasets: all, Rows: map[string]int64{"customers": 7, "plans": 1, "invoices": 4, "subscription_events": 3}, Edits: job.EditsApart})
	l.want(map[string]int64{"customers": 7, "plans": 1, "contacts": 0, "invoices": 4})
}

// As long as an erase is open, an export does not see all rows that are counted.
func TestAnExportCountsNothingWhileAnEraseIsOpen(t *testing.T) {
	t.Parallel()
	l := newTallied(t, mem.Options{})
	l.imported(job.Done, map[string]job.Counts{"customers": {Added: 5}})
	export := func() {
		l.exported(job.ExportSpec{Datasets: []string{"customers"}, Rows: map[string]int64{"customers": 4}})
	}
	erase := create(t, l.Ledger, &job.Job{Kind: job.Erase, Status: job.Grace, Erase: &job.EraseSpec{Selection: "manual-customers"}})
	export()
	l.want(map[string]int64{"customers": 5})
	_, _, err := l.End(t.Context(), erase.ID, func(j *job.Job) error { j.Status = job.Restored; return nil })
	must(t, err)
	_, err = l.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.Hide("an erase", store.Over(1, store.KindCustomer, store.H{1}))
		return nil, nil
	})
	must(t, err)
	export()
	l.want(map[string]int64{"customers": 5})
	_, err = l.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.Reveal("an erase")
		return nil, nil
	})
	must(t, err)
	export()
	l.want(map[string]int64{"customers": 4})
}

// An import of a source that is gone leaves nothing behind.
func TestASourceThatIsGoneGetsNoTally(t *testing.T) {
	t.Parallel()
	l := newTallied(t, mem.Options{})
	j := create(t, l.Ledger, &job.Job{Kind: job.Import, Tag: 1, Import: &job.ImportSpec{}})
	_, err := l.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.Remove("ds_1")
		return nil, nil
	})
	must(t, err)
	_, _, err = l.End(t.Context(), j.ID, done)
	must(t, err)
	all, err := l.Tallies(t.Context())
	must(t, err)
	same(t, "tallies", map[store.Tag]*job.Tally{}, all)
}

// A tally keeps what a later version has put into it.
func TestATallyKeepsLaterFields(t *testing.T) {
	t.Parallel()
	l := newTallied(t, mem.Options{})
	l.imported(job.Done, map[string]job.Counts{"customers": {Added: 5}})
	stored, err := l.st.Get(t.Context(), store.TallyKey(1))
	must(t, err)
	text := stored[0].Attrs.Str("body")
	text = strings.Replace(text, `"counted":[{`, `"bytes":7,"counted":[{"edits":{"n":1},`, 1)
	version, _ := stored[0].Attrs.Int(store.AttrVersion)
	attrs := table.NewBuilder().IntAlways(store.AttrVersion, version).Str("body", text).Attrs()
	must(t, l.st.Write(t.Context(), []table.Write{{Item: table.Item{Key: store.TallyKey(1), Attrs: attrs}}}))
	l.imported(job.Done, map[string]job.Counts{"customers": {Added: 1}})
	l.want(map[string]int64{"customers": 6})
	stored, err = l.st.Get(t.Context(), store.TallyKey(1))
	must(t, err)
	for _, want := range []string{`"bytes":7`, `"edits":{"n":1}`} {
		if got := stored[0].Attrs.Str("body"); !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}
