package app

import (
	"bytes"
	"cmp"
	"context"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Correct makes a plan that reads the files of an import again, with corrected rows in place of
// rejected ones (see [importer.Importer.Corrections]). If the import is a plan, it is cancelled once
// the new one is there. If data of the source was erased since the files came in, the error is
// fault.Conflict.
func (a *App) Correct(ctx context.Context, j *job.Job, rows []importer.Correction, by string) (*job.Job, error) {
	c, err := a.Importer.Corrections(ctx, j, rows)
	if err != nil {
		return nil, err
	}
	src := store.Source{UUID: j.Source, Fence: j.Import.Fence}
	var kept []job.File
	for _, r := range c.Rows {
		f, err := a.Keep(ctx, src, r.Name, bytes.NewReader(r.Text))
		if err != nil {
			a.Drop(ctx, kept)
			return nil, err
		}
		f.Dataset = r.Dataset
		kept = append(kept, f)
	}
	most := j.Import.MaxRemoved
	made, err := a.Importer.Submit(ctx, importer.Request{
		Source: src, Files: append(c.Files, kept...), Origin: cmp.Or(j.Import.Origin, job.ByFile), By: by, Corrects: j.ID,
		Options: importer.Options{Mode: j.Import.Mode, Plan: true, MaxRemoved: &most, AllowEmpty: j.Import.AllowEmpty, Remember: j.Import.Remember, Quiet: j.Quiet},
	})
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound), fault.Is(err, fault.Invalid):
		a.Drop(ctx, kept)
		if fault.CodeOf(err) == importer.CodeFenced {
			err = fault.New(fault.Conflict, importer.CodeFenced, "Data of this data source was erased since the files of this import came in. Import the files again.")
		}
		return nil, err
	case err != nil: // the job may have been made: the tick finds out later
		return nil, err
	}
	return made, a.Importer.Supersede(ctx, j.ID)
}
