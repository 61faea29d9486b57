package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("error %v, want one of kind %v", err, kind)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func newStore(opt mem.Options) *store.Store { return store.New(mem.New(opt)) }

func ids(jobs []*job.Job) []string {
	out := []string{}
	for _, j := range jobs {
		out = append(out, j.ID)
	}
	return out
}

func create(t *testing.T, l *job.Ledger, j *job.Job) *job.Job {
	t.Helper()
	got, err := l.Create(t.Context(), j)
	must(t, err)
	return got
}

func done(j *job.Job) error { j.Status = job.Done; return nil }

func TestIDsSortByTimeWhateverTheKind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := job.NewLedger(newStore(mem.Options{}), time.Now)
		var all []string
		for i := range 1000 {
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
			all = append(all, l.NewID())
		}
		if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != 1000 || len(all[0]) != 32 || all[0][12] != '7' {
			t.Fatalf("ids %v …", all[:3])
		}
		time.Sleep(time.Second)
		if later := job.NewLedger(newStore(mem.Options{}), time.Now).NewID(); later < all[999] {
			t.Fatalf("an id of another process that is made later, %s, sorts before %s", later, all[999])
		}
	})
}

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

func TestEndMustEnd(t *testing.T) {
	t.Parallel()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	j := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	_, _, err := l.End(t.Context(), j.ID, func(*job.Job) error { return nil })
	wantFault(t, err, fault.Internal)
	_, _, err = l.End(t.Context(), "none", done)
	wantFault(t, err, fault.NotFound)
	got, err := l.Get(t.Context(), j.ID)
	must(t, err)
	same(t, "status", job.Running, got.Status)
}

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

func TestListIsNewestFirst(t *testing.T) {
	t.Parallel()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	var made []string
	for i := range 25 {
		made = append([]string{create(t, l, &job.Job{Kind: job.Import, Tag: store.Tag(i + 1)}).ID}, made...)
	}
	var got []string
	for before := ""; ; {
		page, err := l.List(t.Context(), 10, before)
		must(t, err)
		if len(page) == 0 {
			break
		}
		got = append(got, ids(page)...)
		before = got[len(got)-1]
	}
	same(t, "the list", made, got)
}

func TestUpdatesDoNotGetLost(t *testing.T) {
	t.Parallel()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	j := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_, err := l.Update(t.Context(), j.ID, func(j *job.Job) error { j.Rejects++; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := l.Get(t.Context(), j.ID)
	must(t, err)
	same(t, "sum", int64(10), got.Rejects)
	stop := errors.New("stop")
	if _, err := l.Update(t.Context(), j.ID, func(j *job.Job) error { j.Rejects = 0; return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	after, err := l.Get(t.Context(), j.ID)
	must(t, err)
	same(t, "after a refused change", got, after)
}

// A job that visits every source takes the lock of each in turn.
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
	next, err := l.Unlock(ctx, 1, visitor.ID) // which it does not hold
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

// Whatever call fails, before or after it was applied: jobs neither get lost
// nor run two at a time, and no lock stays behind.
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
			if d.Calls() < n { // there is no such call
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

// lost loses the answers of transactions that were applied, once each, the way
// that makes the client ask again: the retry then meets its own work.
func lost() mem.Options {
	var last atomic.Int64
	return mem.Options{After: func(op mem.Op, n int) error {
		if op == mem.Transact && last.Swap(int64(n))%2 == 0 {
			return fault.New(fault.Busy, "lost", "the answer was lost")
		}
		return nil
	}}
}

func TestALostAnswerIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := job.NewLedger(newStore(lost()), time.Now)
		j := create(t, l, &job.Job{Kind: job.Import, Tag: 1})
		for range 5 {
			_, err := l.Update(t.Context(), j.ID, func(j *job.Job) error { j.Rejects++; return nil })
			must(t, err)
		}
		got, err := l.Get(t.Context(), j.ID)
		must(t, err)
		same(t, "sum", int64(5), got.Rejects)
		must(t, l.CreateTasks(t.Context(), j.ID, []job.Task{{ID: "a/1", Phase: "a"}}))
		task, err := l.Claim(t.Context(), job.Task{Job: j.ID, ID: "a/1"}, l.NewHolder())
		must(t, err)
		for range 5 {
			task, err = l.Renew(t.Context(), task)
			must(t, err)
		}
		must(t, l.Complete(t.Context(), task, nil))
		_, _, err = l.End(t.Context(), j.ID, done)
		must(t, err)
	})
}

func tasks(n int) []job.Task {
	all := make([]job.Task, n)
	for i := range all {
		all[i] = job.Task{ID: fmt.Sprintf("1 map/%03d", i), Phase: "1 map"}
	}
	return all
}

func TestTasksAreMadeOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := job.NewLedger(newStore(mem.Options{}), time.Now)
	must(t, l.CreateTasks(ctx, "j", tasks(3)))
	must(t, l.CreateTasks(ctx, "j", []job.Task{{ID: "1 merge/0", Phase: "1 merge"}}))
	must(t, l.CreateTasks(ctx, "j2", tasks(1)))
	first, err := l.Claim(ctx, job.Task{Job: "j", ID: "1 map/001"}, "h")
	must(t, err)
	must(t, l.Complete(ctx, first, json.RawMessage(`{"rows":7}`)))
	must(t, l.CreateTasks(ctx, "j", tasks(5)))
	got, err := l.Tasks(ctx, "j", "1 map/")
	must(t, err)
	same(t, "tasks", 5, len(got))
	if got[1].State != job.TaskDone || string(got[1].Result) != `{"rows":7}` || got[4].State != job.TaskTodo || got[4].Job != "j" {
		t.Fatalf("tasks %+v", got)
	}
	_, err = l.Claim(ctx, got[1], "another")
	wantFault(t, err, fault.Conflict)
	wantFault(t, l.CreateTasks(ctx, "j", []job.Task{{ID: "x", Phase: "1 map"}}), fault.Internal)
	_, err = l.Task(ctx, "j", "none")
	wantFault(t, err, fault.NotFound)
}

// A lease is taken over only after it was seen unchanged for its whole length
// on one's own clock; a sign of life begins that anew.
func TestALeaseRunsOutUnderTheEyesOfWhoAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		st := newStore(mem.Options{})
		dead, alive := job.NewLedger(st, time.Now), job.NewLedger(st, time.Now)
		must(t, dead.CreateTasks(ctx, "j", tasks(1)))
		task := job.Task{Job: "j", ID: "1 map/000"}
		held, err := dead.Claim(ctx, task, dead.NewHolder())
		must(t, err)
		time.Sleep(10 * job.LeaseLength) // that nobody has watched
		me := alive.NewHolder()
		refused := func() {
			t.Helper()
			_, err := alive.Claim(ctx, task, me)
			wantFault(t, err, fault.Busy)
		}
		refused()
		time.Sleep(job.LeaseLength - time.Second)
		refused()
		held, err = dead.Renew(ctx, held)
		must(t, err)
		time.Sleep(time.Second)
		refused()
		time.Sleep(job.LeaseLength - time.Nanosecond)
		refused()
		time.Sleep(time.Nanosecond)
		mine, err := alive.Claim(ctx, task, me)
		must(t, err)
		_, err = dead.Renew(ctx, held)
		wantFault(t, err, fault.Conflict)
		wantFault(t, dead.Complete(ctx, held, nil), fault.Conflict)
		wantFault(t, dead.Release(ctx, held), fault.Conflict)
		must(t, alive.Release(ctx, mine))
		_, err = dead.Claim(ctx, task, dead.NewHolder()) // at once
		must(t, err)
	})
}

