package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// A phase is a stage's number and a step; its tasks may run at once. First ZIPs are unpacked, if there are any. Then all
// stages are decided: map, resolve, merge; and what was rejected is written, if anything was. Then, unless the job stops there as a plan, all
// are applied: rows are removed from the last stage to the first, so that
// nothing hangs in the air, and put from the first to the last.
//
// A small import decides in one task ("decide") and applies in one ("apply").
//
// An undo decides which added rows go ("going") from the last stage to that of contacts, then which changed and removed
// rows come back ("coming") from the first stage to the last, and then which added customers and plans go: by then it
// is known of every row that may belong to them whether it stays. It is applied in the same order.
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

	// These are of an undo.
	stepGoing  = "going"  // which added rows go
	stepAsk    = "ask"    // what the rows that come back need
	stepComing = "coming" // which changed and removed rows come back
	stepHung   = "hung"   // what becomes of the rows that hang on customers
	stepNamed  = "named"  // which plans rows name that stay

	// These are of the check of a plan that removes rows.
	stepHungStill  = "hung-still"
	stepNamedStill = "named-still"

	// Of an undo that an older version began (see [stepwise]): the task applies at once what it decides. So are the two
	// change sets of each key range called, of all undos.
	stepTakeBack = "takeback"
	stepPutBack  = "putback"
)

func phaseName(stage int, step string) string { return fmt.Sprintf("%d %s", stage, step) }

// phases lists what a job goes through, as far as it is decided.
func phases(j *job.Job) []string {
	switch {
	case stepwise(j):
		return undoPhases(j)
	case j.Import.Small:
		return append([]string{phaseName(0, stepDecide), phaseName(0, stepRejects)}, applyPhases(j)...)
	}
	return append(decidePhases(j), applyPhases(j)...)
}

// decidePhases are those of a job that is not small.
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

// applyPhases are the phases behind the decision: none before it.
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

// checkPhases make sure that a plan is still what is to be done.
func checkPhases(j *job.Job) (out []string) {
	if j.Import.Removes && hangs(j) {
		out = append(out, phaseName(stageCustomers, stepHungStill))
	}
	if j.Import.Removes && hasStage(j, stagePlans) {
		out = append(out, phaseName(stagePlans, stepNamedStill))
	}
	for _, stage := range stages(j) {
		out = append(out, phaseName(stage, stepCheck))
	}
	return out
}

// hangs tells whether a job may change customers and what hangs on them.
func hangs(j *job.Job) bool {
	return hasStage(j, stageCustomers) && slices.ContainsFunc(hung(), func(k *store.RecordKind) bool { return hasStage(j, k.Stage) })
}

// writePhases are those that write, in the order in which nothing hangs in the air.
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
	if undo && j.Import.Removes { // until now rows that are changed back may have referred to these
		for _, stage := range []int{stageCustomers, stagePlans} {
			if hasStage(j, stage) {
				out = append(out, phaseName(stage, stepRemove))
			}
		}
	}
	return out
}

// stepwise tells whether a job is an undo that was begun by a version before 2026-11-29, which had no gate, and has been started
// anew by this one: each of its tasks decides and applies. What was decided by then is not decided again.
func stepwise(j *job.Job) bool { return j.Import.Undo != "" && j.Import.Stepwise }

// undoPhases are those in which an undo is decided.
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
	if hangs(j) {
		add(stageCustomers, stepHung)
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

// nextPhase is the phase behind another; empty if there is none. Behind none, and behind unpacking, it is the first.
func nextPhase(j *job.Job, phase string) string {
	all := phases(j)
	if next := slices.Index(all, phase) + 1; next < len(all) {
		return all[next]
	}
	return ""
}

// stages lists the stages that a job has, in their order.
func stages(j *job.Job) []int {
	var out []int
	for stage := range store.Stages() {
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
	for i := range j.Import.Pieces {
		if slices.Contains(pieceStages(j, i), stage) {
			out = append(out, i)
		}
	}
	return out
}

// passOf is the change set of a key range that a step makes or applies: imports have one, undos two.
func passOf(j *job.Job, step string) string {
	switch {
	case j.Import.Undo == "":
		return ""
	case step == stepGoing, step == stepRemove, step == stepTakeBack:
		return stepTakeBack
	}
	return stepPutBack
}

// pieceStages lists the stages that read a piece: of CSV one, that of its file.
func pieceStages(j *job.Job, piece int) []int {
	p := j.Import.Pieces[piece]
	if len(p.Stages) > 0 {
		return p.Stages
	}
	return []int{stageOf(billing.Dataset(j.Import.Files[p.File].Dataset))}
}

// phaseTasks lists the ids of a phase's tasks: one for each piece, or each key range, or just one. Those of unpacking and of
// rejects are found out elsewhere.
func phaseTasks(j *job.Job, phase string) []string {
	stage, step := splitPhase(phase)
	n := j.Import.Ranges
	switch step {
	case stepMap:
		return numbered(phase, stagePieces(j, stage)...)
	case stepDecide, stepApply:
		n = 1
	case stepNamed, stepNamedStill: // by shard: what is read there is all that is stored, be the job small
		n = mostRanges
	}
	return numbered(phase, upTo(n)...)
}

// numbered are the ids of tasks with some numbers.
func numbered(phase string, numbers ...int) []string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = fmt.Sprintf("%s/%05d", phase, n)
	}
	return out
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
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
