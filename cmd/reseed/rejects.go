package main

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"reseed/pkg/job"
)

// shownRejects is how many rejects a report prints by itself.
const shownRejects = 10

// printFirstRejects prints where and why the first rows were rejected.
func (sh *shell) printFirstRejects(ctx context.Context, cl *client, j *job.Job) {
	r, err := cl.open(ctx, j.ID, "rejects")
	if err != nil {
		return
	}
	defer func() { _ = r.Close() }()
	if isUndo(j) {
		sh.printFirstLeftAlone(r, j)
		return
	}
	sh.printf("Rejected:\n")
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	shown, from := 0, -1
	for shown < shownRejects {
		rec, err := in.Read()
		if err != nil {
			break
		}
		if at := slices.Index(rec, "Reject file"); at >= 0 {
			from = at
			continue
		}
		if from < 0 || len(rec) < from+5 {
			continue
		}
		file, line, column, code, reason := rec[from], rec[from+1], rec[from+2], rec[from+3], rec[from+4]
		if column != "" {
			reason = strings.TrimPrefix(reason, column+": ") // some sentences begin with it
			column = ", " + column
		}
		sh.printf("  %s line %s%s: %s [%s]\n", file, line, column, reason, code)
		shown++
	}
	sh.printMore(j, shown)
	sh.printf("All rejected rows, to correct and import again: %s\n", sh.again("jobs %s --rejects > rejects.csv", j.ID))
}

// printFirstLeftAlone prints which rows an undo left alone first, and why.
func (sh *shell) printFirstLeftAlone(r io.Reader, j *job.Job) {
	sh.printf("Left alone:\n")
	in := csv.NewReader(r)
	_, _ = in.Read() // the header
	shown := 0
	for shown < shownRejects {
		rec, err := in.Read()
		if err != nil || len(rec) < 4 {
			break
		}
		sh.printf("  %s %s: %s [%s]\n", singular(rec[0]), rec[1], rec[3], rec[2])
		shown++
	}
	sh.printMore(j, shown)
	sh.printf("All rows that were left alone: %s\n", sh.again("jobs %s --rejects", j.ID))
}

func (sh *shell) printMore(j *job.Job, shown int) {
	if more := j.Rejects - int64(shown); more > 0 {
		sh.printf("  ... and %d more\n", more)
	}
}
