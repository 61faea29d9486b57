package app

import (
	"context"

	"reseed/pkg/importer"
	"reseed/pkg/job"
)

// Submit imports files that are kept into a source.
func (a *App) Submit(ctx context.Context, sourceUUID string, files []job.File, how importer.Options) (*job.Job, error) {
	dir, err := a.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, ok := dir.ByUUID(sourceUUID)
	if !ok {
		return nil, noSource()
	}
	return a.Importer.Submit(ctx, importer.Request{Source: src, Files: files, Origin: job.ByFile, Options: how})
}
