package importer

import (
	"context"
	"errors"
	"io"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// errOutdated refuses to apply a plan whose ground has moved.
func errOutdated(why string) error {
	return fault.Newf(fault.Conflict, "plan_outdated", "%s since this plan was made. Nothing was written; make a new plan.", why)
}

// unmoved refuses a plan if anything was removed from its source since it was made, by an erase, an undo or a
// replace: the records that its new rows hang on may be among it. One that removes rows is refused too if any were put since:
// they may hang on what it removes. Jobs of one source take turns (I7): those made later can have run since, and
// older plans that were applied since.
func (im *Importer) unmoved(ctx context.Context, j *job.Job) error {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	if dir.ManualEpoch != j.Import.ManualEpoch {
		return errOutdated("Manual customers have been erased")
	}
	for o, err := range im.siblings(ctx, j) {
		switch {
		case err != nil:
			return err
		case !since(o, j):
		case o.Kind == job.Erase:
			return errOutdated("Data of this source has been erased")
		case o.Import == nil || !o.Import.Applying:
		case o.Import.Removes || o.Import.Undo != "":
			return errOutdated("Rows of this source have been removed")
		case j.Import.Removes && putRows(o) > 0:
			return errOutdated("Rows have been added or changed that may belong to what it removes")
		}
	}
	return nil
}

// since tells whether a job has changed the source since the plan j was made, or has hidden data of it.
func since(o, j *job.Job) bool {
	switch {
	case o.Kind == job.Erase && o.ID > j.ID: // it hides before it starts
		return o.Status != job.Restored
	case o.StartedAt.IsZero():
		return false
	}
	return o.ID > j.ID || !o.StartedAt.Before(j.CreatedAt)
}

// putRows is how many rows a job has added and changed.
func putRows(j *job.Job) (n int64) {
	for _, c := range j.Datasets {
		n += c.Added + c.Changed
	}
	return n
}

// check compares what a planned change set rests on with what is stored now: every item
// must still be as it was before. It writes nothing.
func (w *work) check(ctx context.Context, stage, keyRange int) error {
	set, err := openChanges(ctx, w.objects, setID{stage: stage, keyRange: keyRange}.object(w.job.ID))
	if fault.KindOf(err) == fault.NotFound && err != nil { // an erase took it: it may name what was erased
		return errOutdated("Data of this source has been erased")
	}
	if err != nil {
		return err
	}
	defer set.close()
	var block []change
	for {
		c, err := set.next()
		last := errors.Is(err, io.EOF)
		switch {
		case last:
		case err != nil:
			return err
		case puts(&c), w.job.Import.Removes:
			block = append(block, c)
		}
		if len(block) < blockSize && !last {
			continue
		}
		if err := w.unchanged(ctx, block); err != nil || last {
			return err
		}
		block = block[:0]
		if err := w.interrupted(ctx); err != nil {
			return err
		}
	}
}

// unchanged checks some changes in key order.
func (w *work) unchanged(ctx context.Context, block []change) error {
	stored, err := w.storedUnder(ctx, block)
	if err != nil {
		return err
	}
	for i := range block {
		if string(stored[i]) != string(block[i].before) {
			return errOutdated("Rows that it changes have changed")
		}
	}
	return w.untaken(ctx, block)
}

// untaken checks that no other row has been given the external id of one that is to be added. In a plan that removes
// rows the holder may be one of those, which moves; and unmoved has seen that no row was put since.
func (w *work) untaken(ctx context.Context, block []change) error {
	if w.job.Import.Removes {
		return nil
	}
	var sks []string
	for i := range block {
		if block[i].before != nil {
			continue
		}
		for _, p := range pointersOf(w.hasher, block[i].sk, block[i].after) {
			if p.sk[:len(store.SKExternal)] == store.SKExternal {
				sks = append(sks, p.sk)
			}
		}
	}
	slices.Sort(sks)
	stored, err := w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i, sk := range sks {
		if w.present(sk, stored[i]) != nil {
			return errOutdated("External IDs that it gives have been taken")
		}
	}
	return nil
}
