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
	// lookEvery is how often the local object folder is searched for new uploads.
	// A file counts once it has stayed the same from one look to the next: it may still be being copied.
	lookEvery = 2 * time.Second
	// retryEvery is how often one that could not be imported is tried again.
	retryEvery = time.Minute
)

// uploadWatch imports files that people put into the uploads folder, as an event of the bucket does on AWS. A file that is
// replaced later is imported again.
type uploadWatch struct {
	app   *app.App
	seen  map[string]string // key → version at the last look
	taken map[string]string // key → version that became an import

	mu     sync.Mutex // of failed, which requests ask for
	failed map[string]wire.FailedUpload
}

func newUploadWatch() *uploadWatch {
	return &uploadWatch{seen: map[string]string{}, taken: map[string]string{}, failed: map[string]wire.FailedUpload{}}
}

// failures are the files that could not be imported, in the order of their keys.
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

// look looks at the folder once.
func (u *uploadWatch) look(ctx context.Context, now time.Time) error {
	there := map[string]bool{}
	for info, err := range u.app.Objects.List(ctx, "uploads/") {
		if fault.Is(err, fault.NotFound) { // somebody removes files: at the next look
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
	info, err := u.app.Objects.Stat(ctx, key) // it opens nothing, and is refused for what is no plain file
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

// early tells whether a file has failed and it is not yet time to try it again.
func (u *uploadWatch) early(key string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	f, failed := u.failed[key]
	return failed && now.Sub(f.TriedAt) < retryEvery
}

func (u *uploadWatch) forgive(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.failed, key)
}

// fail remembers that a file could not be imported. The log tells that once, and without its name.
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

// forget drops what is known of files that are gone.
func (u *uploadWatch) forget(there map[string]bool) {
	for key := range u.seen {
		if !there[key] {
			delete(u.seen, key)
			u.forgive(key)
		}
	}
}
