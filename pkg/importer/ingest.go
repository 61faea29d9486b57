package importer

import (
	"context"
	"path"
	"strings"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Uploads is the folder of the object store that people put files into:
// uploads/<source name or uuid>/<file>.csv.
const Uploads = "uploads/"

// Ingest imports an object that was put into the uploads folder, into the
// source that its path names; a source that does not exist is made. once is the
// same for every delivery of one event: all of them are one job. An object (or the version of
// it) that is gone by now creates nothing, not even a source, nor does one
// that lies elsewhere; the job is nil then.
func (im *Importer) Ingest(ctx context.Context, key, version, once string) (*job.Job, error) {
	name, ok := uploadSource(key)
	if !ok {
		return nil, nil //nolint:nilnil // no job, and that is an answer
	}
	info, err := im.c.Objects.StatVersion(ctx, key, version)
	if err != nil {
		return nil, dropMissing(err)
	}
	src, err := im.sourceNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	return im.Submit(ctx, Request{
		Source: src, Once: once,
		Files: []job.File{{Name: path.Base(key), Object: key, Version: info.Version, Size: info.Size}},
	})
}

// uploadSource is the source that the path of an upload names.
func uploadSource(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, Uploads)
	if !ok || !strings.EqualFold(path.Ext(key), ".csv") {
		return "", false
	}
	name, file, ok := strings.Cut(rest, "/")
	return name, ok && strings.TrimSpace(name) != "" && file != "" && !strings.Contains(file, "/")
}

// sourceNamed finds a source by uuid or name, or makes it.
func (im *Importer) sourceNamed(ctx context.Context, name string) (store.Source, error) {
	dir, err := im.c.Store.Directory(ctx)
	if err != nil {
		return store.Source{}, err
	}
	if src, ok := findSource(dir, name); ok {
		return src, nil
	}
	if strings.HasPrefix(name, store.PrefixSource) {
		return store.Source{}, fault.New(fault.NotFound, "not_found", "Data source not found")
	}
	var src store.Source
	_, err = im.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]store.Write, error) {
		var err error
		if found, ok := findSource(d, name); ok { // somebody else was faster
			src = found
			return nil, nil
		}
		src, err = d.Add(store.PrefixSource+uuid.Must(uuid.NewV7()).String(), name, "CSV", im.c.Now())
		return nil, err
	})
	return src, err
}

func findSource(d *store.Directory, name string) (store.Source, bool) {
	if src, ok := d.ByUUID(name); ok {
		return src, true
	}
	return d.ByName(name)
}
