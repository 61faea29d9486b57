package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

type importOptions struct {
	source  string
	dataset string
	mode    string
}

func importCommand(sh *shell) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Import CSV files into a data source",
		Long: `Import CSV files into a data source, which is made if it does not exist.

Each file's dataset is found from its header row; several files are worked in
the order in which they depend on one another. Good rows go in; bad rows are
rejected with file, line, column and reason, and do not stop the others. The
same files again change nothing.

Exit status: 0 done, 1 failed, 2 usage, 3 done with rejects.`,
		Example: `  reseed import testdata/company/*.csv --source Company
  reseed import march.csv --source Billing --dataset customers --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.source == "" {
				return usage("--source must not be empty")
			}
			if o.mode != "upsert" {
				return usage("--mode %q is not known; it is upsert", o.mode)
			}
			for _, f := range args {
				if err := readable(f); err != nil {
					return err
				}
			}
			return sh.with(c.Context(), func(cl *client) error { return sh.runImport(c.Context(), cl, args, o) })
		},
	}
	c.Flags().StringVar(&o.source, "source", "", "name or uuid of the data source")
	c.Flags().StringVar(&o.dataset, "dataset", "", "what the files hold, if their header rows do not say")
	c.Flags().StringVar(&o.mode, "mode", "upsert", "upsert: add and change rows, remove none")
	_ = c.MarkFlagRequired("source")
	return sh.addJSONFlag(c)
}

func readable(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return usage("%v", err)
	case info.IsDir():
		return usage("%s is a folder; name the files in it", name)
	}
	return nil
}

// with connects, does f, and disconnects.
func (sh *shell) with(ctx context.Context, f func(*client) error) error {
	cl, err := sh.connect(ctx)
	if err != nil {
		return err
	}
	err = f(cl)
	if closeErr := cl.close(); err == nil && closeErr != nil {
		return closeErr
	}
	return err
}

func (sh *shell) runImport(ctx context.Context, cl *client, files []string, o importOptions) error {
	src, ok, err := cl.sourceNamed(ctx, o.source)
	if err == nil && !ok {
		src, err = cl.addSource(ctx, o.source, "CSV")
	}
	if err != nil {
		return fmt.Errorf("data source %q: %w", o.source, err)
	}
	bar := sh.bar("uploading", totalSize(files))
	j, err := cl.upload(ctx, src.UUID, o.dataset, files, bar)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if j, err = sh.wait(ctx, cl, j.ID); err != nil {
		return err
	}
	return sh.showJob(ctx, cl, j)
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
