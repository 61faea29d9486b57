package credentials

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"reseed/pkg/fault"
)

// Folder keeps credentials as files of one folder, which only its owner can read. It is for one
// process at a time.
type Folder struct {
	dir string
	mu  sync.Mutex
}

// NewFolder returns the vault in a folder. The first Put makes the folder.
func NewFolder(dir string) *Folder { return &Folder{dir: dir} }

func (f *Folder) file(source string) string { return filepath.Join(f.dir, source+".json") }

// written is the name under which a file is written. It is the same each time: so the next write or
// Delete takes away what a killed process has left.
func (f *Folder) written(source string) string { return filepath.Join(f.dir, source+".tmp") }

// Get implements [Vault].
func (f *Folder) Get(_ context.Context, source string) (map[string]string, error) {
	if err := CheckSource(source); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(f.file(source))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone()
	}
	if err != nil {
		return nil, trouble(err, "read")
	}
	return Decode(string(text))
}

// Put implements [Vault].
func (f *Folder) Put(_ context.Context, source string, c map[string]string) error {
	if err := CheckSource(source); err != nil {
		return err
	}
	text, err := Encode(c)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return trouble(err, "written")
	}
	if err := f.write(source, text); err != nil {
		return trouble(errors.Join(err, gone(f.written(source))), "written")
	}
	return nil
}

// open makes the folder, and takes from others the right to read it.
func (f *Folder) open() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(f.dir, 0o700) //nolint:gosec // a folder is entered
}

func (f *Folder) write(source, text string) error {
	if err := gone(f.written(source)); err != nil { // it may have other permissions
		return err
	}
	file, err := os.OpenFile(f.written(source), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.written(source), f.file(source)); err != nil {
		return err
	}
	return f.sync()
}

// Delete implements [Vault].
func (f *Folder) Delete(_ context.Context, source string) error {
	if err := CheckSource(source); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := errors.Join(gone(f.file(source)), gone(f.written(source)))
	if err == nil {
		err = f.sync()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return trouble(err, "deleted")
}

// gone removes a file, if it is there.
func gone(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sync makes what happened to the names of the folder last.
func (f *Folder) sync() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// trouble says what could not be done; nil stays nil. Errors of files name the file, never what is in
// it.
func trouble(err error, done string) error {
	return fault.Wrap(err, fault.Unavailable, "credentials_folder", "the credentials cannot be "+done+", check the folder of the data")
}
