package importer

import (
	"context"
	"slices"
	"time"

	"reseed/pkg/job"
)

// weight is the share of a step in the work of an import, as measured on the embedded store. The
// fraction of a running job is computed from it.
func weight(step string) float64 {
	switch step {
	case stepMap, stepDecide:
		return 3
	case stepMerge, stepGoing, stepComing:
		return 2
	case stepPut, stepRemove, stepApply, stepTakeBack, stepPutBack:
		return 4
	}
	return 0.5 // resolve, rejects, check, and the like
}

// Progress sets the progress of a running import from the results of its tasks. It changes nothing
// in a job that has ended or not begun.
func (im *Importer) Progress(ctx context.Context, j *job.Job) error {
	if j.Import == nil || j.Status != job.Running || j.Stage == "" {
		return nil
	}
	tasks, err := im.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil {
		return err
	}
	p := &j.Progress
	if j.Pulling() {
		return im.pulling(j, tasks)
	}
	p.BytesDone, p.RowsDone, p.ItemsDone = 0, 0, 0 // the tasks hold all of it, also what the gate has stored
	part, total := 0.0, 0
	for _, t := range tasks {
		_, step, n := splitTask(t.ID)
		r, err := resultOf(t)
		if err != nil {
			return err
		}
		if t.State == job.TaskDone {
			if step == stepMap {
				p.BytesDone += j.Import.Pieces[n].Length / int64(len(pieceStages(j, n)))
			}
			p.RowsDone += r.Summary.read()
			p.ItemsDone += r.Summary.Applied
		} else if step != stepUnpack { // unpacking counts attempts instead
			p.ItemsDone += int64(r.Done)
		}
		if t.Phase == j.Stage {
			total++
			part += fractionOf(j, t, r)
		}
	}
	if j.Wrote() { // the gate has stored what was read
		p.BytesDone, p.RowsDone = p.BytesTotal, max(p.RowsDone, rowsOf(j))
	}
	if err := im.undone(ctx, j); err != nil {
		return err
	}
	p.Fraction = fraction(j, part/float64(max(1, total)))
	im.rate(j)
	return nil
}

// undone sets how many changes an undo has to take back, as long as it is not decided.
func (im *Importer) undone(ctx context.Context, j *job.Job) error {
	if j.Import.Undo == "" || j.Import.Estimate != nil {
		return nil
	}
	target, err := im.c.Ledger.Get(ctx, j.Import.Undo)
	if err != nil {
		return err
	}
	j.Progress.ItemsTotal = 0
	for _, c := range target.Datasets {
		j.Progress.ItemsTotal += c.Added + c.Changed + c.Removed
	}
	return nil
}

func rowsOf(j *job.Job) (n int64) {
	for _, c := range j.Datasets {
		n += c.Read
	}
	return n
}

// fractionOf is the part of a task that is done, from 0 to 1.
func fractionOf(j *job.Job, t job.Task, r result) float64 {
	_, step, _ := splitTask(t.ID)
	switch {
	case t.State == job.TaskDone:
		return 1
	// ranges are alike, since hashes spread evenly
	case (step == stepPut || step == stepRemove) && j.Progress.ItemsTotal > 0:
		return min(1, float64(r.Done)*float64(j.Import.Ranges)/float64(j.Progress.ItemsTotal))
	}
	return 0
}

// fraction is the part of all work that is done, given the part of the current phase that is done.
func fraction(j *job.Job, part float64) float64 {
	whole := *j
	spec := *j.Import
	spec.Applying = spec.Applying || !spec.Plan
	spec.Removes = spec.Removes || spec.Undo != "" && spec.Estimate == nil // it probably will remove rows
	whole.Import = &spec
	all := phases(&whole)
	at := slices.Index(all, j.Stage)
	var done, total float64
	for i, phase := range all {
		stage, step := splitPhase(phase)
		size := bytesOf(j, stage)
		if step == stepRejects {
			size = j.Progress.BytesTotal // of all stages
		}
		share := weight(step) * float64(size)
		total += share
		switch {
		case i < at:
			done += share
		case i == at:
			done += share * part
		}
	}
	if total == 0 {
		return 0
	}
	return done / total
}

// bytesOf is the size of a stage's input. In a small import, and in an undo, all stages count the
// same.
func bytesOf(j *job.Job, stage int) int64 {
	if j.Import.Small {
		return 1
	}
	var n int64 = 1
	for _, i := range stagePieces(j, stage) {
		n += j.Import.Pieces[i].Length
	}
	return n
}

func (im *Importer) rate(j *job.Job) {
	p := &j.Progress
	seconds := im.c.Now().Sub(j.StartedAt).Seconds()
	if seconds <= 0 || j.StartedAt.After(im.c.Now().Add(time.Second)) {
		return
	}
	p.RowsASecond = float64(p.RowsDone) / seconds
	if p.Fraction > 0.01 {
		p.SecondsLeft = seconds / p.Fraction * (1 - p.Fraction)
	}
}
