// Package buckettest has object stores that fail where a test wants them to: no real one does.
package buckettest

import (
	"bytes"
	"context"
	"io"
	"iter"

	"reseed/pkg/fault"
	"reseed/pkg/objects"
)

// Op is what is asked of a bucket.
type Op string

// The calls of a bucket. Read is the first read from an opened object; one that fails has read half
// of what there is. Write is the end of a write, where the object takes its place. To delete a
// folder is a List, and a Delete for each object in it.
const (
	Stat   Op = "stat"
	List   Op = "list"
	Open   Op = "open"
	Read   Op = "read"
	Write  Op = "write"
	Delete Op = "delete"
)

// Hook is asked before each call, and when it has taken effect; an error of it is the call's. It
// may block.
type Hook func(op Op, done bool) error

// Objects opens a bucket in memory for one process. Several may have it open, each with a hook of
// its own.
func Objects(memory *objects.Memory, hook Hook) *objects.Objects {
	return objects.Over(&view{memory, hook})
}

// view is the bucket as one process sees it.
type view struct {
	objects.Bucket
	hook Hook
}

// call does one call's work, with what goes wrong around it.
func (v *view) call(ctx context.Context, op Op, work func() error) error {
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	if err := v.hook(op, false); err != nil {
		return failed(err)
	}
	if err := work(); err != nil {
		return err
	}
	return failed(v.hook(op, true))
}

// failed is what the caller of a bucket sees of an error that is no fault of the bucket. A nil err
// stays nil.
func failed(err error) error {
	return fault.Wrap(err, fault.Unavailable, "object_store", "ask the bucket of a test")
}

// Stat implements [objects.Bucket].
func (v *view) Stat(ctx context.Context, key, version string) (info objects.Info, err error) {
	err = v.call(ctx, Stat, func() (err error) {
		info, err = v.Bucket.Stat(ctx, key, version)
		return err
	})
	return info, err
}

// List implements [objects.Bucket].
func (v *view) List(ctx context.Context, prefix string) iter.Seq2[objects.Info, error] {
	return listed(ctx, v, v.Bucket.List(ctx, prefix))
}

// Folders implements [objects.Bucket].
func (v *view) Folders(ctx context.Context, prefix, from string) iter.Seq2[string, error] {
	return listed(ctx, v, v.Bucket.Folders(ctx, prefix, from))
}

// listed is a listing that one call gives whole.
func listed[T any](ctx context.Context, v *view, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var found []T
		err := v.call(ctx, List, func() error {
			for one, err := range all {
				if err != nil {
					return err
				}
				found = append(found, one)
			}
			return nil
		})
		if err != nil {
			yield(*new(T), err)
			return
		}
		for _, one := range found {
			if !yield(one, nil) {
				return
			}
		}
	}
}

// Open implements [objects.Bucket].
func (v *view) Open(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	r := &reader{hook: v.hook}
	err := v.call(ctx, Open, func() error {
		object, err := v.Bucket.Open(ctx, key, version, offset, length)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(object)
		r.left = bytes.NewReader(body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

type reader struct {
	hook  Hook
	left  *bytes.Reader
	begun bool
	err   error // of the first read
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	if !r.begun {
		r.begun = true
		if r.err = failed(r.hook(Read, false)); r.err != nil {
			n, _ := r.left.Read(p[:min(len(p), r.left.Len()/2)])
			return n, r.err
		}
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.left.Read(p)
}

// Close implements [io.Closer].
func (*reader) Close() error { return nil }

// Begin implements [objects.Bucket].
func (v *view) Begin(ctx context.Context, key string, create bool) (objects.Pending, error) {
	pending, err := v.Bucket.Begin(ctx, key, create)
	if err != nil {
		return nil, err
	}
	return &writer{pending, ctx, v}, nil
}

// Bring implements [objects.Bucket].
func (v *view) Bring(ctx context.Context, key string, was objects.Info) (objects.Pending, error) {
	pending, err := v.Bucket.Bring(ctx, key, was)
	if err != nil {
		return nil, err
	}
	return &writer{pending, ctx, v}, nil
}

type writer struct {
	objects.Pending
	ctx context.Context
	v   *view
}

// Commit implements [objects.Pending].
func (w *writer) Commit() error { return w.v.call(w.ctx, Write, w.Pending.Commit) }

// Delete implements [objects.Bucket].
func (v *view) Delete(ctx context.Context, key string) error {
	return v.call(ctx, Delete, func() error { return v.Bucket.Delete(ctx, key) })
}

// DeleteAll implements [objects.Bucket].
func (v *view) DeleteAll(ctx context.Context, prefix string) (n int64, err error) {
	for info, err := range v.List(ctx, prefix) {
		if err != nil {
			return n, err
		}
		if err := v.Delete(ctx, info.Key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
