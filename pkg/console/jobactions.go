package console

import (
	"context"
	"net/http"

	"reseed/pkg/api/wire"
)

// applyJob is POST /jobs/{id}/apply: does what a plan has shown. The plan is the job of the path; the
// importer checks once more that everything it rests on is as it was.
func (c *Console) applyJob(v *visit) (answer, error) {
	applied := func(j *wire.Job) bool { return j.Status == wire.Done || !j.Status.Ended() }
	return v.act(applied, v.client.Apply)
}

// cancelJob is POST /jobs/{id}/cancel: drops a plan, stops a job, or deletes the file of an export.
func (c *Console) cancelJob(v *visit) (answer, error) {
	cancelled := func(j *wire.Job) bool {
		return j.Status == wire.Cancelled || stateOf(j).Word == "cancelling" || j.Export != nil && j.Export.Deleted
	}
	return v.act(cancelled, func(ctx context.Context, id string) (*wire.Job, error) {
		j, err := v.client.Job(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case j.Export != nil:
			return v.client.DropExport(ctx, id)
		}
		return v.client.Cancel(ctx, id)
	})
}

// restoreJob is POST /jobs/{id}/restore: brings back what an erase in its grace period has hidden.
func (c *Console) restoreJob(v *visit) (answer, error) {
	return v.act(func(j *wire.Job) bool { return j.Status == wire.Restored }, v.client.Restore)
}

// undoJob is POST /jobs/{id}/undo: makes the plan of an undo, and leads to it. A second click leads to
// the plan that the first one has made.
func (c *Console) undoJob(v *visit) (answer, error) {
	never := func(*wire.Job) bool { return false }
	return v.act(never, func(ctx context.Context, id string) (*wire.Job, error) {
		open, err := v.openUndo(ctx, id)
		if open != nil || err != nil {
			return open, err
		}
		return v.client.Undo(ctx, id, true)
	})
}

// openUndo is a recent undo of a job that is open, or waits for a person; nil if there is none.
func (v *visit) openUndo(ctx context.Context, id string) (*wire.Job, error) {
	page, err := v.client.Jobs(ctx, "")
	if err != nil {
		return nil, err
	}
	for i := range page.Jobs {
		j := &page.Jobs[i]
		if j.Import != nil && j.Import.Undo == id && (j.Status == wire.Planned || !j.Status.Ended()) {
			return j, nil
		}
	}
	return nil, nil //nolint:nilnil // nil is the answer: there is none
}

// act does something with the job of the path, and leads to the page of the job that comes of it. It does
// nothing if that is done already, as after a first click. If it cannot be done, the job's page says why,
// and how the job stands now.
func (v *visit) act(already func(*wire.Job) bool, do func(ctx context.Context, id string) (*wire.Job, error)) (answer, error) {
	j, err := v.client.Job(v.ctx(), v.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if already(j) {
		return goTo(jobPath(j, "")), nil
	}
	next, err := do(v.ctx(), j.ID)
	if err == nil {
		return goTo(jobPath(next, "")), nil
	}
	refused, is := refusal(err, http.StatusConflict, http.StatusUnprocessableEntity)
	if !is {
		return answer{}, err
	}
	p, err := v.jobPage()
	if err != nil {
		return answer{}, err
	}
	p.Path, p.Problem = jobPath(j, ""), refused.Message
	return answer{status: refused.Status, page: "job", data: p}, nil
}

// jobExport is GET /jobs/{id}/export: the file of an export.
func (c *Console) jobExport(v *visit) (answer, error) {
	j, err := v.client.Job(v.ctx(), v.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if !(jobPage{Job: j}).HasFile() { // the job's page says why
		return goTo(jobPath(j, "")), nil
	}
	file, err := v.client.ExportFile(v.ctx(), j.ID, 0)
	if err != nil {
		return answer{}, err
	}
	name := j.SourceName
	if name == "" {
		name = "customer"
	}
	return download(file, name+"-"+j.CreatedAt.UTC().Format("2006-01-02")+".zip", "application/zip"), nil
}
