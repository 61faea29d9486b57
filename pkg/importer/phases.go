package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// A phase is a stage's number and a step; its tasks may run at once.
const (
	stepMap     = "map"
	stepResolve = "resolve"
	stepApply   = "apply"
)

// wholeTask is the one task of a small import.
const wholeTask = "0 whole/0"

func phaseName(stage int, step string) string { return fmt.Sprintf("%d %s", stage, step) }

// phases lists what an import goes through, for the datasets it has.
func phases(j *job.Job) []string {
	var out []string
	for stage := range stageCount {
		if len(stagePieces(j, stage)) == 0 {
			continue
		}
		out = append(out, phaseName(stage, stepMap))
		if looksUp(stage) {
			out = append(out, phaseName(stage, stepResolve))
		}
		out = append(out, phaseName(stage, stepApply))
	}
	return out
}

func nextPhase(j *job.Job) string {
	all := phases(j)
	return all[slices.Index(all, j.Stage)+1]
}

func lastPhase(j *job.Job) string {
	all := phases(j)
	return all[len(all)-1]
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

// phaseTasks lists the ids of a phase's tasks: one for each piece, or each key range.
func phaseTasks(j *job.Job, phase string) []string {
	stage, step := splitPhase(phase)
	var out []string
	if step == stepMap {
		for _, i := range stagePieces(j, stage) {
			out = append(out, fmt.Sprintf("%s/%05d", phase, i))
		}
		return out
	}
	for r := range j.Import.Ranges {
		out = append(out, fmt.Sprintf("%s/%05d", phase, r))
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
