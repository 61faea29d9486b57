package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// A phase is a stage's number and a step; its tasks may run at once. First all
// stages are decided: map, resolve, merge. Then, unless the job stops there as a plan, all
// are applied: rows are removed from the last stage to the first, so that
// nothing hangs in the air, and put from the first to the last.
//
// A small import decides in one task ("decide") and applies in one ("apply").
// An undo takes back what was added from the last stage to that of contacts, then puts back what was
// changed or removed from the first to the last, and then takes back the customers and plans that were added: until then
// changed rows may refer to them. Each of its tasks decides and applies.
const (
	stepDecide   = "decide"
	stepMap      = "map"
	stepResolve  = "resolve"
	stepMerge    = "merge"
	stepCheck    = "check"
	stepApply    = "apply"
	stepRemove   = "remove"
	stepPut      = "put"
	stepTakeBack = "takeback"
	stepPutBack  = "putback"
)

func phaseName(stage int, step string) string { return fmt.Sprintf("%d %s", stage, step) }

// phases lists what a job goes through, as far as it is decided.
func phases(j *job.Job) []string {
	switch {
	case j.Import.Undo != "":
		return undoPhases(j)
	case j.Import.Small:
		return append([]string{phaseName(0, stepDecide)}, applyPhases(j)...)
	}
	var out []string
	for _, stage := range stages(j) {
		out = append(out, phaseName(stage, stepMap))
		if looksUp(stage) {
			out = append(out, phaseName(stage, stepResolve))
		}
		out = append(out, phaseName(stage, stepMerge))
	}
	return append(out, applyPhases(j)...)
}

// applyPhases are the phases behind the decision: none before it.
func applyPhases(j *job.Job) []string {
	if !j.Import.Applying {
		return nil
	}
	var out []string
	if j.Import.Parked {
		for _, stage := range stages(j) {
			out = append(out, phaseName(stage, stepCheck))
		}
	}
	if j.Import.Small {
		return append(out, phaseName(0, stepApply))
	}
	if j.Import.Removes {
		for _, stage := range slices.Backward(stages(j)) {
			out = append(out, phaseName(stage, stepRemove))
		}
	}
	for _, stage := range stages(j) {
		out = append(out, phaseName(stage, stepPut))
	}
	return out
}

func undoPhases(j *job.Job) []string {
	var first, put, last []string
	for _, stage := range slices.Backward(stages(j)) {
		if name := phaseName(stage, stepTakeBack); stage > stageCustomers {
			first = append(first, name)
		} else {
			last = append(last, name)
		}
	}
	for _, stage := range stages(j) {
		put = append(put, phaseName(stage, stepPutBack))
	}
	return slices.Concat(first, put, last)
}

// nextPhase is the phase behind the job's; empty if there is none.
func nextPhase(j *job.Job) string {
	all := phases(j)
	if next := slices.Index(all, j.Stage) + 1; next < len(all) {
		return all[next]
	}
	return ""
}

// stages lists the stages that a job has, in their order.
func stages(j *job.Job) []int {
	var out []int
	for stage := range stageCount {
		if hasStage(j, stage) {
			out = append(out, stage)
		}
	}
	return out
}

func hasStage(j *job.Job, stage int) bool {
	return slices.ContainsFunc(j.Import.Datasets, func(ds string) bool { return stageOf(billing.Dataset(ds)) == stage })
}

// stagePieces lists the indexes of the pieces that a stage reads.
func stagePieces(j *job.Job, stage int) []int {
	var out []int
	for i, p := range j.Import.Pieces {
		if stageOf(billing.Dataset(j.Import.Files[p.File].Dataset)) == stage {
			out = append(out, i)
		}
	}
	return out
}

// phaseTasks lists the ids of a phase's tasks: one for each piece, or each key range, or just one.
func phaseTasks(j *job.Job, phase string) []string {
	stage, step := splitPhase(phase)
	n := j.Import.Ranges
	switch step {
	case stepMap:
		var out []string
		for _, i := range stagePieces(j, stage) {
			out = append(out, fmt.Sprintf("%s/%05d", phase, i))
		}
		return out
	case stepDecide, stepApply:
		n = 1
	}
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s/%05d", phase, i)
	}
	return out
}

func splitPhase(phase string) (stage int, step string) {
	number, step, _ := strings.Cut(phase, " ")
	stage, _ = strconv.Atoi(number)
	return stage, step
}

// splitTask takes a task's id apart: its stage, its step, and the number of its piece or key range.
func splitTask(id string) (stage int, step string, n int) {
	phase, number, _ := strings.Cut(id, "/")
	stage, step = splitPhase(phase)
	n, _ = strconv.Atoi(number)
	return stage, step, n
}
