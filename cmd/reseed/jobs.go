package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/importer"
)

type jobsOptions struct {
	rejects bool
	out     string
	changes bool
	export  string
}

func jobsCommand(sh *shell) *cobra.Command {
	var o jobsOptions
	c := &cobra.Command{
		Use:   "jobs [JOB]",
		Short: "List imports and erases, or show one",
		Long: `List imports and erases, newest first, or show one.

--rejects prints the rejected rows in the format of their file, with file, line,
column, code and reason; correct them, and import them as they are. --out FILE
writes them to a new file. If several files have rejects, each has a rejects file of
its own, and --out makes a folder of that name, or a ZIP if the name ends in .zip.
With a / at its end, or if there is a folder of that name, --out is always a folder.

--changes prints the change set of an import as lines of JSON: every changed row,
before and after (docs/CHANGES.md). --export dynamodb-json prints the items of the
added rows in the format of DynamoDB's import from S3.`,
		Example: `  reseed jobs
  reseed jobs 0192f0c4a3b87c5e9d1f
  reseed jobs 0192f0c4a3b87c5e9d1f --rejects > rejects.csv
  reseed jobs 0192f0c4a3b87c5e9d1f --rejects --out to-correct/
  reseed jobs 0192f0c4a3b87c5e9d1f --changes > changes.ndjson
  reseed jobs 0192f0c4a3b87c5e9d1f --export dynamodb-json > items.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(args, sh.json); err != nil {
				return err
			}
			return sh.with(c.Context(), func(cl *client.Client) error {
				if len(args) == 0 {
					return sh.listJobs(c.Context(), cl)
				}
				return sh.showOrPrint(c.Context(), cl, args[0], o)
			})
		},
	}
	c.Flags().BoolVar(&o.rejects, "rejects", false, "print the rejected rows, with line, column, code and reason")
	c.Flags().StringVar(&o.out, "out", "", "with --rejects: a new file; FOLDER/ or a new .zip if several files have rejects")
	c.Flags().BoolVar(&o.changes, "changes", false, "print every change as a line of JSON")
	c.Flags().StringVar(&o.export, "export", "", "print the added rows in a format: dynamodb-json")
	return sh.addJSONFlag(c)
}

func (o jobsOptions) check(args []string, json bool) error {
	asked := 0
	for _, yes := range []bool{o.rejects, o.changes, o.export != "", json} {
		if yes {
			asked++
		}
	}
	switch {
	case asked > 1:
		return usage("only one of --rejects, --changes, --export and --json can be given")
	case o.out != "" && !o.rejects:
		return usage("--out goes with --rejects")
	case len(args) == 0 && o != (jobsOptions{}):
		return usage("--rejects, --changes and --export need a job")
	case o.export != "" && o.export != string(importer.DynamoDBJSON):
		return usage("--export %q is not known; it is %s", o.export, importer.DynamoDBJSON)
	}
	return nil
}

func (sh *shell) showOrPrint(ctx context.Context, cl *client.Client, id string, o jobsOptions) error {
	switch {
	case o.rejects:
		return sh.giveRejects(ctx, cl, id, o.out)
	case o.changes:
		return sh.printChanges(ctx, cl, id, importer.NDJSON)
	case o.export != "":
		return sh.printChanges(ctx, cl, id, importer.Format(o.export))
	}
	j, err := cl.Job(ctx, id)
	if err != nil {
		return err
	}
	return sh.showJob(ctx, cl, j)
}

// printChanges prints a change set. The server sends it compressed.
func (sh *shell) printChanges(ctx context.Context, cl *client.Client, id string, format importer.Format) error {
	r, err := cl.Changes(ctx, id, string(format))
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	z, err := gzip.NewReader(r)
	if err == nil {
		err = sh.copyOut(z)
	}
	if err != nil {
		return fmt.Errorf("the change set came incomplete: %w", err)
	}
	return nil
}

func (sh *shell) listJobs(ctx context.Context, cl *client.Client) error {
	page, err := cl.Jobs(ctx, "")
	if err != nil {
		return err
	}
	list, uploads := page.Jobs, page.Uploads
	if sh.json {
		reports := make([]report, len(list))
		for i := range list {
			reports[i] = reportOf(&list[i])
		}
		out := map[string]any{"jobs": reports}
		if len(uploads) > 0 {
			out["uploads"] = uploads
		}
		return sh.show(out, "")
	}
	defer sh.printFailedUploads(uploads)
	if len(list) == 0 {
		sh.printf("No jobs yet.\n")
		return nil
	}
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "JOB\tKIND\tSOURCE\tSTATUS\tCREATED\tROWS\tREJECTS")
	for _, j := range list {
		fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\n",
			j.ID, strings.ToLower(kindOf(&j)), j.SourceName, j.Status, j.CreatedAt.Format("2006-01-02 15:04"), j.Progress.RowsDone, j.Rejects)
	}
	return w.Flush()
}

// printFailedUploads prints which files in the upload folder could not be imported, and why.
func (sh *shell) printFailedUploads(uploads []wire.FailedUpload) {
	if len(uploads) > 0 {
		sh.printf("\nNot imported, and tried again every minute:\n")
	}
	for _, u := range uploads {
		sh.printf("  %s: %s (since %s)\n", u.Object, u.Error, u.Since.Format("2006-01-02 15:04"))
	}
}
