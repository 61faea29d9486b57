package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/table"
)

// errEnding says that a worker stopped because its job is about to end: it was cancelled, or it
// fails.
var errEnding = errors.New("importer: the job is to end")

// goesOn is nil if a job is running and not about to end, else the error for a worker of it.
func goesOn(j *job.Job) error {
	switch {
	case j.Status != job.Running:
		return errStopped
	case j.State().Stops():
		return errEnding
	}
	return nil
}

// Cancel ends an import that waits, runs, or is planned. A job that waits or is planned is
// cancelled at once. A running job ends as soon as its workers have stopped, so that none of them
// writes when the next job begins (I7). What it has changed by then stays, and Undo can take it
// back. If the job has ended, the error is fault.Conflict.
func (im *Importer) Cancel(ctx context.Context, id string) (*job.Job, error) {
	if _, err := im.c.Store.Directory(ctx); err != nil { // the account may be moving
		return nil, err
	}
	j, err := im.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		switch s := j.State(); {
		case j.Import == nil:
			return errNoImport()
		case j.Status == job.Planned:
			return errPlanned
		case j.Status.Ended():
			return fault.Newf(fault.Conflict, "job_ended", "the import has ended already: it is %s", j.Status)
		case s == job.StateFailing, s == job.StateFailingHalfway:
			return fault.New(fault.Conflict, "job_ended", "the import is already ending: it has failed")
		}
		j.Import.Cancel = true
		return nil
	})
	switch {
	case errors.Is(err, errPlanned):
		return im.drop(ctx, id)
	case err != nil:
		return nil, err
	case j.Status == job.Waiting:
		err = im.endStopped(ctx, j.ID)
	default:
		err = im.send(ctx, j)
	}
	if err != nil {
		return nil, err
	}
	return im.c.Ledger.Get(ctx, id)
}

