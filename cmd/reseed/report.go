package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
)

// report is what --json prints of a job. Programs depend on its shape.
type report struct {
	Job      string                 `json:"job"`
	Status   wire.Status            `json:"status"`
	Datasets map[string]wire.Counts `json:"datasets"`
	Totals   []wire.Total           `json:"totals,omitempty"`
	Cost     costReport             `json:"cost"`
	Rejects  int64                  `json:"rejects"`
	Reasons  []wire.Reason          `json:"reasons,omitempty"` // of the rejects
	Seconds  float64                `json:"seconds"`
	Removed  map[string]int64       `json:"removed,omitempty"`
	Export   *wire.ExportJob        `json:"export,omitempty"`
	File     string                 `json:"file,omitempty"`     // of an export: where it was written
	Progress *wire.Progress         `json:"progress,omitempty"` // of a job that has not ended
	Confirm  string                 `json:"confirm,omitempty"`  // why it waits for a yes
	Estimate *wire.Estimate         `json:"estimate,omitempty"` // of a plan
	Samples  []wire.Change          `json:"samples,omitempty"`  // of a plan
	Messages []wire.Message         `json:"messages,omitempty"` // that people got or are to get
	Undo     string                 `json:"undo,omitempty"`
	UndoneBy string                 `json:"undone_by,omitempty"`
	Notes    []string               `json:"notes,omitempty"`
	Error    string                 `json:"error,omitempty"`
}

type costReport struct {
	WriteUnits float64 `json:"write_units"`
	ReadUnits  float64 `json:"read_units"`
}

func reportOf(j *wire.Job) report {
	r := report{
		Job: j.ID, Status: j.Status, Datasets: j.Datasets, Totals: j.Totals, Rejects: j.Rejects, Reasons: j.Reasons, Notes: j.Notes, Error: j.Error, Messages: j.Messages,
		Cost: costReport{j.Cost.WriteUnits(), j.Cost.ReadUnits()},
	}
	if r.Datasets == nil {
		r.Datasets = map[string]wire.Counts{}
	}
	if j.Erase != nil {
		r.Removed = j.Erase.Removed
	}
	r.Export = j.Export
	if j.Import != nil {
		r.Undo, r.UndoneBy = j.Import.Undo, j.Import.UndoneBy
	}
	if j.Status == wire.Planned {
		r.Confirm, r.Estimate = j.Import.Confirm, j.Import.Estimate
	}
	if !j.Status.Ended() {
		r.Progress = &j.Progress
	}
	if !j.EndedAt.IsZero() && !j.StartedAt.IsZero() {
		r.Seconds = j.EndedAt.Sub(j.StartedAt).Seconds()
	}
	return r
}

// exitOf is the exit status that an error carries.
func exitOf(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.status
	}
	return exitFailed
}

// showJob prints how a job ended, or how far it is. If it failed, was cancelled or has rejects, the
// error carries the exit status for that.
func (sh *shell) showJob(ctx context.Context, cl *client.Client, j *wire.Job) error {
	var samples []wire.Change
	if j.Status == wire.Planned {
		var err error
		if samples, err = cl.Samples(ctx, j.ID); err != nil {
			return err
		}
	}
	if sh.json {
		r := reportOf(j)
		r.Samples = samples
		if err := sh.show(r, ""); err != nil {
			return err
		}
	} else {
		sh.printJob(ctx, cl, j, samples)
	}
	switch {
	case halfway(j):
		return &exitError{status: exitFailed}
	case j.Rejects > 0:
		return &exitError{status: exitRejects}
	}
	return nil
}

func (sh *shell) printJob(ctx context.Context, cl *client.Client, j *wire.Job, samples []wire.Change) {
	r := reportOf(j)
	sh.printf("%s %s: %s", kindOf(j), j.ID, j.Status)
	if j.SourceName != "" {
		sh.printf(" (%s)", j.SourceName)
	}
	if r.Seconds > 0 {
		sh.printf(" after %.1f s", r.Seconds)
	}
	if sums := sumsOf(j); sums != "" {
		sh.printf(": %s", sums)
	}
	sh.printf("\n")
	if j.Error != "" {
		sh.printf("%s\n", j.Error)
	}
	if j.Import != nil && j.Import.By != "" && j.Import.By != httpapi.CommandName {
		sh.printf("Asked for by: %s\n", j.Import.By)
	}
	switch {
	case j.Status == wire.Grace:
		sh.printf("It is invisible now, and can be restored until %s: %s\n", j.Erase.Until.UTC().Format(time.RFC3339), sh.again("restore %s", j.ID))
		return
	case !j.Status.Ended():
		sh.printf("Now: %s\n", describe(j))
	}
	if r.UndoneBy != "" {
		sh.printUndoneBy(ctx, cl, r.UndoneBy)
	}
	for _, n := range j.Notes {
		sh.printf("Note: %s\n", n)
	}
	sh.printDatasets(j)
	sh.printTotals(j)
	switch {
	case j.Rejects == 0:
	case isUndo(j):
		sh.printFirstLeftAlone(ctx, cl, j)
	default:
		sh.printRejects(j)
	}
	sh.printKept(j)
	sh.printCounts(r.Removed, " removed")
	sh.printMessages(j)
	sh.printf("Cost on DynamoDB: %.1f write units, %.1f read units\n", r.Cost.WriteUnits, r.Cost.ReadUnits)
	sh.printNext(j, samples)
}

