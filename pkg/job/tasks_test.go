package job_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

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

// A worker takes a lease over only after it has seen it unchanged for its whole length, by its own
// clock. A renewal starts that time again.
func TestALeaseRunsOutOnlyWhileItIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		st := newStore(mem.Options{})
		dead, alive := job.NewLedger(st, time.Now), job.NewLedger(st, time.Now)
		must(t, dead.CreateTasks(ctx, "j", tasks(1)))
		task := job.Task{Job: "j", ID: "1 map/000"}
		held, err := dead.Claim(ctx, task, dead.NewHolder())
		must(t, err)
		time.Sleep(10 * job.LeaseLength) // nobody watches
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
		_, err = dead.Claim(ctx, task, dead.NewHolder()) // succeeds at once
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
	_, err = now.Claim(ctx, task, now.NewHolder()) // the holder is in this process, so it is alive
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

// A renewal whose answer is lost was stored: its holder goes on from there, and no other worker
// can.
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
	must(t, l.Release(ctx, claim())) // otherwise the next claim would find it held
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

// A holder that cannot renew its lease stops writing one lifetime of a request before another
// worker may take over.
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

// A task without a holder is protected by its version: a process that has read an old version can
// write neither the task nor the extra writes.
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

// The answer of a transaction is lost, and so is that to the question whether it was done: the worker is
// not told that a condition failed, or it would do again what was done beside.
func TestWhoCannotSeeWhetherItWasDoneIsToldNothingElse(t *testing.T) {
	t.Parallel()
	var lose, blind atomic.Bool
	st := newStore(mem.Options{
		Before: func(op mem.Op, _ int) error {
			if op == mem.Get && blind.CompareAndSwap(true, false) {
				return fault.New(fault.Unavailable, "blind", "the answer was lost")
			}
			return nil
		},
		After: func(op mem.Op, _ int) error {
			if op == mem.Transact && lose.CompareAndSwap(true, false) {
				blind.Store(true)
				return fault.New(fault.Busy, "lost", "the answer was lost")
			}
			return nil
		},
	})
	l := job.NewLedger(st, time.Now)
	must(t, l.CreateTasks(t.Context(), "j", tasks(2)))
	task, err := l.Claim(t.Context(), job.Task{Job: "j", ID: tasks(1)[0].ID}, "h")
	must(t, err)
	beside := table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: "once"}}, If: table.Cond{Op: table.Absent}}
	lose.Store(true)
	_, err = l.Save(t.Context(), task, json.RawMessage(`1`), beside)
	wantFault(t, err, fault.Unavailable)
	found, err := st.Get(t.Context(), beside.Item.Key)
	must(t, err)
	same(t, "what was done beside", 1, len(found))
	bystander, err := l.Task(t.Context(), "j", tasks(2)[1].ID)
	must(t, err)
	same(t, "another task", job.TaskTodo, bystander.State)
}