// Supersede cancels a plan that a newer one replaces, and people are not told. If the plan is no longer
// one, since somebody has applied or cancelled it, Supersede does nothing.
func (im *Importer) Supersede(ctx context.Context, id string) error {
	_, err := im.end(ctx, id, func(j *job.Job) error {
		if j.Status != job.Planned {
			return errStopped
		}
		j.Status, j.Quiet, j.Notes = job.Cancelled, true, append(j.Notes, "A newer plan has replaced this one; nothing was changed.")
		return nil
	})
	if errors.Is(err, errStopped) || fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// errPlanned says that a job is a plan, which has no workers that must stop.
var errPlanned = errors.New("importer: the job is a plan")

// drop cancels a plan. If another request applies it meanwhile, drop cancels the running job.
func (im *Importer) drop(ctx context.Context, id string) (*job.Job, error) {
	j, err := im.end(ctx, id, func(j *job.Job) error {
		if j.Status != job.Planned {
			return errStopped
		}
		j.Status, j.Notes = job.Cancelled, append(j.Notes, nothingChanged)
		return nil
	})
	if errors.Is(err, errStopped) || err == nil && j.Status != job.Cancelled {
		return im.Cancel(ctx, id)
	}
	return j, err
}

const nothingChanged = "Cancelled before anything was changed."

// endStopped ends a job that was cancelled or fails, once no worker has a task of it: each worker
// calls it when it stops, and so does the tick.
func (im *Importer) endStopped(ctx context.Context, id string) error {
	j, tasks, err := im.c.Ledger.TakeAll(ctx, id)
	if err != nil || j == nil {
		return err
	}
	return im.endTaken(ctx, j, tasks)
}

// endTaken ends a job after TakeAll has claimed all of its undone tasks.
func (im *Importer) endTaken(ctx context.Context, j *job.Job, tasks []job.Task) error {
	err := im.tidy(ctx, j, tasks)
	sum, sumErr := im.sums(ctx, j)
	if err = errors.Join(err, sumErr); err != nil {
		if j.Import.Failing == "" || ctx.Err() != nil || temporary(err) {
			return err
		}
		im.c.Log.Error("a failed import is not tidied up", "job", j.ID, "error", err.Error())
	}
	applied := appliedBy(tasks)
	_, err = im.end(ctx, j.ID, func(j *job.Job) error {
		j.Cost = sum.cost
		j.Progress.ItemsDone = applied
		s := j.State()
		if s == job.StateFailing || s == job.StateFailingHalfway {
			j.Status, j.Error, j.Import.Failing = job.Failed, j.Import.Failing, ""
			if s == job.StateFailing { // else the gate has stored them
				j.Datasets, j.Totals = sum.Datasets, sum.Totals
			}
			return nil
		}
		note := nothingChanged
		if s == job.StateCancellingHalfway {
			note = fmt.Sprintf("Cancelled after at least %d of %d changes. They stay; an undo of this job takes them back, and the same files again complete them.",
				applied, sum.Changes)
		}
		j.Status, j.Import.Failing, j.ErrorCode, j.Notes = job.Cancelled, "", "", append(j.Notes, note)
		return nil
	})
	return err
}

// temporary reports whether an error may be gone at the next try.
func temporary(err error) bool { return fault.Is(err, fault.Busy) || fault.Is(err, fault.Unavailable) }

// tidy completes what workers left half done, and deletes the job's runs.
func (im *Importer) tidy(ctx context.Context, j *job.Job, tasks []job.Task) error {
	for _, t := range tasks {
		if t.State == job.TaskDone {
			continue
		}
		r, err := resultOf(t)
		if err == nil {
			err = im.mend(ctx, j, t, r.Done)
		}
		if err != nil {
			return err
		}
	}
	// a waiting job has no runs, and the API function, which cancels it, may lack s3:DeleteObject
	if j.Status != job.Running {
		return nil
	}
	if err := im.dropHalf(ctx, j, tasks); err != nil {
		return err
	}
	if err := im.dropRuns(ctx, j); err != nil {
		return err
	}
	return im.dropGround(ctx, j)
}

// dropHalf deletes what is of no use: files that were unpacked for a job that never began to read
// them, and rejects that are not complete, or whose job was cancelled before it changed anything.
func (im *Importer) dropHalf(ctx context.Context, j *job.Job, tasks []job.Task) error {
	s := j.State()
	half := s == job.StateCancelling || s == job.StateCancellingHalfway || slices.ContainsFunc(tasks, func(t job.Task) bool {
		_, step, _ := splitTask(t.ID)
		return step == stepRejects && t.State != job.TaskDone
	})
	var err error
	if half && !j.Wrote() {
		_, err = im.c.Objects.DeleteAll(ctx, rejectsDir(j.ID))
	}
	if (!j.Import.Scanned || pulled(j)) && err == nil {
		err = im.DropInput(ctx, j)
	}
	return err
}

// appliedBy is how many changes these tasks have made, at least.
func appliedBy(tasks []job.Task) (n int64) {
	for _, t := range tasks {
		if _, step, _ := splitTask(t.ID); step == stepUnpack { // it counts attempts, not changes
			continue
		}
		r, _ := resultOf(t)         // sums reports a result that cannot be read
		if r.Summary.Applied == 0 { // stopped halfway: what it last saved
			r.Summary.Applied = int64(r.Done)
		}
		n += r.Summary.Applied
	}
	return n
}

// mend writes the pointers of the records that an undone task has changed: a worker that was killed
// may not have written them, and no other worker will.
func (im *Importer) mend(ctx context.Context, j *job.Job, t job.Task, done int) error {
	stage, step, n := splitTask(t.ID)
	ids, passes := []setID{{stage, n, passOf(j, step)}}, []func(*change) bool{all}
	switch step {
	case stepRemove:
		passes[0] = removals
	case stepPut:
		passes[0] = puts
	case stepTakeBack, stepPutBack:
	case stepApply: // a pointer that moves is removed before it is put
		ids, passes = changeSets(j), []func(*change) bool{removals, puts}
	default:
		return nil
	}
	// This may take long. A worker that takes the task over meanwhile mends it too, and may end the
	// job (I7).
	t, err := im.c.Ledger.Claim(ctx, t, t.Holder)
	if err != nil {
		return err
	}
	kept, stop := context.WithCancel(ctx)
	defer stop()
	lease := im.c.Ledger.Keep(kept, t)
	return im.mendSets(lease.Context(), j, ids, passes, done) //nolint:contextcheck // the lease's context is ctx, as long as the lease holds
}

func (im *Importer) mendSets(ctx context.Context, j *job.Job, ids []setID, passes []func(*change) bool, done int) error {
	w, err := im.newWork(ctx, j)
	if err != nil {
		if code := fault.CodeOf(err); code == codeErased || code == job.CodeEmptied {
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
	if id.stage == stageEdits { // an edit and its pointers are written in one transaction
		return nil
	}
	set, err := openChanges(ctx, w.objects, id.object(w.job.ID))
	if fault.Is(err, fault.NotFound) { // not decided yet, or erased
		return nil
	}
	if err != nil {
		return err
	}
	defer set.close()
	var block []change
	seen := 0
	// The worker changed no more than this since it last saved how far it was.
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
	var pointers []table.Write
	for i := range block {
		if c := &block[i]; string(stored[i]) == string(c.after) {
			pointers = append(pointers, appendWrites(nil, w.hasher, w.parts, c)[1:]...)
		}
	}
	return w.store.Write(ctx, pointers)
}
