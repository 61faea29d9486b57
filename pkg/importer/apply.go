package importer

import (
	"context"
	"errors"
	"slices"
	"time"
)

// reserve is how long before a deadline a worker stops, so that no request of
// it is under way when its lease or its process ends.
const reserve = 8 * time.Second

// errStopped says that a worker stopped in time, with work left for the next.
var errStopped = errors.New("importer: stopped before the deadline")

// Which changes of a set are to be made.
func removals(c *change) bool { return len(c.after) == 0 }
func puts(c *change) bool     { return len(c.after) > 0 }
func all(*change) bool        { return true }

// lookAfter is after how many changes a worker looks whether it has to stop.
const lookAfter = 500

// saveEvery is how many changes may have to be written again after a crash.
const saveEvery = 50_000

// apply makes those changes of a set true in the table that it is asked for, from
// number done on. It calls saved with the number of changes that are durable, now and then and when
// it stops before ctx's deadline (errStopped). Doing any of it again is harmless.
func (w *work) apply(ctx context.Context, id setID, which func(*change) bool, done int, saved func(int) error) (summary, error) {
	set, err := openChanges(ctx, w.objects, id.object(w.job.ID))
	if err != nil {
		return summary{}, err
	}
	defer set.close()
	// Two writers: records come in the order of their keys, and stay so.
	records, pointers := w.store.Writer(ctx), w.store.Writer(ctx)
	flush := func() error { return errors.Join(records.Flush(), pointers.Flush()) }
	seen, unsaved := 0, 0
	_, err = set.each(ctx, func(c *change) error {
		if !which(c) {
			return nil
		}
		if seen++; seen <= done {
			return nil
		}
		w.writes = appendWrites(w.writes[:0], w.hasher, w.parts, c)
		if err := errors.Join(records.Add(w.writes[0]), pointers.Add(w.writes[1:]...)); err != nil {
			return err
		}
		unsaved++
		stop := error(nil)
		if seen%lookAfter == 0 {
			stop = w.interrupted(ctx)
		}
		if stop == nil && unsaved < saveEvery {
			return nil
		}
		unsaved = 0
		if err := flush(); err != nil {
			return err
		}
		return errors.Join(saved(seen), stop)
	})
	// After an error too: no write may be on its way any more when the task is given back (I7).
	if flushed := flush(); err == nil {
		err = flushed
	}
	return summary{Applied: int64(seen)}, err
}

// applyAll makes all change sets of a small import true.
func (w *work) applyAll(ctx context.Context, saved func(int) error) (sum summary, err error) {
	apply := func(stage int, which func(*change) bool) error {
		part, err := w.apply(ctx, setID{stage: stage}, which, 0, saved)
		sum.add(part)
		return err
	}
	if w.job.Import.Removes {
		for _, stage := range slices.Backward(stages(w.job)) {
			if err := apply(stage, removals); err != nil {
				return sum, err
			}
		}
	}
	for _, stage := range stages(w.job) {
		if err := apply(stage, puts); err != nil {
			return sum, err
		}
	}
	return sum, nil
}
