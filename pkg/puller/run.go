package puller

import (
	"context"
	"errors"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/remote"
)

// lookEvery is how often a worker looks whether the job was cancelled, or its source erased.
const lookEvery = time.Second / 2

// run is one worker's work on a pull.
type run struct {
	p      *Puller
	job    *job.Job
	state  *state
	save   func(*state) error
	looked time.Time
	kept   *source.Readings
}

// do reads what is pulled to its end, and makes files of it.
func (r *run) do(ctx context.Context) error {
	if r.job.Import.Pull.System != "" {
		return r.trouble(ctx, r.system(ctx))
	}
	return r.trouble(ctx, r.sheet(ctx))
}

// trouble notes since when what is pulled has not answered, and gives up after a while.
func (r *run) trouble(ctx context.Context, err error) error {
	code := fault.CodeOf(err)
	if err == nil || permanent(err) || !strings.HasPrefix(code, "google_") && code != remote.CodeWait && code != remote.CodeShape {
		return err
	}
	now := r.p.c.Now().UTC()
	if r.state.Trouble.IsZero() {
		r.state.Trouble = now
	}
	if now.Sub(r.state.Trouble) >= patience {
		return fault.Newf(fault.Conflict, code, "%s It was tried for %d minutes.", err.Error(), int(patience.Minutes()))
	}
	r.state.Waits = err.Error()
	if err := r.save(r.state); err != nil {
		return err
	}
	r.p.c.Log.WarnContext(ctx, "a pull waits for an answer", "job", r.job.ID, "code", code)
	return errStopped
}

// answers notes that what is pulled answers.
func (s *state) answers() { s.Trouble, s.Waits = time.Time{}, "" }

func errErased() error {
	return fault.New(fault.Conflict, "source_erased", "The data source was erased while it was pulled.")
}

// errEmptied ends a pull during which all that the source had was erased, its invoices, or its edits: what was read before is
// not to come back.
func errEmptied() error {
	return fault.New(fault.Conflict, job.CodeEmptied, "What the data source had was erased, or an earlier state of it was restored, while it was read. To fill it again, sync it again.")
}

// interrupted tells whether the worker must stop: its time is up, or the job is about to end, or its
// source is gone.
func (r *run) interrupted(ctx context.Context) error {
	now := r.p.c.Now()
	if deadline, ok := ctx.Deadline(); ok && deadline.Sub(now) < reserve {
		return errStopped
	}
	if now.Sub(r.looked) < lookEvery {
		return ctx.Err()
	}
	r.looked = now
	j, err := r.p.c.Ledger.Get(ctx, r.job.ID)
	switch {
	case err != nil:
		return err
	case j.State().Stops():
		return errEnding
	case j.Status.Ended():
		return errStopped
	}
	dir, err := r.p.c.Store.Directory(ctx)
	if err != nil {
		return err
	}
	src, there := dir.ByTag(r.job.Tag)
	switch {
	case !there:
		return errErased()
	case r.job.Import.Emptied(src.Epochs):
		return errEmptied()
	}
	return nil
}

// errEnding says that the job is about to end.
var errEnding = errors.New("puller: the job is to end")
