package app

import (
	"context"

	"reseed/pkg/exporter"
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// ExportFile opens the ZIP that an export has made. The error is fault.Conflict if the export is not
// done, or if data of its source was erased since, which the file may still hold; fault.NotFound if
// there is no file.
func (a *App) ExportFile(ctx context.Context, j *job.Job) (Download, error) {
	switch {
	case j.Export == nil:
		return Download{}, fault.New(fault.NotFound, "job_not_found", "there is no such export")
	case j.Status != job.Done:
		return Download{}, fault.Newf(fault.Conflict, "not_done", "The export has no file: it is %s.", j.Status)
	case j.Export.Deleted:
		return Download{}, fault.New(fault.NotFound, "file_deleted", "The file of this export is deleted: somebody has deleted it, data of its source was erased, or it was a week old. Export it again.")
	case j.Export.Size == 0:
		return Download{}, fault.New(fault.NotFound, "no_rows", "There is no file: the source had no rows.")
	}
	d, err := a.Store.Directory(ctx)
	if err == nil {
		err = exporter.Unerased(d, j)
	}
	if err != nil {
		return Download{}, err
	}
	return a.download(ctx, exporter.FileName(j))
}
