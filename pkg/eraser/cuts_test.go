package eraser_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"reseed/internal/effort"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/table/mem"
)

// An erase that is killed anywhere and run again comes to the same end state and the same counts
// (I6). Each call of the table fails once: before or after it is applied, alone or with all that
// follow.
func TestCutAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		for _, how := range []string{"before", "after", "before and dead", "after and dead"} {
			t.Run(kind+" "+how, func(t *testing.T) {
				t.Parallel()
				for n := range effort.Cases(t.Name(), 2000, 1) {
					if cut(t, kind, how, int64(n)) {
						return
					}
				}
				t.Fatal("no run ever survives")
			})
		}
	}
}

// cut makes the n-th call of an erase fail, then runs the erase again. It returns true if there was
// no such call.
func cut(t *testing.T, kind, how string, n int64) (survived bool) {
	t.Helper()
	w, x := prepared(t, kind, mem.Options{})
	calls := w.cutAt(n, how)
	w.armed.Store(true)
	e := w.eraser()
	j, err := e.Start(t.Context(), x.sel, x.opt)
	if err == nil {
		_, err = e.Sweep(t.Context(), j.ID)
	}
	w.armed.Store(false)
	if err == nil && calls.Load() < n {
		survived = true
	}
	if j == nil {
		j = w.resume(x)
	}
	j = w.sweep(j.ID)
	same(t, "removed", x.want, removed(j))
	if a, b := len(w.items(w.acme)), len(w.items(w.acme2)); a != x.acme || b != x.acme2 {
		t.Fatalf("cut %d: %d and %d items are left, want %d and %d", n, a, b, x.acme, x.acme2)
	}
	if next, err := w.ledger().StartWaiting(t.Context()); err != nil || len(next) > 0 {
		t.Fatalf("started %v, %v", next, err)
	}
	w.quiet()
	return survived
}

// cutAt makes the n-th call fail, before or after it is applied, alone or with all that follow. It
// counts the calls.
func (w *world) cutAt(n int64, how string) *atomic.Int64 {
	var calls atomic.Int64
	fail := func(mem.Op) error {
		if c := calls.Load(); c == n || c > n && strings.HasSuffix(how, "dead") {
			return fault.New(fault.Unavailable, "cut", "the test cut it here")
		}
		return nil
	}
	w.before = func(op mem.Op) error {
		if calls.Add(1) > n || strings.HasPrefix(how, "before") {
			return fail(op)
		}
		return nil
	}
	if strings.HasPrefix(how, "after") {
		w.after = fail
	}
	return &calls
}

// resume finds the job of an erase whose start was interrupted: either it was started whole, or not
// at all.
func (w *world) resume(x expectation) *job.Job {
	w.t.Helper()
	open, err := w.ledger().Open(w.t.Context())
	must(w.t, err)
	if len(open) > 0 {
		return open[0]
	}
	return w.start(x.sel, x.opt)
}

func TestAnEngineAtItsWorst(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for seed := range uint64(5) {
					w, x := prepared(t, kind, mem.Options{Seed: seed, Busy: 0.2, Partial: 0.5})
					same(t, "removed", x.want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
					if a, b := len(w.items(w.acme)), len(w.items(w.acme2)); a != x.acme || b != x.acme2 {
						t.Fatalf("%d and %d items are left", a, b)
					}
					w.quiet()
				}
			})
		})
	}
}
