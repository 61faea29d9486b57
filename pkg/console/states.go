package console

import (
	"strings"

	"reseed/pkg/api/wire"
)

// state is how a job stands, for people: a word with a shape, so that it is not the colour alone that
// tells.
type state struct {
	Word, Shape, Class string
}

// stateOf is how a job stands.
func stateOf(j *wire.Job) state {
	switch j.Status {
	case wire.Waiting, wire.Running:
		return openState(j)
	case wire.Planned:
		if lost(j) {
			return state{"outdated", "–", "warn"}
		}
		return state{"waits for you", "?", "warn"}
	case wire.Failed:
		return state{howFar(j, "failed"), "✕", "bad"}
	case wire.Cancelled:
		return state{howFar(j, "cancelled"), "–", "warn"}
	case wire.Grace:
		return state{"erased, can be restored", "↺", "warn"}
	case wire.Restored:
		return state{"restored", "↺", "good"}
	case wire.Done:
		if j.Rejects > 0 && j.Import != nil && j.Import.Undo != "" {
			return state{"done, with rows left alone", "◐", "warn"}
		}
		if j.Rejects > 0 {
			return state{"done with rejects", "◐", "warn"}
		}
		return state{"done", "✓", "good"}
	}
	return state{string(j.Status), "●", ""} // of a later version
}

// openState is how a job stands that waits for its turn, or runs.
func openState(j *wire.Job) state {
	switch {
	case strings.HasPrefix(j.State, "cancelling"):
		return state{"cancelling", "–", "warn"}
	case strings.HasPrefix(j.State, "failing"):
		return state{"stopping after an error", "✕", "bad"}
	case j.Status == wire.Waiting:
		return state{"waiting for its turn", "◌", ""}
	case j.Signs != nil && j.Signs.Stalled:
		return state{"stalled", "!", "warn"}
	case j.State == "reading":
		return state{"reading", "▶", ""}
	case j.State == "deciding":
		return state{"comparing", "▶", ""}
	case j.State == "applying":
		return state{"writing", "▶", ""}
	}
	return state{"running", "▶", ""}
}

// howFar adds to a word that rows may have changed before the job ended.
func howFar(j *wire.Job, word string) string {
	if halfway(j) {
		return word + " halfway"
	}
	return word
}
