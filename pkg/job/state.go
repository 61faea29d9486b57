package job

import "slices"

// State is where a job stands, in one word. Of an erase it is its status. Of an import it says in addition how far the import
// has been decided, and whether it is to end: what its item keeps in flags. docs/ARCHITECTURE.md draws the states.
type State string

// The states of an import. Nothing of it is stored before it is applied; what ends halfway may have changed rows.
const (
	StateWaiting    State = "waiting"  // another job has its source
	StateReading    State = "reading"  // ZIPs are unpacked, and files looked through
	StateDeciding   State = "deciding" // what becomes of each row
	StatePlanned    State = "planned"  // a plan, as it was asked for
	StateAsking     State = "asking"   // a plan that was not asked for: it needs a person's yes
	StateResumed    State = "resumed"  // a plan that is to be applied, while another job has its source
	StateApplying   State = "applying" // rows are written
	StateDone       State = "done"
	StateFailing    State = "failing" // it ends once its workers have stopped
	StateFailed     State = "failed"
	StateCancelling State = "cancelling" // it ends once its workers have stopped
	StateCancelled  State = "cancelled"

	StateFailingHalfway    State = "failing halfway"
	StateFailedHalfway     State = "failed halfway"
	StateCancellingHalfway State = "cancelling halfway"
	StateCancelledHalfway  State = "cancelled halfway"
)

// The states of an erase, besides waiting, done and failed.
const (
	StateGrace    State = "grace"
	StateRunning  State = "running"
	StateRestored State = "restored"
)

// State says where a job stands.
func (j *Job) State() State {
	if j.Import == nil {
		return State(j.Status)
	}
	switch {
	case j.Status.Ended():
		return j.Import.ended(j.Status)
	case j.Import.Cancel: // it comes before an error: a person was told that the import is cancelled
		return j.Import.halfway(StateCancelling, StateCancellingHalfway)
	case j.Import.Failing != "":
		return j.Import.halfway(StateFailing, StateFailingHalfway)
	case j.Status == Waiting:
		return j.Import.halfway(StateWaiting, StateResumed)
	case j.Import.Applying:
		return StateApplying
	case j.Import.Scanned:
		return StateDeciding
	}
	return StateReading
}

func (s *ImportSpec) ended(as Status) State {
	switch {
	case as == Planned && s.Confirm != "":
		return StateAsking
	case as == Failed:
		return s.halfway(StateFailed, StateFailedHalfway)
	case as == Cancelled:
		return s.halfway(StateCancelled, StateCancelledHalfway)
	}
	return State(as)
}

// halfway chooses by whether the import has begun to apply what it decided.
func (s *ImportSpec) halfway(before, since State) State {
	if s.Applying {
		return since
	}
	return before
}

// Wrote tells whether a job is an import that has begun to apply what it decided: it may have changed rows.
func (j *Job) Wrote() bool { return j.Import != nil && j.Import.Applying }

// Stops tells whether a job is an import that is to end as soon as its workers have stopped.
func (s State) Stops() bool {
	return slices.Contains([]State{StateCancelling, StateCancellingHalfway, StateFailing, StateFailingHalfway}, s)
}

// MayBecome tells whether a job goes from one state to the other in one change, or stays where it stands.
func (s State) MayBecome(next State) bool { return s == next || slices.Contains(s.Next(), next) }

// Next lists the states that come next: none if it is the last one.
func (s State) Next() []State {
	switch s {
	case StateWaiting:
		return []State{StateReading, StateDeciding, StateCancelling, StateRunning}
	case StateReading:
		return []State{StateDeciding, StateFailing, StateCancelling}
	case StateDeciding:
		return []State{StateApplying, StatePlanned, StateAsking, StateFailing, StateCancelling}
	case StatePlanned, StateAsking:
		return []State{StateApplying, StateResumed, StateCancelled}
	case StateResumed:
		return []State{StateApplying, StateCancellingHalfway}
	case StateApplying:
		return []State{StateDone, StateFailingHalfway, StateCancellingHalfway}
	case StateFailing:
		return []State{StateFailed}
	case StateFailingHalfway:
		return []State{StateFailedHalfway}
	case StateCancelling:
		return []State{StateCancelled}
	case StateCancellingHalfway:
		return []State{StateCancelledHalfway}
	case StateGrace:
		return []State{StateRunning, StateWaiting, StateRestored}
	case StateRunning:
		return []State{StateDone, StateFailed}
	case StateDone, StateFailed, StateCancelled, StateRestored, StateFailedHalfway, StateCancelledHalfway:
	}
	return nil
}
