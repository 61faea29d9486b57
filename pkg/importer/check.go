package importer

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// A plan is applied only if it is still what is to be done. Every item that it changes must be as
// it was; so must the customers and invoices that its rows belong to, and the rows that hold their
// external ids (see ground.go). The plans that its rows name must exist, and no new rows may belong
// to what it removes. Other changes to the source do not matter, except erases: what they erased
// may be what the plan brings.

// errOutdated refuses to apply a plan because what it rests on has changed.
func errOutdated(why string) error {
	return fault.Newf(fault.Conflict, job.Outdated, "%s since this plan was made. Nothing was written; make a new plan.", why)
}

// unmoved refuses a plan if data of its source was erased after the plan was made. A plan of an
// older version, which has no ground, is refused if any other job has written to the source since.
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
		case o.Kind == job.Erase && erasedSince(o, j):
			return errOutdated("Data of this source has been erased")
		case o.Import != nil && !j.Import.Ground && wroteSince(o, j):
			return errOutdated("Another import or undo of this source has run")
		}
	}
	return nil
}

// erasedSince reports whether an erase has hidden data of the source since the plan j was made. An
// erase hides the data before its job starts. Restored data is visible again, and a failed erase
// hides nothing.
func erasedSince(o, j *job.Job) bool {
	if o.Status == job.Restored || o.Status == job.Failed {
		return false
	}
	return o.ID > j.ID || !o.StartedAt.IsZero() && !o.StartedAt.Before(j.CreatedAt)
}

// wroteSince reports whether an import or undo may have written since the plan j was made. Jobs of
// one source take turns (I7), so only later jobs, and older plans that were applied since, can have
// run.
func wroteSince(o, j *job.Job) bool {
	return o.Wrote() && !o.StartedAt.IsZero() && (o.ID > j.ID || !o.StartedAt.Before(j.CreatedAt))
}

// siblings yields the other jobs of the same source, newest first.
func (im *Importer) siblings(ctx context.Context, j *job.Job) iter.Seq2[*job.Job, error] {
	const page = 100
	return func(yield func(*job.Job, error) bool) {
		for o, err := range im.c.Ledger.All(ctx, page, "") {
			if err != nil {
				yield(nil, err)
				return
			}
			if concerns(o, j.Tag) && o.ID != j.ID && !yield(o, nil) {
				return
			}
		}
	}
}

// concerns reports whether a job belongs to a source, or erases a merged customer that has records
// in it.
func concerns(o *job.Job, tag store.Tag) bool {
	if o.Tag == tag {
		return true
	}
	return o.Erase != nil && o.Tag == 0 && slices.ContainsFunc(o.Erase.Records, func(r job.ErasedRecord) bool { return r.Tag == tag })
}

// check checks one key range of one stage of a plan. It writes nothing.
func (im *Importer) check(ctx context.Context, w *work, stage, keyRange int) error {
	c := &checker{w: w, stage: stage}
	defer c.close()
	if err := c.begin(ctx, keyRange); err != nil {
		return err
	}
	if err := c.all(ctx, keyRange); err != nil {
		return err
	}
	sum, err := im.sums(ctx, w.job)
	if err != nil {
		return err
	}
	for _, name := range sum.Ground {
		if strings.HasPrefix(name, groundDir(w.job.ID)+fmt.Sprintf("%d-%02x-", stage, keyRange)) {
			if err := w.checkGround(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// checker compares the changes of one key range with what is stored now.
type checker struct {
	w          *work
	stage      int
	changes    []change
	dependents []*dependentChanges
	named      map[string]bool
}

func (c *checker) begin(ctx context.Context, keyRange int) (err error) {
	sets, there, err := c.w.openSets(ctx, c.w.job, c.stage, keyRange)
	if err != nil {
		return err
	}
	sets.close()
	switch {
	case there == 0: // an erase deleted the change sets, since they may hold erased data
		return errOutdated("Data of this source has been erased")
	case namesPlans(c.stage):
		return c.w.loadPlans(ctx)
	case !c.w.job.Import.Removes:
		return nil
	case c.stage == stageCustomers:
		c.dependents, err = c.w.openDependents(ctx, keyRange)
	case c.stage == stagePlans:
		c.named, err = c.w.loadNamed(ctx)
	}
	return err
}

func (c *checker) close() {
	for _, t := range c.dependents {
		t.close()
	}
}

// all checks all changes.
func (c *checker) all(ctx context.Context, keyRange int) error {
	if c.stage == stageEdits {
		return c.w.checkEdits(ctx, keyRange)
	}
	if err := c.w.eachOwn(ctx, c.stage, keyRange, func(ch *change) error { return c.take(ctx, ch) }); err != nil {
		return err
	}
	return c.block(ctx)
}

// take takes the next change. An invoice and its parts are in one block.
func (c *checker) take(ctx context.Context, ch *change) error {
	if removals(ch) && !c.w.job.Import.Removes {
		return nil
	}
	if n := len(c.changes); n >= blockSize && !store.Together(c.changes[n-1].sk, ch.sk) {
		if err := c.block(ctx); err != nil {
			return err
		}
	}
	c.changes = append(c.changes, *ch)
	return nil
}

// block checks the collected changes, in key order.
func (c *checker) block(ctx context.Context) error {
	if err := c.w.interrupted(ctx); err != nil {
		return err
	}
	stored, err := c.w.storedUnder(ctx, c.changes)
	if err != nil {
		return err
	}
	var going []string
	for i := range c.changes {
		ch := &c.changes[i]
		switch plan := ch.after.Str(store.AttrPlan); {
		case string(stored[i]) != string(ch.before):
			return errOutdated("Rows that it changes have changed")
		case plan != "" && !c.w.knowsPlan(plan):
			return errOutdated("Plans that its rows name have been removed")
		case removals(ch):
			going = append(going, ch.sk)
		}
	}
	c.changes = c.changes[:0]
	return c.unneeded(ctx, going)
}

// unneeded checks that no row that stays belongs to a row that is to go.
func (c *checker) unneeded(ctx context.Context, going []string) (err error) {
	needed := c.named
	if hasDependents(c.stage) {
		if needed, err = c.w.needed(ctx, going, c.dependents); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(going, func(sk string) bool { return needed[sk] }) {
		return errOutdated("Rows have come that belong to what it removes")
	}
	return nil
}
