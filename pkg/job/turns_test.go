package job_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestJobsOfASourceTakeTurns(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	a := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	b := create(t, l, &job.Job{Kind: job.Erase, Tag: 1})
	c := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	other := create(t, l, &job.Job{Kind: job.Import, Tag: 2})
	all := create(t, l, &job.Job{Kind: job.Erase})
	same(t, "states", []job.Status{job.Running, job.Waiting, job.Waiting, job.Running, job.Running},
		[]job.Status{a.Status, b.Status, c.Status, other.Status, all.Status})
	open, err := l.Open(ctx)
	must(t, err)
	same(t, "open", []string{a.ID, b.ID, c.ID, other.ID, all.ID}, ids(open))
	started, err := l.StartWaiting(ctx)
	must(t, err)
	same(t, "started while the lock is held", []string{}, ids(started))

	ended, next, err := l.End(ctx, a.ID, done)
	must(t, err)
	same(t, "who is next", b.ID, next.ID)
	if ended.Status != job.Done || ended.EndedAt.IsZero() || next.Status != job.Running || next.StartedAt.IsZero() {
		t.Fatalf("ended %+v, next %+v", ended, next)
	}
	again, next, err := l.End(ctx, a.ID, func(*job.Job) error { return errors.New("an ended job is changed") })
	must(t, err)
	same(t, "ended again", ended, again)
	if next != nil {
		t.Fatalf("%s was started although %s runs", next.ID, b.ID)
	}
	_, next, err = l.End(ctx, b.ID, done)
	must(t, err)
	same(t, "who is last", c.ID, next.ID)
	_, next, err = l.End(ctx, c.ID, done)
	must(t, err)
	holder, err := l.Holder(ctx, 1)
	must(t, err)
	if next != nil || holder != "" {
		t.Fatalf("after the last: %v, %q", next, holder)
	}
	open, err = l.Open(ctx)
	must(t, err)
	same(t, "still open", []string{other.ID, all.ID}, ids(open))
}

