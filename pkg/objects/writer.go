package objects

import (
	"context"
	"os"
	"sync"

	"gocloud.dev/blob"
)

// Writer writes one object. It is there, whole, once Close has returned nil, and
// not at all otherwise. Not for use by several goroutines.
type Writer struct {
	w      *blob.Writer
	cancel context.CancelFunc
	before func() error // runs before the object takes its place
	after  func() error // and after it
	lock   sync.Locker
	around func(change func() error) error
	closed bool
}

func (o *Objects) write(ctx context.Context, key string, create bool) (*Writer, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	nothing := func() error { return nil }
	w := &Writer{before: nothing, after: nothing, lock: noLock{}, around: o.change}
	opts := &blob.WriterOptions{
		IfNotExist: create, DisableContentTypeDetection: true,
		ContentType: "application/octet-stream", BufferSize: partSize, MaxConcurrency: 2,
	}
	if o.folder != nil {
		if err := o.folder.plain(key); err != nil {
			return nil, err
		}
		if err := o.folder.prepare(key); err != nil {
			return nil, unsorted(err, "make a folder for an object")
		}
		opts.BeforeWrite = func(as func(any) bool) error {
			var file *os.File
			if as(&file) {
				w.before = file.Sync
			}
			return nil
		}
		w.after = func() error { return o.folder.sync(key) }
		w.lock = &o.folder.mu
	}
	ctx, w.cancel = context.WithCancel(ctx)
	var err error
	if w.w, err = o.bucket.NewWriter(ctx, key, opts); err != nil {
		w.cancel()
		return nil, failed(err, "begin an object")
	}
	return w, nil
}

// Write adds to the object.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		return n, failed(err, "write an object")
	}
	return n, nil
}

// Close completes the object. When it returns nil the object is durable.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	return w.around(w.complete)
}

func (w *Writer) complete() error {
	if err := w.before(); err != nil {
		w.Abort()
		return unsorted(anonymous(err), "sync an object")
	}
	w.closed = true
	defer w.cancel()
	w.lock.Lock() // fileblob looks whether the file exists and then renames
	err := w.w.Close()
	w.lock.Unlock()
	if err != nil {
		return failed(err, "complete an object")
	}
	if err := w.after(); err != nil {
		return unsorted(anonymous(err), "sync a folder")
	}
	return nil
}

// Abort drops the object, unless it was closed before: then it does nothing.
func (w *Writer) Abort() {
	if w.closed {
		return
	}
	w.closed = true
	w.cancel()
	_ = w.w.Close() // after the cancel it only cleans up, and says so by an error
}

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

// reader sorts the errors of a read.
type reader struct{ r *blob.Reader }

// Read reads from the object.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	return n, readError(err)
}

// Close ends the read.
func (r *reader) Close() error {
	if err := r.r.Close(); err != nil {
		return failed(err, "close an object")
	}
	return nil
}
