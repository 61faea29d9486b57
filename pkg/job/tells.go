package job

import (
	"maps"
)

// About is what a message tells of a job.
type About string

// What messages tell. There is at most one message of each for a job.
const (
	AboutWaiting About = "waiting" // a plan that waits to be applied, or for a yes
	AboutEnd     About = "ended"   // how it ended
	AboutTest    About = "test"    // nothing: somebody wants to see whether mail arrives. It is of no job
)

// Scheduled is what a pull that the tick has started knows of the pulls before it, so that people
// are not told the same again. Whoever makes the job sets it, see [ScheduledAfter]. A plan that a
// later pull replaces is cancelled with [Job.Quiet] set.
type Scheduled struct {
	// Failing says that the pull before failed, too, and that people were told so.
	Failing bool `json:"failing,omitempty"`
	// Waited are the counts of the plan that this pull replaces, if it still waited for a yes and
	// people were told so; else nil.
	Waited map[string]Counts `json:"waited,omitempty"`
}

// ScheduledAfter returns the Scheduled of a new pull: last is the pull of the source before it, which
// has ended, or waits as a plan that the new one will replace. It is nil if there is none.
func ScheduledAfter(last *Job) *Scheduled {
	s := &Scheduled{}
	switch {
	case last == nil:
	case last.Status == Failed:
		s.Failing = last.known(AboutEnd)
	case last.Status == Planned && last.known(AboutWaiting):
		s.Waited = last.Datasets
	}
	return s
}

// known tells whether people know what a message about a job says: they were told of it, or of the same
// before, or nobody is to be told. They do not know as long as the message is in the outbox.
func (j *Job) known(about About) bool {
	for _, m := range j.Told {
		for _, d := range m.Ways {
			if m.About == about && d.Result != Overtaken {
				return true
			}
		}
	}
	return j.Scheduled.repeats(j)
}

// about decides whether people are told of a job that has just ended, or that has come to wait as a
// plan, and of what. It is empty if they are not told. An export is fetched by whoever asked for it.
func (j *Job) about() About {
	switch {
	case j.Quiet, j.Kind != Import && j.Kind != Erase, !j.Status.Ended(), j.Scheduled.repeats(j):
		return ""
	case j.Status == Planned:
		return AboutWaiting
	}
	return AboutEnd
}

// repeats tells whether a scheduled pull ends with nothing that people have not been told.
func (s *Scheduled) repeats(j *Job) bool {
	switch {
	case s == nil:
		return false
	case j.Status == Failed:
		return s.Failing
	case j.Status == Planned:
		return s.Waited != nil && maps.Equal(s.Waited, j.Datasets)
	case j.Status == Done:
		return !j.changes()
	}
	return false
}

// changes tells whether a job adds, changes or removes a row.
func (j *Job) changes() bool {
	for _, c := range j.Datasets {
		if c.Added+c.Changed+c.Removed > 0 {
			return true
		}
	}
	return false
}
