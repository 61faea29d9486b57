package importer

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// UndoOptions say how an import is undone.
type UndoOptions struct {
	Plan  bool   // stop before any row is written
	Quiet bool   // people are not told how it ends, or that it waits
	By    string // name of the key of who asks for it; empty if it is not known
}

// Undo makes the job that takes back an import, row by row, where nothing else has changed the row
// since. It lists the rows that it leaves alone as its rejects. With Plan set, the job stops before
// it writes anything. Imports that failed or were cancelled halfway can be undone too, and so can
// undos. The error is fault.Conflict if the import has not ended, or if an undo of it was begun
// that has not failed, been cancelled or been undone. The plan of an undo counts as begun once it
// is applied.
func (im *Importer) Undo(ctx context.Context, id string, opt UndoOptions) (*job.Job, error) {
	for {
		src, undo, link, err := im.prepareUndo(ctx, id, opt)
		if err != nil {
			return nil, err
		}
		// In one transaction, so that the import always names the job that undoes it.
		j, err := im.create(ctx, src, undo, link...)
		if !fault.Is(err, fault.Conflict) {
			return j, err
		}
		// The import has changed meanwhile: another request undoes it.
	}
}

// prepareUndo makes the job that undoes an import, and the write that notes this job at the import,
// unless it is a plan.
func (im *Importer) prepareUndo(ctx context.Context, id string, opt UndoOptions) (src store.Source, undo *job.Job, link []table.Write, err error) {
	target, err := im.c.Ledger.Get(ctx, id)
	if err != nil {
		return src, nil, nil, err
	}
	undo = &job.Job{ID: im.c.Ledger.NewID(), Quiet: opt.Quiet}
	write, err := im.undoing(ctx, id, undo.ID)
	if err != nil {
		return src, nil, nil, err
	}
	undo.Import = &job.ImportSpec{
		Undo: id, Origin: target.Import.Origin, Mode: target.Import.Mode, Datasets: target.Import.Datasets, Ranges: target.Import.Ranges, Small: target.Import.Small && !hasStage(target, stagePlans),
		By: opt.By, Plan: opt.Plan, Ground: opt.Plan, OnlyAdded: onlyAdded(target), Scanned: true, Epochs: target.Import.Epochs,
	}
	if src, err = im.undoSource(ctx, target); err != nil || opt.Plan {
		return src, undo, nil, err
	}
	return src, undo, []table.Write{write}, nil
}

// undoing is the write that notes at a job which other job undoes it. The error is fault.Conflict
// if the job cannot be undone.
func (im *Importer) undoing(ctx context.Context, id, by string) (table.Write, error) {
	return im.c.Ledger.Changed(ctx, id, func(target *job.Job) error {
		if err := im.undoable(ctx, target); err != nil {
			return err
		}
		target.Import.UndoneBy = by
		return nil
	})
}

// onlyAdded reports whether a job has neither changed nor removed rows. A job of an older version
// that ended halfway has no counts: then it is false.
func onlyAdded(target *job.Job) bool {
	for _, c := range target.Datasets {
		if c.Changed > 0 || c.Removed > 0 {
			return false
		}
	}
	return len(target.Datasets) > 0
}

// undoSource returns the source of a job that is to be undone. The error is fault.Conflict if what
// the job wrote, or its change sets, were erased.
func (im *Importer) undoSource(ctx context.Context, target *job.Job) (store.Source, error) {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return store.Source{}, err
	}
	src, ok := dir.ByTag(target.Tag)
	switch e := target.Import.Epochs; {
	case !ok:
		err = fault.New(fault.Conflict, codeErased, "The data source was erased, and the import with it.")
	case e != (store.Epochs{}) && e != src.Epochs:
		err = fault.New(fault.Conflict, job.CodeEmptied, "The data source was emptied since, with what the import brought.")
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
	// may be tried again, or was undone itself
	case by.Status == job.Failed, by.Status == job.Cancelled, by.Import.UndoneBy != "":
		return nil
	case !by.Status.Ended():
		return fault.Newf(fault.Conflict, "undone_already", "Job %s is taking this import back.", by.ID)
	}
	return fault.Newf(fault.Conflict, "undone_already",
		"Job %s has taken this import back already. To try again with the rows that it left alone, undo that job first.", by.ID)
}

// startAnew starts an undo that a version before 2026-11-29 began again from the first phase. That
// version decided and applied each key range of a pass in one task, pass by pass. What it decided
// or applied is not decided or applied again; the rest is decided with what is stored now.
func (im *Importer) startAnew(ctx context.Context, id string) (*job.Job, error) {
	return im.c.Ledger.Update(ctx, id, func(j *job.Job) error {
		if err := goesOn(j); err != nil {
			return err
		}
		if ungatedUndo(j) {
			j.Import.Stepwise, j.Stage = true, ""
		}
		return nil
	})
}

// ungatedUndo reports whether a version before 2026-11-29 began this undo, and this version has not
// started it again.
func ungatedUndo(j *job.Job) bool {
	return j.Import.Undo != "" && j.Import.Applying && j.Import.Estimate == nil && !j.Import.Stepwise
}

// finishStepwise ends an undo that has no gate.
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
		j.Status, j.Datasets, j.Totals, j.Rejects, j.Cost = job.Done, sum.Datasets, sum.Totals, sum.rejected(), sum.cost
		j.Progress.RowsDone, j.Progress.ItemsDone, j.Progress.ItemsTotal = sum.read(), sum.Applied, sum.Changes
		return err
	})
}
