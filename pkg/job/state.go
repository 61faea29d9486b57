package job

import "slices"

// State says in one word where a job stands. The state of an erase is its status, and that of an
// export says besides whether it is about to end. The state of an import also says how far it has been decided, and whether it is about to end, which its item
// stores as flags. docs/ARCHITECTURE.md draws the states.
type State string

// The states of an import. It changes no row before it is applied. An import that ends halfway may
// have changed rows.
const (
	StateWaiting    State = "waiting"  // another job has its source
	StateReading    State = "reading"  // ZIPs are unpacked, and files looked through
	StateDeciding   State = "deciding" // it is decided what becomes of each row
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

// The states of an erase, besides waiting, done and failed. An export is running, too.
const (
	StateGrace    State = "grace"
	StateRunning  State = "running"
	StateRestored State = "restored"
)

// State returns where a job stands.
func (j *Job) State() State {
	switch {
	case j.Export != nil:
		return j.Export.state(j.Status)
	case j.Import == nil:
		return State(j.Status)
	case j.Status.Ended():
		return j.Import.ended(j.Status)
	case j.Import.Cancel: // this outranks an error: a person was told that the import is cancelled
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

func (s *ExportSpec) state(as Status) State {
	switch {
	case as.Ended():
	case s.Cancel:
		return StateCancelling
	case s.Failing != "":
		return StateFailing
	}
	return State(as)
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

// halfway returns since if the import has begun to apply what it decided, else before.
func (s *ImportSpec) halfway(before, since State) State {
	if s.Applying {
		return since
	}
	return before
}

// Wrote tells whether a job is an import that has begun to apply what it decided, and so may have
// changed rows.
func (j *Job) Wrote() bool { return j.Import != nil && j.Import.Applying }

// Outdated is the error code of a plan that was applied, but wrote nothing, since what it rests on had
// changed.
const Outdated = "plan_outdated"

// Stops tells whether a job in this state is an import or export that ends as soon as its workers
// have stopped.
func (s State) Stops() bool {
	return slices.Contains([]State{StateCancelling, StateCancellingHalfway, StateFailing, StateFailingHalfway}, s)
}

// MayBecome tells whether one change may bring a job from this state to the next one. It may also
// stay as it is.
func (s State) MayBecome(next State) bool { return s == next || slices.Contains(s.Next(), next) }

// Next lists the states that may come next. The list is empty for a last state.
func (s State) Next() []State {
	switch s {
	case StateWaiting:
		return []State{StateReading, StateDeciding, StateCancelling, StateRunning}
	case StateReading:
		return []State{StateDeciding, StateDone, StateFailing, StateCancelling}
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
		return []State{StateDone, StateFailed, StateFailing, StateCancelling}
	case StateDone, StateFailed, StateCancelled, StateRestored, StateFailedHalfway, StateCancelledHalfway:
	}
	return nil
}
