package importer

import (
	"fmt"
	"strconv"
	"strings"

	"reseed/pkg/job"
)

// phaseTasks lists the ids of a phase's tasks: one for each piece, one for each key range, or a
// single one. The tasks of unpacking and rejects come from unpackTasks and rejectTasks.
func phaseTasks(j *job.Job, phase string) []string {
	stage, step := splitPhase(phase)
	n := j.Import.Ranges
	switch step {
	case stepMap:
		return numbered(phase, stagePieces(j, stage)...)
	case stepDecide, stepApply:
		n = 1
	case stepNamed, stepNamedStill: // by shard, since even a small job reads all stored rows here
		n = mostRanges
	}
	return numbered(phase, upTo(n)...)
}

// numbered gives the ids of the tasks of a phase with these numbers.
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

// splitTask splits a task's id into its stage, its step, and the number of its piece or key range.
func splitTask(id string) (stage int, step string, n int) {
	phase, number, _ := strings.Cut(id, "/")
	stage, step = splitPhase(phase)
	n, _ = strconv.Atoi(number)
	return stage, step, n
}
