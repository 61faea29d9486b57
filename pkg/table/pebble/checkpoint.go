package pebble

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Checkpoint implements [table.Checkpointer]. Tables are linked, and never change once they are
// written. Logs, which grow, and the engine's lists of files are copied.
//
// It flushes first. That leaves little of the logs to copy. And the engine begins its list of files
// anew with the first flush, which is usually at the start; before it, a checkpoint has an empty
// list, and can't be opened.
func (d *Driver) Checkpoint(ctx context.Context, dir string) error {
	leave, err := d.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := d.flush(ctx); err != nil {
		return err
	}
	if err := d.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fault.Wrap(err, fault.Unavailable, "store_checkpoint", "the table cannot be copied")
	}
	return nil
}

// linkingFS copies a file where the file system has no hard links.
type linkingFS struct{ vfs.FS }

// Link links a file, or copies it.
func (f linkingFS) Link(oldname, newname string) error {
	err := f.FS.Link(oldname, newname)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return vfs.Copy(f.FS, oldname, newname)
	}
	return err
}

// Walk reads all items of the table in dir, in key order, and writes nothing but the engine's lock
// file. The items are valid during the call of each. If the folder is open, the error is
// fault.Busy. The engine checks the checksums of all that it reads: if one is wrong, the error is
// fault.Internal or fault.Unavailable.
func Walk(ctx context.Context, dir string, each func(table.Item) error) (err error) {
	lock, err := lockDir(dir, vfs.Default)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	opt := Options{}.pebble()
	opt.ReadOnly, opt.ErrorIfNotExists, opt.Lock = true, true, lock
	// By default the engine ends the process then.
	opt.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}
	db, err := pebble.Open(dir, opt)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "store_open", "the table cannot be opened")
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	iter, err := db.NewIterWithContext(ctx, nil)
	if err != nil {
		return broken(err)
	}
	err = walkAll(ctx, iter, each)
	if closing := iter.Close(); closing != nil { // returns every error of the iterator
		return broken(closing)
	}
	return err
}

func walkAll(ctx context.Context, iter *pebble.Iterator, each func(table.Item) error) error {
	for more := iter.First(); more; more = iter.Next() {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		pk, sk, _ := bytes.Cut(iter.Key(), []byte{0})
		if err := each(table.Item{Key: table.Key{PK: string(pk), SK: string(sk)}, Attrs: iter.Value()}); err != nil {
			return err
		}
	}
	return nil
}
