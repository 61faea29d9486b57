package objects

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"reseed/pkg/fault"
)

// dirMode is for folders that hold billing data: nobody else's business.
const dirMode = 0o700

// folder is what makes fileblob durable and create-only within one process:
// fileblob syncs nothing, and looks for the file under a lock that each writer has
// for itself.
type folder struct {
	root string
	mu   sync.Mutex
}

// Dir keeps objects as files below a folder, which is made if it is not there.
func Dir(path string) (*Objects, error) {
	root, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(root, dirMode)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "object_folder", "make the folder for objects")
	}
	bucket, err := fileblob.OpenBucket(root, &fileblob.Options{
		DirFileMode: dirMode,
		NoTempDir:   true, // a rename needs one file system
		Metadata:    fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "object_folder", "open the folder for objects")
	}
	return &Objects{bucket: bucket, folder: &folder{root: root}}, nil
}

// Mem keeps objects in memory.
func Mem() *Objects { return Over(memblob.OpenBucket(nil)) }

// Over keeps objects in a bucket that has neither versions nor files, as the one in memory.
func Over(bucket *blob.Bucket) *Objects { return &Objects{bucket: bucket} }

// prepare makes the folders above key, each of them durable in the one above it.
func (f *folder) prepare(key string) error {
	at := f.root
	segments := strings.Split(key, "/")
	for _, name := range segments[:len(segments)-1] {
		parent := at
		at = filepath.Join(at, name)
		if err := os.Mkdir(at, dirMode); err != nil {
			if os.IsExist(err) {
				continue
			}
			return anonymous(err)
		}
		if err := syncDir(parent); err != nil {
			return anonymous(err)
		}
	}
	return nil
}

// sync makes the entry of key durable in its folder.
func (f *folder) sync(key string) error {
	return syncDir(filepath.Dir(filepath.Join(f.root, filepath.FromSlash(key))))
}

func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // below the root: keys are checked
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

// removeAll removes the folder of a prefix with everything in it, also what was
// half written and what others put there; its own name goes too, for it may tell
// about what was deleted. It tells how many objects there were. Somebody else may be removing the same.
func (f *folder) removeAll(prefix string) (n int64, err error) {
	path := filepath.Join(f.root, filepath.FromSlash(prefix))
	if above, ok := cutLast(strings.TrimSuffix(prefix, "/")); ok { // the folder itself may be a link: that goes, and not what is behind it
		if err := f.plain(above); err != nil {
			return 0, err
		}
	}
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !isTemporary(name) {
			n++
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		return n, unsorted(anonymous(err), "list a folder of objects")
	}
	if err := os.RemoveAll(path); err != nil {
		return n, unsorted(anonymous(err), "delete a folder of objects")
	}
	err = syncDir(filepath.Dir(path))
	if err != nil && !os.IsNotExist(err) {
		return n, unsorted(anonymous(err), "sync a folder")
	}
	return n, nil
}

// plain makes sure that a key leads to a plain file, or nowhere, before anything is opened. A link may lead to a file within the
// folder at the beginning of its key (uploads, jobs), which itself may be a link to another disk.
func (f *folder) plain(key string) error {
	segments := strings.Split(key, "/")
	top := f.root
	if len(segments) > 1 {
		top = filepath.Join(f.root, segments[0])
		segments = segments[1:]
	}
	at, linked := top, false
	for _, name := range segments {
		at = filepath.Join(at, name)
		st, err := os.Lstat(at)
		if err != nil { // there is nothing, and opening it says so
			if at = filepath.Dir(at); linked && !within(top, at) {
				return notAFile()
			}
			return nil
		}
		linked = linked || st.Mode()&fs.ModeSymlink != 0
	}
	if linked && !within(top, at) {
		return notAFile()
	}
	for _, name := range []string{at, at + attributes} {
		st, err := os.Stat(name)
		if err == nil && !st.Mode().IsRegular() && !st.IsDir() {
			return notAFile()
		}
	}
	return nil
}

func cutLast(key string) (above string, ok bool) {
	i := strings.LastIndex(key, "/")
	if i < 0 {
		return "", false
	}
	return key[:i], true
}

// attributes is the ending of a file that fileblob opens beside each object.
const attributes = ".attrs"

// within tells whether a file lies in a folder once all links are followed. One that leads nowhere does not.
func within(top, file string) bool {
	base, err := filepath.EvalSymlinks(top)
	if err == nil {
		file, err = filepath.EvalSymlinks(file)
	}
	return err == nil && (file == base || strings.HasPrefix(file, base+string(filepath.Separator)))
}

func notAFile() error {
	return fault.New(fault.Invalid, CodeNotAFile, "this is no plain file: pipes, devices and links out of the folder are not read; copy the file itself there")
}

// list gives what is no folder below a prefix, without following links.
func (f *folder) list(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		found, err := f.walk(ctx, prefix)
		if err != nil {
			yield(Info{}, unsorted(anonymous(err), "list objects"))
			return
		}
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (f *folder) walk(ctx context.Context, prefix string) (found []Info, err error) {
	folder := prefix[:max(0, strings.LastIndex(prefix, "/"))]
	top := filepath.Join(f.root, filepath.FromSlash(folder))
	if !strings.Contains(folder, "/") {
		top += string(filepath.Separator) // this one may be a link
	}
	err = filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err): // somebody else has removed it
			return nil
		case err != nil && d != nil && d.IsDir() && len(name) > len(top): // one that we may not read
			return fs.SkipDir
		case err != nil:
			return err
		case d.IsDir():
			return ctx.Err()
		}
		rel, err := filepath.Rel(f.root, name)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if !strings.HasPrefix(key, prefix) || isTemporary(key) || strings.HasSuffix(key, attributes) {
			return nil
		}
		st, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil {
			found = append(found, Info{Key: key, Size: st.Size(), Modified: st.ModTime()})
		}
		return err
	})
	slices.SortFunc(found, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
	return found, err
}

// folders gives the folders right below a prefix, also empty ones. Links are none.
func (f *folder) folders(prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := os.ReadDir(filepath.Join(f.root, filepath.FromSlash(prefix)))
		if err != nil && !os.IsNotExist(err) {
			yield("", unsorted(anonymous(err), "list folders of objects"))
			return
		}
		for _, e := range entries {
			if e.IsDir() && !yield(prefix+e.Name()+"/", nil) {
				return
			}
		}
	}
}

// isTemporary tells a file that fileblob has not completed.
func isTemporary(key string) bool {
	return strings.HasSuffix(key, ".tmp") && temporary.MatchString(key)
}

var temporary = regexp.MustCompile(`\.[0-9a-f]{15,16}\.tmp$`)

// etag pins a file or an object in memory, as fileblob and memblob spell it.
func etag(modified time.Time, size int64) string {
	return fmt.Sprintf("\"%x-%x\"", modified.UnixNano(), size)
}
