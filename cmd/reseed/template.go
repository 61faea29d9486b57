package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"reseed/pkg/template"
)

func templateCommand(sh *shell) *cobra.Command {
	var format, out string
	c := &cobra.Command{
		Use:   "template",
		Short: "Write an empty workbook or empty CSV files to fill in and import",
		Long: `Write empty tables to fill in and import, one for each dataset, with all columns: a
workbook (xlsx), whose columns have notes, lists to choose from, and formats that keep
ids as they are typed; or a folder of CSV files. Delete columns and tabs that you do
not need; required columns are darker. Files that are there already are not replaced.`,
		Example: `  reseed sources template --format xlsx
  reseed sources template --format csv --out march`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch format {
			case "xlsx":
				return sh.writeWorkbook(out)
			case "csv":
				return sh.writeTables(out)
			}
			return usage("--format is xlsx or csv")
		},
	}
	c.Flags().StringVar(&format, "format", "xlsx", "xlsx or csv")
	c.Flags().StringVar(&out, "out", "", "file of the workbook (reseed.xlsx), or folder of the CSV files (reseed-csv)")
	return c
}

func (sh *shell) writeWorkbook(name string) error {
	if name == "" {
		name = "reseed.xlsx"
	}
	var body bytes.Buffer
	if err := template.Workbook(&body); err != nil {
		return err
	}
	if err := writeNew(name, body.Bytes()); err != nil {
		return err
	}
	sh.printf("Wrote %s. Fill it in, and import it: %s\n", name, sh.again("import %s", name))
	return nil
}

func (sh *shell) writeTables(folder string) error {
	if folder == "" {
		folder = "reseed-csv"
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for _, ds := range template.Datasets() {
		body, err := template.CSV(ds)
		if err != nil {
			return err
		}
		if err := writeNew(filepath.Join(folder, string(ds)+".csv"), body); err != nil {
			return err
		}
	}
	sh.printf("Wrote %d files to %s. Fill them in, delete those that you do not need, and import the folder: %s\n",
		len(template.Datasets()), folder, sh.again("import %s", folder))
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(name string, body []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the person names it
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already; name another file with --out, or delete it", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Close())
}