func TestWhereOneProcessOwnsTheTableAnotherIsDead(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st := newStore(mem.Options{Limits: table.Limits{Get: 10, Write: 10, Transact: 10, Parallel: 1, Exclusive: true}})
	before, now := job.NewLedger(st, time.Now), job.NewLedger(st, time.Now)
	must(t, before.CreateTasks(ctx, "j", tasks(1)))
	task := job.Task{Job: "j", ID: "1 map/000"}
	_, err := before.Claim(ctx, task, before.NewHolder())
	must(t, err)
	_, err = now.Claim(ctx, task, now.NewHolder())
	must(t, err)
	_, err = now.Claim(ctx, task, now.NewHolder()) // a sibling in this process lives
	wantFault(t, err, fault.Busy)
}

func TestOfManyClaimsOneWins(t *testing.T) {
	t.Parallel()
	st := newStore(mem.Options{})
	l := job.NewLedger(st, time.Now)
	must(t, l.CreateTasks(t.Context(), "j", tasks(1)))
	var wg sync.WaitGroup
	var won atomic.Int64
	for range 20 {
		wg.Go(func() {
			_, err := l.Claim(t.Context(), job.Task{Job: "j", ID: "1 map/000"}, l.NewHolder())
			switch {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.Busy):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, "winners", int64(1), won.Load())
}

func TestAKeptLeaseStaysAliveUntilItIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		st := newStore(mem.Options{})
		l, other := job.NewLedger(st, time.Now), job.NewLedger(st, time.Now)
		must(t, l.CreateTasks(ctx, "j", tasks(1)))
		task, err := l.Claim(ctx, job.Task{Job: "j", ID: "1 map/000"}, l.NewHolder())
		must(t, err)
		lease := l.Keep(ctx, task)
		for range 20 {
			_, err := other.Claim(ctx, task, other.NewHolder())
			wantFault(t, err, fault.Busy)
			time.Sleep(job.LeaseLength / 3)
		}
		must(t, lease.Save(json.RawMessage(`"half"`)))
		must(t, lease.Context().Err())
		must(t, lease.Release())
		got, err := other.Claim(ctx, task, other.NewHolder())
		must(t, err)
		same(t, "what was known", `"half"`, string(got.Result))
		lease = other.Keep(ctx, got)
		must(t, lease.Complete(json.RawMessage(`"all"`)))
		got, err = l.Task(ctx, "j", task.ID)
		must(t, err)
		same(t, "state", job.TaskDone, got.State)
	})
}

