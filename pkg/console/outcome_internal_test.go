package console

import (
	"slices"
	"testing"

	"reseed/pkg/api/wire"
)

// What a job counts is what it did only if it was done: lists and pages say of the others that nothing has
// changed, or not all.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status         wire.Status
		state, code    string
		outcome, word  string
		undo, halfDone bool
	}{
		"done":              {wire.Done, "done", "", "3 changed", "done", true, false},
		"cancelled":         {wire.Cancelled, "cancelled", "", "no row has changed; it would have been 3 changed", "cancelled", false, false},
		"cancelled halfway": {wire.Cancelled, "cancelled halfway", "", "not all of 3 changed", "cancelled halfway", true, true},
		"failed halfway":    {wire.Failed, "failed halfway", "internal", "not all of 3 changed", "failed halfway", true, true},
		"outdated plan":     {wire.Failed, "failed halfway", wire.Outdated, "no row has changed; it would have been 3 changed", "failed", false, false},
	} {
		j := &wire.Job{Status: test.status, State: test.state, ErrorCode: test.code, Import: &wire.ImportJob{}, Datasets: map[string]wire.Counts{"customers": {Read: 3, Changed: 3}}}
		p := jobPage{Job: j}
		if got := outcomeOf(j); got != test.outcome {
			t.Errorf("%s: %q", name, got)
		}
		if got := stateOf(j).Word; got != test.word {
			t.Errorf("%s: it is %q", name, got)
		}
		if p.Undoable() != test.undo || p.Halfway() != test.halfDone {
			t.Errorf("%s: undoable %v, halfway %v", name, p.Undoable(), p.Halfway())
		}
	}
}

// The reason of a plan names the button of its page.
func TestReasonOfPlans(t *testing.T) {
	t.Parallel()
	for want, undo := range map[string]string{"Nothing is changed before somebody presses Import.": "", "Nothing is changed before somebody presses Undo it.": "another job"} {
		if got := reasonOf(&wire.Job{Status: wire.Planned, Import: &wire.ImportJob{Undo: undo}}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Messages say what they are about, and nothing is said of a way that nobody has set up if there is another one.
func TestTold(t *testing.T) {
	t.Parallel()
	p := jobPage{Job: &wire.Job{Messages: []wire.Message{
		{About: "waiting", Ways: map[string]wire.Delivery{"mail": {Result: "overtaken"}, "webhook": {Result: "unset"}}},
		{About: "ended", Ways: map[string]wire.Delivery{"mail": {}}},
	}}}
	want := []jobTold{{"Message that it waits by mail", "not sent, since the job went on before"}, {"Message that it has ended by mail", "to be sent"}}
	if got := p.Told(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
