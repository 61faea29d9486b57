// Package blobtest is a bucket in memory that fails where a test wants it to: no real one does. Several processes
// may have it open, each with failures of its own.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// Op is what is asked of a bucket.
type Op string

// The calls of a bucket. Read is the first read from an opened object; one that fails has read half of what there is.
// Write is the end of a write, where the object takes its place.
const (
	Stat   Op = "stat"
	List   Op = "list"
	Open   Op = "open"
	Read   Op = "read"
	Write  Op = "write"
	Delete Op = "delete"
)

// Bucket holds objects. The zero value is empty and ready.
type Bucket struct {
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	body []byte
	at   time.Time
}

// Hook is asked before each call, and when it has taken effect; an error of it is the call's. It may block.
type Hook func(op Op, done bool) error

// Open opens the bucket for one process. The hook may be nil.
func (b *Bucket) Open(hook Hook) *blob.Bucket {
	if hook == nil {
		hook = func(Op, bool) error { return nil }
	}
	return blob.NewBucket(&view{b, hook})
}

// Clone makes another bucket that holds the same objects.
func (b *Bucket) Clone() *Bucket {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &Bucket{objects: maps.Clone(b.objects)}
}

// view is the bucket as one process sees it.
type view struct {
	b    *Bucket
	hook Hook
}

var (
	errMissing = errors.New("there is no such object")
	errExists  = errors.New("there is such an object already")
)

// call does one call's work under the lock, with what goes wrong around it.
func (v *view) call(ctx context.Context, op Op, work func(objects map[string]object) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := v.hook(op, false); err != nil {
		return err
	}
	if err := v.b.locked(work); err != nil {
		return err
	}
	return v.hook(op, true)
}

func (b *Bucket) locked(work func(objects map[string]object) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects == nil {
		b.objects = map[string]object{}
	}
	return work(b.objects)
}

// ErrorCode implements [driver.Bucket].
func (*view) ErrorCode(err error) gcerrors.ErrorCode {
	switch {
	case errors.Is(err, errMissing):
		return gcerrors.NotFound
	case errors.Is(err, errExists):
		return gcerrors.FailedPrecondition
	}
	return gcerrors.Unknown
}

// As implements [driver.Bucket].
func (*view) As(any) bool { return false }

// ErrorAs implements [driver.Bucket].
func (*view) ErrorAs(error, any) bool { return false }

// Attributes implements [driver.Bucket].
func (v *view) Attributes(ctx context.Context, key string) (out *driver.Attributes, err error) {
	err = v.call(ctx, Stat, func(objects map[string]object) error {
		o, ok := objects[key]
		if !ok {
			return errMissing
		}
		size := int64(len(o.body))
		out = &driver.Attributes{ModTime: o.at, CreateTime: o.at, Size: size, ETag: fmt.Sprintf("\"%x-%x\"", o.at.UnixNano(), size)}
		return nil
	})
	return out, err
}

// ListPaged implements [driver.Bucket]. Everything is on one page.
func (v *view) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	page := &driver.ListPage{}
	err := v.call(ctx, List, func(objects map[string]object) error {
		for key, o := range objects {
			if strings.HasPrefix(key, opts.Prefix) {
				page.Objects = append(page.Objects, listed(key, o, opts))
			}
		}
		slices.SortFunc(page.Objects, func(a, b *driver.ListObject) int { return strings.Compare(a.Key, b.Key) })
		page.Objects = slices.CompactFunc(page.Objects, func(a, b *driver.ListObject) bool { return a.IsDir && a.Key == b.Key })
		return nil
	})
	return page, err
}

// listed is an object as a listing shows it, or the folder that it shows in its place.
func listed(key string, o object, opts *driver.ListOptions) *driver.ListObject {
	if opts.Delimiter != "" {
		if folder, _, deeper := strings.Cut(key[len(opts.Prefix):], opts.Delimiter); deeper {
			return &driver.ListObject{Key: opts.Prefix + folder + opts.Delimiter, IsDir: true}
		}
	}
	return &driver.ListObject{Key: key, ModTime: o.at, Size: int64(len(o.body))}
}

// NewRangeReader implements [driver.Bucket].
func (v *view) NewRangeReader(ctx context.Context, key string, offset, length int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	r := &reader{v: v}
	err := v.call(ctx, Open, func(objects map[string]object) error {
		o, ok := objects[key]
		if !ok {
			return errMissing
		}
		size := int64(len(o.body))
		r.attrs = driver.ReaderAttributes{ModTime: o.at, Size: size}
		from := min(offset, size)
		to := size
		if length >= 0 {
			to = min(size, from+length)
		}
		r.left = bytes.NewReader(o.body[from:to])
		return nil
	})
	return r, err
}

type reader struct {
	v     *view
	left  *bytes.Reader
	attrs driver.ReaderAttributes
	begun bool
	err   error // of the first read
}

// Read implements [driver.Reader].
func (r *reader) Read(p []byte) (int, error) {
	if !r.begun {
		r.begun = true
		if r.err = r.v.hook(Read, false); r.err != nil {
			n, _ := r.left.Read(p[:min(len(p), r.left.Len()/2)])
			return n, r.err
		}
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.left.Read(p)
}

// Close implements [driver.Reader].
func (*reader) Close() error { return nil }

// Attributes implements [driver.Reader].
func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attrs }

// As implements [driver.Reader].
func (*reader) As(any) bool { return false }

// NewTypedWriter implements [driver.Bucket].
func (v *view) NewTypedWriter(ctx context.Context, key, _ string, opts *driver.WriterOptions) (driver.Writer, error) {
	return &writer{v: v, ctx: ctx, key: key, create: opts.IfNotExist}, nil
}

type writer struct {
	bytes.Buffer
	v      *view
	ctx    context.Context //nolint:containedctx // of the write, as blob has it
	key    string
	create bool
}

// Close puts the object in its place.
func (w *writer) Close() error {
	return w.v.call(w.ctx, Write, func(objects map[string]object) error {
		if _, there := objects[w.key]; there && w.create {
			return errExists
		}
		objects[w.key] = object{bytes.Clone(w.Bytes()), time.Now()}
		return nil
	})
}

// Delete implements [driver.Bucket].
func (v *view) Delete(ctx context.Context, key string, _ *driver.DeleteOptions) error {
	return v.call(ctx, Delete, func(objects map[string]object) error {
		if _, there := objects[key]; !there {
			return errMissing
		}
		delete(objects, key)
		return nil
	})
}

var errUnimplemented = errors.New("not in this bucket")

// Copy implements [driver.Bucket].
func (*view) Copy(context.Context, string, string, *driver.CopyOptions) error {
	return errUnimplemented
}

// SignedURL implements [driver.Bucket].
func (*view) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errUnimplemented
}

// Close implements [driver.Bucket]. The objects stay.
func (*view) Close() error { return nil }
