package importer_test

import (
	"strings"
	"testing"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store/mem"
)

// TestACancelledJobEndsWithItsLastWorker cancels an import at every call that a worker makes, whose task is not the only
// one: whoever stops last ends the job. Else it would stay open, and its source locked, until leases run out.
func TestACancelledJobEndsWithItsLastWorker(t *testing.T) {
	t.Parallel()
	calls := 1
	for ; cancelledAt(t, calls); calls++ {
	}
	if calls < 8 {
		t.Errorf("the worker made only %d calls", calls-1)
	}
}

// cancelledAt cancels before the worker's n-th call; it is false if there is none.
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
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Files: l.put(t.Context(), t, []input{{name: "customers.csv", body: []byte(csv)}})})
	if err != nil {
		t.Fatal(err)
	}
	first := l.queue[0]
	l.queue = nil
	if err := l.Handle(t.Context(), first); err != nil { // hands out the pieces
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
