package job_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestTheSameEventMakesOneJob(t *testing.T) {
	t.Parallel()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	first := create(t, l, &job.Job{Kind: job.Import, Tag: 1, Once: "digest"})
	_, _, err := l.End(t.Context(), first.ID, done)
	must(t, err)
	again := create(t, l, &job.Job{Kind: job.Import, Tag: 1, Once: "digest"})
	same(t, "the job", first.ID, again.ID)
	if holder, _ := l.Holder(t.Context(), 1); holder != "" || again.Status != job.Done {
		t.Fatalf("the event's repetition changed something: lock %q, %s", holder, again.Status)
	}
	var wg sync.WaitGroup
	got := make([]*job.Job, 10)
	for i := range got {
		wg.Go(func() {
			j, err := l.Create(t.Context(), &job.Job{Kind: job.Import, Tag: 3, Once: "another"})
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = j
		})
	}
	wg.Wait()
	same(t, "jobs of ten deliveries at once", 1, len(slices.Compact(ids(got))))
}

func TestExtraWritesAreInTheTransaction(t *testing.T) {
	t.Parallel()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	extra := table.Write{
		Item: table.Item{Key: table.Key{PK: "x", SK: "y"}, Attrs: table.NewBuilder().Int("n", 1).Attrs()},
		If:   table.Cond{Op: table.Absent},
	}
	_, err := l.Create(t.Context(), &job.Job{Kind: job.Import, Tag: 1}, extra)
	must(t, err)
	refused := &job.Job{Kind: job.Import, Tag: 2}
	_, err = l.Create(t.Context(), refused, extra)
	wantFault(t, err, fault.Conflict)
	_, err = l.Get(t.Context(), refused.ID)
	wantFault(t, err, fault.NotFound)
	holder, err := l.Holder(t.Context(), 2)
	must(t, err)
	same(t, "the lock", "", holder)
}

// Erases of single records that can still be restored are found when their grace period ends, and
// not before, so that any number of them slows nothing down.
func TestGracesAreFoundWhenTheyEnd(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	grace := func(until time.Time, spec job.EraseSpec) *job.Job {
		spec.Until = until
		return create(t, l, &job.Job{Kind: job.Erase, Tag: 1, Status: job.Grace, Erase: &spec})
	}
	record := job.EraseSpec{Selection: "customer", Records: []job.ErasedRecord{{Tag: 1, H: "x"}}}
	late, soon := grace(at.Add(time.Hour), record), grace(at, record)
	rows := grace(at.Add(time.Minute), job.EraseSpec{Selection: "import", Import: "I"})
	content := grace(at, job.EraseSpec{Selection: "content"})
	// An erase that an older version made.
	old := grace(at, record)
	must(t, st.Transact(ctx, table.Write{Item: table.Item{Key: store.GraceKey(at, old.ID)}, Delete: true},
		table.Write{Item: table.Item{Key: store.OpenJobKey(old.ID), Attrs: table.NewBuilder().Str("job", old.ID).Attrs()}}))
	found := func(until time.Time) []string {
		t.Helper()
		jobs, err := l.Graces(ctx, until)
		must(t, err)
		return ids(jobs)
	}
	open := func() []string {
		t.Helper()
		jobs, err := l.Open(ctx)
		must(t, err)
		return ids(jobs)
	}
	same(t, "open", []string{content.ID, old.ID}, open())
	same(t, "before", []string{}, found(at.Add(-time.Millisecond)))
	same(t, "due", []string{soon.ID}, found(at))
	same(t, "a minute later", []string{soon.ID, rows.ID}, found(at.Add(time.Minute)))
	same(t, "all", []string{soon.ID, rows.ID, late.ID}, found(time.Time{}))

	for _, j := range []*job.Job{soon, old} {
		_, err := l.Due(ctx, j.ID)
		must(t, err)
	}
	same(t, "open when they have begun", []string{soon.ID, content.ID, old.ID}, open())
	end, err := l.Ending(ctx, late.ID, "", func(j *job.Job) error { j.Status = job.Restored; return nil })
	must(t, err)
	must(t, st.Transact(ctx, end.Writes...))
	for _, j := range []*job.Job{content, rows} {
		_, err := l.Due(ctx, j.ID)
		must(t, err)
	}
	for _, j := range []*job.Job{soon, rows, content, old} { // they take turns
		_, _, err := l.End(ctx, j.ID, done)
		must(t, err)
	}
	same(t, "open at the end", []string{}, open())
	same(t, "graces at the end", []string{}, found(time.Time{}))
}
