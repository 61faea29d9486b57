package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// printRejects prints why rows were rejected: how many for each reason, and the first of them.
func (sh *shell) printRejects(j *wire.Job) {
	if len(j.Reasons) > 0 {
		sh.printf("Rejected:\n")
	}
	for _, r := range j.Reasons {
		sh.printf("  %s\n", reasonLine(r))
		for _, row := range r.First {
			sh.printf("    %s: %s\n", placeOf(row.Place, row.File, row.Line), strings.TrimPrefix(row.Reason, r.Column+": ")) // some reasons begin with it
			if row.Link != "" {
				sh.printf("      %s\n", row.Link)
			}
		}
	}
	what := "All rejected rows, to correct and import again"
	if j.Import != nil && j.Import.Pull != nil { // what could not be mapped is corrected in the billing system
		what = "All rejected rows"
	}
	sh.printf("%s: %s\n", what, sh.getRejects(j))
}

// placeOf says where a row is in the input.
func placeOf(place, file string, line int64) string {
	if place != "" {
		return place
	}
	return fmt.Sprintf("%s line %d", file, line)
}

// reasonLine names a reason, with the number of its rows.
func reasonLine(r wire.Reason) string {
	name := fmt.Sprintf("%d rows", r.Count)
	if r.Count == 1 {
		name = "1 row"
	}
	if r.Code == "" {
		return name + " for other reasons"
	}
	if r.Dataset != "" {
		name += " of " + r.Dataset
	}
	if r.Column != "" {
		name += ", " + r.Column
	}
	return name + " [" + r.Code + "]"
}

// getRejects is the command that gets all rejected rows of an import.
func (sh *shell) getRejects(j *wire.Job) string {
	switch files := rejecting(j); {
	case len(files) > 1:
		return sh.again("jobs %s --rejects --out rejects-%s", j.ID, j.ID)
	case len(files) == 1 && isNDJSON(files[0]):
		return sh.again("jobs %s --rejects > rejects.ndjson", j.ID)
	}
	return sh.again("jobs %s --rejects > rejects.csv", j.ID)
}

// rejecting lists the input files of which rows were rejected; none for imports before 2026-11-30.
func rejecting(j *wire.Job) []wire.File {
	return slices.DeleteFunc(slices.Clone(j.Import.Files), func(f wire.File) bool { return f.Rejects == 0 })
}

func isNDJSON(f wire.File) bool { return len(f.Datasets) > 0 }

// shownLeftAlone is how many rows that an undo left alone its report prints.
const shownLeftAlone = 10

// printFirstLeftAlone prints the first rows that an undo left alone, and why.
func (sh *shell) printFirstLeftAlone(ctx context.Context, cl *client.Client, j *wire.Job) {
	r, err := cl.Rejects(ctx, j.ID)
	if err != nil {
		return
	}
	defer func() { _ = r.Close() }()
	sh.printf("Left alone:\n")
	in := csv.NewReader(r)
	_, _ = in.Read() // the header
	shown := 0
	for shown < shownLeftAlone {
		rec, err := in.Read()
		if err != nil || len(rec) < 4 {
			break
		}
		sh.printf("  %s %s: %s [%s]\n", singular(rec[0]), rec[1], rec[3], rec[2])
		shown++
	}
	if more := j.Rejects - int64(shown); more > 0 {
		sh.printf("  ... and %d more\n", more)
	}
	sh.printf("All rows that were left alone: %s\n", sh.again("jobs %s --rejects", j.ID))
}
