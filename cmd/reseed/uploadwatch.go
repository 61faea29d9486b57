package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/app"
	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

const (
	// lookEvery is how often the upload folder is searched for new files. A file is imported once
	// it has stayed the same from one look to the next: before, somebody may still be copying it.
	lookEvery = 2 * time.Second
	// retryEvery is how often a file that could not be imported is tried again.
	retryEvery = time.Minute
)

// uploadWatch imports files that people put into the upload folder, as function ingest-csv does on
// AWS. A file that is replaced later is imported again.
type uploadWatch struct {
	app   *app.App
	seen  map[string]string // key → version at the last look
	taken map[string]string // key → version that became an import

	mu     sync.Mutex // guards failed, which requests read
	failed map[string]wire.FailedUpload
}

func newUploadWatch() *uploadWatch {
	return &uploadWatch{seen: map[string]string{}, taken: map[string]string{}, failed: map[string]wire.FailedUpload{}}
}

// failures lists the files that could not be imported, in the order of their keys.
func (u *uploadWatch) failures() []wire.FailedUpload {
	u.mu.Lock()
	defer u.mu.Unlock()
	var list []wire.FailedUpload
	for _, f := range u.failed {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b wire.FailedUpload) int { return strings.Compare(a.Object, b.Object) })
	return list
}

// look searches the folder once.
func (u *uploadWatch) look(ctx context.Context, now time.Time) error {
	there := map[string]bool{}
	for info, err := range u.app.Objects.List(ctx, "uploads/") {
		if fault.Is(err, fault.NotFound) { // somebody is removing files: wait for the next look
			return nil
		}
		if err != nil {
			return err
		}
		if app.IsUpload(info.Key) {
			there[info.Key] = true
			u.lookAt(ctx, info.Key, now)
		}
	}
	u.forget(there)
	return nil
}

func (u *uploadWatch) lookAt(ctx context.Context, key string, now time.Time) {
	info, err := u.app.Objects.Stat(ctx, key) // opens no file, and fails for what is not regular
	settled := u.seen[key] == info.Version
	if u.seen[key] = info.Version; !settled {
		u.forgive(key)
		return
	}
	if err == nil && u.taken[key] == info.Version || u.early(key, now) {
		return
	}
	if err == nil {
		err = u.app.Take(ctx, app.Upload{Key: key, Version: info.Version, Once: "upload " + key + " " + info.Version})
	}
	switch {
	case err == nil:
		u.taken[key] = info.Version
		u.forgive(key)
	case fault.CodeOf(err) != objects.CodeGone:
		u.fail(key, err, now)
	}
}

// early reports whether a file has failed and it is too early to try it again.
func (u *uploadWatch) early(key string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	f, failed := u.failed[key]
	return failed && now.Sub(f.TriedAt) < retryEvery
}

// forgive removes a file from those that could not be imported.
func (u *uploadWatch) forgive(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.failed, key)
}

// fail remembers that a file could not be imported. It logs that, without the file's name, which
// may be personal data; and not again while the reason stays the same.
func (u *uploadWatch) fail(key string, err error, now time.Time) {
	why := err.Error()
	if e, ok := errors.AsType[*fault.Error](err); ok {
		why = e.Message
	}
	u.mu.Lock()
	f, again := u.failed[key]
	if !again {
		f = wire.FailedUpload{Object: key, Since: now.UTC()}
	}
	again = again && f.Error == why
	f.Error, f.TriedAt = why, now.UTC()
	u.failed[key] = f
	u.mu.Unlock()
	if !again {
		u.app.Log.Error("an upload could not be imported and is tried again; `reseed jobs` names it", "code", fault.CodeOf(err), "error", err.Error())
	}
}

// forget forgets the files that are gone.
func (u *uploadWatch) forget(there map[string]bool) {
	for key := range u.seen {
		if !there[key] {
			delete(u.seen, key)
			u.forgive(key)
		}
	}
}