// printKept says where the settings that notes and errors of a pull advise are set: a pull has no
// flags for them.
func (sh *shell) printKept(j *wire.Job) {
	if !isPull(j) {
		return
	}
	said := append(slices.Clone(j.Notes), j.Error, j.Import.Confirm)
	for _, r := range j.Reasons {
		for _, row := range r.First {
			said = append(said, row.Reason)
		}
	}
	for _, name := range (readFlags{}).names() {
		if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "--"+name+" ") && !strings.Contains(s, ": read with ") }) {
			sh.printf("A pull has such settings from its data source: %s\n", sh.again("sources set %s --dataset DATASET --%s ...", quoted(j.SourceName), name))
			return
		}
	}
}

// printNext says what people can do next with a job that has ended.
func (sh *shell) printNext(j *wire.Job, samples []wire.Change) {
	switch {
	case j.Status == wire.Planned:
		sh.printPlan(j, samples)
	case j.Status != wire.Done || j.Import == nil || changesOf(j) == 0:
	case j.Import.Undo == "" && j.Import.UndoneBy == "" && !j.Import.FilesErased:
		sh.printf("To take it back: %s\n", sh.again("undo %s", j.ID))
	}
}

// printUndoneBy says which job undid an import, and whether that still holds.
func (sh *shell) printUndoneBy(ctx context.Context, cl *client.Client, id string) {
	sh.printf("Undone by job %s", id)
	if by, err := cl.Job(ctx, id); err == nil {
		if by.Status != wire.Done {
			sh.printf(", which is %s", by.Status)
		}
		if by.Import != nil && by.Import.UndoneBy != "" {
			sh.printf(", which was itself undone by job %s", by.Import.UndoneBy)
		}
	}
	sh.printf("\n")
}

// totalOf sums the counts of all datasets.
func totalOf(j *wire.Job) (sum wire.Counts) {
	for _, c := range j.Datasets {
		sum = sum.Add(c)
	}
	return sum
}

// changesOf is how many rows a job changes in any way.
func changesOf(j *wire.Job) int64 {
	sum := totalOf(j)
	return sum.Added + sum.Changed + sum.Removed
}

// halfway reports whether a job ended before it had done all that it had decided.
func halfway(j *wire.Job) bool { return j.Status == wire.Failed || j.Status == wire.Cancelled }

// sumsOf says in a few words what the job did with the rows of all datasets, or would do.
func sumsOf(j *wire.Job) string {
	sum := totalOf(j)
	switch {
	case halfway(j), !j.Status.Ended(): // decided, but not done
		return ""
	case j.Export != nil:
		return exported(j.Export)
	case isUndo(j) && j.Status == wire.Done && sum == wire.Counts{}:
		return "there was nothing to take back"
	case sum == wire.Counts{}:
		return ""
	}
	var parts []string
	for _, f := range wire.Figures(isUndo(j)) {
		if n := f.Of(sum); n > 0 || f.Always {
			parts = append(parts, fmt.Sprintf("%d %s", n, f.Word))
		}
	}
	return strings.Join(parts, ", ")
}

func isUndo(j *wire.Job) bool { return j.Import != nil && j.Import.Undo != "" }

func isPull(j *wire.Job) bool { return j.Import != nil && j.Import.Origin == string(job.ByPull) }

func kindOf(j *wire.Job) string {
	switch {
	case isUndo(j):
		return "Undo"
	case isPull(j):
		return "Sync"
	case j.Kind == wire.Erase:
		return "Erase"
	case j.Kind == wire.Export:
		return "Export"
	}
	return "Import"
}

// printDatasets prints the counts of each dataset.
func (sh *shell) printDatasets(j *wire.Job) {
	if len(j.Datasets) == 0 {
		return
	}
	switch {
	case changesOf(j) == 0:
	case halfway(j):
		sh.printf("What it had decided by then, which is not what it has written:\n")
	case !j.Status.Ended():
		sh.printf("Decided, and being written:\n")
	}
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	first := "read"
	if isUndo(j) {
		first = "changes"
	}
	fprintf(w, "dataset\t%s\t", first)
	for _, f := range wire.Figures(isUndo(j)) {
		fprintf(w, "%s\t", f.Word)
	}
	_, _ = fmt.Fprintln(w)
	for _, ds := range datasetsOf(j) {
		c := j.Datasets[ds]
		fprintf(w, "%s\t%d\t", ds, c.Read)
		for _, f := range wire.Figures(isUndo(j)) {
			fprintf(w, "%d\t", f.Of(c))
		}
		_, _ = fmt.Fprintln(w)
	}
	_ = w.Flush()
}

// datasetsOf lists the datasets that a job has counts of, in their order. Last come the names that
// are not datasets: they count rows whose dataset could not be told.
func datasetsOf(j *wire.Job) (out []string) {
	rest := maps.Clone(j.Datasets)
	for _, ds := range billing.Datasets() {
		if _, ok := rest[string(ds)]; ok {
			out = append(out, string(ds))
			delete(rest, string(ds))
		}
	}
	return append(out, slices.Sorted(maps.Keys(rest))...)
}

// printCounts prints counts by kind, with a word behind each.
func (sh *shell) printCounts(counts map[string]int64, word string) {
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		sh.printf("  %8d  %s%s\n", counts[kind], strings.ReplaceAll(kind, "_", " "), word)
	}
}
