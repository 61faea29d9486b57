package objects

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"reseed/pkg/fault"
)

// Snapshot puts all objects into dir, a folder that it makes, as they are at one moment: no object
// is completed or deleted from before the call of meanwhile until all are there. Half-written
// objects, and what is not a plain file, are left out. Only objects in a folder can be copied so;
// for others the error is fault.Invalid.
//
// A file is linked where the file system has hard links. That is safe for files that Reseed wrote,
// since it never writes into them again. Files that people put there are copied, after the moment,
// since people may write over them. One that changes while it is copied is left out.
func (o *Objects) Snapshot(ctx context.Context, dir string, meanwhile func() error) error {
	f, ok := o.bucket.(*folder)
	if !ok {
		return fault.New(fault.Invalid, "object_snapshot", "only objects in a folder can be copied")
	}
	s := snapshot{folder: f, dir: dir}
	if err := s.take(ctx, meanwhile); err != nil {
		return err
	}
	for _, name := range s.shared {
		if err := ctx.Err(); err != nil {
			return unavailable(err, "copy the objects")
		}
		if err := part(name); err != nil {
			return unavailable(err, "copy an object")
		}
	}
	return nil
}

// snapshot is one call of [Objects.Snapshot].
type snapshot struct {
	*folder
	dir    string
	shared []string // links in dir to files that people may write over
}

// take links the objects while nothing changes them.
func (s *snapshot) take(ctx context.Context, meanwhile func() error) error {
	s.still.Lock()
	defer s.still.Unlock()
	if err := meanwhile(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return unavailable(err, "make a folder for the copies of objects")
	}
	prefixes := []string{""}
	top, err := os.ReadDir(s.root)
	if err != nil {
		return unavailable(err, "list objects")
	}
	for _, e := range top {
		if !e.IsDir() && !e.Type().IsRegular() { // a walk from above does not follow the link
			prefixes = append(prefixes, e.Name()+"/")
		}
	}
	for _, prefix := range prefixes {
		found, err := s.walk(ctx, prefix)
		if err != nil {
			return unavailable(err, "list objects")
		}
		for _, info := range found {
			if err := s.add(info.Key); err != nil {
				return unavailable(err, "copy an object")
			}
		}
	}
	return nil
}

// add links one object, or copies it where it can't.
func (s *snapshot) add(key string) error {
	name := fileName(key)
	if s.plain(name) != nil {
		return nil //nolint:nilerr // what is not a plain file is no object
	}
	from, err := filepath.EvalSymlinks(s.path(key))
	if err != nil {
		return unlessGone(err)
	}
	if st, err := os.Stat(from); err != nil || !st.Mode().IsRegular() {
		return unlessGone(err)
	}
	to := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), dirMode); err != nil {
		return err
	}
	if err := os.Link(from, to); err != nil {
		return unlessGone(Copy(from, to))
	}
	if byPeople(key) {
		s.shared = append(s.shared, to)
	}
	return nil
}

// unlessGone returns nil for a file that people have removed meanwhile.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// byPeople reports whether people put the file there, and no request or job.
func byPeople(key string) bool {
	_, posted := RequestTime(RequestFolder(key))
	return strings.HasPrefix(key, "uploads/") && !posted
}

// part gives a link a file of its own.
func part(name string) error {
	was, err := os.Stat(name)
	if err != nil {
		return err
	}
	own := name + temporaryEnding()
	if err := Copy(name, own); err != nil {
		return err
	}
	is, err := os.Stat(name)
	if err != nil {
		return err
	}
	if timedVersion(was.ModTime(), was.Size()) != timedVersion(is.ModTime(), is.Size()) {
		return errors.Join(os.Remove(own), os.Remove(name))
	}
	return os.Rename(own, name)
}

// Copy makes a durable copy of a file, with its time, which is a part of the version of an object.
func Copy(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // the caller chose it
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, st.Mode().Perm()) //nolint:gosec // the caller chose it
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, st.ModTime(), st.ModTime())
}
