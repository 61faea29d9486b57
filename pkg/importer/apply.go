package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// reserve is how long before a deadline a worker stops, so that no request of
// it is under way when its lease or its process ends.
const reserve = 8 * time.Second

// errStopped says that a worker stopped in time, with work left for the next.
var errStopped = errors.New("importer: stopped before the deadline")

func changesName(jobID string, stage, keyRange int) string {
	return fmt.Sprintf("%schanges/%d-%02x.zst", jobDir(jobID), stage, keyRange)
}

// applyRange merges a key range unless its change set exists already, stores
// the set, and makes it true in the table from change number done on. It calls
// saved with the number of changes that are durable, now and then and when it
// stops before ctx's deadline (errStopped).
func (w *work) applyRange(ctx context.Context, stage, keyRange, done int, saved func(int) error) (summary, error) {
	name := changesName(w.job.ID, stage, keyRange)
	in, err := w.objects.Open(ctx, name, "", 0, -1)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		if err := w.writeChanges(ctx, stage, keyRange, name); err != nil {
			return summary{}, err
		}
		in, err = w.objects.Open(ctx, name, "", 0, -1)
	}
	if err != nil {
		return summary{}, err
	}
	defer func() { _ = in.Close() }()
	return w.applyChanges(ctx, in, done, saved)
}

// writeChanges merges and stores the change set, whole or not at all. Whoever
// comes second finds it there and uses it.
func (w *work) writeChanges(ctx context.Context, stage, keyRange int, name string) error {
	file, err := w.objects.Create(ctx, name)
	if err != nil {
		return unlessThere(err)
	}
	defer file.Abort() // has no effect once closed
	out, err := newChangeWriter(file)
	if err != nil {
		return err
	}
	_, rejects, err := w.merge(ctx, stage, keyRange, out)
	if err != nil {
		return err
	}
	if len(rejects) > 0 {
		if err := w.rejects.write(ctx, rejectRun(stage, fmt.Sprintf("merge-%02x", keyRange)), rejects); err != nil {
			return err
		}
	}
	return unlessThere(file.Close())
}

func unlessThere(err error) error {
	if err != nil && fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}

// batchChanges is how many changes go into one call of the store: a record has at most
// one pointer put and one removed beside it.
func (w *work) batchChanges() int { return max(1, w.store.BatchSize()/2) * w.store.Parallel() }

func (w *work) applyChanges(ctx context.Context, in io.Reader, done int, saved func(int) error) (summary, error) {
	var (
		batch   []store.Write
		seen    int
		size    = w.batchChanges()
		unsaved int
	)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := w.store.Write(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
		if unsaved >= saveEvery {
			unsaved = 0
			return saved(seen)
		}
		return nil
	}
	sum, err := readChanges(ctx, in, func(c change) error {
		if seen++; seen <= done {
			return nil
		}
		unsaved++
		batch = appendWrites(batch, w.hasher, w.parts, c)
		if len(batch) < 2*size {
			return nil
		}
		if err := flush(); err != nil {
			return err
		}
		if w.late(ctx) {
			return errors.Join(saved(seen), errStopped)
		}
		return nil
	})
	if err != nil {
		return sum, err
	}
	return sum, flush()
}

// saveEvery is how many changes may have to be written again after a crash.
const saveEvery = 50_000

// late tells whether ctx's deadline is near.
func (w *work) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Sub(w.clock()) < reserve
}
