package importer

import (
	"context"

	"reseed/pkg/job"
)

// finish ends a job whose tasks are all done: it stores the sums, deletes the runs and keeps what the
// next imports should know. It may be called twice.
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
	if err := im.dropFrozen(ctx, j); err != nil {
		return nil, err
	}
	if err := im.remember(ctx, j); err != nil {
		return nil, err
	}
	return im.end(ctx, j.ID, func(j *job.Job) error {
		err := goesOn(j)                      // a job whose cancel was answered must not end as done
		j.Status, j.Cost = job.Done, sum.cost // the gate has accounted for the rows
		j.Progress.ItemsDone = j.Progress.ItemsTotal
		return err
	})
}
