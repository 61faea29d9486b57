package importer

import (
	"context"
	"errors"
	"fmt"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// errCancelled says that a worker stopped because its job was cancelled.
var errCancelled = errors.New("importer: the job was cancelled")

// Cancel ends an import that waits, runs, or is planned. One that waits or is planned is cancelled
// at once. A running one ends as soon as its workers have stopped, so that nobody writes any
// more when the next job has its turn (I7); what it has changed by then stays, and can be taken back with Undo.
// One that has ended already is fault.Conflict.
func (im *Importer) Cancel(ctx context.Context, id string) (*job.Job, error) {
	j, err := im.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		switch {
		case j.Import == nil:
			return errNoImport()
		case j.Status == job.Planned: // it has neither lock nor mark to give back
			j.Status, j.Notes = job.Cancelled, append(j.Notes, nothingChanged)
		case j.Status.Ended():
			return fault.Newf(fault.Conflict, "job_ended", "the import has ended already: it is %s", j.Status)
		default:
			j.Import.Cancel = true
		}
		return nil
	})
	switch {
	case err != nil || j.Status.Ended():
		return j, err
	case j.Status == job.Waiting:
		err = im.endCancelled(ctx, j)
	default:
		err = im.send(ctx, j)
	}
	if err != nil {
		return nil, err
	}
	return im.c.Ledger.Get(ctx, id)
}

const nothingChanged = "Cancelled before anything was changed."

// endCancelled ends a cancelled job once nobody is at it: it takes every undone task itself, so
// that none can begin. While somebody is at one it does nothing; who stops comes here, and so does the tick.
func (im *Importer) endCancelled(ctx context.Context, j *job.Job) error {
	for {
		tasks, err := im.c.Ledger.Tasks(ctx, j.ID, "")
		if err != nil {
			return err
		}
		held, err := im.takeAll(ctx, tasks)
		if err != nil {
			return err
		}
		if held == "" {
			return im.endTaken(ctx, j, tasks)
		}
		// Whoever has it may have stopped, come here, and left because of a task that we had by then.
		t, err := im.c.Ledger.Task(ctx, j.ID, held)
		if err != nil || t.State != job.TaskDone && t.Holder != "" {
			return err
		}
	}
}

// takeAll claims all undone ones among some tasks, or, if somebody else has one, none: then it
// tells which that is.
func (im *Importer) takeAll(ctx context.Context, tasks []job.Task) (held string, err error) {
	holder := im.c.Ledger.NewHolder()
	var taken []job.Task
	for i, t := range tasks {
		if t.State == job.TaskDone {
			continue
		}
		t, err := im.c.Ledger.Claim(ctx, t, holder)
		switch {
		case err == nil:
			taken = append(taken, t)
		case fault.CodeOf(err) == "task_done":
		case fault.KindOf(err) == fault.Busy:
			for _, mine := range taken {
				if err := im.c.Ledger.Release(ctx, mine); err != nil {
					return "", err
				}
			}
			return tasks[i].ID, nil
		default:
			return "", err
		}
		tasks[i] = t
	}
	return "", nil
}

// endTaken ends a cancelled job, all of whose undone tasks are taken.
func (im *Importer) endTaken(ctx context.Context, j *job.Job, tasks []job.Task) error {
	var applied int64
	for _, t := range tasks {
		r, err := resultOf(t)
		if err != nil {
			return err
		}
		if t.State != job.TaskDone {
			if err := im.mend(ctx, j, t.ID, r.Done); err != nil {
				return err
			}
		}
		if r.Summary.Applied == 0 { // stopped half-way: as far as it has saved
			r.Summary.Applied = int64(r.Done)
		}
		applied += r.Summary.Applied
	}
	sum, err := im.sums(ctx, j)
	if err == nil && j.Status == job.Running { // one that waits has none; and who cancels that may have no right to delete
		err = im.dropRuns(ctx, j)
	}
	if err != nil {
		return err
	}
	_, err = im.end(ctx, j.ID, func(j *job.Job) error {
		note := nothingChanged
		if j.Import.Applying {
			note = fmt.Sprintf("Cancelled after at least %d of %d changes. They stay; an undo of this job takes them back, and the same files again complete them.",
				applied, sum.Changes)
		}
		j.Status, j.Cost, j.Notes = job.Cancelled, sum.cost, append(j.Notes, note)
		j.Progress.ItemsDone = applied
		return nil
	})
	return err
}

// mend gives the records that an undone task has changed the pointers that belong to them: a worker that was killed
// may not have come to those, and nobody will any more.
func (im *Importer) mend(ctx context.Context, j *job.Job, task string, done int) error {
	stage, step, n := splitTask(task)
	ids, passes := []setID{{stage: stage, keyRange: n}}, []func(*change) bool{all}
	switch step {
	case stepRemove:
		passes[0] = removals
	case stepPut:
		passes[0] = puts
	case stepTakeBack, stepPutBack:
		ids[0].pass = step
	case stepApply: // a pointer that moves goes before it comes
		ids, passes = changeSets(j), []func(*change) bool{removals, puts}
	default:
		return nil
	}
	w, err := im.newWork(ctx, j)
	if err != nil {
		if code := fault.CodeOf(err); code == codeErased || code == codeEmptied {
			return nil
		}
		return err
	}
	for _, which := range passes {
		for _, id := range ids {
			if err := w.mend(ctx, id, which, done); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) mend(ctx context.Context, id setID, which func(*change) bool, done int) error {
	set, err := openChanges(ctx, w.objects, id.object(w.job.ID))
	if fault.KindOf(err) == fault.NotFound && err != nil { // not decided yet, or erased
		return nil
	}
	if err != nil {
		return err
	}
	defer set.close()
	var block []change
	seen := 0
	// Not more than this was changed since the worker said last how far it was.
	most := done + saveEvery + 2*mostWaiting
	_, err = set.each(ctx, func(c *change) error {
		if !which(c) {
			return nil
		}
		if seen++; seen <= done || seen > most {
			return nil
		}
		if block = append(block, *c); len(block) < blockSize {
			return nil
		}
		err := w.mendBlock(ctx, block)
		block = block[:0]
		return err
	})
	if err != nil {
		return err
	}
	return w.mendBlock(ctx, block)
}

func (w *work) mendBlock(ctx context.Context, block []change) error {
	stored, err := w.storedUnder(ctx, block)
	if err != nil {
		return err
	}
	var pointers []store.Write
	for i := range block {
		if c := &block[i]; string(stored[i]) == string(c.after) {
			pointers = append(pointers, appendWrites(nil, w.hasher, w.parts, c)[1:]...)
		}
	}
	return w.store.Write(ctx, pointers)
}
