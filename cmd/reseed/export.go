package main

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
)

type exportOptions struct {
	wire.ExportOptions

	all        bool
	out        string
	givenEdits bool
}

const standardOutput = "-"

func exportCommand(sh *shell) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "export SOURCE | --all | customer ID",
		Short: "Write the rows of a data source as files that an import takes",
		Long: `Write the rows of a data source, as they were imported, into a ZIP: a CSV file for
each dataset that has rows, or with --format ndjson one file of lines. "reseed
import" takes the ZIP as it is, and makes the same records of it. Without --out it
is SOURCE-DATE.zip in this folder. --out may also be a new or empty folder for the
files, or - for standard output, with one dataset or with --format ndjson. Nothing
is overwritten, and a file is there whole or not at all.

What people have done by hand is a file of its own beside the rows, edits.ndjson:
changed fields, disabled and deleted rows, tags, attributes and merges, with their
authors and times. An import takes it with the rows or by itself: so it comes back
even if the source was deleted and made anew. With --dataset, it has the edits of
these datasets. --edits none leaves it out. With --edits laid-over there is no such
file: fields are as people have changed them, and rows that they have deleted are
left out; tags, merges, and attributes that people have set are not in it. What is
being erased is not in an export. CSV cannot hold every value: #N/A, for instance,
is an error of a spreadsheet there. If a row has such a value the export as CSV
fails and says so; --format ndjson holds it.

--excel writes a copy for reading: cells that a spreadsheet would run begin with a
single quote. It is not for import, and has no edits unless they are laid over.
--delimiter ";" is what Excel wants in many countries. To standard output, CSV is
written without edits; NDJSON has them behind the rows.

--all exports every data source, each into a ZIP of its own; --out is a folder then.

"export customer" writes all that is known of one customer, for reading and for
programs. A data source with the name "customer" is exported by its uuid.

Exit status: 0 done, or there are no rows; 1 failed or cancelled; 2 usage.`,
		Example: `  reseed export Company
  reseed export Company --out copy --dataset customers --dataset contacts
  reseed export Company --format ndjson --out - | gzip > company.ndjson.gz
  reseed export Company --excel --delimiter ";" --out company-to-read.zip
  reseed export --all --out copies`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.givenEdits = c.Flags().Changed("edits")
			if err := o.check(args, sh.json); err != nil {
				return err
			}
			limitMemory(exportMemory)
			return sh.with(c.Context(), func(cl *client.Client) error {
				if o.all {
					return sh.exportAll(c.Context(), cl, o)
				}
				src, err := sh.sourceNamed(c.Context(), cl, args[0])
				if err != nil {
					return err
				}
				return sh.export(c.Context(), cl, src, o)
			})
		},
	}
	c.Flags().StringVar(&o.out, "out", "", "a new FILE.zip, a new or empty folder, or - for standard output")
	c.Flags().StringArrayVar(&o.Datasets, "dataset", nil, "only this dataset; may be given several times")
	c.Flags().StringVar(&o.Format, "format", wire.CSV, "csv or ndjson")
	c.Flags().StringVar(&o.Edits, "edits", wire.EditsApart, "what people did by hand: apart, in a file of its own; laid-over the rows; or none")
	c.Flags().BoolVar(&o.Sheet, "excel", false, "a copy for reading in a spreadsheet, not for import")
	c.Flags().StringVar(&o.Delimiter, "delimiter", "", "with --excel: what stands between cells; one of , ; | or tab")
	c.Flags().BoolVar(&o.all, "all", false, "every data source")
	c.AddCommand(exportCustomerCommand(sh))
	return sh.addJSONFlag(c)
}

func (o *exportOptions) check(args []string, json bool) error {
	if o.all == (len(args) > 0) {
		return usage("name one data source, or give --all")
	}
	if err := o.checkFormat(); err != nil {
		return err
	}
	if err := o.checkEdits(); err != nil {
		return err
	}
	return o.checkOut(json)
}

// checkEdits checks what is to become of edits. By themselves they are left out where a table is all
// that can be written.
func (o *exportOptions) checkEdits() error {
	table := o.Sheet || o.out == standardOutput && o.Format == wire.CSV
	switch {
	case table && !o.givenEdits:
		o.Edits = wire.NoEdits
	case table && o.Edits == wire.EditsApart:
		return usage("--edits apart makes a second file, which is no table: give none or laid-over")
	case o.Edits != wire.EditsApart && o.Edits != wire.NoEdits && o.Edits != wire.EditsLaidOver:
		return usage("--edits %q is not known; it is apart, laid-over or none", o.Edits)
	}
	return nil
}

