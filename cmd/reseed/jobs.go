package main

import (
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
	if !j.EndedAt.IsZero() {
		r.Seconds = j.EndedAt.Sub(j.CreatedAt).Seconds()
	}
	return r
}

func jobsCommand(sh *shell) *cobra.Command {
	var rejects bool
	c := &cobra.Command{
		Use:   "jobs [JOB]",
		Short: "List imports and erases, or show one",
		Example: `  reseed jobs
  reseed jobs 0192f0c4a3b87c5e9d1f
  reseed jobs 0192f0c4a3b87c5e9d1f --rejects > rejects.csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return sh.with(c.Context(), func(cl *client) error {
				switch {
				case len(args) == 0 && rejects:
					return usage("--rejects needs a job")
				case len(args) == 0:
					return sh.listJobs(c.Context(), cl)
				case rejects:
					return sh.printRejects(c.Context(), cl, args[0])
				}
				j, err := cl.job(c.Context(), args[0])
				if err != nil {
					return err
				}
				return sh.showJob(c.Context(), cl, j)
			})
		},
	}
	c.Flags().BoolVar(&rejects, "rejects", false, "print the rejected rows as CSV, with line, column, code and reason")
	return sh.addJSONFlag(c)
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
			j.ID, j.Kind, j.SourceName, j.Status, j.CreatedAt.Format("2006-01-02 15:04"), j.Progress.RowsDone, j.Rejects)
	}
	return w.Flush()
}

func (sh *shell) printRejects(ctx context.Context, cl *client, id string) error {
	r, err := cl.rejects(ctx, id)
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

// wait follows a job to its end, with progress on a terminal.
func (sh *shell) wait(ctx context.Context, cl *client, id string) (*job.Job, error) {
	bar := sh.bar("waiting", 0)
	defer func() { _ = bar.Finish() }()
	for {
		j, err := cl.job(ctx, id)
		if err != nil || j.Status.Ended() {
			return j, err
		}
		bar.Describe(describe(j))
		if j.Progress.BytesTotal > 0 {
			bar.ChangeMax64(j.Progress.BytesTotal)
			_ = bar.Set64(j.Progress.BytesDone)
		}
		select {
		case <-ctx.Done():
			return j, fmt.Errorf("stopped waiting; the job goes on with the next command or server on this data: reseed jobs %s", id)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func describe(j *job.Job) string {
	switch {
	case j.Status == job.Waiting:
		return "waiting for another job of this source"
	case j.Kind == job.Erase:
		return fmt.Sprintf("erasing, %d items gone", j.Progress.ItemsDone)
	case j.Stage == "":
		return "reading"
	}
	return fmt.Sprintf("%s, %d rows", j.Stage, j.Progress.RowsDone)
}

// bar is a progress bar on a terminal, and silent in a pipe.
func (sh *shell) bar(what string, size int64) *progressbar.ProgressBar {
	f, ok := sh.errOut.(*os.File)
	if sh.json || !ok || !term.IsTerminal(int(f.Fd())) {
		return progressbar.DefaultBytesSilent(size, what)
	}
	return progressbar.NewOptions64(max(size, 1), progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(65*time.Millisecond))
}

// showJob prints how a job ended, and returns the exit status that says so.
func (sh *shell) showJob(ctx context.Context, cl *client, j *job.Job) error {
	if sh.json {
		if err := sh.show(reportOf(j), ""); err != nil {
			return err
		}
	} else {
		sh.printJob(ctx, cl, j)
	}
	switch {
	case j.Status == job.Failed:
		return &exitError{status: exitFailed}
	case j.Rejects > 0:
		return &exitError{status: exitRejects}
	}
	return nil
}

func (sh *shell) printJob(ctx context.Context, cl *client, j *job.Job) {
	r := reportOf(j)
	sh.printf("%s %s: %s", strings.ToUpper(string(j.Kind[:1]))+string(j.Kind[1:]), j.ID, j.Status)
	if j.SourceName != "" {
		sh.printf(" (%s)", j.SourceName)
	}
	if r.Seconds > 0 {
		sh.printf(" after %.1f s", r.Seconds)
	}
	sh.printf("\n")
	if j.Error != "" {
		sh.printf("%s\n", j.Error)
	}
	if len(j.Datasets) > 0 {
		w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(w, "dataset\tread\tadded\tchanged\tunchanged\trejected\t")
		for _, ds := range billing.Order() {
			if c, ok := j.Datasets[string(ds)]; ok {
				_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", ds, c.Read, c.Added, c.Changed, c.Unchanged, c.Rejected)
			}
		}
		_ = w.Flush()
	}
	sh.printRemoved(r.Removed)
	sh.printf("Cost on DynamoDB: %.1f write units, %.1f read units\n", r.Cost.WriteUnits, r.Cost.ReadUnits)
	for _, n := range j.Notes {
		sh.printf("Note: %s\n", n)
	}
	if j.Rejects > 0 {
		sh.printFirstRejects(ctx, cl, j)
	}
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
