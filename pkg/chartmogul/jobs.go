package chartmogul

import (
	"net/http"
	"strconv"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/table"
)

const (
	whatJob   = "Job"
	pageOfJob = 50 // jobs on a page unless per_page says otherwise
)

// jobWire is a job on the wire. Times are RFC 3339, and left out until they are known.
type jobWire struct {
	ID         string                `json:"id"`
	Kind       job.Kind              `json:"kind"`
	Status     job.Status            `json:"status"`
	Source     string                `json:"source,omitempty"`
	SourceName string                `json:"source_name,omitempty"`
	CreatedAt  time.Time             `json:"created_at"`
	StartedAt  time.Time             `json:"started_at,omitzero"`
	EndedAt    time.Time             `json:"ended_at,omitzero"`
	Import     *importWire           `json:"import,omitempty"`
	Erase      *eraseWire            `json:"erase,omitempty"`
	Stage      string                `json:"stage,omitempty"`
	Progress   job.Progress          `json:"progress"`
	Datasets   map[string]job.Counts `json:"datasets,omitempty"`
	Rejects    int64                 `json:"rejects"`
	Cost       table.Cost            `json:"cost"` // thousandths of a unit
	Notes      []string              `json:"notes,omitempty"`
	Error      string                `json:"error,omitempty"`
}

// importWire is what an import reads, and what it has come to besides its counts.
type importWire struct {
	Mode     string        `json:"mode"`
	Plan     bool          `json:"plan"`
	Files    []fileWire    `json:"files"`
	Confirm  string        `json:"confirm,omitempty"` // why a planned import waits for a yes
	Estimate *job.Estimate `json:"estimate,omitempty"`
	Undo     string        `json:"undo,omitempty"`      // the job that this one takes back
	UndoneBy string        `json:"undone_by,omitempty"` // the job that took this one back

	FilesErased bool `json:"files_erased,omitempty"` // it can't be taken back any more
}

type fileWire struct {
	Name    string `json:"name"`
	Dataset string `json:"dataset,omitempty"`
	Size    int64  `json:"size"`
}

// eraseWire is what an erase removes; Removed is final once the job has ended, and then there is a receipt.
type eraseWire struct {
	Selection string           `json:"selection"`
	IDs       []string         `json:"ids,omitempty"` // of the records, of single ones
	KeepEdits bool             `json:"keep_edits"`
	By        string           `json:"by,omitempty"`
	Until     time.Time        `json:"until,omitzero"` // while it can be restored
	Removed   map[string]int64 `json:"removed,omitempty"`
}

func eraseWireOf(j *job.Job) *eraseWire {
	w := &eraseWire{Selection: j.Erase.Selection, KeepEdits: j.Erase.KeepEdits, By: j.Erase.By, Removed: j.Erase.Removed}
	if j.Status == job.Grace {
		w.Until = j.Erase.Until
	}
	for _, r := range j.Erase.Records {
		w.IDs = append(w.IDs, r.ID)
	}
	return w
}

// jobTail is what a list of jobs ends with.
type jobTail struct {
	paged

	Uploads []FailedUpload `json:"uploads,omitempty"` // on the first page
}

func jobWireOf(j *job.Job) jobWire {
	w := jobWire{
		ID: j.ID, Kind: j.Kind, Status: j.Status, Source: j.Source, SourceName: j.SourceName,
		CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, EndedAt: j.EndedAt, Stage: j.Stage, Progress: j.Progress,
		Datasets: j.Datasets, Rejects: j.Rejects, Cost: j.Cost, Notes: j.Notes, Error: j.Error,
	}
	if j.Import != nil {
		spec := j.Import
		w.Import = &importWire{spec.Mode, spec.Plan, make([]fileWire, len(spec.Files)), spec.Confirm, spec.Estimate, spec.Undo, spec.UndoneBy, spec.FilesErased}
		for i, f := range j.Import.Files {
			w.Import.Files[i] = fileWire{f.Name, f.Dataset, f.Size}
		}
	}
	if j.Erase != nil {
		w.Erase = eraseWireOf(j)
	}
	return w
}

// listJobs is GET /v1/jobs: newest first.
func listJobs(c *call) (reply, error) { return c.jobs("") }

// getJob is GET /v1/jobs/:id.
func getJob(c *call) (reply, error) { return c.oneJob("") }

// oneJob answers with the job of the path; of one kind only, unless kind is empty.
func (c *call) oneJob(kind job.Kind) (reply, error) {
	j, err := c.findJob(kind)
	if err != nil {
		return reply{}, err
	}
	if err := c.Imports.Progress(c.Context(), j); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: jobWireOf(j)}, nil
}

func (c *call) findJob(kind job.Kind) (*job.Job, error) {
	id := c.PathValue("id")
	if !jobID(id) {
		return nil, absent(whatJob)
	}
	j, err := c.Jobs.Get(c.Context(), id)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return nil, err
	case err != nil, kind != "" && j.Kind != kind:
		return nil, absent(whatJob)
	}
	return j, nil
}

// jobID tells whether s can be the id of a job: anything else must not reach a key.
func jobID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' {
			return false
		}
	}
	return true
}

// jobs answers with one page of the ledger.
func (c *call) jobs(kind job.Kind) (reply, error) {
	list, page, err := c.jobPage(func(j *job.Job) bool { return kind == "" || j.Kind == kind }, func(j *job.Job) (any, error) {
		err := c.Imports.Progress(c.Context(), j)
		return jobWireOf(j), err
	})
	if err != nil {
		return reply{}, err
	}
	tail := jobTail{paged: page}
	if c.Uploads != nil && c.param("cursor") == "" {
		tail.Uploads = c.Uploads()
	}
	return reply{status: http.StatusOK, body: listed{name: "jobs", records: list, behind: tail}}, nil
}

// jobPage spells the page of some jobs that the request asks for, newest first. The cursor is the last id: ids are in order of
// their making.
func (c *call) jobPage(is func(*job.Job) bool, tell func(*job.Job) (any, error)) (list records, tail paged, err error) {
	size := pageOfJob
	if v := c.param("per_page"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return list, tail, unusable("per_page")
		}
		size = min(n, maxPage)
	}
	before := c.param("cursor")
	if before != "" && !jobID(before) {
		return list, tail, unusable("cursor")
	}
	for j, err := range c.Jobs.All(c.Context(), size+1, before) {
		if err != nil {
			return list, tail, err
		}
		if !is(j) {
			continue
		}
		if tail.HasMore = list.n == size; tail.HasMore {
			break
		}
		record, err := tell(j)
		if err != nil {
			return list, tail, err
		}
		if tail.HasMore = !list.add(record); tail.HasMore {
			break
		}
		tail.Cursor = &j.ID
	}
	return list, tail, nil
}

// latestJobs is how far back the latest import of a source is looked for.
const latestJobs = 500

// latestImports is the latest import of each source; a plan is none until it is applied.
func (c *call) latestImports() (map[string]*job.Job, error) {
	page, err := c.Jobs.List(c.Context(), latestJobs, "")
	if err != nil {
		return nil, err
	}
	latest := map[string]*job.Job{}
	for _, j := range page {
		if j.Kind != job.Import || latest[j.Source] != nil || plans(j) {
			continue
		}
		if err := c.Imports.Progress(c.Context(), j); err != nil {
			return nil, err
		}
		latest[j.Source] = j
	}
	return latest, nil
}

// plans tells whether a job is, or was, no more than a plan.
func plans(j *job.Job) bool {
	return !j.Wrote() && (j.Import.Plan || j.Import.Parked)
}