// checkFormat checks what is to be written.
func (o *exportOptions) checkFormat() error {
	for _, ds := range o.Datasets {
		if !slices.Contains(billing.Order(), billing.Dataset(ds)) {
			return usage("--dataset %q is not known; it is one of %s", ds, datasetNames(billing.Order()))
		}
	}
	if o.Delimiter == "tab" {
		o.Delimiter = "\t"
	}
	switch {
	case o.Format != wire.CSV && o.Format != wire.NDJSON:
		return usage("--format %q is not known; it is csv or ndjson", o.Format)
	case o.Sheet && o.Format != wire.CSV:
		return usage("--excel writes CSV; leave --format out")
	case o.Delimiter != "" && !o.Sheet:
		return usage("--delimiter goes with --excel: files for import have commas")
	case o.Delimiter != "" && !slices.Contains([]string{",", ";", "|", "\t"}, o.Delimiter):
		return usage("--delimiter is one of , ; | or tab")
	}
	return nil
}

// datasetNames lists datasets for people.
func datasetNames(list []billing.Dataset) string {
	names := make([]string, len(list))
	for i, ds := range list {
		names[i] = string(ds)
	}
	return strings.Join(names, ", ")
}

// checkOut checks where it is to be written.
func (o *exportOptions) checkOut(json bool) error {
	toOutput := o.out == standardOutput
	switch {
	case o.all && (toOutput || o.packed()):
		return usage("with --all, --out is a folder")
	case o.all && json:
		return usage("--json is about one data source")
	case toOutput && !json && o.Format == wire.CSV && len(o.Datasets) != 1:
		return usage("standard output takes one file: give one --dataset, or --format ndjson")
	}
	return o.checkPlace(json)
}

// checkPlace checks that --out names something that can be written.
func (o *exportOptions) checkPlace(json bool) error {
	toOutput := o.out == standardOutput
	switch {
	case toOutput && json:
		return usage("--json cannot be given with --out -")
	case !toOutput && !o.packed() && isExportFile(o.out):
		return usage("--out is FILE.zip, a folder or -")
	}
	return nil
}

// packed reports whether the export is to be one ZIP.
func (o *exportOptions) packed() bool { return strings.EqualFold(filepath.Ext(o.out), ".zip") }

// isExportFile reports whether --out names a file, not a folder.
func isExportFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() || plainFile(path)
}

// exported says in a few words what an export has written.
func exported(x *wire.ExportJob) string {
	var rows int64
	for ds, n := range x.Rows {
		if ds != string(billing.Edits) {
			rows += n
		}
	}
	said := numberOf(rows, "row")
	if edits := x.Rows[string(billing.Edits)]; edits > 0 {
		said += " and " + numberOf(edits, "edit")
	}
	return said
}

// exportAll exports every data source into a ZIP of its own. One that fails does not stop the others.
func (sh *shell) exportAll(ctx context.Context, cl *client.Client, o exportOptions) error {
	sources, err := cl.Sources(ctx)
	if err != nil {
		return err
	}
	var failed []error
	folder := o.out
	for _, src := range sources {
		o.out = filepath.Join(folder, exportName(src.Name, time.Now()))
		if err := sh.export(ctx, cl, src, o); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", src.Name, err))
		}
	}
	if len(failed) > 0 {
		return &exitError{exitFailed, errors.Join(failed...)}
	}
	return nil
}

// exportName names the file of an export that was given no name.
func exportName(source string, at time.Time) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, source)
	return strings.TrimLeft(name, ".-") + "-" + at.Format(time.DateOnly) + ".zip"
}

// export makes an export of a data source, fetches its file, and deletes it where it was made.
func (sh *shell) export(ctx context.Context, cl *client.Client, src wire.Source, o exportOptions) error {
	if err := o.free(); err != nil {
		return err
	}
	j, err := cl.Export(ctx, src.UUID, o.ExportOptions)
	if err != nil {
		return err
	}
	j, written, err := sh.finishExport(ctx, cl, j.ID, o)
	if err != nil {
		return err
	}
	return sh.reportExport(j, src.Name, written)
}

// finishExport waits for an export, fetches its file, and deletes it where it was made. It returns
// where the file is; that is empty if there were no rows.
func (sh *shell) finishExport(ctx context.Context, cl *client.Client, id string, o exportOptions) (j *wire.Job, written string, err error) {
	if j, err = sh.wait(ctx, cl, id); err != nil {
		return nil, "", err
	}
	if j.Status == wire.Cancelled {
		return nil, "", &exitError{exitFailed, errors.New("the export was cancelled")}
	}
	if j.Status != wire.Done {
		return nil, "", &exitError{exitFailed, fmt.Errorf("the export failed: %s", j.Error)}
	}
	if j.Export.Size == 0 {
		return j, "", nil
	}
	if written, err = sh.fetchExport(ctx, cl, j, o); err != nil {
		return nil, "", err
	}
	if _, err := cl.DropExport(ctx, j.ID); err != nil {
		return nil, "", fmt.Errorf("the export is here, but could not be deleted where it was made: %w", err)
	}
	return j, written, nil
}

// exportedName is what the file of an export is named after.
func exportedName(j *wire.Job) string {
	if j.Export.Customer != "" {
		return j.Export.Customer
	}
	return j.SourceName
}

