package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api"
	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

func inspectCommand(sh *shell) *cobra.Command {
	var r readFlags
	var name string
	c := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Show what an import would understand of files, and import nothing",
		Long: `Show what an import would understand of files, and import nothing: encoding,
delimiter, header row, dataset, what each column means, the first ten rows as records
or with what is wrong with them, and the settings that may help. It reads the first MB
of each file, and of each file in a ZIP or tab of a workbook. With --source, files are read as an import
into that data source would read them.

What it prints holds values of the files. Exit status: 0 understood, 1 not, 2 usage.`,
		Example: `  reseed inspect kunden.csv
  reseed inspect kunden.csv --encoding windows-1252 --map "Kundennr=External ID"
  reseed inspect march.xlsx
  reseed inspect export.zip --source Shop`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := r.inspector()
			if err != nil {
				return err
			}
			files, _, err := sh.expand(c.Context(), args, job.File{Dataset: r.dataset, Settings: in.Settings})
			if err != nil {
				return err
			}
			if name != "" {
				if in.Kept, err = sh.keptBy(c, name); err != nil {
					return err
				}
			}
			return sh.inspect(c.Context(), in, files)
		},
	}
	c.Flags().StringVar(&name, "source", "", "name or uuid of the data source whose settings count, too")
	r.addTo(c, "what the files hold, if their header rows do not tell")
	return sh.addJSONFlag(c)
}

// inspector is an inspector with the flags.
func (r *readFlags) inspector() (importer.Inspector, error) {
	s, err := r.settings()
	in := importer.Inspector{Dataset: billing.Dataset(r.dataset), Settings: source.Settings(s), Now: time.Now()}
	if err == nil && r.dataset != "" && billing.FieldsOf(in.Dataset) == nil {
		err = usage("--dataset %q is not known; it is one of %s", r.dataset, datasetNames(billing.Order()))
	}
	return in, err
}

// keptBy is what a data source keeps about the reading of its files.
func (sh *shell) keptBy(c *cobra.Command, name string) (kept source.Readings, err error) {
	err = sh.withSource(c, name, func(cl *client.Client, s wire.Source) error {
		list, err := cl.Settings(c.Context(), s.UUID)
		for _, k := range list {
			kept.Keep(billing.Dataset(k.Dataset), source.Settings(k.Settings))
		}
		return err
	})
	return kept, err
}

// inspect inspects files, and prints what it finds.
func (sh *shell) inspect(ctx context.Context, in importer.Inspector, files []string) error {
	var all []importer.Inspection
	shown := importer.TellApart(files)
	in.Beside = len(files) > 1
	for i, file := range files {
		found, err := inspectFile(ctx, in, file, shown[i])
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	understood := true
	out := []wire.Inspection{} // programs depend on its shape
	for i := range all {
		understood = understood && all[i].Understood()
		if out = append(out, api.InspectionOf(&all[i])); !sh.json {
			sh.printInspection(&all[i])
		}
	}
	if sh.json {
		if err := sh.show(map[string]any{"files": out}, ""); err != nil {
			return err
		}
	}
	if !understood {
		return &exitError{status: exitFailed}
	}
	return nil
}

// inspectFile inspects one file, and calls it as shown. Of a pipe only the beginning is read, so it cannot be a ZIP.
func inspectFile(ctx context.Context, in importer.Inspector, name, shown string) ([]importer.Inspection, error) {
	f, err := os.Open(name) //nolint:gosec // the person names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		return in.Inspect(ctx, shown, f, info.Size())
	}
	head, err := io.ReadAll(io.LimitReader(f, 2<<20))
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return nil, errors.New("a ZIP cannot be inspected through a pipe: name the file")
	}
	return in.Inspect(ctx, shown, bytes.NewReader(head), int64(len(head)))
}

func (sh *shell) printInspection(in *importer.Inspection) {
	sh.printf("%s", in.File)
	if in.Format != "" {
		sh.printf(": %s", strings.ToUpper(in.Format))
	}
	if in.Encoding != "" {
		sh.printf(", %s", in.Encoding)
	}
	switch in.Delimiter {
	case "":
	case "\t":
		sh.printf(", delimiter tab")
	default:
		sh.printf(", delimiter %q", in.Delimiter)
	}
	if in.HeaderLine > 0 {
		what := "line"
		if in.Tab != "" {
			what = "row"
		}
		sh.printf(", header row on %s %d", what, in.HeaderLine)
	}
	sh.printf("\n")
	if in.Err != nil {
		sh.printf("  not understood: %s\n", in.Err)
	}
	if in.Dataset != "" {
		sh.printf("  dataset: %s\n", in.Dataset)
	}
	sh.printColumns(in.Columns)
	for _, r := range in.Rows {
		sh.printInspected(r)
	}
	if in.Err == nil {
		part := ""
		if !in.Whole {
			part = "of the first MB: "
		}
		sh.printf("  %s%s, %d rejected\n", part, numberOf(int64(in.Read), "row"), in.Rejected)
	}
	for _, n := range in.Notes {
		sh.printf("  note: %s\n", n)
	}
	if len(in.Helps) > 0 {
		sh.printf("  settings that may help: %s\n", strings.Join(in.Helps, "  "))
	}
}

func (sh *shell) printColumns(columns []billing.Column) {
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	for _, c := range columns {
		switch {
		case c.Field.Name != "":
			fprintf(w, "    %s\t%s\t%s\n", c.Name, c.Field.Name, c.Field.Is)
		case c.Nearest != "":
			fprintf(w, "    %s\tignored\tis it %q?\n", c.Name, c.Nearest)
		default:
			fprintf(w, "    %s\tignored\t\n", c.Name)
		}
	}
	_ = w.Flush()
}

// lineOf says where a row is in its file.
func lineOf(r importer.InspectedRow) string {
	return cmp.Or(r.Place, fmt.Sprintf("line %d", r.Line))
}

func (sh *shell) printInspected(r importer.InspectedRow) {
	if p := r.Problem; p != nil {
		sh.printf("  %s: %s\n", lineOf(r), p.Message)
		return
	}
	c := wire.Change{Dataset: string(r.Dataset), After: map[string]any{}}
	for name, v := range r.Record {
		if n, ok := v.(int64); ok { // as in JSON
			v = float64(n)
		}
		c.After[name] = v
	}
	sh.printf("  %s: %s %s: %s\n", lineOf(r), singular(c.Dataset), nameOf(c), strings.Join(fieldsOf(c), ", "))
}
