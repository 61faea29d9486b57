package importer_test

import (
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// An import is cancelled at every call of a worker whose task is not the only one: the worker that
// stops last ends the job. Otherwise the job would stay open, and its source locked, until leases
// expire.
func TestACancelledJobEndsWithItsLastWorker(t *testing.T) {
	t.Parallel()
	calls := 1
	for ; cancelledAt(t, calls); calls++ {
	}
	if calls < 8 {
		t.Errorf("the worker made only %d calls", calls-1)
	}
}

// cancelledAt cancels before the worker's n-th call; it is false if there is no such call.
func cancelledAt(t *testing.T, n int) (cut bool) {
	t.Helper()
	left, cancel := -1, func() {}
	l := newLine(mem.New(mem.Options{Before: func(mem.Op, int) error {
		if left--; left == 0 {
			cancel()
		}
		return nil
	}}), objects.Mem(), 1000, 1)
	src := l.source(t, "A")
	csv := "Name,External ID\n" + strings.Repeat("Somebody,id\n", 500)
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, []input{{name: "customers.csv", body: []byte(csv)}})})
	if err != nil {
		t.Fatal(err)
	}
	first := l.queue[0]
	l.queue = nil
	if err := l.Handle(t.Context(), first); err != nil { // sends the pieces
		t.Fatal(err)
	}
	if len(l.queue) < 2 {
		t.Fatalf("%d pieces", len(l.queue))
	}
	last := l.queue[len(l.queue)-1]
	l.queue = nil
	cancel = func() {
		cut = true
		if _, err := l.Cancel(t.Context(), j.ID); err != nil {
			t.Error(err)
		}
		if err := l.drain(t.Context()); err != nil { // all other workers see it
			t.Error(err)
		}
	}
	left = n
	if err := l.Handle(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	left = -1
	if err := l.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j, err = l.ledger.Get(t.Context(), j.ID); err != nil || cut && j.Status != job.Cancelled {
		t.Errorf("cancelled before call %d, the job is %s, %v", n, j.Status, err)
	}
	return cut
}

// The answer to a cancel is true. If it says that the import is cancelled, the import ends as
// cancelled, even if all its rows are written. If it comes too late, it says so. The cancel comes
// at every call of the table, up to the last.
func TestACancelIsAnsweredTruly(t *testing.T) {
	t.Parallel()
	for name, small := range map[string]int64{"small": 1 << 20, "large": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, all := 1, 0
			for ; ; n++ {
				cut, whole := answered(t, n, small)
				if !cut {
					break
				}
				if whole {
					all++
				}
			}
			if n < 10 || all == 0 {
				t.Errorf("%d calls, after %d of which all rows were written", n, all)
			}
		})
	}
}

// answered cancels an import before its n-th call, if it makes so many, and reports whether it had
// written all rows by then.
func answered(t *testing.T, n int, small int64) (cut, whole bool) {
	t.Helper()
	left, cancel := -1, func() {}
	l := newLine(mem.New(mem.Options{Before: func(mem.Op, int) error {
		if left--; left == 0 {
			cancel()
		}
		return nil
	}}), objects.Mem(), 1<<20, small)
	src := l.source(t, "A")
	csv := "Name,External ID\nAda,c1\nEve,c2\n"
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, []input{{name: "customers.csv", body: []byte(csv)}})})
	if err != nil {
		t.Fatal(err)
	}
	var told error
	cancel = func() {
		cut = true
		_, told = l.Cancel(t.Context(), j.ID)
	}
	left = n
	j = l.finished(t, j.ID)
	left = -1
	switch {
	case !cut:
	case told == nil && j.Status != job.Cancelled, told != nil && (fault.CodeOf(told) != "job_ended" || j.Status != job.Done):
		t.Errorf("cancelled before call %d: %v, and the job is %s: %s", n, told, j.Status, counts(j))
	}
	return cut, told == nil && strings.Contains(strings.Join(j.Notes, ""), "2 of 2 changes")
}
