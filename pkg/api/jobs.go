package api

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"reseed/pkg/api/wire"
	"reseed/pkg/chartmogul"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
)

const (
	whatJob   = "Job"
	pageOfJob = 50 // jobs on a page unless per_page says otherwise
)

// jobTail is the tail of a list of jobs.
type jobTail struct {
	httpapi.Paged

	Searched *int                `json:"searched,omitempty"` // jobs that were looked at, if there is a filter
	Uploads  []wire.FailedUpload `json:"uploads,omitempty"`  // on the first page
}

// getJob is GET /v1/jobs/:id.
func getJob(c *call) (httpapi.Reply, error) { return c.oneJob("") }

// oneJob answers with the job of the path, which must be of the kind, unless that is empty.
func (c *call) oneJob(kind job.Kind) (httpapi.Reply, error) {
	j, err := c.findJob(kind)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w, err := c.told(j)
	if err != nil {
		return httpapi.Reply{}, err
	}
	messages, err := c.Jobs.Messages(c.Context(), j)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w.Messages = wireOfMessages(messages)
	return httpapi.Reply{Status: http.StatusOK, Body: w}, nil
}

// told is a job with how far it is, and its signs of life.
func (c *call) told(j *job.Job) (wire.Job, error) {
	if err := c.Imports.Progress(c.Context(), j); err != nil {
		return wire.Job{}, err
	}
	signs, err := c.Jobs.SignsOf(c.Context(), j)
	w := wireOfJob(j)
	w.Signs = wireOfSigns(j, signs)
	return w, err
}

// answerJob answers with a job that was begun or changed, unless err says that it was not.
func answerJob(status int, j *job.Job, err error) (httpapi.Reply, error) {
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: status, Body: wireOfJob(j)}, nil
}

func (c *call) findJob(kind job.Kind) (*job.Job, error) {
	id := c.PathValue("id")
	if !jobID(id) {
		return nil, httpapi.Absent(whatJob)
	}
	j, err := c.Jobs.Get(c.Context(), id)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return nil, err
	case err != nil, kind != "" && j.Kind != kind:
		return nil, httpapi.Absent(whatJob)
	}
	return j, nil
}

// jobID reports whether s can be the id of a job. Nothing else may become part of a key.
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

// jobs answers with a page of the jobs of a kind, or of all jobs.
func (c *call) jobs(kind job.Kind) (httpapi.Reply, error) {
	list, page, err := c.jobPage(func(j *job.Job) bool { return kind == "" || j.Kind == kind }, func(j *job.Job) (any, error) { return c.told(j) })
	if err != nil {
		return httpapi.Reply{}, err
	}
	tail := jobTail{Paged: page}
	if c.Uploads != nil && c.Param("cursor") == "" {
		tail.Uploads = c.Uploads()
	}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "jobs", Elements: list, Behind: tail}}, nil
}

// jobPage makes the page that the request asks for of the jobs for which is is true, newest first.
// tell makes a record of a job. The cursor is the last job's id, since ids sort by time.
func (c *call) jobPage(is func(*job.Job) bool, tell func(*job.Job) (any, error)) (list httpapi.Elements, tail httpapi.Paged, err error) {
	size, before, err := c.pageOfJobs()
	if err != nil {
		return list, tail, err
	}
	for j, err := range c.Jobs.All(c.Context(), size+1, before) {
		if err != nil {
			return list, tail, err
		}
		if !is(j) {
			continue
		}
		if tail.HasMore = list.Len() == size; tail.HasMore {
			break
		}
		record, err := tell(j)
		if err != nil {
			return list, tail, err
		}
		if tail.HasMore = !list.Add(record); tail.HasMore {
			break
		}
		tail.Cursor = &j.ID
	}
	return list, tail, nil
}

// pageOfJobs reads which page of jobs a request asks for: of how many jobs, and before which job.
func (c *call) pageOfJobs() (size int, before string, err error) {
	size = pageOfJob
	if v := c.Param("per_page"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return 0, "", httpapi.Unusable("per_page")
		}
		size = min(n, httpapi.MaxPage)
	}
	before = c.Param("cursor")
	if before != "" && !jobID(before) {
		return 0, "", httpapi.Unusable("cursor")
	}
	return size, before, nil
}

// latestJobs is how many jobs processing looks back for the latest import of a source.
const latestJobs = 500

// processing counts the rows of the latest import of each source. A plan does not count until it is
// applied.
func (s *server) processing(ctx context.Context) (map[string]chartmogul.Processing, error) {
	page, err := s.Jobs.List(ctx, latestJobs, "")
	if err != nil {
		return nil, err
	}
	latest := map[string]chartmogul.Processing{}
	for _, j := range page {
		if _, later := latest[j.Source]; later || j.Kind != job.Import || plans(j) {
			continue
		}
		if err := s.Imports.Progress(ctx, j); err != nil {
			return nil, err
		}
		latest[j.Source] = processingOf(j)
	}
	return latest, nil
}

// processingOf counts the rows of a job. How many rows an open job has still to read is an estimate
// from its bytes. Rows that were read but are not decided yet are pending, too.
func processingOf(j *job.Job) (p chartmogul.Processing) {
	for _, n := range j.Datasets {
		p.Processed += n.Read - n.Rejected
		p.Failed += n.Rejected
	}
	if j.Status.Ended() {
		return p
	}
	rows := float64(j.Progress.RowsDone)
	if done := j.Progress.BytesDone; done > 0 {
		rows *= float64(j.Progress.BytesTotal) / float64(done)
	}
	all := int64(math.Round(rows))
	p.Processed = min(all-p.Failed, int64(float64(all)*j.Progress.Fraction))
	p.Pending = max(0, all-p.Processed-p.Failed)
	return p
}

// plans reports whether a job is, or was, no more than a plan.
func plans(j *job.Job) bool {
	return !j.Wrote() && (j.Import.Plan || j.Import.Parked)
}
