package objects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"reseed/pkg/fault"
)

// The folders hold billing data, so only their owner may enter them. Those whom the owner lets in
// may read the files.
const (
	dirMode  = 0o700
	fileMode = 0o666
)

// attributes is the ending of files that are no objects, but descriptions of the files beside them.
// Only objects that were brought from a store with other versions have one, see [origin].
const attributes = ".attrs"

// folder is a [Bucket] of files. One process owns it, since creating an object is atomic within one
// process only.
type folder struct {
	root  string
	mu    sync.Mutex   // held while an object takes its place
	still sync.RWMutex // every change holds it for reading, a snapshot for writing
}

// Dir stores objects as files below a folder. It makes the folder if it does not exist.
func Dir(path string) (*Objects, error) {
	root, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(root, dirMode)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "object_folder", "make the folder for objects")
	}
	return Over(&folder{root: root}), nil
}

// fileName returns the name of a key's file. It spells names like fileblob of gocloud.dev, which
// earlier versions used. So if a folder in the key ends with two dots, there is no such folder on
// disk. Reseed makes no such keys. [folder.Folders] and [folder.DeleteAll] know only the folders on
// disk.
func fileName(key string) string { return strings.ReplaceAll(key, "../", "..__0x2f__") }

func keyOf(name string) string { return strings.ReplaceAll(name, "..__0x2f__", "../") }

func (f *folder) path(key string) string {
	return filepath.Join(f.root, filepath.FromSlash(fileName(key)))
}

// failedFile translates an error of the file system. It returns nil for a nil err.
func failedFile(err error, doing string) error {
	if os.IsNotExist(err) {
		return gone()
	}
	return unavailable(err, doing)
}

// Begin implements [Bucket].
func (f *folder) Begin(ctx context.Context, key string, create bool) (Pending, error) {
	w, err := f.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	w.create = create
	return w, nil
}

// Bring implements [Bucket].
func (f *folder) Bring(ctx context.Context, key string, was Info) (Pending, error) {
	w, err := f.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	return &broughtWriter{w, was}, nil
}

func (f *folder) begin(ctx context.Context, key string) (*fileWriter, error) {
	if err := f.plain(fileName(key)); err != nil {
		return nil, err
	}
	if err := f.prepare(key); err != nil {
		return nil, unavailable(err, "make a folder for an object")
	}
	path := f.path(key)
	file, err := os.OpenFile(path+temporaryEnding(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode) //nolint:gosec // below the root: keys are checked
	if err != nil {
		return nil, failedFile(err, "begin an object")
	}
	return &fileWriter{ctx: ctx, folder: f, file: file, path: path}, nil
}

// fileWriter writes a temporary file beside the place of the object, and renames it at the end.
type fileWriter struct {
	ctx    context.Context
	folder *folder
	file   *os.File
	path   string // of the object
	create bool
}

// Write implements [Pending].
func (w *fileWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	return n, failedFile(err, "write an object")
}

// Commit implements [Pending]. It makes the file durable before it renames it, and then its name.
func (w *fileWriter) Commit() error {
	if err := w.file.Sync(); err != nil {
		w.Abort()
		return unavailable(err, "sync an object")
	}
	if err := w.place(); err != nil {
		w.Abort()
		return err
	}
	return unavailable(syncDir(filepath.Dir(w.path)), "sync a folder")
}

func (w *fileWriter) place() error {
	if err := w.file.Close(); err != nil {
		return failedFile(err, "complete an object")
	}
	if err := w.ctx.Err(); err != nil {
		return unavailable(err, "complete an object")
	}
	w.folder.still.RLock()
	defer w.folder.still.RUnlock()
	w.folder.mu.Lock()
	defer w.folder.mu.Unlock()
	if w.create {
		if _, err := os.Stat(w.path); err == nil {
			return exists()
		}
	}
	return failedFile(os.Rename(w.file.Name(), w.path), "complete an object")
}

// Abort implements [Pending].
func (w *fileWriter) Abort() {
	_ = w.file.Close() // it may be closed already
	_ = os.Remove(w.file.Name())
}

// Open implements [Bucket].
func (f *folder) Open(_ context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	if err := f.plain(fileName(key)); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(key))
	if err != nil {
		return nil, failedFile(err, "open an object")
	}
	if err := seek(file, f.path(key), version, offset); err != nil {
		_ = file.Close()
		return nil, err
	}
	r := &reader{file, file, failedFile}
	if length >= 0 {
		r.Reader = io.LimitReader(file, length)
	}
	return r, nil
}

// seek moves an opened file to an offset. It checks the version of the opened file, since another
// file may take its name at any time.
func seek(file *os.File, path, version string, offset int64) error {
	st, err := file.Stat()
	if err != nil {
		return failedFile(err, "open an object")
	}
	own := timedVersion(st.ModTime(), st.Size())
	if st.IsDir() || version != "" && version != own && version != broughtAs(path, own) {
		return gone()
	}
	if offset > 0 {
		_, err = file.Seek(offset, io.SeekStart)
	}
	return failedFile(err, "open an object")
}

