package importer_test

import (
	"strings"
	"testing"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store/mem"
)

// TestACancelledJobEndsWithItsLastWorker: who cancels takes the tasks that nobody is at. That must not stop the worker
// which ends later from ending the job, else it stays open until leases run out.
func TestACancelledJobEndsWithItsLastWorker(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 1000, 1)
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
	last := l.queue[len(l.queue)-1]
	if len(l.queue) < 2 {
		t.Fatalf("%d pieces", len(l.queue))
	}
	l.queue = nil
	busy, err := l.ledger.Claim(t.Context(), job.Task{Job: j.ID, ID: last.Task}, l.ledger.NewHolder())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := l.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j, err = l.ledger.Get(t.Context(), j.ID); err != nil || j.Status != job.Running {
		t.Fatalf("while somebody is at a task the job is %s, %v", j.Status, err)
	}
	if err := l.ledger.Release(t.Context(), busy); err != nil {
		t.Fatal(err)
	}
	if err := l.Handle(t.Context(), importer.Message{Job: j.ID}); err != nil { // as who stops does
		t.Fatal(err)
	}
	if j, err = l.ledger.Get(t.Context(), j.ID); err != nil || j.Status != job.Cancelled {
		t.Errorf("the last worker has stopped, and the job is %s, %v", j.Status, err)
	}
}