// A renewal whose answer is lost was stored all the same: its holder goes on from there, and nobody else does.
func TestARenewalWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var lose atomic.Bool
	st := newStore(mem.Options{After: func(op mem.Op, _ int) error {
		if op == mem.Transact && lose.Swap(false) {
			return fault.New(fault.Unavailable, "lost", "the answer did not come")
		}
		return nil
	}})
	l := job.NewLedger(st, time.Now)
	must(t, l.CreateTasks(ctx, "j", tasks(1)))
	claim := func() job.Task {
		t.Helper()
		task, err := l.Claim(ctx, job.Task{Job: "j", ID: "1 map/000"}, l.NewHolder())
		must(t, err)
		lose.Store(true)
		_, err = l.Renew(ctx, task)
		wantFault(t, err, fault.Unavailable)
		return task
	}
	must(t, l.Release(ctx, claim())) // else the next claim would find it held
	mine := claim()
	saved, err := l.Save(ctx, mine, json.RawMessage(`"half"`))
	must(t, err)
	if saved.Counter <= mine.Counter+1 {
		t.Fatal("a sign of life that looks like the one before")
	}
	must(t, l.Complete(ctx, mine, json.RawMessage(`"all"`)))
	got, err := l.Task(ctx, "j", mine.ID)
	must(t, err)
	same(t, "state", job.TaskDone, got.State)
	wantFault(t, l.Complete(ctx, mine, nil), fault.Conflict)
}

// Whoever cannot renew stops writing a request's lifetime before anybody may take over.
func TestALeaseThatCannotBeRenewedEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cut atomic.Bool
		st := newStore(mem.Options{Before: func(mem.Op, int) error {
			if cut.Load() {
				return fault.New(fault.Unavailable, "cut", "the table cannot be reached")
			}
			return nil
		}})
		l := job.NewLedger(st, time.Now)
		must(t, l.CreateTasks(t.Context(), "j", tasks(1)))
		task, err := l.Claim(t.Context(), job.Task{Job: "j", ID: "1 map/000"}, l.NewHolder())
		must(t, err)
		lease := l.Keep(t.Context(), task)
		time.Sleep(15 * time.Second)
		cut.Store(true)
		renewed := time.Now().Add(-5 * time.Second)
		<-lease.Context().Done()
		if held := time.Since(renewed); held > job.LeaseLength-job.RequestLifetime {
			t.Fatalf("the holder goes on for %v after its last sign of life", held)
		}
		same(t, "cause", "lease_lost", fault.CodeOf(context.Cause(lease.Context())))
		if err := lease.Release(); err == nil {
			t.Fatal("a release without the table has worked")
		}
	})
}

func TestALeaseThatWasTakenOverEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		st := newStore(mem.Options{Limits: table.Limits{Get: 10, Write: 10, Transact: 10, Parallel: 1, Exclusive: true}})
		l, other := job.NewLedger(st, time.Now), job.NewLedger(st, time.Now)
		must(t, l.CreateTasks(ctx, "j", tasks(1)))
		task, err := l.Claim(ctx, job.Task{Job: "j", ID: "1 map/000"}, l.NewHolder())
		must(t, err)
		lease := l.Keep(ctx, task)
		_, err = other.Claim(ctx, task, other.NewHolder())
		must(t, err)
		<-lease.Context().Done()
		same(t, "cause", "lease_lost", fault.CodeOf(context.Cause(lease.Context())))
		wantFault(t, lease.Complete(nil), fault.Unavailable)
	})
}

// A task that nobody claims is fenced by its version alone: who holds an old one can't write it any more, nor what goes with it.
func TestAnUnclaimedTaskHasOneWriter(t *testing.T) {
	t.Parallel()
	ctx, l := t.Context(), job.NewLedger(newStore(mem.Options{}), time.Now)
	must(t, l.CreateTasks(ctx, "j", []job.Task{{ID: "sweep/a", Phase: "sweep"}}))
	one, err := l.Task(ctx, "j", "sweep/a")
	must(t, err)
	other := one
	_, err = l.Save(ctx, one, json.RawMessage(`{"n":1}`))
	must(t, err)
	bystander := table.Write{Item: table.Item{Key: store.OnceKey("x")}, Delete: true}
	if _, err := l.Save(ctx, other, json.RawMessage(`{"n":2}`), bystander); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second writer: %v", err)
	}
	now, err := l.Task(ctx, "j", "sweep/a")
	must(t, err)
	if string(now.Result) != `{"n":1}` {
		t.Errorf("stored is %s", now.Result)
	}
}

// Erases of single records that can still be restored are in nobody's way: they are found when their time has come, and not before.
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
	// One that an older version has made.
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
