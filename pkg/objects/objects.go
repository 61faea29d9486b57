package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

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

// partSize is what one request of an upload carries; a writer on S3 holds up to
// three of them: two on their way and one being filled.
const partSize = 8 << 20

// Objects is an object store.
type Objects struct {
	bucket *blob.Bucket
	s3     *versions                       // nil where the objects have no versions
	folder *folder                         // nil where they are not files
	around func(change func() error) error // see Around; nil does nothing
}

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

// Close releases what the bucket holds.
func (o *Objects) Close() error {
	if err := o.bucket.Close(); err != nil {
		return failed(err, "close the object store")
	}
	return nil
}

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
	if o.folder != nil {
		if err := o.folder.plain(key); err != nil {
			return nil, err
		}
	}
	r, err := o.bucket.NewRangeReader(ctx, key, offset, length, &blob.ReaderOptions{BeforeRead: pin(version)})
	if gcerrors.Code(err) == gcerrors.FailedPrecondition { // another ETag
		return nil, gone()
	}
	if err != nil {
		return nil, failed(err, "open an object")
	}
	if version != "" && !isVersion(r, version) {
		_ = r.Close()
		return nil, gone()
	}
	return &reader{r}, nil
}

// linkLife is how long a link to an object is good.
const linkLife = 15 * time.Minute

// Link is an address at which anybody who has it can read the object for a quarter of an
// hour. It is empty where objects have no addresses: in a folder and in memory.
func (o *Objects) Link(ctx context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil || o.s3 == nil {
		return "", err
	}
	link, err := o.bucket.SignedURL(ctx, key, &blob.SignedURLOptions{Expiry: linkLife})
	if err != nil {
		return "", failed(err, "make a link to an object")
	}
	return link, nil
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
	if o.s3 != nil {
		return o.s3.head(ctx, key, version)
	}
	if o.folder != nil {
		if err := o.folder.plain(key); err != nil {
			return Info{}, err
		}
	}
	a, err := o.bucket.Attributes(ctx, key)
	if err != nil {
		return Info{}, failed(err, "look at an object")
	}
	if version != "" && version != a.ETag {
		return Info{}, gone()
	}
	return Info{Key: key, Size: a.Size, Version: a.ETag, Modified: a.ModTime}, nil
}

// List walks the objects whose key begins with prefix, in key order. In a folder it also tells of what is no file, see [CodeNotAFile].
func (o *Objects) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	if o.folder != nil {
		return o.folder.list(ctx, prefix)
	}
	return func(yield func(Info, error) bool) {
		for obj, err := range o.walk(ctx, &blob.ListOptions{Prefix: prefix}) {
			if err != nil {
				yield(Info{}, failed(err, "list objects"))
				return
			}
			if !yield(Info{Key: obj.Key, Size: obj.Size, Modified: obj.ModTime}, nil) {
				return
			}
		}
	}
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
	all := o.walkFolders(ctx, prefix, from)
	if o.folder != nil {
		all = o.folder.folders(prefix)
	}
	return func(yield func(string, error) bool) {
		for key, err := range all {
			if err == nil && key < prefix+from {
				continue
			}
			if !yield(key, err) || err != nil {
				return
			}
		}
	}
}

func (o *Objects) walkFolders(ctx context.Context, prefix, from string) iter.Seq2[string, error] {
	opt := &blob.ListOptions{Prefix: prefix, Delimiter: "/", BeforeList: func(as func(any) bool) error {
		var in *s3.ListObjectsV2Input
		if from != "" && as(&in) {
			in.StartAfter = aws.String(prefix + from)
		}
		return nil
	}}
	return func(yield func(string, error) bool) {
		for obj, err := range o.walk(ctx, opt) {
			switch {
			case err != nil:
				yield("", failed(err, "list folders of objects"))
				return
			case !obj.IsDir:
				continue
			}
			if !yield(obj.Key, nil) {
				return
			}
		}
	}
}

