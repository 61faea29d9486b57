package importer_test

import (
	"testing"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// Progress is read after every message of an import in pieces, and of its undo: it never goes back,
// and never beyond the end.
func TestProgressNeverGoesBackNorTooFar(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 2000, 1)
	src := l.source(t, "A")
	files := folder(t, "twelve")
	j, err := l.Submit(t.Context(), importer.Request{Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, files)})
	if err != nil {
		t.Fatal(err)
	}
	if looks := l.watch(t, j, 432); looks < 20 {
		t.Errorf("only %d looks at the import", looks)
	}
	if j, err = l.Undo(t.Context(), j.ID, importer.UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	if looks := l.watch(t, j, 432); looks < 5 {
		t.Errorf("only %d looks at the undo", looks)
	}
}

// watch works on a job of this many rows, all of which change, and checks its progress after every
// message.
func (l *line) watch(t *testing.T, j *job.Job, rows int64) (looks int) {
	t.Helper()
	var before job.Progress
	for len(l.queue) > 0 {
		m := l.queue[0]
		l.queue = l.queue[1:]
		if err := l.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		now, err := l.ledger.Get(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.Status != job.Running {
			continue
		}
		looks++
		if err := l.Progress(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		p := now.Progress
		switch {
		case p.RowsDone < before.RowsDone, p.BytesDone < before.BytesDone, p.ItemsDone < before.ItemsDone, p.Fraction < before.Fraction:
			t.Errorf("%s: after %+v it is %+v", now.Stage, before, p)
		case p.RowsDone > rows, p.BytesDone > p.BytesTotal, p.ItemsDone > rows, p.ItemsTotal > rows, p.Fraction > 1:
			t.Errorf("%s: %+v of %d rows", now.Stage, p, rows)
		}
		before = p
	}
	if before.Fraction < 0.5 || before.ItemsTotal != rows {
		t.Errorf("in the end it is %+v", before)
	}
	return looks
}
