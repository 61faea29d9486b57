package job_test

import (
	"context"
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

// What Read keeps is never older than what is stored, whoever has changed it, and however many jobs
// are read in between.
func TestReadSeesEveryChange(t *testing.T) {
	t.Parallel()
	st := newStore(mem.Options{})
	l, elsewhere := job.NewLedger(st, time.Now), job.NewLedger(st, time.Now)
	var all []*job.Job
	for range 6 {
		all = append(all, create(t, l, &job.Job{Kind: job.Import, Import: &job.ImportSpec{}}))
	}
	for round := range 3 {
		for i, j := range all {
			stage := fmt.Sprintf("%d of %d", round, i)
			_, err := elsewhere.Update(t.Context(), j.ID, func(j *job.Job) error { j.Stage = stage; return nil })
			must(t, err)
			for range 2 {
				got, err := l.Read(t.Context(), j.ID)
				must(t, err)
				if got.ID != j.ID || got.Stage != stage {
					t.Fatalf("read %s of %s, want %s", got.Stage, got.ID, stage)
				}
			}
		}
	}
	first, err := l.Read(t.Context(), all[5].ID)
	must(t, err)
	if again, err := l.Read(t.Context(), all[5].ID); err != nil || again != first {
		t.Errorf("it was decoded again: %v", err)
	}
	_, err = l.Read(t.Context(), "nobody")
	wantFault(t, err, fault.NotFound)
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

// lost loses the answer of each transaction once, after it was applied. The client then sends the
// transaction again, and it meets its own result.
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