func TestManyAtOnceAndOneRuns(t *testing.T) {
	t.Parallel()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := l.Create(t.Context(), &job.Job{Kind: job.Import, Tag: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ran := 0
	for {
		open, err := l.Open(t.Context())
		must(t, err)
		if len(open) == 0 {
			break
		}
		running := slices.DeleteFunc(open, func(j *job.Job) bool { return j.Status != job.Running })
		if len(running) != 1 {
			t.Fatalf("%d jobs of one source run at once", len(running))
		}
		_, _, err = l.End(t.Context(), running[0].ID, done)
		must(t, err)
		ran++
	}
	same(t, "jobs that ran", 20, ran)
}

// A job that visits all sources takes their locks one after the other.
func TestLockOfAVisitor(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	importer := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	visitor := create(t, l, &job.Job{Kind: job.Erase})
	lock := func(id string) bool {
		t.Helper()
		ok, err := l.Lock(ctx, 1, id)
		must(t, err)
		return ok
	}
	if lock(visitor.ID) {
		t.Fatal("a lock that is held was taken")
	}
	next, err := l.Unlock(ctx, 1, visitor.ID) // it does not hold this lock
	must(t, err)
	if holder, _ := l.Holder(ctx, 1); holder != importer.ID || next != nil {
		t.Fatalf("somebody else's lock was given back, holder %q", holder)
	}
	_, _, err = l.End(ctx, importer.ID, done)
	must(t, err)
	first, again := lock(visitor.ID), lock(visitor.ID)
	if !first || !again {
		t.Fatal("a free lock was not taken, or not taken for one's own again")
	}
	waiting := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	same(t, "behind the visitor", job.Waiting, waiting.Status)
	next, err = l.Unlock(ctx, 1, visitor.ID)
	must(t, err)
	same(t, "next", waiting.ID, next.ID)
}

// Any call fails, before or after it was applied: no job is lost, no two jobs run at the same time,
// and no lock is left.
func TestCutAtEveryCall(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		for _, opt := range []mem.Options{{FailBefore: n}, {FailAfter: n}} {
			d := mem.New(opt)
			l := job.NewLedger(store.New(d), time.Now)
			a := &job.Job{ID: l.NewID(), Kind: job.Import, Tag: 1, Once: "a"}
			b := &job.Job{ID: l.NewID(), Kind: job.Import, Tag: 1, Once: "b"}
			steps := []func() error{
				func() error { _, err := l.Create(t.Context(), a); return err },
				func() error { _, err := l.Create(t.Context(), b); return err },
				func() error { _, _, err := l.End(t.Context(), a.ID, done); return err },
				func() error { _, err := l.StartWaiting(t.Context()); return err },
			}
			for _, step := range steps {
				if err := step(); err != nil {
					must(t, step())
				}
			}
			if d.Calls() < n { // there were fewer calls
				return
			}
			got, err := l.Get(t.Context(), b.ID)
			must(t, err)
			holder, err := l.Holder(t.Context(), 1)
			must(t, err)
			if got.Status != job.Running || holder != b.ID {
				t.Fatalf("cut %d: the second job is %s, the lock is with %q", n, got.Status, holder)
			}
			_, _, err = l.End(t.Context(), b.ID, done)
			must(t, err)
			open, err := l.Open(t.Context())
			must(t, err)
			holder, err = l.Holder(t.Context(), 1)
			must(t, err)
			if len(open) > 0 || holder != "" {
				t.Fatalf("cut %d: %d open, lock %q", n, len(open), holder)
			}
		}
	}
}

// Jobs begin while others end, and a visitor takes the lock now and then: each job is started by
// the end of the one before it, and none is left to the tick.
func TestNoJobIsLeftWaiting(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	visitor := create(t, l, &job.Job{Kind: job.Erase})
	var wg sync.WaitGroup
	goOn := func(next *job.Job, err error) {
		for ; next != nil && err == nil; _, next, err = l.End(ctx, next.ID, done) {
			if next.Status != job.Running {
				t.Errorf("a job that is %s was handed out", next.Status)
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	for i := range 60 {
		wg.Go(func() {
			j, err := l.Create(ctx, &job.Job{Kind: job.Import, Tag: store.Tag(1 + i%2)})
			if err == nil && j.Status == job.Waiting {
				return
			}
			goOn(j, err)
		})
		if i%10 == 0 {
			wg.Go(func() {
				if mine, err := l.Lock(ctx, 1, visitor.ID); err != nil || !mine {
					goOn(nil, err)
					return
				}
				goOn(l.Unlock(ctx, 1, visitor.ID))
			})
		}
	}
	wg.Wait()
	open, err := l.Open(ctx)
	must(t, err)
	same(t, "open at the end", []string{visitor.ID}, ids(open))
	for tag := range store.Tag(2) {
		holder, err := l.Holder(ctx, tag+1)
		must(t, err)
		same(t, "the lock at the end", "", holder)
	}
}

// While an older version runs too, this version can pass on its locks. The older version can
// release a lock for which jobs wait, and the tick starts the jobs that it leaves waiting.
func TestTurnsBesideAnOlderVersion(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	old := func(tag store.Tag, holder string, turn int64) table.Item {
		return table.Item{Key: store.LockKey(tag), Attrs: table.NewBuilder().Str("job", holder).IntAlways("turn", turn).Attrs()}
	}
	first, second := create(t, l, &job.Job{Kind: job.Import, Tag: 1}), create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	must(t, st.Write(ctx, []table.Write{{Item: old(1, first.ID, 7)}}))
	third := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	same(t, "behind an old lock", job.Waiting, third.Status)
	_, next, err := l.End(ctx, first.ID, done)
	must(t, err)
	same(t, "started", second.ID, next.ID)

	bystander := create(t, l, &job.Job{Kind: job.Import, Tag: 2})
	must(t, st.Write(ctx, []table.Write{{Item: old(3, "visitor", 8)}}))
	waits := create(t, l, &job.Job{Kind: job.Import, Tag: 3})
	unlock := table.Write{Item: table.Item{Key: store.LockKey(3)}, Delete: true, If: table.Cond{Op: table.Equals, Attr: "turn", N: 8}}
	must(t, st.Transact(ctx, unlock))
	started, err := l.StartWaiting(ctx)
	must(t, err)
	same(t, "started by the tick", []string{waits.ID}, ids(started))
	now, err := l.Get(ctx, bystander.ID)
	must(t, err)
	same(t, "another source's job", bystander, now)
}
