package importer

import (
	"context"
	"errors"
	"slices"
	"time"

	"reseed/pkg/store"
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
	var (
		seen, unsaved int
		batch         []store.Write
		// A record has at most one pointer put and one removed beside it.
		full = w.store.BatchSize() * w.store.Parallel()
	)
	flush := func() error {
		err := w.store.Write(ctx, batch)
		batch = batch[:0]
		return err
	}
	_, err = set.each(ctx, func(c *change) error {
		if !which(c) {
			return nil
		}
		if seen++; seen <= done {
			return nil
		}
		unsaved++
		if batch = appendWrites(batch, w.hasher, w.parts, c); len(batch) < full {
			return nil
		}
		if err := flush(); err != nil {
			return err
		}
		if err := w.interrupted(ctx); err != nil {
			return errors.Join(saved(seen), err)
		}
		if unsaved >= saveEvery {
			unsaved = 0
			return saved(seen)
		}
		return nil
	})
	if err == nil {
		err = flush()
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
