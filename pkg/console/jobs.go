package console

import (
	"reseed/pkg/api/wire"
)

type jobPage struct {
	base
	Job *wire.Job
}

// showJob is GET /jobs/{id}.
func (c *Console) showJob(v *visit) (answer, error) {
	p, err := v.jobPage()
	return show("job", p), err
}

// showProgress is GET /jobs/{id}/progress: the part of the job's page that is asked for again and
// again.
func (c *Console) showProgress(v *visit) (answer, error) {
	p, err := v.jobPage()
	return part("job", "progress", p), err
}

func (v *visit) jobPage() (jobPage, error) {
	j, err := v.client.Job(v.ctx(), v.PathValue("id"))
	return jobPage{v.base("Job", "jobs"), j}, err
}

// Live reports whether the page asks again how far the job is.
func (p jobPage) Live() bool { return !p.Paused && p.Job.EndedAt.IsZero() }