// Stat implements [Bucket].
func (f *folder) Stat(_ context.Context, key, version string) (Info, error) {
	if err := f.plain(fileName(key)); err != nil {
		return Info{}, err
	}
	st, err := os.Stat(f.path(key))
	if err != nil {
		return Info{}, failedFile(err, "look at an object")
	}
	own := timedVersion(st.ModTime(), st.Size())
	info := Info{Key: key, Size: st.Size(), Version: own, Modified: st.ModTime()}
	if was := broughtAs(f.path(key), own); was != "" {
		info.Version, info.Brought = was, true
	}
	if st.IsDir() || version != "" && version != own && version != info.Version {
		return Info{}, gone()
	}
	return info, nil
}

// Delete implements [Bucket]. It removes a link, and not the file behind it.
func (f *folder) Delete(_ context.Context, key string) error {
	if above, ok := cutLast(fileName(key)); ok {
		if err := f.plain(above); err != nil {
			return err
		}
	}
	f.still.RLock()
	defer f.still.RUnlock()
	if err := os.Remove(f.path(key)); err != nil && !os.IsNotExist(err) {
		return unavailable(err, "delete an object")
	}
	if err := os.Remove(f.path(key) + attributes); err != nil && !os.IsNotExist(err) {
		return unavailable(err, "delete the description of an object")
	}
	return nil
}

// Link implements [Bucket]. Files have no links.
func (*folder) Link(context.Context, string) (string, error) { return "", nil }

// Form implements [Bucket]. Files are not sent by forms.
func (*folder) Form(context.Context, string, int64) (Form, error) { return Form{}, nil }

// prepare makes the folders above key, and makes each durable in the one above it.
func (f *folder) prepare(key string) error {
	at := f.root
	segments := strings.Split(fileName(key), "/")
	for _, name := range segments[:len(segments)-1] {
		parent := at
		at = filepath.Join(at, name)
		if err := os.Mkdir(at, dirMode); err != nil {
			if os.IsExist(err) {
				continue
			}
			return err
		}
		if err := syncDir(parent); err != nil {
			return err
		}
	}
	return nil
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

// DeleteAll implements [Bucket]. It removes the folder with everything in it, also half-written
// objects and files that Reseed did not write, and the folder itself, since its name may be
// personal data. Another call may be removing the same folder.
func (f *folder) DeleteAll(_ context.Context, prefix string) (n int64, err error) {
	path := filepath.Join(f.root, filepath.FromSlash(prefix))
	// if the folder itself is a link, only the link is removed
	if above, ok := cutLast(strings.TrimSuffix(prefix, "/")); ok {
		if err := f.plain(above); err != nil {
			return 0, err
		}
	}
	f.still.RLock()
	defer f.still.RUnlock()
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !isTemporary(name) && !strings.HasSuffix(name, attributes) {
			n++
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		return n, unavailable(err, "list a folder of objects")
	}
	if err := os.RemoveAll(path); err != nil {
		return n, unavailable(err, "delete a folder of objects")
	}
	err = syncDir(filepath.Dir(path))
	if err != nil && !os.IsNotExist(err) {
		return n, unavailable(err, "sync a folder")
	}
	return n, nil
}

// plain makes sure, before anything is opened, that a name below the root leads to a plain file or
// to nothing. Links are allowed if they lead to a file within the top folder of the name (uploads,
// jobs). The top folder may itself be a link to another disk.
func (f *folder) plain(name string) error {
	segments := strings.Split(name, "/")
	top := f.root
	if len(segments) > 1 {
		top = filepath.Join(f.root, segments[0])
		segments = segments[1:]
	}
	at, linked := top, false
	for _, segment := range segments {
		at = filepath.Join(at, segment)
		st, err := os.Lstat(at)
		if err != nil { // there is nothing, and opening it will say so
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
	if st, err := os.Stat(at); err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		return notAFile()
	}
	return nil
}

func cutLast(name string) (above string, ok bool) {
	i := strings.LastIndex(name, "/")
	if i < 0 {
		return "", false
	}
	return name[:i], true
}

// within tells whether a file lies in a folder after all links are followed. It is false for a link
// that leads nowhere.
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

// List implements [Bucket]. It yields everything that is not a folder, also what is not a plain
// file, and does not follow links.
func (f *folder) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		found, err := f.walk(ctx, prefix)
		if err != nil {
			yield(Info{}, unavailable(err, "list objects"))
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
		top += string(filepath.Separator) // the top folder may be a link
	}
	err = filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err): // removed meanwhile
			return nil
		case err != nil && d != nil && d.IsDir() && len(name) > len(top): // a folder without permission to read
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
		key := keyOf(filepath.ToSlash(rel))
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

// Folders implements [Bucket]. It yields empty folders, too, but no links.
func (f *folder) Folders(_ context.Context, prefix, _ string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := os.ReadDir(filepath.Join(f.root, filepath.FromSlash(prefix)))
		if err != nil && !os.IsNotExist(err) {
			yield("", unavailable(err, "list folders of objects"))
			return
		}
		for _, e := range entries {
			if e.IsDir() && !yield(prefix+e.Name()+"/", nil) {
				return
			}
		}
	}
}

// temporary matches the ending of a file that is not complete: .tmp after a number of 15 or 16
// hexadecimal digits, which differs between writers of the same object.
var temporary = regexp.MustCompile(`\.[0-9a-f]{15,16}\.tmp$`)

func temporaryEnding() string {
	var number [8]byte
	_, _ = rand.Read(number[:]) // it never fails
	return "." + hex.EncodeToString(number[:]) + ".tmp"
}

func isTemporary(key string) bool { return temporary.MatchString(key) }
