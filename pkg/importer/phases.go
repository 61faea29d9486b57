package importer

import (
	"fmt"
	"slices"

	"reseed/pkg/job"
	"reseed/pkg/store"
)

// A phase is the number of a stage and a step. The tasks of a phase may run at the same time.
//
// First, packed files are unpacked, if there are any. Then every stage is decided (map, resolve,
// merge), and the rejects files are written, if any row was rejected. Then, unless the job stops
// there as a plan, every stage is applied: rows are removed from the last stage to the first and
// put from the first to the last, so that no row is ever without the record that it belongs to.
//
// A small import decides in one task ("decide") and applies in one ("apply").
//
// An undo first decides which added rows go ("going"), from the last stage to the stage of
// contacts. Then it decides which changed and removed rows come back ("coming"), from the first
// stage to the last. Last, it decides which added customers and plans go: by then it has decided
// for every row that may belong to them whether the row stays. An undo is applied in the same
// order.
const (
	stepUnpack  = "unpack"
	stepDecide  = "decide"
	stepMap     = "map"
	stepResolve = "resolve"
	stepMerge   = "merge"
	stepRejects = "rejects"
	stepCheck   = "check"
	stepApply   = "apply"
	stepRemove  = "remove"
	stepPut     = "put"

	// Steps of an undo.
	stepGoing      = "going"  // which added rows go
	stepAsk        = "ask"    // asks for what the rows that come back need
	stepComing     = "coming" // which changed and removed rows come back
	stepDependents = "hung"   // what this job does to the rows that belong to customers
	stepNamed      = "named"  // which of the plans that are to go are named by rows that stay

	// Steps of the check of a plan that removes rows.
	stepDependentsStill = "hung-still"
	stepNamedStill      = "named-still"

	// Steps of an undo that an older version began (see [stepwise]): each task decides and applies
	// at once. They also name the two change sets of each key range, in every undo.
	stepTakeBack = "takeback"
	stepPutBack  = "putback"
)

func phaseName(stage int, step string) string { return fmt.Sprintf("%d %s", stage, step) }

// phases lists the phases of a job. Phases after the gate are listed once the job has passed it.
func phases(j *job.Job) []string {
	switch {
	case stepwise(j):
		return undoPhases(j)
	case j.Import.Small:
		return append([]string{phaseName(0, stepDecide), phaseName(0, stepRejects)}, applyPhases(j)...)
	}
	return append(decidePhases(j), applyPhases(j)...)
}

// decidePhases lists the phases that decide a job that is not small.
func decidePhases(j *job.Job) (out []string) {
	if j.Import.Undo != "" {
		return undoPhases(j)
	}
	for _, stage := range stages(j) {
		out = append(out, phaseName(stage, stepMap))
		if looksUp(stage) {
			out = append(out, phaseName(stage, stepResolve))
		}
		out = append(out, phaseName(stage, stepMerge))
	}
	return append(out, phaseName(0, stepRejects))
}

// applyPhases lists the phases after the gate; it lists none before the job has passed the gate.
func applyPhases(j *job.Job) []string {
	if !j.Wrote() {
		return nil
	}
	var out []string
	if j.Import.Parked {
		out = checkPhases(j)
	}
	if j.Import.Small {
		return append(out, phaseName(0, stepApply))
	}
	return append(out, writePhases(j)...)
}

// checkPhases lists the phases that check that a plan can still be applied.
func checkPhases(j *job.Job) (out []string) {
	if j.Import.Removes && changesDependents(j) {
		out = append(out, phaseName(stageCustomers, stepDependentsStill))
	}
	if j.Import.Removes && hasStage(j, stagePlans) {
		out = append(out, phaseName(stagePlans, stepNamedStill))
	}
	for _, stage := range stages(j) {
		out = append(out, phaseName(stage, stepCheck))
	}
	return out
}

// changesDependents reports whether a job may change both customers and rows that belong to
// customers.
func changesDependents(j *job.Job) bool {
	return hasStage(j, stageCustomers) && slices.ContainsFunc(dependentKinds(), func(k *store.RecordKind) bool { return hasStage(j, k.Stage) })
}

// writePhases lists the phases that write, in an order that leaves no row without the record that
// it belongs to.
func writePhases(j *job.Job) (out []string) {
	undo := j.Import.Undo != ""
	if j.Import.Removes {
		for _, stage := range slices.Backward(stages(j)) {
			if !undo || stage > stageCustomers {
				out = append(out, phaseName(stage, stepRemove))
			}
		}
	}
	if !undo || !j.Import.OnlyAdded {
		for _, stage := range stages(j) {
			out = append(out, phaseName(stage, stepPut))
		}
	}
	if undo && j.Import.Removes { // rows that the phases before changed back may have referred to these
		for _, stage := range []int{stageCustomers, stagePlans} {
			if hasStage(j, stage) {
				out = append(out, phaseName(stage, stepRemove))
			}
		}
	}
	return out
}

// stepwise reports whether a version before 2026-11-29, which had no gate for undos, began this
// undo, and this version started it again from the first phase. Each of its tasks decides and
// applies. It keeps what was decided before.
func stepwise(j *job.Job) bool { return j.Import.Undo != "" && j.Import.Stepwise }

// undoPhases lists the phases that decide an undo.
func undoPhases(j *job.Job) (out []string) {
	going, coming := stepGoing, stepComing
	if stepwise(j) {
		going, coming = stepTakeBack, stepPutBack
	}
	add := func(stage int, step string) { out = append(out, phaseName(stage, step)) }
	for _, stage := range slices.Backward(stages(j)) {
		if stage > stageCustomers {
			add(stage, going)
		}
	}
	for _, stage := range stages(j) {
		if j.Import.OnlyAdded {
			break
		}
		if looksUp(stage) {
			add(stage, stepAsk)
			add(stage, stepResolve)
		}
		add(stage, coming)
	}
	if changesDependents(j) {
		add(stageCustomers, stepDependents)
	}
	if hasStage(j, stageCustomers) {
		add(stageCustomers, going)
	}
	if hasStage(j, stagePlans) {
		add(stagePlans, stepNamed)
		add(stagePlans, going)
	}
	return out
}

// nextPhase is the phase after another; empty after the last one. After no phase, and after
// unpacking, it is the first one.
func nextPhase(j *job.Job, phase string) string {
	all := phases(j)
	if next := slices.Index(all, phase) + 1; next < len(all) {
		return all[next]
	}
	return ""
}

// passOf names the change set of a key range that a step makes or applies. An import has one for
// each range, an undo two.
func passOf(j *job.Job, step string) string {
	switch {
	case j.Import.Undo == "":
		return ""
	case step == stepGoing, step == stepRemove, step == stepTakeBack:
		return stepTakeBack
	}
	return stepPutBack
}
