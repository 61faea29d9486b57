package job

import (
	"bytes"
	"context"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Create stores a new job in one transaction: Running with the lock of its source if the lock is
// free, else Waiting. A job without a tag needs no lock. If there is a job with the same Once mark
// already, Create changes nothing and returns that job. It sets ID and CreatedAt if they are not
// set. The error is fault.Conflict if a condition of the extra writes fails.
func (l *Ledger) Create(ctx context.Context, j *Job, extra ...table.Write) (*Job, error) {
	for {
		lock, writes, err := l.prepare(ctx, j)
		if err != nil {
			return nil, err
		}
		err = l.st.Transact(ctx, append(writes, extra...)...)
		if err == nil {
			return j, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if first, err := l.Stored(ctx, j); err != nil || first != nil {
			return first, err
		}
		// Only a changed lock is worth another try. Otherwise a condition of the caller's writes
		// failed.
		if now, err2 := l.lock(ctx, j.Tag); err2 != nil || bytes.Equal(now, lock) {
			return nil, err
		}
	}
}

// Stored finds the stored job after a failed transaction: j itself, if the transaction was applied
// and only its answer was lost, or the first job with the same Once mark. It returns nil if there
// is none.
func (l *Ledger) Stored(ctx context.Context, j *Job) (*Job, error) {
	id := j.ID
	if j.Once != "" {
		marks, err := l.st.Get(ctx, store.OnceKey(j.Once))
		if err != nil {
			return nil, err
		}
		if len(marks) == 1 {
			id = marks[0].Attrs.Str(attrJob)
		}
	}
	found, err := l.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // that there is none is no error
	}
	return found, err
}

// Prepare returns the writes that create j, for a transaction of the caller (a change of the
// directory). It sets the job's id, time and status. If the transaction fails, call Prepare again,
// since the lock may have changed meanwhile. A job in its grace period stays in it, and takes no
// lock.
func (l *Ledger) Prepare(ctx context.Context, j *Job) ([]table.Write, error) {
	_, writes, err := l.prepare(ctx, j)
	return writes, err
}

// prepare is [Ledger.Prepare], which also returns the lock of the source as it was.
func (l *Ledger) prepare(ctx context.Context, j *Job) (lock table.Attrs, writes []table.Write, err error) {
	if j.ID == "" {
		j.ID = l.NewID()
	}
	if j.CreatedAt.IsZero() {
		j.CreatedAt = l.now().UTC()
	}
	j.Version, j.StartedAt = 1, time.Time{}
	if j.Status != Grace {
		if lock, writes, err = l.place(ctx, j); err != nil {
			return nil, nil, err
		}
	}
	writes = append(writes, table.Write{Item: mark(openKey(j), j.ID), If: table.Cond{Op: table.Absent}})
	if j.Once != "" {
		writes = append(writes, table.Write{Item: mark(store.OnceKey(j.Once), j.ID), If: table.Cond{Op: table.Absent}})
	}
	item, err := encodeJob(j)
	return lock, append(writes, table.Write{Item: item, If: table.Cond{Op: table.Absent}}), err
}

// Resume begins a planned job again, as if it were made now: Running with the lock of its source,
// or Waiting. The error is fault.Conflict if the job is not planned. The writes that change returns
// go into the same transaction. If change returns an error, Resume returns that error and writes
// nothing.
func (l *Ledger) Resume(ctx context.Context, id string, change func(*Job) ([]table.Write, error)) (*Job, error) {
	return l.begin(ctx, id, Planned, change)
}

// Due begins an erase whose grace period is over, like [Ledger.Resume]. The error is fault.Conflict
// if the job is not in its grace period.
func (l *Ledger) Due(ctx context.Context, id string) (*Job, error) {
	return l.begin(ctx, id, Grace, func(*Job) ([]table.Write, error) { return nil, nil })
}

func (l *Ledger) begin(ctx context.Context, id string, from Status, change func(*Job) ([]table.Write, error)) (*Job, error) {
	for {
		j, err := l.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if j.Status != from {
			what := "a plan that waits to be applied"
			if from == Grace {
				what = "an erase in its grace period"
			}
			return nil, fault.Newf(fault.Conflict, "not_"+string(from), "the job is not %s: it is %s", what, j.Status)
		}
		writes, err := change(j)
		if err != nil {
			return nil, err
		}
		marks := unmark(j)
		_, place, err := l.place(ctx, j)
		if err != nil {
			return nil, err
		}
		j.EndedAt = time.Time{}
		marks[0] = table.Write{Item: mark(openKey(j), id)}
		writes = slices.Concat(writes, marks, place)
		write, err := l.next(j)
		if err != nil {
			return nil, err
		}
		switch done, err := l.commit(ctx, write.Item, append(writes, write)...); {
		case err != nil:
			return nil, err
		case done:
			return j, nil
		}
	}
}
