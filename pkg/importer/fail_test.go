package importer_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// One worker makes an import fail at every call of another worker that is in the middle of its
// task. The source stays locked until the other worker has stopped (I7), and then the job ends.
func TestAFailedJobEndsWithItsLastWorker(t *testing.T) {
	t.Parallel()
	calls := int64(1)
	for ; failedAt(t, calls); calls++ {
	}
	if calls < 8 {
		t.Errorf("the worker made only %d calls", calls-1)
	}
}

// failedAt erases the source before the worker's n-th call, so that all other workers fail; it is
// false if there is no such call.
func failedAt(t *testing.T, n int64) (cut bool) {
	t.Helper()
	var left atomic.Int64
	var writes func()
	fail := func() {}
	l := newLine(mem.New(mem.Options{Before: func(op mem.Op, _ int) error {
		if left.Add(-1) == 0 {
			fail()
		}
		if op == mem.Write {
			writes()
		}
		return nil
	}}), objects.Mem(), 1000, 1)
	writes = func() {}
	src := l.source(t, "A")
	id := l.applying(t, src)
	others := l.queue
	last := others[len(others)-1]
	fail = func() {
		cut = true
		l.erased(t, src)
		l.queue = others[:len(others)-1]
		if err := l.drain(t.Context()); err != nil {
			t.Error(err)
		}
	}
	writes = func() {
		if j, err := l.ledger.Get(t.Context(), id); err != nil || j.Status.Ended() {
			t.Errorf("failed before call %d: a worker writes beside whoever has the source now: %v", n, err)
		}
	}
	left.Store(n)
	if err := l.Handle(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	left.Store(0)
	if !cut {
		return false
	}
	if err := l.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, err := l.ledger.Get(t.Context(), id)
	if err != nil || j.Status != job.Failed || !strings.Contains(j.Error, "erased") || j.Import.Failing != "" {
		t.Errorf("failed before call %d, the job is %s (%s), %v", n, j.Status, j.Error, err)
	}
	if holder, err := l.ledger.Holder(t.Context(), src.Tag); err != nil || holder != "" {
		t.Errorf("failed before call %d, the source is still locked: %v", n, err)
	}
	return true
}

// applying runs an import until its rows are about to be put, by many tasks, whose messages are in
// the queue.
func (l *line) applying(t *testing.T, src store.Source) (id string) {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("Name,External ID\n")
	for i := range 500 {
		_, _ = fmt.Fprintf(&csv, "Somebody,c%d\n", i)
	}
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, []input{{name: "customers.csv", body: []byte(csv.String())}})})
	if err != nil {
		t.Fatal(err)
	}
	for len(l.queue) < 2 || !strings.Contains(l.queue[0].Task, " put/") {
		m := l.queue[0]
		l.queue = l.queue[1:]
		if err := l.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return j.ID
}

// erased removes a source from the directory.
func (l *line) erased(t *testing.T, src store.Source) {
	t.Helper()
	_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.Remove(src.UUID)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A process dies right after it has noted why a job fails, at every call: a tick ends the job, with
// the same error.
func TestAFailedJobEndsAfterAKill(t *testing.T) {
	t.Parallel()
	calls := 1
	for ; killedAt(t, calls); calls++ {
	}
	if calls < 8 {
		t.Errorf("the worker made only %d calls", calls-1)
	}
}

// killedAt kills the process whose worker finds the source erased at its n-th call; it is false if
// there is no such call.
func killedAt(t *testing.T, n int) bool {
	t.Helper()
	var left atomic.Int64
	var armed, dead atomic.Bool
	d := mem.New(mem.Options{Limits: quick(true), Before: func(mem.Op, int) error {
		if armed.Load() && left.Add(-1) <= 0 {
			dead.Store(true)
			return errCut()
		}
		return nil
	}})
	l := newLine(d, objects.Mem(), 1000, 1)
	src := l.source(t, "A")
	id := l.applying(t, src)
	l.erased(t, src)
	left.Store(int64(n))
	armed.Store(true)
	_ = l.Handle(t.Context(), l.queue[0]) // its process is dead, so its error goes nowhere
	armed.Store(false)
	next := newLine(d, l.objects, 1000, 1)
	for range 3 {
		if err := next.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := next.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if j, err := next.ledger.Get(t.Context(), id); err != nil || j.Status != job.Failed || !strings.Contains(j.Error, "erased") {
		t.Errorf("killed at call %d, the job is %s (%s), %v", n, j.Status, j.Error, err)
	}
	return dead.Load()
}
