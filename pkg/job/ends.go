package job

import (
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Ending is the end of a job, as one transaction makes it.
type Ending struct {
	Job    *Job // as it ends
	Next   *Job // the job of the same source that starts, to be handed out after the transaction; nil: there is none
	Writes []table.Write
}

// ending lists what the end of a job writes: first the job in its last state, as change sets it, then its marks, and what becomes of
// the lock that it holds, if lock is not nil. All ends and stops of all jobs come through here.
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
	if j.EndedAt.IsZero() { // a plan ended when it was made
		j.EndedAt = l.now().UTC()
	}
	status, err := l.next(j)
	e := Ending{Job: j, Writes: append([]table.Write{status}, marks...)}
	if err != nil || lock == nil {
		return e, err
	}
	next, pass, err := l.pass(ctx, j.Tag, lock)
	e.Next, e.Writes = next, append(e.Writes, pass...)
	return e, err
}

const codeEnded = "job_ended"

// over tells whether a job has come to its last end: a plan can still be applied or cancelled.
func (j *Job) over() bool { return j.Status.Ended() && j.Status != Planned }

// End ends a job, or stops it as a plan: change sets its last state. The lock of its source passes to the job that waits for
// the source longest, which starts in the same transaction and is returned, to be handed out; nil if there is none. A job that is
// over stays as it is, and change is not called.
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
		err = l.st.Transact(ctx, e.Writes...)
		if err == nil {
			return e.Job, e.Next, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, nil, err
		}
		if same, err := l.holds(ctx, e.Writes[0].Item); same || err != nil {
			return e.Job, e.Next, err
		}
	}
}

// Ending gives an end as [Ledger.End] makes it, for a transaction of the caller's own. holder is the name under which the lock of the
// source is held for the job; empty if it is not. The error is fault.Conflict if the job is over, or the lock is another's; so is
// that of the transaction if the job or the lock has changed meanwhile.
func (l *Ledger) Ending(ctx context.Context, id, holder string, change func(*Job) error) (Ending, error) {
	j, err := l.Get(ctx, id)
	if err != nil {
		return Ending{}, err
	}
	var lock table.Attrs
	if holder != "" {
		lock, err = l.lock(ctx, j.Tag)
		if err == nil && lock.Str(attrJob) != holder {
			err = fault.New(fault.Conflict, "lock_lost", "the lock of the source is another's by now")
		}
		if err != nil {
			return Ending{}, err
		}
	}
	return l.ending(ctx, j, lock, change)
}
