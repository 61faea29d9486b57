package job

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Get reads a job. The error is fault.NotFound if it does not exist.
func (l *Ledger) Get(ctx context.Context, id string) (*Job, error) {
	jobs, err := l.get(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, errNoJob()
	}
	return jobs[0], nil
}

// Read is Get for callers that don't change the job: workers read the same jobs again and again, and
// decoding one is much of the work of a small task. While a job keeps its version, all callers in the
// process share one.
func (l *Ledger) Read(ctx context.Context, id string) (*Job, error) {
	found, err := l.st.Lookup(ctx, store.JobKey(id))
	if err != nil {
		return nil, err
	}
	attrs, ok := found[store.JobKey(id)]
	if !ok {
		return nil, errNoJob()
	}
	version, _ := attrs.Int(store.AttrVersion)
	if j := l.read.at(id, version); j != nil {
		return j, nil
	}
	j, err := decodeJob(attrs)
	if err == nil {
		l.read.keep(j)
	}
	return j, err
}

// recent are the jobs that were read last.
type recent struct {
	mu   sync.Mutex
	jobs [4]*Job
	next int // index of the oldest
}

func (r *recent) at(id string, version int64) *Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.jobs {
		if j != nil && j.ID == id && j.Version == version {
			return j
		}
	}
	return nil
}

// keep keeps a job in the place of its older version, or of the job that was kept first.
func (r *recent) keep(j *Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, old := range r.jobs {
		if old != nil && old.ID == j.ID {
			r.jobs[i] = j
			return
		}
	}
	r.jobs[r.next] = j
	r.next = (r.next + 1) % len(r.jobs)
}

func errNoJob() error { return fault.New(fault.NotFound, "job_not_found", "there is no such job") }

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

// Several reads jobs by their ids. Those that do not exist are not in the answer; empty ids are left
// out.
func (l *Ledger) Several(ctx context.Context, ids []string) (map[string]*Job, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	jobs, err := l.get(ctx, slices.DeleteFunc(ids, func(id string) bool { return id == "" }))
	byID := make(map[string]*Job, len(jobs))
	for _, j := range jobs {
		byID[j.ID] = j
	}
	return byID, err
}

// List returns at most limit jobs, newest first. If before is not empty, it returns only jobs that
// were made before the job with this id.
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

// All yields jobs, newest first, and reads page of them at a time. If before is not empty, it
// yields only jobs that were made before the job with this id.
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

// Jobs have their id a moment before they are made: MadeAt looks that far back, and through so many
// jobs.
const (
	idBefore = time.Minute
	idBehind = time.Second // clocks are set back
	mostMade = 100
)

// MadeAt returns a job that was made at a time, to the millisecond, and for which is is true; nil if
// there is none among the jobs that began at about that time.
func (l *Ledger) MadeAt(ctx context.Context, at time.Time, is func(*Job) bool) (*Job, error) {
	id := func(t time.Time) string { return fmt.Sprintf("%012x", t.UnixMilli()) } // see NewID
	q := table.Query{
		PK: store.AccountPK, From: store.SKJob + id(at.Add(-idBefore)), To: store.SKJob + id(at.Add(idBehind)),
		Limit: 10, Reverse: true,
	}
	seen := 0
	for item, err := range l.st.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		j, err := decodeJob(item.Attrs)
		if err != nil {
			return nil, err
		}
		if j.CreatedAt.UnixMilli() == at.UnixMilli() && is(j) {
			return j, nil
		}
		if seen++; seen == mostMade {
			break
		}
	}
	return nil, nil //nolint:nilnil // that there is none is no error
}

// Open returns the jobs that have not ended, oldest first, without the erases that Graces returns.
func (l *Ledger) Open(ctx context.Context) ([]*Job, error) {
	q := table.Query{PK: store.AccountPK, From: store.SKOpen, To: store.After(store.SKOpen)}
	return l.marked(ctx, q, func(sk string) string { return strings.TrimPrefix(sk, store.SKOpen) })
}

// Graces returns the erases of single records, or of rows that an import added, whose grace period
// ends at until at the latest, in the order of these ends. A zero until means all. Erases that
// older versions made are among the open jobs instead.
func (l *Ledger) Graces(ctx context.Context, until time.Time) ([]*Job, error) {
	return l.marked(ctx, store.GracesUntil(until), store.GraceJob)
}

// marked returns the jobs that a range of marks names, without jobs that have ended.
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

// Update reads a job, lets change alter it, and stores it on condition that it has not changed
// meanwhile. If it has, all of this is repeated. If change returns an error, Update returns that
// error and writes nothing. Changing the status is fault.Internal: other functions begin and end
// jobs.
func (l *Ledger) Update(ctx context.Context, id string, change func(*Job) error) (*Job, error) {
	for {
		j, write, err := l.changed(ctx, id, change)
		if err != nil {
			return nil, err
		}
		switch done, err := l.commit(ctx, write.Item, write); {
		case err != nil:
			return nil, err
		case done:
			return j, nil
		}
	}
}

// Changed returns the write by which [Ledger.Update] changes a job, for a transaction of the caller
// (see [Ledger.Create]). The transaction fails with fault.Conflict if the job has changed
// meanwhile.
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
