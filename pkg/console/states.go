package console

import "reseed/pkg/api/wire"

// state is how a job stands, for people: a word with a shape, so that it is not the colour alone that
// tells.
type state struct {
	Word, Shape, Class string
}

// stateOf is how a job stands.
func stateOf(j *wire.Job) state {
	switch j.Status {
	case wire.Waiting:
		return state{"waiting for its turn", "◌", ""}
	case wire.Running:
		return state{"running", "▶", ""}
	case wire.Planned:
		return state{"waits for you", "?", "warn"}
	case wire.Failed:
		return state{"failed", "✕", "bad"}
	case wire.Cancelled:
		return state{"cancelled", "–", "warn"}
	case wire.Grace:
		return state{"erased, can be restored", "↺", "warn"}
	case wire.Restored:
		return state{"restored", "↺", "good"}
	case wire.Done:
		if j.Rejects > 0 {
			return state{"done with rejects", "◐", "warn"}
		}
		return state{"done", "✓", "good"}
	}
	return state{string(j.Status), "●", ""} // of a later version
}
