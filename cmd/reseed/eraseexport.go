package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// checkExport checks --export before anything is done.
func (o *eraseOptions) checkExport(kind string) error {
	to := exportOptions{out: o.export}
	switch {
	case o.export == "":
		return nil
	case o.plan:
		return usage("--export goes with an erase, not with --plan")
	case o.export == standardOutput, !to.packed() && isExportFile(o.export):
		return usage("--export is a new FILE.zip or a folder")
	case kind == wire.SelectManualCustomers && to.packed():
		return usage("manual customers may be in several data sources: give --export a folder")
	}
	return nil
}

// exportFirst exports what an erase would remove to a file or folder, reads it back, and makes sure that
// what goes has not changed since the export began.
func (sh *shell) exportFirst(ctx context.Context, cl *client.Client, e wire.Erasure, plan *wire.ErasePlan, out string) error {
	if len(plan.Exports) == 0 {
		sh.note("There is nothing to export.\n")
		return nil
	}
	for _, x := range plan.Exports {
		if err := sh.exportOne(ctx, cl, e, x, out); err != nil {
			return err
		}
	}
	now, err := cl.PlanErase(ctx, e)
	if err != nil {
		return err
	}
	for _, x := range now.Exports {
		if !x.Fresh {
			return fmt.Errorf("%s is exported, but what goes has changed meanwhile: %s Erase it again, with another --export", x.SourceName, x.Says)
		}
		if x.NoEdits {
			sh.note("Note: what people did by hand in %s is not in the export.\n", x.SourceName)
		}
	}
	return nil
}

// exportOne makes one of the exports before an erase.
func (sh *shell) exportOne(ctx context.Context, cl *client.Client, e wire.Erasure, x wire.Exported, out string) error {
	o := exportOptions{out: out}
	if e.Selection == wire.SelectManualCustomers {
		o.all, o.out = true, filepath.Join(out, exportName(x.SourceName, time.Now()))
	}
	if err := o.free(); err != nil {
		return err
	}
	var j *wire.Job
	var err error
	switch e.Selection {
	case wire.SelectCustomer, wire.SelectCustomerInvoices:
		j, err = cl.ExportCustomer(ctx, wire.CustomerExport{Customer: e.ID, Source: e.Source, ExternalID: e.ExternalID})
	default:
		j, err = cl.Export(ctx, x.Source, wire.ExportOptions{Format: wire.NDJSON})
	}
	if err != nil {
		return err
	}
	j, written, err := sh.finishExport(ctx, cl, j.ID, o)
	if err != nil {
		return err
	}
	if written == "" {
		sh.note("%s has no rows to export.\n", x.SourceName)
		return nil
	}
	if err := inPlace(written); err != nil {
		return fmt.Errorf("the export at %s cannot be read back: %w", written, err)
	}
	sh.note("Exported first, to %s: %s\n", written, exported(j.Export))
	for _, n := range j.Notes {
		sh.note("Note: %s\n", n)
	}
	return nil
}

// note prints a line for people; with --json on standard error, since the output is one object then.
func (sh *shell) note(format string, args ...any) {
	if sh.json {
		fprintf(sh.errOut, format, args...)
		return
	}
	sh.printf(format, args...)
}

// inPlace reads an export back from where it was written, and makes sure that a power cut does not
// take it away. A folder was written from a ZIP that was read back.
func inPlace(written string) error {
	info, err := os.Stat(written)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		z, err := zip.OpenReader(written)
		if err != nil {
			return err
		}
		defer func() { _ = z.Close() }()
		if err := readBack(&z.Reader); err != nil {
			return err
		}
	} else if err := syncFolder(written); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(filepath.Clean(written)))
}

// syncFolder makes sure that the names in a folder are on the disk. Windows has nothing to sync there.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(folder) //nolint:gosec // where the person wants the export
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
