package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"time"

	"reseed/pkg/fault"
)

// Bucket is where an [Objects] keeps its objects: a bucket of S3, a folder or memory. [Objects] has
// checked the keys and prefixes that it passes on. The errors are faults with the codes that
// [Objects] documents, and name no key.
type Bucket interface {
	// Begin begins to write an object. With create, no such object may exist when this one is
	// committed.
	Begin(ctx context.Context, key string, create bool) (Pending, error)
	// Bring begins to write an object that replaces an existing one and keeps the version and time of
	// was (see [Objects.Bring]).
	Bring(ctx context.Context, key string, was Info) (Pending, error)
	// Open reads length bytes from offset on, up to the end if length is negative. The length is
	// not 0, the offset not negative. For version see [Objects.Open].
	Open(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error)
	// Stat describes one version of an object, or the newest for "".
	Stat(ctx context.Context, key, version string) (Info, error)
	// List yields the objects whose key begins with prefix, in key order, up to the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Folders yields the folders right below prefix, each with "/" at its end, up to the first
	// error. It may leave out folders whose names, after the prefix, sort before from.
	Folders(ctx context.Context, prefix, from string) iter.Seq2[string, error]
	// Delete removes an object with all its versions. It is no error if there is no such object.
	Delete(ctx context.Context, key string) error
	// DeleteAll removes everything below a prefix that ends with "/", with all versions, and
	// returns how many objects it removed.
	DeleteAll(ctx context.Context, prefix string) (int64, error)
	// Link returns an address for [Objects.Link], or "" where objects have none.
	Link(ctx context.Context, key string) (string, error)
	// Form makes a form for [Objects.Form], or none where objects are not sent by forms.
	Form(ctx context.Context, key string, size int64) (Form, error)
}

// Pending is an object that is being written. The writer ends it with either Commit or Abort.
type Pending interface {
	io.Writer
	// Commit puts the object in its place, durably. If it fails, Abort is not needed.
	Commit() error
	// Abort drops what was written.
	Abort()
}

// reader reads a part of an object, and translates the errors of the bucket with failed.
type reader struct {
	io.Reader
	io.Closer
	failed func(err error, doing string) error
}

// Read reads from the object.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.failed(err, "read an object")
	}
	return n, err
}

// Close ends the read.
func (r *reader) Close() error {
	if err := r.Closer.Close(); err != nil {
		return r.failed(err, "close an object")
	}
	return nil
}

// timedVersion returns the version of a file, or of an object in memory. Stored jobs hold such
// versions.
func timedVersion(modified time.Time, size int64) string {
	return fmt.Sprintf("\"%x-%x\"", modified.UnixNano(), size)
}

func gone() error {
	return fault.New(fault.NotFound, CodeGone, "the file is not there any more")
}

func exists() error {
	return fault.New(fault.Conflict, "object_exists", "there is such an object already")
}

// unavailable returns the fault for an error of unknown kind. It returns nil for a nil err.
func unavailable(err error, doing string) error {
	return fault.Wrap(anonymous(err), fault.Unavailable, "object_store", doing)
}

// anonymous unwraps errors of the file system and the HTTP client whose text names an object (I8).
func anonymous(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err
	}
	return err
}
