package app

import (
	"context"
	"io"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// UploadLife is how long an upload may take, from its first byte until its import exists. After
// twice that time the tick deletes uploads that belong to no import.
const UploadLife = 12 * time.Hour

// dropTime is how long a failed request may take to delete its files.
const dropTime = 10 * time.Second

// Keep stores a file that a request uploads for a source. It lies below the folder of the source,
// but too deep for [App.Ingest] to take it. The name of its folder holds the time. The name of the
// file is for people, and is not part of the key.
func (a *App) Keep(ctx context.Context, src store.Source, name string, body io.Reader) (job.File, error) {
	key := path.Join(uploads, src.UUID, uuid.MustParse(a.Ledger.NewID()).String(), "input")
	f := job.File{Name: name, Object: key}
	err := a.Objects.Put(ctx, key, body)
	if err == nil {
		var info objects.Info
		info, err = a.Objects.Stat(ctx, key)
		f.Version, f.Size = info.Version, info.Size
	}
	if err != nil {
		a.Drop(ctx, []job.File{f})
	}
	return f, err
}

// Drop deletes files of [App.Keep] that do not become an import. It works even if ctx has ended,
// since the client may be gone. If it fails, the tick deletes them later.
func (a *App) Drop(ctx context.Context, files []job.File) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	for _, f := range files {
		if _, err := a.Objects.DeleteAll(ctx, path.Dir(f.Object)+"/"); err != nil {
			a.Log.WarnContext(ctx, "files of a refused upload could not be deleted: the tick does that in a day", "code", fault.CodeOf(err), "error", err.Error())
			return
		}
	}
}

// Refer finds an object below the upload folder of a source, for an import of files that are there
// already.
func (a *App) Refer(ctx context.Context, src store.Source, key string) (job.File, error) {
	d, err := a.Store.Directory(ctx)
	if err != nil {
		return job.File{}, err
	}
	parts := strings.Split(key, "/")
	if len(parts) < 3 || parts[0] != uploads || !means(d, parts[1], src) || objects.CheckKey(key) != nil {
		return job.File{}, badObject("foreign_object",
			"An object is named by its whole key, and lies below the upload folder of this source: uploads/<source name or uuid>/…")
	}
	info, err := a.Objects.Stat(ctx, key)
	if fault.Is(err, fault.NotFound) {
		err = badObject("no_such_object", "There is no such object.")
	}
	return job.File{Name: strings.Join(parts[2:], "/"), Object: key, Version: info.Version, Size: info.Size}, err
}

// means tells whether a name or uuid means a source.
func means(d *store.Directory, nameOrUUID string, src store.Source) bool {
	found, err := find(d, nameOrUUID)
	return err == nil && found.UUID == src.UUID
}

func badObject(code, message string) error {
	return &fault.Error{Kind: fault.Invalid, Code: code, Param: "objects", Message: message}
}
