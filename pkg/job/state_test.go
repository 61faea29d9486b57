package job_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/job"
)

// drawn reads the steps from the table in docs/ARCHITECTURE.md.
func drawn(t *testing.T) map[job.State][]job.State {
	t.Helper()
	text, err := os.ReadFile("../../docs/ARCHITECTURE.md")
	must(t, err)
	_, rows, _ := strings.Cut(string(text), "| from | to |\n|---|---|\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	steps := map[job.State][]job.State{}
	for row := range strings.SplitSeq(rows, "\n") {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		for to := range strings.SplitSeq(cells[1], ", ") {
			steps[job.State(cells[0])] = append(steps[job.State(cells[0])], job.State(to))
		}
	}
	return steps
}

// The steps in the document are the steps in the code, and every state is drawn.
func TestTheDocumentDrawsTheStates(t *testing.T) {
	t.Parallel()
	steps := drawn(t)
	if len(steps) == 0 {
		t.Fatal("there is no table of states")
	}
	all := map[job.State]bool{}
	for from, next := range steps {
		all[from] = true
		for _, to := range next {
			all[to] = true
		}
		same(t, "what follows "+string(from), next, from.Next())
	}
	for s := range all {
		if _, ok := steps[s]; !ok && len(s.Next()) > 0 {
			t.Errorf("what follows %s is not drawn", s)
		}
		for _, to := range s.Next() {
			if !all[to] || !s.MayBecome(to) {
				t.Errorf("%s, after %s, is not drawn", to, s)
			}
		}
		if !s.MayBecome(s) || s.MayBecome("nowhere") {
			t.Errorf("%s stays no state, or becomes any", s)
		}
	}
	for s := range stored() {
		if !all[s] {
			t.Errorf("%s is not drawn", s)
		}
	}
}

// stored has jobs as they are stored in each state.
func stored() map[job.State]job.Job {
	of := func(s job.Status, spec job.ImportSpec) job.Job { return job.Job{Status: s, Import: &spec} }
	return map[job.State]job.Job{
		job.StateWaiting:    of(job.Waiting, job.ImportSpec{}),
		job.StateReading:    of(job.Running, job.ImportSpec{}),
		job.StateDeciding:   of(job.Running, job.ImportSpec{Scanned: true}),
		job.StatePlanned:    of(job.Planned, job.ImportSpec{Scanned: true, Parked: true, Plan: true}),
		job.StateAsking:     of(job.Planned, job.ImportSpec{Scanned: true, Parked: true, Confirm: "It would remove much."}),
		job.StateResumed:    of(job.Waiting, job.ImportSpec{Scanned: true, Parked: true, Applying: true}),
		job.StateApplying:   of(job.Running, job.ImportSpec{Undo: "j", Scanned: true, Applying: true, Stepwise: true}),
		job.StateDone:       of(job.Done, job.ImportSpec{Scanned: true, Applying: true}),
		job.StateFailing:    of(job.Running, job.ImportSpec{Failing: "why"}),
		job.StateFailed:     of(job.Failed, job.ImportSpec{}),
		job.StateCancelling: of(job.Waiting, job.ImportSpec{Cancel: true, Failing: "why"}),
		job.StateCancelled:  of(job.Cancelled, job.ImportSpec{Scanned: true, Parked: true, Confirm: "It would remove much."}),
		job.StateGrace:      {Status: job.Grace, Erase: &job.EraseSpec{}},
		job.StateRunning:    {Status: job.Running, Erase: &job.EraseSpec{}},
		job.StateRestored:   {Status: job.Restored, Erase: &job.EraseSpec{}},

		job.StateFailingHalfway:    of(job.Running, job.ImportSpec{Scanned: true, Applying: true, Failing: "why"}),
		job.StateFailedHalfway:     of(job.Failed, job.ImportSpec{Scanned: true, Applying: true}),
		job.StateCancellingHalfway: of(job.Running, job.ImportSpec{Scanned: true, Applying: true, Cancel: true}),
		job.StateCancelledHalfway:  of(job.Cancelled, job.ImportSpec{Scanned: true, Applying: true, Cancel: true}),
	}
}

func TestTheStateOfAStoredJob(t *testing.T) {
	t.Parallel()
	for want, j := range stored() {
		same(t, "the state", want, j.State())
		stops := strings.HasPrefix(string(want), "failing") || strings.HasPrefix(string(want), "cancelling")
		wrote := strings.HasSuffix(string(want), "halfway") || slices.Contains([]job.State{job.StateResumed, job.StateApplying, job.StateDone}, want)
		if want.Stops() != stops || j.Wrote() != wrote {
			t.Errorf("%s: it stops %v, it wrote %v", want, want.Stops(), j.Wrote())
		}
	}
}
