package importer_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/effort"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// meanwhile does something once, in the middle of the n-th call, or of the first call after it that
// finds a new job.
func meanwhile(t tester, w *world, n int, do func(*job.Job)) trouble {
	var busy atomic.Bool
	return func(_ *process, call int, _ string, done bool) error {
		if !done || busy.Load() || call < n {
			return nil
		}
		if news := w.news(t); len(news) > 0 && busy.CompareAndSwap(false, true) { // workers call at the same time
			do(news[0])
		}
		return nil
	}
}

// Another import of the same source is submitted during an import or an undo. It waits for its
// turn, and the outcome is as if it had been submitted when the first job was done (I7).
func TestAnotherImportMeanwhile(t *testing.T) {
	t.Parallel()
	other := messy()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		if b.parks {
			t.Skip("an import may come in between the plan and its apply")
		}
		act := b.act
		b.act = func(t tester, w *world) {
			act(t, w)
			if w.trouble == nil {
				w.imports(t, other)
			}
		}
		b.still.run(t, mem.Options{}, b.sizes, func(t tester, w *world) {
			b.act(t, w)
			b.want = w.outcome(t)
		})
		step, cases := 1+b.calls/30, 0
		if soak(t) {
			step = 1
		}
		for n := range effort.Cases(t.Name(), b.calls, step) {
			b.disturbed(t, fmt.Sprintf("at call %d of %d", n, b.calls), mem.Options{Limits: quick(n%2 == 0)}, func(t tester, w *world) {
				w.trouble = meanwhile(t, w, n, func(*job.Job) {
					time.Sleep(time.Minute)
					if _, err := w.quiet.Submit(t.Context(), other.request(t, w.quiet.line, w.src)); err != nil {
						t.Errorf("submit: %v", err)
					}
				})
			})
			cases++
		}
		t.Logf("%d cases", cases)
	})
}

// A job that is cancelled anywhere ends, and what it did can be undone or completed.
func TestCancelledAnywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		step, cases, stopped := 1+b.calls/40, 0, 0
		if soak(t) {
			step = 1
		}
		var before map[table.Key]map[string]any
		b.still.run(t, mem.Options{}, b.sizes, func(t tester, w *world) { before = w.outcome(t).Items })
		for n := range effort.Cases(t.Name(), b.calls, step) {
			for _, again := range []bool{false, true} {
				name := fmt.Sprintf("at call %d of %d, done again %v", n, b.calls, again)
				b.still.run(t, mem.Options{Limits: quick(n%2 == 0), Partial: 0.3, Seed: uint64(n)}, b.sizes, func(t tester, w *world) {
					slowly := slow(uint64(n), time.Second)
					cancel := meanwhile(t, w, n, func(j *job.Job) {
						if _, err := w.quiet.Cancel(t.Context(), j.ID); err != nil && fault.CodeOf(err) != "job_ended" {
							t.Errorf("%s: %v", name, err)
						}
					})
					w.trouble = func(p *process, call int, op string, done bool) error {
						_ = slowly(p, call, op, done)
						return cancel(p, call, op, done)
					}
					b.act(t, w)
					w.trouble = nil
					consistent(t, w.outcome(t))
					if w.news(t)[0].Status == job.Cancelled {
						stopped++
						b.after(t, w, name, again, before)
					} else if diff := cmp.Diff(b.want, w.outcome(t)); diff != "" {
						t.Fatalf("%s, too late: -want +got\n%s", name, diff)
					}
				})
				cases++
			}
		}
		t.Logf("%d cases, cancelled in %d", cases, stopped)
	})
}

// after undoes a job that was stopped halfway, or does it again.
func (b begun) after(t tester, w *world, name string, again bool, before map[table.Key]map[string]any) {
	t.Helper()
	if again {
		b.act(t, w)
		if diff := cmp.Diff(b.want.contents(), w.outcome(t).contents()); diff != "" {
			t.Fatalf("%s: -want +got\n%s", name, diff)
		}
		return
	}
	j, err := w.quiet.Undo(t.Context(), w.news(t)[0].ID, importer.UndoOptions{})
	switch {
	case fault.CodeOf(err) == "nothing_changed":
	case err != nil:
		t.Fatalf("%s: %v", name, err)
	default:
		if j = w.quiet.finished(t, j.ID); j.Status != job.Done || j.Rejects > 0 {
			t.Fatalf("%s: the undo is %s: %s%s", name, j.Status, j.Error, w.quiet.rejects(t, j))
		}
	}
	if diff := cmp.Diff(before, w.outcome(t).Items); diff != "" {
		t.Fatalf("%s, taken back: -want +got\n%s", name, diff)
	}
}
