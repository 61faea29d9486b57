package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"strings"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// uploads is the folder of the object store that people put files into:
// uploads/<source name or uuid>/<file>.csv, or .zip.
const uploads = "uploads"

// systemOfFiles is the system of a source that is made for a file.
const systemOfFiles = "CSV"

// Upload is an object that somebody has put into the upload folder.
type Upload struct {
	Key     string
	Version string // pins the object; empty means whatever is there
	Once    string // the same for every delivery of the same event
}

// Ingest does [App.Take] for an event that comes again after an error. What nobody can do anything about is none: an upload
// that is gone by now, that names a source by a uuid that nobody has, or whose key no object can have. The log says so.
func (a *App) Ingest(ctx context.Context, u Upload) error {
	err := a.Take(ctx, u)
	if !fault.Is(err, fault.NotFound) && fault.CodeOf(err) != objects.CodeBadKey {
		return err
	}
	a.Log.WarnContext(ctx, "an upload is ignored", "code", fault.CodeOf(err))
	return nil
}

// Take makes the import of an upload, and its source if there is none of that name. What lies elsewhere or is no CSV or ZIP
// file makes nothing. An upload that is gone by now is fault.NotFound, code [objects.CodeGone], and makes no source either.
func (a *App) Take(ctx context.Context, u Upload) error {
	name, file, ok := splitUpload(u.Key)
	if !ok {
		a.Log.InfoContext(ctx, "an object is no upload: ignored")
		return nil
	}
	info, err := a.Objects.StatVersion(ctx, u.Key, u.Version)
	if err != nil {
		return err
	}
	src, err := a.Source(ctx, name)
	if err != nil {
		return err
	}
	j, err := a.Importer.Submit(ctx, importer.Request{
		Source: src, Once: once(u.Once), Files: []job.File{{Name: file, Object: u.Key, Version: info.Version, Size: info.Size}},
	})
	if err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "an upload is imported", "job", j.ID, "source", src.UUID, "status", string(j.Status))
	return nil
}

// once is a mark as a key of the table may hold it, whatever the event was called.
func once(event string) string {
	if event == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(event))
	return hex.EncodeToString(sum[:])
}

// IsUpload tells whether an object is to be imported by itself: one that people have put there, and that has the ending.
func IsUpload(key string) bool { _, _, ok := splitUpload(key); return ok }

// splitUpload takes uploads/<source>/<file>.csv or .zip apart.
func splitUpload(key string) (source, file string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 || parts[0] != uploads || strings.TrimSpace(parts[1]) == "" {
		return "", "", false
	}
	switch strings.ToLower(path.Ext(parts[2])) {
	case ".csv", ".zip":
		return parts[1], parts[2], true
	}
	return "", "", false
}

// errThere ends a change of the directory that is not needed.
var errThere = errors.New("there is such a source already")

// Source finds a source by uuid or name. One that has neither is made, unless it was
// named by a uuid: then the error is fault.NotFound.
func (a *App) Source(ctx context.Context, nameOrUUID string) (store.Source, error) {
	var src store.Source
	_, err := a.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		var err error
		if src, err = find(d, nameOrUUID); err == nil {
			return nil, errThere
		}
		if store.IsSourceUUID(nameOrUUID) {
			return nil, err
		}
		src, err = d.Add("ds_"+uuid.NewString(), nameOrUUID, systemOfFiles, a.Now())
		return nil, err
	})
	if errors.Is(err, errThere) {
		err = nil
	}
	return src, err
}

func find(d *store.Directory, nameOrUUID string) (store.Source, error) {
	if src, ok := d.ByUUID(nameOrUUID); ok {
		return src, nil
	}
	if src, ok := d.ByName(nameOrUUID); ok {
		return src, nil
	}
	return store.Source{}, noSource()
}
