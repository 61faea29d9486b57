package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// uploads is the folder of the object store that people put files into: uploads/<source name or
// uuid>/<file>. Files that [importer.Takes] are imported.
const uploads = "uploads"

// systemOfFiles is the system of sources that are made for a file.
const systemOfFiles = "CSV"

// Upload is an object that was put into the upload folder.
type Upload struct {
	Key     string
	Version string // the version of the object to import; empty means the newest
	Once    string // identifies the event: every delivery of it has the same
}

// Ingest does [App.Take] for an event that is delivered again after an error. So Ingest returns no
// error if another delivery would not help: the upload is gone by now, it names a source by a uuid
// that no source has, or no object can have its key. Then it only writes a log line.
func (a *App) Ingest(ctx context.Context, u Upload) error {
	err := a.Take(ctx, u)
	if !fault.Is(err, fault.NotFound) && fault.CodeOf(err) != objects.CodeBadKey {
		return err
	}
	a.Log.WarnContext(ctx, "an upload is ignored", "code", fault.CodeOf(err))
	return nil
}

// Take makes the import of an upload, and its source if there is none with that name. It ignores
// objects in other places, files that cannot be imported, and those that a move has brought. If the upload is gone by now, the
// error is fault.NotFound, code [objects.CodeGone], and no source is made.
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
	if info.Brought {
		a.Log.InfoContext(ctx, "an upload came with a move, and is no new one: ignored")
		return nil
	}
	src, err := a.Source(ctx, name)
	if err != nil {
		return err
	}
	j, err := a.Importer.Submit(ctx, importer.Request{
		Source: src, Once: once(u.Once), Origin: job.ByFile, By: job.UploadFolder, Files: []job.File{{Name: file, Object: u.Key, Version: info.Version, Size: info.Size}},
	})
	if err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "an upload is imported", "job", j.ID, "source", src.UUID, "status", string(j.Status))
	return nil
}

// once hashes the id of an event, so that a key of the table can hold it.
func once(event string) string {
	if event == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(event))
	return hex.EncodeToString(sum[:])
}

// IsUpload tells whether an object is imported without a request: it lies where people put files,
// and its name ends like an input file.
func IsUpload(key string) bool { _, _, ok := splitUpload(key); return ok }

// splitUpload splits uploads/<source>/<file>.
func splitUpload(key string) (source, file string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 || parts[0] != uploads || strings.TrimSpace(parts[1]) == "" {
		return "", "", false
	}
	return parts[1], parts[2], importer.Takes(parts[2])
}

// errThere ends a change of the directory because the source exists already.
var errThere = errors.New("there is such a source already")

// Source finds a source by uuid or name. If there is none with that name, Source makes it. If there
// is none with that uuid, the error is fault.NotFound.
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
	if named := d.Named(nameOrUUID); len(named) > 0 {
		return named[0], nil
	}
	return store.Source{}, noSource()
}
