package puller

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// The one task of a job that freezes what it pulls. The tasks of the import come later.
const (
	phase  = importer.PhasePull
	taskID = phase + "/00000"
)

const (
	// reserve is left at the end of the time that a function has: a page takes seconds.
	reserve = 40 * time.Second
	// patience is for how long a pull goes on although what it reads does not answer.
	patience = 30 * time.Minute
)

// errStopped says that a worker stopped before its deadline, and the job goes on.
var errStopped = errors.New("puller: out of time")

// state is what the task keeps of the reading. The importer reads Pulled, Streams and Waits of it.
type state struct {
	Pulled  int64        `json:"pulled"`            // rows or objects read so far
	Streams []job.Stream `json:"streams,omitempty"` // of a billing system

	Attempt   int       `json:"attempt"`           // from 1; 0: nothing was read yet
	Reading   *reading  `json:"reading,omitempty"` // of a spreadsheet
	Scan      *scan     `json:"scan,omitempty"`    // of a billing system
	Mapping   *mapping  `json:"mapping,omitempty"` // of a billing system, since its pages are mapped
	Trouble   time.Time `json:"trouble,omitzero"`  // since when what is read has not answered
	Waits     string    `json:"waits,omitempty"`   // what is wrong with it, as a sentence
	Unchanged bool      `json:"unchanged,omitempty"`
	Version   int64     `json:"version,omitempty"`
	Result    *outcome  `json:"result,omitempty"` // of a task that is done, and had something to read
}

// outcome is what was made of what was read.
type outcome struct {
	Files []job.File `json:"files"`
	Notes []string   `json:"notes,omitempty"`
	Lost  []string   `json:"lost,omitempty"`
	Ask   string     `json:"ask,omitempty"` // why it waits for a yes, see [job.PullSpec]
}

// Handle goes on with a pull until everything is frozen and its import goes on elsewhere, or time runs
// out; then the tick sends it again. It returns nil if another worker has it, or if there is nothing
// to do. A pull that cannot go on ends as failed, and has changed nothing.
func (p *Puller) Handle(ctx context.Context, m Message) error {
	j, err := p.c.Ledger.Get(ctx, m.Job)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	case !j.Pulling() || j.Status != job.Running:
		return nil
	case j.State().Stops():
		return p.c.Importer.Handle(ctx, importer.Message{Job: j.ID, Source: j.Source})
	}
	err = p.work(ctx, j)
	switch {
	case err == nil, errors.Is(err, errStopped), errors.Is(err, job.ErrHeld):
		return nil
	case errors.Is(err, errEnding):
		return p.c.Importer.Handle(ctx, importer.Message{Job: j.ID, Source: j.Source})
	case ctx.Err() != nil:
		return nil //nolint:nilerr // the time is up; the tick goes on
	case permanent(err):
		return p.c.Importer.Fail(ctx, j, fault.New(fault.KindOf(err), fault.CodeOf(err), err.Error()+" Nothing was changed."))
	}
	return err
}

// permanent reports whether an error will come again.
func permanent(err error) bool {
	kind := fault.KindOf(err)
	return kind != fault.Busy && kind != fault.Unavailable
}

// work does the task under its lease, and then hands the job on.
func (p *Puller) work(ctx context.Context, j *job.Job) error {
	j, err := p.begin(ctx, j)
	if err != nil {
		return err
	}
	t, err := p.c.Ledger.Claim(ctx, job.Task{ID: taskID, Job: j.ID}, p.c.Ledger.NewHolder())
	switch {
	case fault.CodeOf(err) == "task_done":
		done, err := p.c.Ledger.Task(ctx, j.ID, taskID)
		if err != nil {
			return err
		}
		s, err := stateOf(done)
		if err != nil {
			return err
		}
		return p.handOn(ctx, j, s)
	case fault.Is(err, fault.Busy):
		return job.ErrHeld
	case err != nil:
		return err
	}
	s, err := stateOf(t)
	if err != nil {
		return err
	}
	lease := p.c.Ledger.Keep(ctx, t)
	r := &run{p: p, job: j, state: s, looked: p.c.Now(), save: func(s *state) error { return job.SaveState(lease.Save, s) }}
	if err := r.do(lease.Context()); err != nil { //nolint:contextcheck // the lease's context is ctx, as long as the lease holds
		_ = lease.Release() //nolint:contextcheck // it must be released after ctx has ended, too; else it expires by itself
		return err
	}
	if err := job.SaveState(lease.Complete, s); err != nil {
		return err
	}
	return p.handOn(ctx, j, s)
}

// begin makes the task, and says what the job does, and of which epochs of its source the rows are that it is compared with: what is read from
// now on never comes into later ones.
func (p *Puller) begin(ctx context.Context, j *job.Job) (*job.Job, error) {
	if j.Stage == phase {
		return j, nil
	}
	dir, err := p.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, there := dir.ByTag(j.Tag)
	if !there {
		return nil, errErased()
	}
	if err := p.c.Ledger.CreateTasks(ctx, j.ID, []job.Task{{ID: taskID, Phase: phase}}); err != nil {
		return nil, err
	}
	return p.c.Ledger.Update(ctx, j.ID, func(j *job.Job) error {
		if j.Stage == "" && j.Pulling() {
			j.Stage, j.Import.Epochs = phase, src.Epochs
		}
		return nil
	})
}

func stateOf(t job.Task) (*state, error) {
	s := &state{}
	if len(t.Result) > 0 && json.Unmarshal(t.Result, s) != nil {
		return nil, fault.New(fault.Internal, "task_result", "the state of a task cannot be read")
	}
	return s, nil
}

// handOn ends a pull that found nothing new, or lets the import begin. Before that, an older pull's
// plan is cancelled: this one replaces it. It may be called twice.
func (p *Puller) handOn(ctx context.Context, j *job.Job, s *state) error {
	if s.Unchanged {
		return p.c.Importer.Unchanged(ctx, j.ID, s.Version)
	}
	if err := p.dropReplaced(ctx, j); err != nil {
		return err
	}
	for _, dir := range []string{pagesDir(j.ID), runsDir(j.ID)} {
		if _, err := p.c.Objects.DeleteAll(ctx, dir); err != nil {
			return err
		}
	}
	return p.c.Importer.Frozen(ctx, j.ID, s.Result.Files, s.Result.Notes, func(spec *job.PullSpec) {
		spec.Version, spec.Lost, spec.Objects, spec.Ask = s.Version, s.Result.Lost, s.Pulled, s.Result.Ask
		if s.Scan != nil {
			spec.Pages = s.Scan.Pages
		}
	})
}

// dropReplaced cancels the plans that a pull replaces, and deletes what the pulls before have frozen: raw
// pages only if this one has its own.
func (p *Puller) dropReplaced(ctx context.Context, j *job.Job) error {
	spec := j.Import.Pull
	for _, plan := range []string{spec.Replaces, spec.ReplacesOne} {
		if plan == "" {
			continue
		}
		if err := p.c.Importer.Supersede(ctx, plan); err != nil {
			return err
		}
	}
	fresh := spec.System == "" || spec.Customer == "" && !spec.Reprocess
	for _, id := range []string{spec.Replaces, spec.ReplacesOne, spec.Before, spec.Raw} {
		if id == "" {
			continue
		}
		old, err := p.c.Ledger.Get(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound):
			continue
		case err != nil:
			return err
		case !old.Status.Ended() || old.Status == job.Planned:
			continue
		}
		if fresh {
			_, err = p.c.Objects.DeleteAll(ctx, importer.InputDir(id))
		} else {
			err = p.c.Importer.DropInput(ctx, old)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
