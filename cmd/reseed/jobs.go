package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"reseed/pkg/billing"
	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// report is what --json prints of a job (architecture §10).
type report struct {
	Job      string                `json:"job"`
	Status   job.Status            `json:"status"`
	Datasets map[string]job.Counts `json:"datasets"`
	Cost     costReport            `json:"cost"`
	Rejects  int64                 `json:"rejects"`
	Seconds  float64               `json:"seconds"`
	Removed  map[string]int64      `json:"removed,omitempty"`
	Progress *job.Progress         `json:"progress,omitempty"` // of a job that has not ended
	Confirm  string                `json:"confirm,omitempty"`  // why it waits for a yes
	Estimate *job.Estimate         `json:"estimate,omitempty"` // of a plan
	Samples  []importer.Change     `json:"samples,omitempty"`  // of a plan
	Undo     string                `json:"undo,omitempty"`
	UndoneBy string                `json:"undone_by,omitempty"`
	Notes    []string              `json:"notes,omitempty"`
	Error    string                `json:"error,omitempty"`
}

type costReport struct {
	WriteUnits float64 `json:"write_units"`
	ReadUnits  float64 `json:"read_units"`
}

func reportOf(j *job.Job) report {
	r := report{
		Job: j.ID, Status: j.Status, Datasets: j.Datasets, Rejects: j.Rejects, Notes: j.Notes, Error: j.Error,
		Cost: costReport{j.Cost.WriteUnits(), j.Cost.ReadUnits()},
	}
	if r.Datasets == nil {
		r.Datasets = map[string]job.Counts{}
	}
	if j.Erase != nil {
		r.Removed = j.Erase.Removed
	}
	if j.Import != nil {
		r.Undo, r.UndoneBy = j.Import.Undo, j.Import.UndoneBy
	}
	if j.Status == job.Planned {
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

type jobsOptions struct {
	rejects bool
	changes bool
	export  string
}

func jobsCommand(sh *shell) *cobra.Command {
	var o jobsOptions
	c := &cobra.Command{
		Use:   "jobs [JOB]",
		Short: "List imports and erases, or show one",
		Long: `List imports and erases, newest first, or show one.

--changes prints the change set of an import as lines of JSON, every row before
and after (docs/CHANGES.md). --export dynamodb-json prints the items of its
added rows as DynamoDB's bulk loader takes them.`,
		Example: `  reseed jobs
  reseed jobs 0192f0c4a3b87c5e9d1f
  reseed jobs 0192f0c4a3b87c5e9d1f --rejects > rejects.csv
  reseed jobs 0192f0c4a3b87c5e9d1f --changes > changes.ndjson
  reseed jobs 0192f0c4a3b87c5e9d1f --export dynamodb-json > items.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client) error {
				if len(args) == 0 {
					if o != (jobsOptions{}) {
						return usage("--rejects, --changes and --export need a job")
					}
					return sh.listJobs(c.Context(), cl)
				}
				return sh.showOrPrint(c.Context(), cl, args[0], o)
			})
		},
	}
	c.Flags().BoolVar(&o.rejects, "rejects", false, "print the rejected rows as CSV, with line, column, code and reason")
	c.Flags().BoolVar(&o.changes, "changes", false, "print every change as a line of JSON")
	c.Flags().StringVar(&o.export, "export", "", "print the added rows in a format: dynamodb-json")
	sh.addJSONFlag(c)
	c.MarkFlagsMutuallyExclusive("rejects", "changes", "export", "json")
	return c
}

func (sh *shell) showOrPrint(ctx context.Context, cl *client, id string, o jobsOptions) error {
	switch {
	case o.rejects:
		return sh.printRejects(ctx, cl, id)
	case o.changes:
		return sh.printChanges(ctx, cl, id, importer.NDJSON)
	case o.export == string(importer.DynamoDBJSON):
		return sh.printChanges(ctx, cl, id, importer.DynamoDBJSON)
	case o.export != "":
		return usage("--export %q is not known; it is dynamodb-json", o.export)
	}
	j, err := cl.job(ctx, id)
	if err != nil {
		return err
	}
	return sh.showJob(ctx, cl, j)
}

// printChanges prints a change set, which comes compressed.
func (sh *shell) printChanges(ctx context.Context, cl *client, id string, format importer.Format) error {
	r, err := cl.open(ctx, id, "changes?format="+string(format))
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	z, err := gzip.NewReader(r)
	if err == nil {
		_, err = io.Copy(sh.out, z) //nolint:gosec // a stream, printed as it comes
	}
	if err != nil {
		return fmt.Errorf("the change set came incomplete: %w", err)
	}
	return nil
}

func (sh *shell) listJobs(ctx context.Context, cl *client) error {
	list, err := cl.jobs(ctx)
	if err != nil {
		return err
	}
	if sh.json {
		reports := make([]report, len(list))
		for i := range list {
			reports[i] = reportOf(&list[i])
		}
		return sh.show(map[string]any{"jobs": reports}, "")
	}
	if len(list) == 0 {
		sh.printf("No jobs yet.\n")
		return nil
	}
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "JOB\tKIND\tSOURCE\tSTATUS\tCREATED\tROWS\tREJECTS")
	for _, j := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\n",
			j.ID, strings.ToLower(kindOf(&j)), j.SourceName, j.Status, j.CreatedAt.Format("2006-01-02 15:04"), j.Progress.RowsDone, j.Rejects)
	}
	return w.Flush()
}

func (sh *shell) printRejects(ctx context.Context, cl *client, id string) error {
	r, err := cl.open(ctx, id, "rejects")
	if isNotFound(err) {
		return errors.New("this job has no rejects file: no row was rejected, or the job was erased")
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	_, err = io.Copy(sh.out, r)
	return err
}

// look is how often a job that is waited for is looked at.
const look = 150 * time.Millisecond

// wait follows a job to its end, with progress on a terminal.
func (sh *shell) wait(ctx context.Context, cl *client, id string) (*job.Job, error) {
	bar := sh.bar("waiting", 0)
	defer func() { _ = bar.Finish() }()
	for {
		j, err := cl.job(ctx, id)
		if err != nil {
			return j, fmt.Errorf("%w; the job goes on where it runs: reseed jobs %s", err, id)
		}
		if j.Status.Ended() {
			return j, nil
		}
		bar.Describe(describe(j))
		bar.ChangeMax64(permille)
		_ = bar.Set64(int64(permille * j.Progress.Fraction))
		select {
		case <-ctx.Done():
			return j, fmt.Errorf("stopped waiting; the job goes on with the next command or server on this data: reseed jobs %s", id)
		case <-time.After(look):
		}
	}
}

// permille is the length of the bar of a job.
const permille = 1000

func describe(j *job.Job) string {
	p := j.Progress
	switch {
	case j.Status == job.Waiting:
		return "waiting for another job of this source"
	case j.Kind == job.Erase:
		return fmt.Sprintf("erasing, %d items gone", p.ItemsDone)
	case j.Stage == "":
		return "reading"
	}
	text := fmt.Sprintf("%s, %d rows read", step(j.Stage), p.RowsDone)
	if p.ItemsDone > 0 {
		text += fmt.Sprintf(", %d of %d changes made", p.ItemsDone, max(p.ItemsTotal, p.ItemsDone))
	}
	if p.RowsASecond > 0 {
		text += fmt.Sprintf(", %.0f rows/s", p.RowsASecond)
	}
	if p.SecondsLeft > 0 {
		text += ", " + time.Duration(p.SecondsLeft*float64(time.Second)).Round(time.Second).String() + " left"
	}
	return text
}

// step says what a stage of a job does, in words.
func step(stage string) string {
	_, name, _ := strings.Cut(stage, " ")
	switch name {
	case "map", "decide":
		return "checking rows"
	case "resolve", "merge":
		return "comparing"
	case "check":
		return "making sure that nothing has moved"
	case "remove":
		return "removing"
	case "takeback":
		return "taking back"
	case "putback":
		return "putting back"
	}
	return "writing"
}

// bar is a progress bar on a terminal, and silent in a pipe.
func (sh *shell) bar(what string, size int64) *progressbar.ProgressBar {
	f, ok := sh.errOut.(*os.File)
	if sh.json || !ok || !term.IsTerminal(int(f.Fd())) {
		return progressbar.DefaultBytesSilent(size, what)
	}
	return progressbar.NewOptions64(max(size, 1), progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(size > 0), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(65*time.Millisecond))
}

// exitOf is the status that an error carries.
func exitOf(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.status
	}
	return exitFailed
}

// showJob prints how a job ended, or how far it is, and returns the exit status that says so.
func (sh *shell) showJob(ctx context.Context, cl *client, j *job.Job) error {
	var samples []importer.Change
	if j.Status == job.Planned {
		var err error
		if samples, err = cl.samples(ctx, j.ID); err != nil {
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
	case j.Status == job.Failed:
		return &exitError{status: exitFailed}
	case j.Rejects > 0:
		return &exitError{status: exitRejects}
	}
	return nil
}

func (sh *shell) printJob(ctx context.Context, cl *client, j *job.Job, samples []importer.Change) {
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
	if !j.Status.Ended() {
		sh.printf("Now: %s\n", describe(j))
	}
	if r.UndoneBy != "" {
		sh.printf("Taken back by job %s\n", r.UndoneBy)
	}
	sh.printDatasets(j)
	sh.printRemoved(r.Removed)
	sh.printf("Cost on DynamoDB: %.1f write units, %.1f read units\n", r.Cost.WriteUnits, r.Cost.ReadUnits)
	for _, n := range j.Notes {
		sh.printf("Note: %s\n", n)
	}
	if j.Rejects > 0 {
		sh.printFirstRejects(ctx, cl, j)
	}
	if j.Status == job.Planned {
		sh.printPlan(j, samples)
	}
}

// sumsOf says in a few words what becomes of the rows of all datasets.
func sumsOf(j *job.Job) string {
	var sum job.Counts
	for _, c := range j.Datasets {
		sum = sum.Add(c)
	}
	if sum.Read+sum.Removed == 0 {
		return ""
	}
	text := fmt.Sprintf("%d added, %d changed, ", sum.Added, sum.Changed)
	if sum.Removed > 0 {
		text += fmt.Sprintf("%d removed, ", sum.Removed)
	}
	text += fmt.Sprintf("%d unchanged", sum.Unchanged)
	if sum.Rejected > 0 {
		text += fmt.Sprintf(", %d %s", sum.Rejected, refusal(j))
	}
	return text
}

// refusal is what is said of rows that a job does not take in, or leaves alone.
func refusal(j *job.Job) string {
	if isUndo(j) {
		return "left alone"
	}
	return "rejected"
}

func isUndo(j *job.Job) bool { return j.Import != nil && j.Import.Undo != "" }

func kindOf(j *job.Job) string {
	switch {
	case isUndo(j):
		return "Undo"
	case j.Kind == job.Erase:
		return "Erase"
	}
	return "Import"
}

func (sh *shell) printDatasets(j *job.Job) {
	if len(j.Datasets) == 0 {
		return
	}
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "dataset\tread\tadded\tchanged\tunchanged\tremoved\t%s\t\n", refusal(j))
	for _, ds := range billing.Order() {
		if c, ok := j.Datasets[string(ds)]; ok {
			_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", ds, c.Read, c.Added, c.Changed, c.Unchanged, c.Removed, c.Rejected)
		}
	}
	_ = w.Flush()
}

func (sh *shell) printRemoved(removed map[string]int64) {
	kinds := make([]string, 0, len(removed))
	for k := range removed {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		sh.printf("  %8d  %s removed\n", removed[k], strings.ReplaceAll(k, "_", " "))
	}
}
