package importer

import (
	"context"

	"reseed/pkg/job"
)

// finish ends a job whose tasks are all done: the sums, and the runs go. It may be called twice.
func (im *Importer) finish(ctx context.Context, j *job.Job) (*job.Job, error) {
	sum, err := im.sums(ctx, j)
	if err != nil {
		return nil, err
	}
	if stepwise(j) {
		return im.finishStepwise(ctx, j, sum)
	}
	if err := im.dropRuns(ctx, j); err != nil {
		return nil, err
	}
	if err := im.dropGround(ctx, j); err != nil {
		return nil, err
	}
	return im.end(ctx, j.ID, func(j *job.Job) error {
		err := goesOn(j)                      // who was told that it is cancelled has been told the truth
		j.Status, j.Cost = job.Done, sum.cost // the rows were accounted for at the gate
		j.Progress.ItemsDone = j.Progress.ItemsTotal
		return err
	})
}
