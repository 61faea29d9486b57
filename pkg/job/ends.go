package job

import (
	"context"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Ending is the end of a job, for one transaction.
type Ending struct {
	Job    *Job // in its last state
	Next   *Job // the job of the same source that starts, to be sent to the workers after the transaction; or nil
	Writes []table.Write
}

// ending returns the writes that end a job: first the job in its last state, which change sets,
// then the removal of its marks, the message to people, and the tally of its source. If lock is not nil, it is the lock that
// the job holds, and the writes pass it on. All ends of all jobs go through this function, and so do
// stops as a plan.
func (l *Ledger) ending(ctx context.Context, j *Job, lock table.Attrs, change func(*Job) error) (Ending, error) {
	from, marks := j.State(), unmark(j)
	if j.over() {
		return Ending{}, fault.New(fault.Conflict, codeEnded, "the job has ended")
	}
	if err := change(j); err != nil {
		return Ending{}, err
	}
	if to := j.State(); !j.Status.Ended() || !from.MayBecome(to) {
		return Ending{}, fault.Newf(fault.Internal, "job_not_ended", "a job that is %s does not end as %s", from, to)
	}
	if j.EndedAt.IsZero() { // a plan that is cancelled ended when it was made
		j.EndedAt = l.now().UTC()
	}
	status, err := l.next(j)
	if err != nil {
		return Ending{}, err
	}
	tally, err := l.tallying(ctx, j, from)
	if err != nil {
		return Ending{}, err
	}
	message, err := l.message(j)
	e := Ending{Job: j, Writes: slices.Concat([]table.Write{status}, marks, message, tally)}
	if err != nil || lock == nil {
		return e, err
	}
	next, pass, err := l.pass(ctx, j.Tag, lock)
	e.Next, e.Writes = next, append(e.Writes, pass...)
	return e, err
}

const codeEnded = "job_ended"

// over tells whether a job has ended for good. A plan has not: it can still be applied or
// cancelled.
func (j *Job) over() bool { return j.Status.Ended() && j.Status != Planned }

// End ends a job, or stops it as a plan: change sets its last state. The lock of its source passes
// to the job that has waited for the source longest, which starts in the same transaction. The
// caller sends that job, next, to the workers; it is nil if no job waits. A job that is over stays
// as it is, and change is not called.
func (l *Ledger) End(ctx context.Context, id string, change func(*Job) error) (ended, next *Job, err error) {
	for {
		j, err := l.Get(ctx, id)
		if err != nil || j.over() {
			return j, nil, err
		}
		lock, err := l.lock(ctx, j.Tag)
		if err != nil {
			return nil, nil, err
		}
		if lock.Str(attrJob) != id {
			lock = nil
		}
		e, err := l.ending(ctx, j, lock, change)
		if err != nil {
			return nil, nil, err
		}
		switch done, err := l.commit(ctx, e.Writes[0].Item, e.Writes...); {
		case err != nil:
			return nil, nil, err
		case done:
			return e.Job, e.Next, nil
		}
	}
}

// Ending returns the same end as [Ledger.End] makes, for a transaction of the caller. holder is the
// name under which the lock of the source is held for the job; empty if it holds no lock. The error
// is fault.Conflict if the job is over or holder does not hold the lock. The transaction fails with
// fault.Conflict if the job or the lock has changed meanwhile.
func (l *Ledger) Ending(ctx context.Context, id, holder string, change func(*Job) error) (Ending, error) {
	j, err := l.Get(ctx, id)
	if err != nil {
		return Ending{}, err
	}
	var lock table.Attrs
	if holder != "" {
		lock, err = l.lock(ctx, j.Tag)
		if err == nil && lock.Str(attrJob) != holder {
			err = fault.New(fault.Conflict, "lock_lost", "another job holds the lock of the source by now")
		}
		if err != nil {
			return Ending{}, err
		}
	}
	return l.ending(ctx, j, lock, change)
}
