package job_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func failed(j *job.Job) error { j.Status = job.Failed; return nil }

func TestEndMustEnd(t *testing.T) {
	t.Parallel()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	j := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	_, _, err := l.End(t.Context(), j.ID, func(*job.Job) error { return nil })
	wantFault(t, err, fault.Internal)
	_, _, err = l.End(t.Context(), j.ID, func(j *job.Job) error { j.Status = job.Restored; return nil })
	wantFault(t, err, fault.Internal)
	_, _, err = l.End(t.Context(), "none", done)
	wantFault(t, err, fault.NotFound)
	_, err = l.Update(t.Context(), j.ID, done)
	wantFault(t, err, fault.Internal)
	_, err = l.Changed(t.Context(), j.ID, done)
	wantFault(t, err, fault.Internal)
	got, err := l.Get(t.Context(), j.ID)
	must(t, err)
	same(t, "status", job.Running, got.Status)
}

// Many workers end a job at the same time, in several ways: one of them succeeds, and starts the
// next job once.
func TestAJobEndsOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	j := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	next := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	last := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	bystander, behind := create(t, l, &job.Job{Kind: job.Import, Tag: 2}), create(t, l, &job.Job{Kind: job.Import, Tag: 2})
	var wg sync.WaitGroup
	var ended [20]*job.Job
	var started atomic.Int64
	for i := range ended {
		wg.Go(func() {
			e, n, err := l.End(ctx, j.ID, []func(*job.Job) error{done, failed}[i%2])
			if ended[i] = e; err != nil || n != nil && n.ID != next.ID {
				t.Errorf("ended: %v, next %v", err, n)
			}
			if n != nil {
				started.Add(1)
			}
		})
	}
	wg.Wait()
	for _, e := range ended {
		same(t, "what all are told", ended[0], e)
	}
	same(t, "how often the next job was started", int64(1), started.Load())
	_, err := l.Ending(ctx, j.ID, j.ID, done)
	wantFault(t, err, fault.Conflict)
	_, err = l.Ending(ctx, j.ID, "", done)
	same(t, "the code of another end", "job_ended", fault.CodeOf(err))
	for want, jobs := range map[job.Status][]*job.Job{job.Running: {next, bystander}, job.Waiting: {last, behind}} {
		for _, x := range jobs {
			now, err := l.Get(ctx, x.ID)
			must(t, err)
			same(t, "another job", want, now.Status)
		}
	}
}

// An end fails at any of its calls, before or after the call took effect: either nothing has ended,
// or the next job has begun and has the lock. That holds for all ways to end a job.
func TestAnEndIsWhole(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*store.Store, *job.Ledger, string) error{
		"end": func(_ *store.Store, l *job.Ledger, id string) error {
			_, _, err := l.End(t.Context(), id, done)
			return err
		},
		"ending": func(st *store.Store, l *job.Ledger, id string) error {
			e, err := l.Ending(t.Context(), id, id, done)
			if err != nil {
				return err
			}
			return st.Transact(t.Context(), e.Writes...)
		},
		"unlock": func(_ *store.Store, l *job.Ledger, id string) error {
			_, err := l.Unlock(t.Context(), 1, id)
			return err
		},
	}
	for name, end := range ways {
		for n := 1; ; n++ {
			whole := 0
			for _, after := range []bool{false, true} {
				calls, armed := 0, false
				hook := func(mem.Op, int) error {
					if !armed {
						return nil
					}
					if calls++; calls == n {
						return fault.New(fault.Unavailable, "cut", "cut")
					}
					return nil
				}
				opt := mem.Options{Before: hook}
				if after {
					opt = mem.Options{After: hook}
				}
				st := newStore(opt)
				l := job.NewLedger(st, time.Now)
				j, next := create(t, l, &job.Job{Kind: job.Import, Tag: 1}), create(t, l, &job.Job{Kind: job.Import, Tag: 1})
				bystander := create(t, l, &job.Job{Kind: job.Import, Tag: 2})
				armed = true
				err := end(st, l, j.ID)
				armed = false
				holder, readErr := l.Holder(t.Context(), 1)
				must(t, readErr)
				next, readErr = l.Get(t.Context(), next.ID)
				must(t, readErr)
				other, readErr := l.Get(t.Context(), bystander.ID)
				must(t, readErr)
				same(t, "another source's", bystander, other)
				if begun := next.Status == job.Running; begun != (holder == next.ID) || !begun && holder != j.ID || err == nil && !begun {
					t.Fatalf("%s cut at call %d (%v): %v; the next job is %s, the lock is with %q", name, n, after, err, next.Status, holder)
				}
				if calls < n {
					whole++
				}
			}
			if whole == 2 {
				break
			}
		}
	}
}

// An end in a transaction of the caller succeeds only while the lock is held under the name that
// the caller gives.
func TestAnEndUnderALock(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	restored := func(j *job.Job) error { j.Status = job.Restored; return nil }
	j := create(t, l, &job.Job{Kind: job.Erase, Tag: 1, Status: job.Grace, Erase: &job.EraseSpec{Selection: "content"}})
	_, err := l.Ending(ctx, j.ID, "restore", restored)
	same(t, "without a lock", "lock_lost", fault.CodeOf(err))
	if ok, err := l.Lock(ctx, 1, "restore"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	late, err := l.Ending(ctx, j.ID, "restore", restored)
	must(t, err)
	waits := create(t, l, &job.Job{Kind: job.Import, Tag: 1}) // late has not seen it
	same(t, "behind the lock", job.Waiting, waits.Status)
	wantFault(t, st.Transact(ctx, late.Writes...), fault.Conflict)
	e, err := l.Ending(ctx, j.ID, "restore", restored)
	must(t, err)
	must(t, st.Transact(ctx, e.Writes...))
	holder, err := l.Holder(ctx, 1)
	must(t, err)
	same(t, "the job that starts, and the lock", []string{waits.ID, waits.ID}, []string{e.Next.ID, holder})
	_, err = l.Ending(ctx, j.ID, waits.ID, restored)
	same(t, "the code of another end", "job_ended", fault.CodeOf(err))
}

// A cancelled plan ended when the plan was made. After that it can't be applied any more.
func TestAPlanIsCancelled(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	plan := func() *job.Job {
		t.Helper()
		j, err := l.Create(ctx, &job.Job{Kind: job.Import, Tag: 1, Import: &job.ImportSpec{Scanned: true}})
		must(t, err)
		j, _, err = l.End(ctx, j.ID, func(j *job.Job) error { j.Status = job.Planned; return nil })
		must(t, err)
		return j
	}
	cancelled := func(j *job.Job) error { j.Status = job.Cancelled; return nil }
	j, bystander := plan(), plan()
	ended, next, err := l.End(ctx, j.ID, cancelled)
	must(t, err)
	if ended.Status != job.Cancelled || next != nil || !ended.EndedAt.Equal(j.EndedAt) {
		t.Fatalf("cancelled: %+v, next %v", ended, next)
	}
	_, err = l.Resume(ctx, j.ID, func(*job.Job) ([]table.Write, error) { return nil, nil })
	wantFault(t, err, fault.Conflict)
	_, _, err = l.End(ctx, bystander.ID, done)
	wantFault(t, err, fault.Internal)
	now, err := l.Get(ctx, bystander.ID)
	must(t, err)
	same(t, "another plan", bystander, now)
}
