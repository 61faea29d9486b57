package objects

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// CodeGone is the code of the fault.NotFound error for an object, or the version of
// it that was asked for, that is not there (any more).
const CodeGone = "object_gone"

// CodeNotAFile is the code of the fault.Invalid error for what lies in a folder in place of a file: a link that leads out of it, a
// pipe, a device. It is never opened: reading a pipe may take for ever.
const CodeNotAFile = "not_a_file"

// CodeBadKey is the code of the fault.Invalid error for a key that no object can have.
const CodeBadKey = "bad_key"

// MaxKey is the longest key in bytes, a limit of S3.
const MaxKey = 1024

// Objects is an object store.
type Objects struct {
	bucket Bucket
	around func(change func() error) error // see Around; nil does nothing
}

// Over keeps objects in a bucket.
func Over(b Bucket) *Objects { return &Objects{bucket: b} }

// Info describes an object.
type Info struct {
	Key      string
	Size     int64
	Version  string // pins a read, see [Objects.Open]; Stat gives it, List does not
	Modified time.Time
}

// Around is the same object store with around called for every change of it: an object that is
// completed, an object or a whole folder that is deleted. It has to call change and to return its
// error. So a test can let a process end between any two changes, or let one fail.
func (o *Objects) Around(around func(change func() error) error) *Objects {
	guarded := *o
	guarded.around = around
	return &guarded
}

func (o *Objects) change(f func() error) error {
	if o.around == nil {
		return f()
	}
	return o.around(f)
}

// Close ends the use of the store. None of its buckets has anything to release.
func (o *Objects) Close() error { return nil }

// Create begins an object that must not exist. The error fault.Conflict, code
// object_exists, may come from Create, Write or Close.
func (o *Objects) Create(ctx context.Context, key string) (*Writer, error) {
	return o.write(ctx, key, true)
}

// Replace begins an object and replaces what is there, whole, when it is closed.
func (o *Objects) Replace(ctx context.Context, key string) (*Writer, error) {
	return o.write(ctx, key, false)
}

// Put stores all of r as an object, in place of what is there: whole or not at all.
func (o *Objects) Put(ctx context.Context, key string, r io.Reader) error {
	w, err := o.Replace(ctx, key)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return w.Close()
}

// Open reads length bytes from offset on, up to the end if length is negative. A
// version that is not empty is one of Stat, or a version id or a quoted ETag of S3:
// if the object is another one by now, the error is fault.NotFound, code [CodeGone].
func (o *Objects) Open(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if length == 0 { // S3 has no empty ranges
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	if offset < 0 {
		return nil, fault.New(fault.Internal, "object_store", "an object cannot be read from before its beginning")
	}
	return o.bucket.Open(ctx, key, version, offset, length)
}

// linkLife is how long a link to an object is good.
const linkLife = 15 * time.Minute

// Link is an address at which anybody who has it can read the object for a quarter of an
// hour. It is empty where objects have no addresses: in a folder and in memory.
func (o *Objects) Link(ctx context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	return o.bucket.Link(ctx, key)
}

// Stat describes the newest version of an object.
func (o *Objects) Stat(ctx context.Context, key string) (Info, error) {
	return o.StatVersion(ctx, key, "")
}

// StatVersion describes one version of an object, named as in [Objects.Open].
func (o *Objects) StatVersion(ctx context.Context, key, version string) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	return o.bucket.Stat(ctx, key, version)
}

// List walks the objects whose key begins with prefix, in key order. In a folder it also tells of what is no file, see [CodeNotAFile].
func (o *Objects) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return o.bucket.List(ctx, prefix)
}

// Names is [Objects.List] as a slice of keys.
func (o *Objects) Names(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for obj, err := range o.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		names = append(names, obj.Key)
	}
	return names, nil
}

// Folders walks the folders right below prefix, each spelled with "/" at its end; one that holds only what was half
// written is among them. The prefix is empty or ends with "/".
func (o *Objects) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return o.FoldersFrom(ctx, prefix, "")
}

// FoldersFrom is [Objects.Folders] without those whose names, behind the prefix, come before from.
func (o *Objects) FoldersFrom(ctx context.Context, prefix, from string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for key, err := range o.bucket.Folders(ctx, prefix, from) {
			if err == nil && key < prefix+from {
				continue
			}
			if !yield(key, err) || err != nil {
				return
			}
		}
	}
}

// Check makes sure that the bucket is there and can be listed.
func (o *Objects) Check(ctx context.Context) error {
	for _, err := range o.Folders(ctx, "") {
		return err // one is enough
	}
	return nil
}

// Delete removes an object, with all its versions; that there is none is no error.
func (o *Objects) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	return o.change(func() error { return o.bucket.Delete(ctx, key) })
}

// DeleteAll removes everything below prefix, with all versions, and tells how many
// objects it removed. The prefix must end with "/", so that it means one folder and
// never a neighbour whose name begins alike; the empty one is refused.
func (o *Objects) DeleteAll(ctx context.Context, prefix string) (n int64, err error) {
	if err := CheckKey(strings.TrimSuffix(prefix, "/")); err != nil || !strings.HasSuffix(prefix, "/") {
		return 0, fault.New(fault.Invalid, "bad_prefix", "only a whole folder of objects can be deleted")
	}
	err = o.change(func() (err error) {
		n, err = o.bucket.DeleteAll(ctx, prefix)
		return err
	})
	return n, err
}

// CheckKey tells whether every kind of object store takes the key as it is: a
// relative path without empty, "." and ".." segments, control characters and the
// marks that the folder uses for itself. The error is fault.Invalid, code bad_key.
func CheckKey(key string) error {
	ok := key != "" && len(key) <= MaxKey && utf8.ValidString(key) && fs.ValidPath(key) && key != "." &&
		!strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) &&
		!strings.Contains(key, "__0x") && !strings.HasSuffix(key, attributes) && !isTemporary(key)
	if !ok {
		return fault.New(fault.Invalid, CodeBadKey, "this is no usable name for a file")
	}
	return nil
}
