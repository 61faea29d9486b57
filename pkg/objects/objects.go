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

// CodeGone is the code of the fault.NotFound error for an object or a version of it that does not
// exist, or does not exist any more.
const CodeGone = "object_gone"

// CodeNotAFile is the code of the fault.Invalid error for something that is not a plain file: a
// link that leads out of the folder, a pipe or a device. These are never opened, since reading a
// pipe may block for ever.
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

// Over makes an object store over a bucket.
func Over(b Bucket) *Objects { return &Objects{bucket: b} }

// Info describes an object.
type Info struct {
	Key      string
	Size     int64
	Version  string // for [Objects.Open]; Stat sets it, List does not
	Modified time.Time
	// Brought says that Version and Modified are those of another store (see [Objects.Bring]). Stat
	// sets it, List does not. The Modified of List may be the time at which the object was brought.
	Brought bool
}

// Around returns the same object store, which calls around for each change: the completion of an
// object, and the deletion of an object or a folder. around must call change and return its error.
// So a test can stop a process between any two changes, or let one fail.
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

// Close ends the use of the store. It does nothing, since no bucket holds anything to release.
func (o *Objects) Close() error { return nil }

// Create begins to write an object that must not exist. If it does, Create, Write or Close returns
// fault.Conflict, code object_exists.
func (o *Objects) Create(ctx context.Context, key string) (*Writer, error) {
	return o.write(ctx, key, true)
}

// Replace begins to write an object. Close replaces an existing object as a whole.
func (o *Objects) Replace(ctx context.Context, key string) (*Writer, error) {
	return o.write(ctx, key, false)
}

// Put stores all of r as an object, whole or not at all. It replaces an existing object.
func (o *Objects) Put(ctx context.Context, key string, r io.Reader) error {
	w, err := o.Replace(ctx, key)
	if err != nil {
		return err
	}
	return fill(w, r)
}

// Bring stores all of r as an object that another store had as was says, whole or not at all. Until
// it is replaced, the object keeps that version and time: stored jobs name the version, and erases
// compare the time.
func (o *Objects) Bring(ctx context.Context, was Info, r io.Reader) error {
	if err := CheckKey(was.Key); err != nil {
		return err
	}
	pending, err := o.bucket.Bring(ctx, was.Key, was)
	if err != nil {
		return err
	}
	return fill(&Writer{pending: pending, around: o.change}, r)
}

// fill writes all of r and completes the object, or drops it.
func fill(w *Writer, r io.Reader) error {
	defer w.Abort()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return w.Close()
}

// Open reads length bytes from offset on, up to the end if length is negative. An empty version
// means the newest. Other versions come from Stat, or are version ids or quoted ETags of S3. If
// this version does not exist any more, the error is fault.NotFound, code [CodeGone].
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

// linkLife is how long a link to an object is valid.
const linkLife = 15 * time.Minute

// Link returns an address at which anybody who has it can read the object for a quarter of an hour.
// It is empty for objects in a folder or in memory, which have no address.
func (o *Objects) Link(ctx context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	return o.bucket.Link(ctx, key)
}

// Form is a form with which anybody who has it can store one object until it expires. Its file comes
// last, as the part file.
type Form struct {
	URL    string            // to which it is posted, as multipart/form-data
	Fields map[string]string // the parts before the file
}

// FormLife is how long a [Form] is valid: until then the form has to be sent, and what is being sent
// goes on.
const FormLife = time.Hour

// Form makes a form that stores an object of exactly size bytes. It is the zero Form for objects in a
// folder or in memory, which are not sent by forms.
func (o *Objects) Form(ctx context.Context, key string, size int64) (Form, error) {
	if err := CheckKey(key); err != nil {
		return Form{}, err
	}
	return o.bucket.Form(ctx, key, size)
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

// List yields the objects whose key begins with prefix, in key order. In a folder it also yields
// what is not a plain file, see [CodeNotAFile].
func (o *Objects) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return o.bucket.List(ctx, prefix)
}

// Names returns the keys of [Objects.List].
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

// Folders yields the folders right below prefix, each with "/" at its end, also those that hold
// only half-written objects. The prefix is empty or ends with "/".
func (o *Objects) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return o.FoldersFrom(ctx, prefix, "")
}

// FoldersFrom is [Objects.Folders] without the folders whose names, after the prefix, sort before
// from.
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

// Check makes sure that the bucket exists and can be listed.
func (o *Objects) Check(ctx context.Context) error {
	for _, err := range o.Folders(ctx, "") {
		return err // one is enough
	}
	return nil
}

// Delete removes an object, with all its versions. It is no error if there is no such object.
func (o *Objects) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	return o.change(func() error { return o.bucket.Delete(ctx, key) })
}

// DeleteAll removes everything below prefix, with all versions, and returns how many objects it
// removed. The prefix must end with "/", so that it means one folder and never a neighbour whose
// name begins alike. It must not be empty.
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

// CheckKey checks that every kind of object store takes the key as it is: a relative path without
// empty, "." and ".." segments, without control characters, and without endings and marks that
// folders use themselves. Otherwise the error is fault.Invalid, code bad_key.
func CheckKey(key string) error {
	ok := key != "" && len(key) <= MaxKey && utf8.ValidString(key) && fs.ValidPath(key) && key != "." &&
		!strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) &&
		!strings.Contains(key, "__0x") && !strings.HasSuffix(key, attributes) && !isTemporary(key)
	if !ok {
		return fault.New(fault.Invalid, CodeBadKey, "this is not a usable name for a file")
	}
	return nil
}
