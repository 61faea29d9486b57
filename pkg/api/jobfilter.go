package api

import (
	"net/http"
	"slices"

	"reseed/pkg/api/wire"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
)

// mostSearched is how many jobs one request with a filter looks at. The answer leads on from there.
const mostSearched = 1000

// jobFilter says which jobs a list is of. What is empty allows all.
type jobFilter struct {
	state  string // a status, or wire.WithRejects
	kind   job.Kind
	source string // uuid
}

// filter reads the filter of a request for a list of jobs.
func (c *call) jobFilter() (f jobFilter, err error) {
	f = jobFilter{c.Param("state"), job.Kind(c.Param("kind")), c.Param("source")}
	switch {
	case f.state != "" && !slices.Contains(wire.JobStates(), f.state):
		err = httpapi.Unusable("state")
	case f.kind != "" && !slices.Contains([]job.Kind{job.Import, job.Erase, job.Export}, f.kind):
		err = httpapi.Unusable("kind")
	}
	return f, err
}

func (f jobFilter) takes(j *job.Job) bool {
	switch {
	case f.kind != "" && j.Kind != f.kind, f.source != "" && !concerns(j, f.source):
		return false
	case f.state == wire.WithRejects:
		return j.Status == job.Done && j.Rejects > 0
	}
	return f.state == "" || string(j.Status) == f.state
}

// concerns tells whether a job is about a source, perhaps among others.
func concerns(j *job.Job, uuid string) bool {
	if j.Source != "" || j.Erase == nil {
		return j.Source == uuid
	}
	for i := range j.Erase.Sources {
		if j.Erase.Sources[i].UUID == uuid {
			return true
		}
	}
	return false
}

// listJobs is GET /v1/jobs: newest first, with filters by state, kind and source.
func listJobs(c *call) (httpapi.Reply, error) {
	f, err := c.jobFilter()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if f == (jobFilter{}) {
		return c.jobs("")
	}
	size, before, err := c.pageOfJobs()
	if err != nil {
		return httpapi.Reply{}, err
	}
	var list httpapi.Elements
	tail := jobTail{Searched: new(int)}
	for j, err := range c.Jobs.All(c.Context(), httpapi.MaxPage, before) {
		if err != nil {
			return httpapi.Reply{}, err
		}
		if tail.HasMore = list.Len() == size || *tail.Searched == mostSearched; tail.HasMore {
			break
		}
		if f.takes(j) {
			w, err := c.told(j)
			if err != nil {
				return httpapi.Reply{}, err
			}
			if tail.HasMore = !list.Add(w); tail.HasMore {
				break
			}
		}
		*tail.Searched++
		tail.Cursor = &j.ID
	}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "jobs", Elements: list, Behind: tail}}, nil
}
