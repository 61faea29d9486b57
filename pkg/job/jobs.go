package job

import (
	"context"
	"iter"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Get reads a job. One that does not exist is fault.NotFound.
func (l *Ledger) Get(ctx context.Context, id string) (*Job, error) {
	jobs, err := l.get(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, fault.New(fault.NotFound, "job_not_found", "there is no such job")
	}
	return jobs[0], nil
}

func (l *Ledger) get(ctx context.Context, ids []string) ([]*Job, error) {
	keys := make([]table.Key, len(ids))
	for i, id := range ids {
		keys[i] = store.JobKey(id)
	}
	found, err := l.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	jobs := make([]*Job, 0, len(found))
	for _, k := range keys {
		attrs, ok := found[k]
		if !ok {
			continue
		}
		j, err := decodeJob(attrs)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// List gives jobs, newest first: at most limit, and only those made before the
// job of id before, unless that is empty.
func (l *Ledger) List(ctx context.Context, limit int, before string) ([]*Job, error) {
	var jobs []*Job
	for j, err := range l.All(ctx, limit, before) {
		if err != nil {
			return nil, err
		}
		if jobs = append(jobs, j); len(jobs) == limit {
			break
		}
	}
	return jobs, nil
}

// All walks the jobs, newest first, reading page of them at a time: those made before the job of id before, unless that
// is empty.
func (l *Ledger) All(ctx context.Context, page int, before string) iter.Seq2[*Job, error] {
	q := table.Query{
		PK: store.AccountPK, From: store.SKJob, To: store.After(store.SKJob),
		Limit: page, Reverse: true,
	}
	if before != "" {
		q.After = store.JobKey(before).SK
	}
	return func(yield func(*Job, error) bool) {
		for item, err := range l.st.Items(ctx, q) {
			var j *Job
			if err == nil {
				j, err = decodeJob(item.Attrs)
			}
			if !yield(j, err) || err != nil {
				return
			}
		}
	}
}

// Open gives the jobs that have not ended, oldest first, but for erases of single records that can still be restored: see
// [Ledger.Graces].
func (l *Ledger) Open(ctx context.Context) ([]*Job, error) {
	q := table.Query{PK: store.AccountPK, From: store.SKOpen, To: store.After(store.SKOpen)}
	return l.marked(ctx, q, func(sk string) string { return strings.TrimPrefix(sk, store.SKOpen) })
}

// Graces gives erases of single records, or of what an import added, that can be restored up to a time, in the order of
// those times; zero is all. Those that older versions have made are among the open jobs.
func (l *Ledger) Graces(ctx context.Context, until time.Time) ([]*Job, error) {
	return l.marked(ctx, store.GracesUntil(until), store.GraceJob)
}

// marked gives the jobs of some marks that have not ended.
func (l *Ledger) marked(ctx context.Context, q table.Query, idOf func(sk string) string) ([]*Job, error) {
	var ids []string
	q.KeysOnly = true
	for item, err := range l.st.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, idOf(item.SK))
	}
	jobs, err := l.get(ctx, ids)
	open := jobs[:0]
	for _, j := range jobs {
		if !j.Status.Ended() { // it may have ended since its mark was read
			open = append(open, j)
		}
	}
	return open, err
}

// Update changes a job on condition that nobody else has meanwhile, else all
// over again. An error of change ends it, with nothing written. A job begins and ends elsewhere: a change of its status is
// fault.Internal.
func (l *Ledger) Update(ctx context.Context, id string, change func(*Job) error) (*Job, error) {
	for {
		j, write, err := l.changed(ctx, id, change)
		if err != nil {
			return nil, err
		}
		err = l.st.Transact(ctx, write)
		if err == nil {
			return j, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if same, err := l.holds(ctx, write.Item); same || err != nil {
			return j, err
		}
	}
}

// Changed is the write by which [Ledger.Update] changes a job, for a transaction of the caller's own (see [Ledger.Create]), which
// is a fault.Conflict if somebody else has changed the job meanwhile.
func (l *Ledger) Changed(ctx context.Context, id string, change func(*Job) error) (table.Write, error) {
	_, write, err := l.changed(ctx, id, change)
	return write, err
}

func (l *Ledger) changed(ctx context.Context, id string, change func(*Job) error) (*Job, table.Write, error) {
	j, err := l.Get(ctx, id)
	if err != nil {
		return nil, table.Write{}, err
	}
	was := j.Status
	if err := change(j); err != nil {
		return nil, table.Write{}, err
	}
	if j.Status != was {
		return nil, table.Write{}, fault.Newf(fault.Internal, "status_changed", "an update of a job makes it %s, which was %s", j.Status, was)
	}
	write, err := l.next(j)
	return j, write, err
}