// reportExport says what an export has written. If the rows went to standard output, it says so on
// the other.
func (sh *shell) reportExport(j *wire.Job, name, written string) error {
	if sh.json {
		r := reportOf(j)
		r.File = written
		return sh.show(r, "")
	}
	out := sh.out
	if written == standardOutput {
		out = sh.errOut
	}
	if j.Export.Size == 0 {
		fprintf(out, "%s has no rows to export.\n", name)
		return nil
	}
	fprintf(out, "Exported %s: %s\n", name, exported(j.Export))
	for _, ds := range slices.SortedFunc(maps.Keys(j.Export.Rows), byOrder) {
		fprintf(out, "  %8d  %s\n", j.Export.Rows[ds], ds)
	}
	for _, note := range j.Notes {
		fprintf(out, "Note: %s\n", note)
	}
	if written != standardOutput {
		fprintf(out, "Written: %s\n", written)
	}
	return nil
}

// byOrder sorts datasets by their order, and other names behind them.
func byOrder(a, b string) int {
	order := billing.Datasets()
	place := func(name string) int {
		if i := slices.Index(order, billing.Dataset(name)); i >= 0 {
			return i
		}
		return len(order)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
}

// fetchExport fetches the file of an export to where it belongs, and returns where that is.
func (sh *shell) fetchExport(ctx context.Context, cl *client.Client, j *wire.Job, o exportOptions) (string, error) {
	target := o.out
	if target == "" {
		target = exportName(exportedName(j), time.Now())
	}
	beside := filepath.Dir(filepath.Clean(target))
	if target == standardOutput {
		beside = os.TempDir()
	}
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(beside, ".reseed-export-*")
	if err != nil {
		return "", err
	}
	defer func() { _, _ = file.Close(), os.Remove(file.Name()) }()
	z, err := sh.download(ctx, cl, j, file)
	if err != nil {
		return "", err
	}
	switch {
	case target == standardOutput:
		return target, sh.printExport(z, j.Export.Customer != "")
	case o.out == "" || o.all:
		return nameNew(file.Name(), target)
	case o.packed():
		return target, nameAs(file.Name(), target)
	}
	return target, unpackExport(z, target)
}

// printExport writes the files of an export to standard output: of a customer, the JSON alone; of
// a source, all, since NDJSON has edits in a file of their own.
func (sh *shell) printExport(z *zip.Reader, customer bool) error {
	for _, f := range z.File {
		if customer && filepath.Ext(f.Name) != ".json" {
			continue
		}
		if err := sh.printEntry(f); err != nil {
			return err
		}
	}
	return nil
}

func (sh *shell) printEntry(f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return sh.copyOut(in)
}

// nameAs gives a file that is whole its name, unless there is one of that name.
func nameAs(file, name string) error {
	err := os.Link(file, name)
	if err != nil && !errors.Is(err, fs.ErrExist) { // the file system has no links
		if _, taken := os.Lstat(name); taken == nil {
			err = fs.ErrExist
		} else {
			err = os.Rename(file, name)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return taken(name)
	}
	return err
}

func taken(name string) error {
	return fmt.Errorf("there is a file %s already, which is left as it is; give another name", name)
}

func notEmpty(folder string) error {
	return fmt.Errorf("the folder %s is not empty, and is left as it is; give another name", folder)
}

// free makes sure, before an export is made, that its file or folder can have the name. Whether it
// still can is checked again in the end.
func (o *exportOptions) free() error {
	if o.out == "" || o.out == standardOutput || o.all {
		return nil
	}
	if _, err := os.Lstat(o.out); err == nil && o.packed() {
		return taken(o.out)
	}
	if found, err := os.ReadDir(o.out); err == nil && len(found) > 0 {
		return notEmpty(o.out)
	}
	return nil
}

// mostNames is how many names nameNew tries.
const mostNames = 1000

// nameNew is nameAs, with a number in the name if there is such a file already.
func nameNew(file, name string) (string, error) {
	stem, err := strings.TrimSuffix(name, filepath.Ext(name)), error(nil)
	for n := 2; n < mostNames; n++ {
		if err = nameAs(file, name); err == nil {
			return name, nil
		}
		if _, taken := os.Lstat(name); taken != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, filepath.Ext(name))
	}
	return "", err
}

// unpackExport writes the files of a ZIP into a folder, which is there with all of them or not at
// all. It may exist if it is empty.
func unpackExport(z *zip.Reader, folder string) error {
	folder = filepath.Clean(folder)
	if found, err := os.ReadDir(folder); err == nil && len(found) > 0 {
		return notEmpty(folder)
	}
	beside, err := os.MkdirTemp(filepath.Dir(folder), ".reseed-export-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(beside) }()
	for _, f := range z.File {
		if err := unpackEntry(f, beside); err != nil {
			return err
		}
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) { // some systems rename over no folder
		return err
	}
	return os.Rename(beside, folder)
}

func unpackEntry(f *zip.File, folder string) error {
	if !filepath.IsLocal(f.Name) || filepath.Base(f.Name) != f.Name {
		return fmt.Errorf("the server names a file %q, which is not in a folder", f.Name)
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(filepath.Join(folder, f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the name is local
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) //nolint:gosec // a person's own data, of any size
	return errors.Join(err, out.Sync(), out.Close())
}
