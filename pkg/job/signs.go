package job

import (
	"context"
	"time"
)

// Signs are signs of life of an open job, for people. Whether a worker may take over the work of
// another one is decided by leases, not by these times: clocks differ.
type Signs struct {
	Before  string    // of a waiting job: the job that has its source; empty if that has just ended
	SeenAt  time.Time // of a running job: when a worker last stored something of its present work
	Stalled bool      // that is longer ago than a living worker takes
	Begun   int       // by how many workers the present work was begun: more than 1 after a worker was lost
}

// SignsOf reads the signs of life of a job. There are none of a job that has ended, or is in its grace
// period.
func (l *Ledger) SignsOf(ctx context.Context, j *Job) (s Signs, err error) {
	switch j.Status { //nolint:exhaustive // the others have none
	case Waiting:
		s.Before, err = l.Holder(ctx, j.Tag)
		if s.Before == j.ID {
			s.Before = ""
		}
		return s, err
	case Running:
	default:
		return s, nil
	}
	prefix := ""
	if j.Import != nil && j.Stage != "" {
		prefix = j.Stage + "/"
	}
	tasks, err := l.Tasks(ctx, j.ID, prefix)
	if err != nil {
		return s, err
	}
	s.SeenAt = j.StartedAt
	for _, t := range tasks {
		if t.SeenAt.After(s.SeenAt) {
			s.SeenAt = t.SeenAt
		}
		if t.State != TaskDone {
			s.Begun = max(s.Begun, t.Begun)
		}
	}
	s.Stalled = l.now().Sub(s.SeenAt) > LeaseLength
	return s, nil
}