// walk gives what the bucket lists, up to its first error.
func (o *Objects) walk(ctx context.Context, opt *blob.ListOptions) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		objects := o.bucket.List(opt)
		for {
			obj, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) || !yield(obj, err) || err != nil {
				return
			}
		}
	}
}

// Check makes sure that the bucket is there and can be listed.
func (o *Objects) Check(ctx context.Context) error {
	for obj, err := range o.walk(ctx, &blob.ListOptions{Delimiter: "/"}) {
		if err != nil {
			return failed(err, "list objects")
		}
		_ = obj // one is enough
		break
	}
	return nil
}

// Delete removes an object, with all its versions; that there is none is no error.
func (o *Objects) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	return o.change(func() error { return o.delete(ctx, key) })
}

func (o *Objects) delete(ctx context.Context, key string) error {
	if o.s3 != nil {
		_, err := o.s3.deleteAll(ctx, key, func(k string) bool { return k == key })
		return err
	}
	err := o.bucket.Delete(ctx, key)
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return failed(err, "delete an object")
	}
	return nil
}

// DeleteAll removes everything below prefix, with all versions, and tells how many
// objects it removed. The prefix must end with "/", so that it means one folder and
// never a neighbour whose name begins alike; the empty one is refused.
func (o *Objects) DeleteAll(ctx context.Context, prefix string) (n int64, err error) {
	if err := CheckKey(strings.TrimSuffix(prefix, "/")); err != nil || !strings.HasSuffix(prefix, "/") {
		return 0, fault.New(fault.Invalid, "bad_prefix", "only a whole folder of objects can be deleted")
	}
	err = o.change(func() (err error) {
		n, err = o.deleteAll(ctx, prefix)
		return err
	})
	return n, err
}

func (o *Objects) deleteAll(ctx context.Context, prefix string) (int64, error) {
	if o.s3 != nil {
		return o.s3.deleteAll(ctx, prefix, func(string) bool { return true })
	}
	if o.folder != nil {
		return o.folder.removeAll(prefix)
	}
	names, err := o.Names(ctx, prefix)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := o.delete(ctx, name); err != nil {
			return 0, err
		}
	}
	return int64(len(names)), nil
}

// CheckKey tells whether every kind of object store takes the key as it is: a
// relative path without empty, "." and ".." segments, control characters and the
// marks that the folder uses for itself. The error is fault.Invalid, code bad_key.
func CheckKey(key string) error {
	ok := key != "" && len(key) <= MaxKey && utf8.ValidString(key) && fs.ValidPath(key) && key != "." &&
		!strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) &&
		!strings.Contains(key, "__0x") && !strings.HasSuffix(key, ".attrs") && !isTemporary(key)
	if !ok {
		return fault.New(fault.Invalid, CodeBadKey, "this is no usable name for a file")
	}
	return nil
}

func gone() error {
	return fault.New(fault.NotFound, CodeGone, "the file is not there any more")
}

// failed sorts an error of the bucket and takes its key out of the text (I8).
func failed(err error, doing string) error {
	if known := explained(err); known != nil {
		return known
	}
	cause := anonymous(err)
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && api.ErrorCode() == "NoSuchBucket" {
		return unsorted(err, doing)
	}
	switch gcerrors.Code(err) { //nolint:exhaustive // the others say nothing about what to do
	case gcerrors.NotFound:
		return gone()
	case gcerrors.FailedPrecondition:
		return fault.New(fault.Conflict, "object_exists", "there is such an object already")
	case gcerrors.PermissionDenied:
		return fault.Wrap(cause, fault.Internal, "object_access", "no access to the object store: "+doing)
	case gcerrors.InvalidArgument, gcerrors.Unimplemented:
		return fault.Wrap(cause, fault.Internal, "object_store", doing)
	default:
		return unsorted(cause, doing)
	}
}

// anonymous is the cause below what the blob package, and the file system, wrap with a name.
func anonymous(err error) error {
	for {
		blobError, ok := err.(interface{ Unwrap() []error })
		if !ok || len(blobError.Unwrap()) == 0 || blobError.Unwrap()[0] == nil {
			break
		}
		err = blobError.Unwrap()[0]
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
