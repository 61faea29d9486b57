package objects

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
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
