package console

import (
	"sync"
	"time"

	"reseed/pkg/api/wire"
)

// watched are the jobs whose progress people look at. Each is read once a second at most, so many who
// watch a large import cost it little more than one does.
type watched struct {
	mu   sync.Mutex
	jobs map[string]*watchedJob
}

// watchedJob is a job as it was read.
type watchedJob struct {
	mu  sync.Mutex // held while it is read
	job *wire.Job  // not to be changed: several requests have it
	at  time.Time
}

// fresh is for how long a job that was read is shown.
const fresh = time.Second

// job returns a job as it was at most a second ago. Whoever asks has to be signed in.
func (w *watched) job(id string, now func() time.Time, read func() (*wire.Job, error)) (*wire.Job, error) {
	one := w.of(id, now())
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.job != nil && now().Sub(one.at) < fresh {
		return one.job, nil
	}
	began := now()
	j, err := read()
	if err == nil {
		one.job, one.at = j, began
	}
	return j, err
}

// of finds a job, or makes room for it. Jobs that nobody has read for a while are forgotten.
func (w *watched) of(id string, now time.Time) *watchedJob {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.jobs[id]; one != nil {
		return one
	}
	for other, one := range w.jobs {
		if one.mu.TryLock() {
			if now.Sub(one.at) > fresh {
				delete(w.jobs, other)
			}
			one.mu.Unlock()
		}
	}
	if w.jobs == nil {
		w.jobs = map[string]*watchedJob{}
	}
	w.jobs[id] = &watchedJob{}
	return w.jobs[id]
}

// watch returns the job of the path as it was at most a second ago.
func (v *visit) watch() (*wire.Job, error) {
	if err := v.client.Ping(v.ctx()); err != nil { // the session may have ended
		return nil, err
	}
	id := v.PathValue("id")
	return v.c.watched.job(id, v.c.Now, func() (*wire.Job, error) { return v.client.Job(v.ctx(), id) })
}
