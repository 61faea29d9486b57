package importer

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Undo makes the job that takes back a finished import, row by row where nothing has touched
// the row since; the rows that it leaves alone are listed as its rejects. As a plan it stops before anything is written. An
// import that failed or was cancelled half-way can be taken back too, and so can an undo. The error is fault.Conflict while the
// import has not ended, and if an undo of it was begun that has not failed, been cancelled or been undone. A plan of an undo is none
// until it is applied; then the same goes for it.
func (im *Importer) Undo(ctx context.Context, id string, plan bool) (*job.Job, error) {
	for {
		src, undo, link, err := im.prepareUndo(ctx, id, plan)
		if err != nil {
			return nil, err
		}
		// In one transaction, so that the import always names the job that is at it.
		j, err := im.create(ctx, src, undo, link...)
		if !fault.Is(err, fault.Conflict) {
			return j, err
		}
		// The import has changed meanwhile: somebody else takes it back.
	}
}

// prepareUndo gives the job that takes an import back, and the write by which the import says so, unless it is a plan.
func (im *Importer) prepareUndo(ctx context.Context, id string, plan bool) (src store.Source, undo *job.Job, link []table.Write, err error) {
	target, err := im.c.Ledger.Get(ctx, id)
	if err != nil {
		return src, nil, nil, err
	}
	undo = &job.Job{ID: im.c.Ledger.NewID()}
	write, err := im.undoing(ctx, id, undo.ID)
	if err != nil {
		return src, nil, nil, err
	}
	undo.Import = &job.ImportSpec{
		Undo: id, Origin: target.Import.Origin, Mode: target.Import.Mode, Datasets: target.Import.Datasets, Ranges: target.Import.Ranges, Small: target.Import.Small && !hasStage(target, stagePlans),
		Plan: plan, Ground: plan, OnlyAdded: onlyAdded(target), Scanned: true, Epochs: target.Import.Epochs,
	}
	if src, err = im.still(ctx, target); err != nil || plan {
		return src, undo, nil, err
	}
	return src, undo, []table.Write{write}, nil
}

// undoing is the write by which a job that can be taken back says that another one is at it.
func (im *Importer) undoing(ctx context.Context, id, by string) (table.Write, error) {
	return im.c.Ledger.Changed(ctx, id, func(target *job.Job) error {
		if err := im.undoable(ctx, target); err != nil {
			return err
		}
		target.Import.UndoneBy = by
		return nil
	})
}

// onlyAdded tells whether a job has neither changed nor removed rows. One of an older version that ended half-way has no counts.
func onlyAdded(target *job.Job) bool {
	for _, c := range target.Datasets {
		if c.Changed > 0 || c.Removed > 0 {
			return false
		}
	}
	return len(target.Datasets) > 0
}

// still gives the source of a job that is to be taken back. The error is fault.Conflict if what the job has written, or the
// record of it, was erased.
func (im *Importer) still(ctx context.Context, target *job.Job) (store.Source, error) {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return store.Source{}, err
	}
	src, ok := dir.ByTag(target.Tag)
	switch e := target.Import.Epochs; {
	case !ok:
		err = fault.New(fault.Conflict, codeErased, "The data source was erased, and the import with it.")
	case e != (store.Epochs{}) && e != src.Epochs:
		err = fault.New(fault.Conflict, codeEmptied, "The data source was emptied since, and what the import brought went with that.")
	case target.Import.FilesErased:
		err = errChangeSetErased()
	}
	return src, err
}

func (im *Importer) undoable(ctx context.Context, target *job.Job) error {
	switch {
	case target.Import == nil:
		return errNoImport()
	case !target.Status.Ended():
		return fault.New(fault.Conflict, "not_ended", "The import has not ended yet; cancel it first.")
	case target.Status == job.Planned:
		return fault.New(fault.Conflict, "not_applied", "This is a plan that was never applied: there is nothing to undo.")
	case !target.Wrote():
		return fault.New(fault.Conflict, "nothing_changed", "This import ended before it changed anything: there is nothing to undo.")
	case target.Import.UndoneBy == "":
		return nil
	}
	by, err := im.c.Ledger.Get(ctx, target.Import.UndoneBy)
	switch {
	case err != nil:
		return err
	case by.Status == job.Failed, by.Status == job.Cancelled, by.Import.UndoneBy != "": // it may go on, or was itself taken back
		return nil
	case !by.Status.Ended():
		return fault.Newf(fault.Conflict, "undone_already", "Job %s is taking this import back.", by.ID)
	}
	return fault.Newf(fault.Conflict, "undone_already",
		"Job %s has taken this import back already. To try again with the rows that it left alone, undo that job first.", by.ID)
}

// startAnew has an undo that a version before 2026-11-29 began go through all phases again. Those decided and applied each key range of a pass in
// one task, pass by pass. What was decided is not decided again, and what was applied not applied again; the rest is
// decided with what is stored by now.
func (im *Importer) startAnew(ctx context.Context, id string) (*job.Job, error) {
	return im.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		if old(j) {
			j.Import.Stepwise, j.Stage = true, ""
		}
		return nil
	})
}

// old tells whether an undo was begun by a version before 2026-11-29, and not started anew by this one.
func old(j *job.Job) bool {
	return j.Import.Undo != "" && j.Import.Applying && j.Import.Estimate == nil && !j.Import.Stepwise
}

// finishStepwise ends an undo that has had no gate.
func (im *Importer) finishStepwise(ctx context.Context, j *job.Job, sum totals) (*job.Job, error) {
	if err := sum.accounted(j); err != nil {
		return nil, err
	}
	if sum.rejected() > 0 {
		if err := im.writeLeftAlone(ctx, j, sum.Rejects); err != nil {
			return nil, err
		}
	}
	if err := im.dropRuns(ctx, j); err != nil {
		return nil, err
	}
	return im.end(ctx, j.ID, func(j *job.Job) error {
		err := goesOn(j)
		j.Status, j.Datasets, j.Rejects, j.Cost = job.Done, sum.Datasets, sum.rejected(), sum.cost
		j.Progress.RowsDone, j.Progress.ItemsDone, j.Progress.ItemsTotal = sum.read(), sum.Applied, sum.Changes
		return err
	})
}
