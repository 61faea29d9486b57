package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/store"
)

type importOptions struct {
	source     string
	read       readFlags
	settings   wire.Settings // of read
	remember   bool
	mode       string
	plan       bool
	yes        bool
	maxRemoved int
	limit      *int // maxRemoved if it is given
	allowEmpty bool
	mail       bool
}

const flagMaxRemoved = "max-removed"

func (o importOptions) wire() wire.ImportOptions {
	return wire.ImportOptions{
		Dataset: o.read.dataset, Mode: o.mode, Plan: o.plan, MaxRemoved: o.limit, AllowEmpty: o.allowEmpty, Settings: o.settings, Remember: o.remember, Mail: &o.mail,
	}
}

func importCommand(sh *shell) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Import CSV or NDJSON files, workbooks, folders of them or ZIPs into a data source",
		Long: `Import files into a data source, which is made if it does not exist. A file is
CSV, or NDJSON: one JSON object a line, such as
{"dataset":"customers","external_id":"c1","name":"Ann"}; docs/FORMATS.md lists the
columns and fields. Either may be packed as .gz. A workbook (.xlsx, .xlsm) is read
like a folder of CSV files, one for each tab. A folder stands for the files in it and
below it (.csv, .tsv, .txt and .ndjson, all also with .gz, workbooks, and .zip), a ZIP
for those in it; what is left out is named. Pipes are read to their end; - is
standard input.

The dataset of a CSV file is found from its header row, that of NDJSON from each
line; one NDJSON file may hold several, in any order. Datasets are imported in the
order in which they depend on one another. Good rows are imported; bad rows are
rejected with file, line, column or field, and reason, and do not stop the others.
Importing the same files again changes nothing.

A CSV file that is right and only written differently needs a setting: --encoding,
--delimiter, --skip-lines, --map, --date-format, --amounts, --decimal, --ids.
"reseed inspect FILE" shows which. With --remember the source keeps them for its
next imports; "reseed sources set" shows and changes what it keeps.

With --plan nothing is written: the report shows what would be added, changed,
removed and rejected, some rows before and after, and what it would cost.
"reseed apply JOB" then does exactly that. "reseed undo JOB" takes an import back.

With --mode replace, stored rows that the files lack are removed, in the datasets
that the files hold. Nothing is removed if any row was rejected, and a removal of
more than --max-removed percent of a dataset waits for your yes.

With --mail people are told by mail how the import ends, as they are of imports that
came over the REST API or the upload folder.

Exit status: 0 done or planned, 1 failed or cancelled, or waits for your yes,
2 usage, 3 done or planned with rejects.`,
		Example: `  reseed import testdata/company/*.csv --source Company
  reseed import export.zip --source Company --plan
  reseed import data.ndjson.gz --source Company
  reseed import march.xlsx --source Company --plan
  reseed import kunden.csv --source Shop --encoding windows-1252 --map "Kundennr=External ID" --remember
  reseed import customers.csv --source Company --mode replace
  reseed import march.csv --source Billing --dataset customers --json
  zcat customers.csv.gz | reseed import - --source Company`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case o.source == "":
				return usage("--source must not be empty")
			case o.mode != wire.Upsert && o.mode != wire.Replace:
				return usage("--mode %q is not known; it is upsert or replace", o.mode)
			case o.maxRemoved < 0 || o.maxRemoved > 100:
				return usage("--max-removed is a percentage from 0 to 100")
			}
			if c.Flags().Changed(flagMaxRemoved) {
				o.limit = &o.maxRemoved
			}
			var err error
			if o.settings, err = o.read.settings(); err != nil {
				return err
			}
			sh.makesData = true
			files, notes, err := sh.expand(c.Context(), args, job.File{Dataset: o.read.dataset, Settings: source.Settings(o.settings)})
			if err != nil {
				return err
			}
			return sh.with(c.Context(), func(cl *client.Client) error { return sh.runImport(c.Context(), cl, files, notes, o) })
		},
	}
	c.Flags().StringVar(&o.source, "source", "", "name or uuid of the data source")
	o.read.addTo(c, "what the files hold: for CSV whose header rows do not tell, and for NDJSON lines that do not say")
	c.Flags().BoolVar(&o.remember, "remember", false, "once the import is done, keep these settings for the datasets of the files, for the next imports into this source")
	c.Flags().StringVar(&o.mode, "mode", wire.Upsert, "upsert: add and change rows; replace: also remove those that the files lack")
	c.Flags().BoolVar(&o.plan, "plan", false, "only show what would change")
	c.Flags().BoolVar(&o.yes, "yes", false, "do not ask before a large removal")
	c.Flags().IntVar(&o.maxRemoved, flagMaxRemoved, 0, fmt.Sprintf("percent of a dataset's rows above which a removal waits for a yes (default what the settings of the account say, or else %d)", wire.DefaultMaxRemoved))
	c.Flags().BoolVar(&o.allowEmpty, "allow-empty", false, "with --mode replace, let files without rows remove everything")
	c.Flags().BoolVar(&o.mail, "mail", false, "tell people how it ends, or that it waits, by mail or webhook, as the settings of the server say (README.md)")
	_ = c.MarkFlagRequired("source")
	return sh.addJSONFlag(c)
}

// runImport imports files. The notes, on what is left out of folders, stand in the report.
func (sh *shell) runImport(ctx context.Context, cl *client.Client, files, notes []string, o importOptions) error {
	src, made, err := sh.sourceFor(ctx, cl, o.source)
	if err != nil {
		return fmt.Errorf("data source %q: %w", o.source, err)
	}
	if made && !sh.json {
		sh.printf("Made the data source %s.\n", src.Name)
	}
	bar := sh.bar("uploading", totalSize(files))
	j, err := upload(ctx, cl, src.UUID, o.wire(), files, bar)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if j, err = sh.wait(ctx, cl, j.ID); err != nil {
		return err
	}
	j.Notes = append(notes, j.Notes...)
	if j.Status != wire.Planned || o.plan {
		return sh.showJob(ctx, cl, j)
	}
	return sh.confirmRemoval(ctx, cl, j, o.yes)
}

// sourceFor finds the data source that a name or uuid means, or makes one of that name.
func (sh *shell) sourceFor(ctx context.Context, cl *client.Client, name string) (src wire.Source, made bool, err error) {
	named, err := cl.SourcesNamed(ctx, name)
	switch {
	case err != nil:
		return src, false, err
	case len(named) > 0:
		sh.warnOfNamesakes(named)
		return named[0], false, nil
	case store.IsSourceUUID(name):
		return src, false, errors.New("there is none of that uuid")
	}
	src, err = cl.AddSource(ctx, name, "CSV")
	return src, err == nil, err
}

// confirmRemoval asks for a yes to a removal of more than --max-removed percent, and applies it
// then.
func (sh *shell) confirmRemoval(ctx context.Context, cl *client.Client, j *wire.Job, yes bool) error {
	if !yes {
		if err := sh.showJob(ctx, cl, j); err != nil && exitOf(err) == exitFailed {
			return err
		}
		if sh.json || !sh.onTerminal() || !sh.asked("Apply it?") {
			return &exitError{exitFailed, fmt.Errorf("nothing was written; to go on: %s", sh.again("apply %s", j.ID))}
		}
	}
	return sh.act(ctx, cl, (*client.Client).Apply, j.ID)
}

func totalSize(files []string) int64 {
	var n int64
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			n += info.Size()
		}
	}
	return n
}
