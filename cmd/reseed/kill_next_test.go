package main

import (
	"math/rand/v2"

	"reseed/pkg/job"
)

// action is what a person does next: runs a command, or, without args, starts the server and waits.
type action struct {
	args []string
	live bool // the person cancels the job, too, while it runs
}

// next is what a person who finds the data folder like this does next. more is false if nothing is
// left to do.
func (sc *scenario) next(w *world, rng *rand.Rand) (a action, more bool) {
	fresh := w.since(sc.base)
	for _, j := range fresh {
		switch {
		case j.Status.Ended():
		case j.Erase != nil:
			return sc.nextOfErase(j, rng), true
		case sc.cancels && j.Import.Undo == "" && !j.Import.Cancel:
			return action{args: []string{"cancel", j.ID}}, true
		case sc.again && rng.IntN(2) == 0:
			return action{args: sc.args}, true
		default:
			return action{}, true
		}
	}
	if sc.cancels {
		return sc.nextOfCancel(fresh, rng)
	}
	a = action{args: sc.args}
	for _, j := range fresh {
		switch j.Status { //nolint:exhaustive // the others are not looked for
		case job.Done, job.Restored:
			return action{}, len(w.open) > 0 // an earlier erase that this one took over has to end, too
		case job.Planned:
			a.args = []string{"apply", j.ID} // of several plans, the last one
		}
	}
	return a, true
}

// nextOfErase is next while an erase goes on: restore it, wait, or list jobs, which is a command
// that ends in the midst of the sweep.
func (sc *scenario) nextOfErase(j *job.Job, rng *rand.Rand) action {
	switch {
	case sc.restore:
		return action{args: []string{"restore", j.ID}}
	case rng != nil && rng.IntN(4) == 0:
		return action{args: []string{"jobs"}}
	}
	return action{}
}

// nextOfCancel is next in a scenario that cancels: import, and undo what the cancelled import
// wrote.
func (sc *scenario) nextOfCancel(fresh []*job.Job, rng *rand.Rand) (a action, more bool) {
	imported, undone := firstOf(fresh)
	switch {
	case imported == nil:
		return action{args: sc.args, live: rng != nil && rng.IntN(2) == 0}, true
	case undone == nil && imported.Import.Applying:
		return action{args: []string{"undo", imported.ID}}, true
	}
	return action{}, false
}

// firstOf finds the first import and the first undo among some jobs.
func firstOf(jobs []*job.Job) (imported, undone *job.Job) {
	for _, j := range jobs {
		switch {
		case j.Import == nil:
		case j.Import.Undo != "" && undone == nil:
			undone = j
		case j.Import.Undo == "" && imported == nil:
			imported = j
		}
	}
	return imported, undone
}
