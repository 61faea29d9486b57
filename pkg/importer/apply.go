package importer

import (
	"context"
	"errors"
	"time"

	"reseed/pkg/table"
)

// reserve is how long before its deadline a worker stops, so that none of its requests is under way
// when its lease or its process ends.
const reserve = 8 * time.Second

// errStopped says that a worker stopped before its deadline, with work left for the next worker.
var errStopped = errors.New("importer: stopped before the deadline")

// Filters for the changes of a set.
func removals(c *change) bool { return len(c.after) == 0 }
func puts(c *change) bool     { return len(c.after) > 0 }
func all(*change) bool        { return true }

// lookAfter is the number of changes or rows after which a worker looks whether it must stop.
const lookAfter = 500

// saveEvery is how many changes a worker may have to write again after a crash.
const saveEvery = 50_000

// apply writes those changes of a set to the table that which selects, from number done on. It
// calls saved with the number of changes that are durable, from time to time and when it stops
// before ctx's deadline (errStopped). Writing the same changes again is harmless.
func (w *work) apply(ctx context.Context, id setID, which func(*change) bool, done int, saved func(int) error) (summary, error) {
	if id.stage == stageEdits {
		return w.applyEdits(ctx, id, which, done, saved)
	}
	set, err := openChanges(ctx, w.objects, id.object(w.job.ID))
	if err != nil {
		return summary{}, err
	}
	defer set.close()
	out := &changeApplier{w: w, records: w.store.Writer(ctx), pointers: w.store.Writer(ctx)}
	seen, unsaved := 0, 0
	_, err = set.each(ctx, func(c *change) error {
		w.makeWay()
		if !which(c) || spared(w.job.Import, c) {
			return nil
		}
		if seen++; seen <= done {
			return nil
		}
		if err := out.apply(c); err != nil {
			return err
		}
		unsaved++
		var stop error
		if seen%lookAfter == 0 {
			stop = w.interrupted(ctx)
		}
		if stop == nil && unsaved < saveEvery {
			return nil
		}
		unsaved = 0
		if err := out.flush(); err != nil {
			return err
		}
		return errors.Join(saved(seen), stop)
	})
	// Also after an error: no write may be under way when the task is released (I7).
	if flushed := out.flush(); err == nil {
		err = flushed
	}
	return summary{Applied: int64(seen)}, err
}

// changeApplier writes the record of each change first, and its pointers once the record is
// durable. So if a record is as it was before an interrupted change, its pointers are too.
type changeApplier struct {
	w                 *work
	records, pointers *table.Writer
	waiting           []table.Write // pointers whose records may not be durable yet
}

// mostWaiting is how many pointers may wait.
const mostWaiting = 8000

func (a *changeApplier) apply(c *change) error {
	writes := appendWrites(a.w.writes[:0], a.w.hasher, a.w.parts, c)
	a.w.writes = writes
	if err := a.records.Add(writes[0]); err != nil {
		return err
	}
	if a.waiting = append(a.waiting, writes[1:]...); len(a.waiting) < mostWaiting {
		return nil
	}
	return a.release()
}

// release writes the waiting pointers, after the records that they lead to.
func (a *changeApplier) release() error {
	if err := a.records.Flush(); err != nil {
		return err
	}
	err := a.pointers.Add(a.waiting...)
	a.waiting = a.waiting[:0]
	return err
}

// flush returns when everything is durable, or, after an error, when no write is under way any
// more.
func (a *changeApplier) flush() error {
	released := a.release()
	return errors.Join(released, a.pointers.Flush())
}

// applyAll applies all change sets of a small job.
func (w *work) applyAll(ctx context.Context, saved func(int) error) (sum summary, err error) {
	for _, phase := range writePhases(w.job) {
		stage, step := splitPhase(phase)
		which := puts
		if step == stepRemove {
			which = removals
		}
		part, err := w.apply(ctx, setID{stage, 0, passOf(w.job, step)}, which, 0, saved)
		if sum.add(part); err != nil {
			return sum, err
		}
	}
	return sum, nil
}
