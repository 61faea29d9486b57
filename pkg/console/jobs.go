package console

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// jobPage is the page of a job of any kind. It shows what the state of the job calls for.
type jobPage struct {
	base
	Job     *wire.Job
	Version string // of what the page shows of the job
	Every   string // how often the page asks how far the job is
	Problem string // why what was asked for was not done
	// of an import that was undone: that undo failed or was cancelled, or was undone itself
	UndoFailed bool
}

// showJob is GET /jobs/{id}.
func (c *Console) showJob(v *visit) (answer, error) {
	p, err := v.jobPage()
	return show("job", p), err
}

// showProgress is GET /jobs/{id}/progress?v=: the part of the job's page that is asked for again and
// again. While the version is current, it answers nothing.
func (c *Console) showProgress(v *visit) (answer, error) {
	j, err := v.watch()
	if err != nil {
		return answer{}, err
	}
	p, err := v.jobPageOf(j)
	if err == nil && p.Version == v.FormValue("v") {
		return nothing(), nil
	}
	p.Path = jobPath(j, "")
	return part("job", "progress", p), err
}

func (v *visit) jobPage() (jobPage, error) {
	j, err := v.client.Job(v.ctx(), v.PathValue("id"))
	if err != nil {
		return jobPage{Job: &wire.Job{}}, err
	}
	return v.jobPageOf(j)
}

// jobPageOf is the page of a job that was read.
func (v *visit) jobPageOf(j *wire.Job) (p jobPage, err error) {
	p = jobPage{base: v.base(jobTitle(j), "jobs"), Job: j, Every: "2s"}
	if v.c.Now().Sub(j.CreatedAt) > time.Minute {
		p.Every = "10s"
	}
	p.Version = jobVersion(j, p.Every)
	if j.Import != nil && j.Import.UndoneBy != "" && j.Status.Ended() {
		p.UndoFailed, err = v.undoFailed(j.Import.UndoneBy)
	}
	return p, err
}

// undoFailed reports whether an undo left the import as it was, so that it can be undone again.
func (v *visit) undoFailed(id string) (bool, error) {
	undo, err := v.client.Job(v.ctx(), id)
	switch {
	case client.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return undo.Status == wire.Failed || undo.Status == wire.Cancelled || undo.Import != nil && undo.Import.UndoneBy != "", nil
}

// jobVersion is a digest of what the page shows of a job. What only counts the time is not in it.
func jobVersion(j *wire.Job, every string) string {
	shown := *j
	shown.Progress.RowsASecond, shown.Progress.SecondsLeft = 0, 0
	if j.Signs != nil {
		signs := *j.Signs
		signs.SeenAt = time.Time{}
		shown.Signs = &signs
	}
	text, _ := json.Marshal(shown) // our own types never fail
	sum := fnv.New64a()
	_, _ = sum.Write(append(text, every...))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, sum.Sum64()))
}

// jobPath is the address of a page of a job; of its own page, if name is empty.
func jobPath(j *wire.Job, name string) string {
	if name == "" {
		return "/jobs/" + j.ID
	}
	return "/jobs/" + j.ID + "/" + name
}

// IsOpen reports whether the job waits for its turn, or runs.
func (p jobPage) IsOpen() bool { return p.Job.Status == wire.Waiting || p.Job.Status == wire.Running }

// Live reports whether the page asks again how far the job is.
func (p jobPage) Live() bool { return !p.Paused && p.IsOpen() }

// IsUndo reports whether the job takes another one back.
func (p jobPage) IsUndo() bool { return p.Job.Import != nil && p.Job.Import.Undo != "" }

// Planned reports whether the job is a plan that waits for a person.
func (p jobPage) Planned() bool { return p.Job.Status == wire.Planned }

// Decided reports whether it is known what becomes of each row.
func (p jobPage) Decided() bool { return p.Job.Import != nil && len(p.Job.Datasets) > 0 }

// Unwritten reports whether the job has ended, or was dropped, before it changed any row.
func (p jobPage) Unwritten() bool { return unwritten(p.Job) }

// Halfway reports whether the job ended when it had changed some rows, and not all.
func (p jobPage) Halfway() bool { return halfway(p.Job) }

// Lost reports whether the job is a preview that can't be imported any more.
func (p jobPage) Lost() bool { return lost(p.Job) }

// Changes is how many rows the job changes, or has changed.
func (p jobPage) Changes() int64 {
	sum := sumOf(p.Job)
	return sum.Added + sum.Changed + sum.Removed
}

// Undoable reports whether the import can be taken back: it has changed something.
func (p jobPage) Undoable() bool {
	j := p.Job
	if j.Import == nil || j.Import.FilesErased || j.Import.UndoneBy != "" && !p.UndoFailed {
		return false
	}
	return j.Status == wire.Done && p.Changes() > 0 || p.Halfway()
}

// Stoppable reports whether the job can be cancelled while it waits or runs.
func (p jobPage) Stoppable() bool {
	return p.IsOpen() && p.Job.Erase == nil && stateOf(p.Job).Word != "cancelling"
}

// Quarter is the last of 0, 25, 50, 75 and 100 percent that the job has reached: screen readers are told
// of no more.
func (p jobPage) Quarter() int { return int(p.Job.Progress.Fraction*4) * 25 }

// Took is how many seconds the job took; 0 if it has not ended or not begun.
func (p jobPage) Took() float64 {
	if p.Job.StartedAt.IsZero() || p.Job.EndedAt.Before(p.Job.StartedAt) {
		return 0
	}
	return p.Job.EndedAt.Sub(p.Job.StartedAt).Seconds()
}
