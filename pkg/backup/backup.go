package backup

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// Config is what [Backups] works with. All fields must be set.
type Config struct {
	Store   *store.Store
	Objects *objects.Objects
	Data    string // the data folder
	Version string // of this program
	Now     func() time.Time
	Log     *slog.Logger
}

// Backups makes backups of one data folder, and knows those that were made. It is safe for
// concurrent use.
type Backups struct {
	c      Config
	ledger *job.Ledger
	rename func(from, to string) error

	mu      sync.Mutex
	making  string          // the id of the backup that is being made; empty: none
	notices []eraser.Notice // of erases that ended meanwhile
}

// New makes a Backups. It does nothing yet.
func New(c Config) *Backups {
	return &Backups{c: c, ledger: job.NewLedger(c.Store, c.Now), rename: os.Rename}
}

// Progress tells how far a backup is. The numbers are of what has been read back.
type Progress struct {
	Copied  float64 `json:"copied,omitempty"` // how many seconds the copy took; imports may have been slower meanwhile
	Items   int64   `json:"items,omitempty"`
	Objects int64   `json:"objects,omitempty"`
}

// Names of what stands for a backup that is not whole yet.
const (
	stageFolder  = "backup.tmp"      // in the data folder
	noteFile     = "note.json"       // in stageFolder
	wholeFolder  = "whole"           // in stageFolder
	partialAfter = ".reseed-partial" // after the name of the backup
)

// Make makes a backup in a folder, which must not exist or be empty, and reads it back. If it
// fails, nothing is left of it. The error is fault.Busy while another backup is being made, and
// fault.Invalid for a folder that can't be used.
func (b *Backups) Make(ctx context.Context, folder string, show func(Progress)) (Manifest, error) {
	note := store.Backup{ID: b.ledger.NewID(), At: b.c.Now().UTC().Truncate(time.Millisecond)}
	if err := b.begin(note.ID); err != nil {
		return Manifest{}, err
	}
	defer b.end()
	if err := b.Recover(ctx); err != nil { // an earlier one may not have been able to clean up
		return Manifest{}, err
	}
	var err error
	if note.Folder, err = b.target(folder); err != nil {
		return Manifest{}, err
	}
	m, err := b.make(ctx, note, show)
	if err != nil {
		return m, errors.Join(failed(err), b.Recover(context.WithoutCancel(ctx)))
	}
	return m, nil
}

// failed makes a fault of an error of the file system.
func failed(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, "backup_failed", "the backup could not be made, and nothing is left of it")
}

func (b *Backups) begin(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.making != "" {
		return fault.New(fault.Busy, "backup_underway", "another backup of this data folder is being made: try again when it is done")
	}
	b.making, b.notices = id, nil
	return nil
}

func (b *Backups) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.making, b.notices = "", nil
}

// target checks where a backup is to be put, and returns the absolute path.
func (b *Backups) target(folder string) (string, error) {
	data, err := realPath(b.c.Data)
	if err != nil {
		return "", err
	}
	path, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	parent, err := realPath(filepath.Dir(path))
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "backup_folder", "the folder above the backup's cannot be used: make it first")
	}
	path = filepath.Join(parent, filepath.Base(path))
	if strings.HasPrefix(path+"/", data+"/") {
		return "", fault.New(fault.Invalid, "backup_folder", "a backup can't be within the data folder: name a folder elsewhere, best on another disk")
	}
	if _, err := os.Lstat(path + partialAfter); err == nil {
		return "", fault.New(fault.Invalid, "backup_folder", "beside the folder is one whose name goes on with "+partialAfter+
			", which an unfinished backup of another data folder may have left: remove it, or name another folder")
	}
	there, err := os.ReadDir(path)
	switch {
	case err == nil && len(there) > 0:
		return "", fault.New(fault.Invalid, "backup_folder", "the folder is not empty: name one that is, or that does not exist")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fault.Wrap(err, fault.Invalid, "backup_folder", "the folder cannot be used")
	}
	return path, nil
}

func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

func (b *Backups) stage(name string) string { return filepath.Join(b.c.Data, stageFolder, name) }

func (b *Backups) make(ctx context.Context, note store.Backup, show func(Progress)) (m Manifest, err error) {
	began := b.c.Now()
	m = Manifest{Format: format, ID: note.ID, Version: b.c.Version}
	if m.Data, err = realPath(b.c.Data); err != nil {
		return m, err
	}
	if err := b.prepare(ctx, note); err != nil {
		return m, err
	}
	whole, partial := b.stage(wholeFolder), note.Folder+partialAfter
	err = b.c.Objects.Snapshot(ctx, filepath.Join(whole, objectsFolder), func() error {
		m.MadeAt = b.c.Now().UTC()
		return b.c.Store.Checkpoint(ctx, filepath.Join(whole, tableFolder))
	})
	if err != nil {
		return m, err
	}
	show(Progress{Copied: b.c.Now().Sub(began).Seconds()})
	if err := b.place(ctx, whole, partial); err != nil {
		return m, err
	}
	reading := func(items, files int64) { show(Progress{Items: items, Objects: files}) }
	err = aside(func() error {
		if err := errors.Join(m.readFiles(ctx, partial, reading), m.readItems(ctx, partial, reading)); err != nil {
			return err
		}
		return confirm(ctx, whole, m.Sums)
	})
	if err != nil {
		return m, err
	}
	m.Digest = m.digest()
	if err := writeJSON(filepath.Join(partial, manifestFile), m); err != nil {
		return m, err
	}
	if err := b.publish(partial, note.Folder); err != nil {
		return m, err
	}
	return m, os.RemoveAll(b.stage(""))
}

// prepare makes the stage, and notes in the table that there will be a backup: an erase that ends
// from now on lists it.
func (b *Backups) prepare(ctx context.Context, note store.Backup) error {
	if err := os.MkdirAll(b.stage(wholeFolder), 0o700); err != nil {
		return err
	}
	if err := writeJSON(b.stage(noteFile), note); err != nil {
		return err
	}
	if err := syncFolder(b.stage("")); err != nil {
		return err
	}
	return b.c.Store.NoteBackup(ctx, note)
}

// place puts what is staged where the backup will be, under a temporary name. On another file
// system that is a copy, and the stage stays.
func (b *Backups) place(ctx context.Context, whole, partial string) error {
	if b.rename(whole, partial) != nil {
		if err := copyTree(ctx, whole, partial); err != nil {
			return err
		}
	}
	return syncTree(partial)
}

// copyTree copies a folder with its files and their times.
func copyTree(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), 0o700)
		}
		return objects.Copy(name, filepath.Join(to, rel))
	})
}

// syncTree makes the names in a folder durable. The files are.
func syncTree(folder string) error {
	return filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncFolder(name)
	})
}

func syncFolder(name string) error {
	d, err := os.Open(name) //nolint:gosec // within a backup or the data folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// confirm compares what was read from a copy with what it was copied from.
func confirm(ctx context.Context, whole string, copied Sums) error {
	if _, err := os.Stat(whole); errors.Is(err, fs.ErrNotExist) { // it was moved
		return nil
	}
	var staged Sums
	if err := staged.readFiles(ctx, whole, func(int64, int64) {}); err != nil {
		return err
	}
	return staged.compareFiles(copied)
}

// publish tells the backup which erases have ended meanwhile, and gives it its name. From then on
// [Backups.Tell] finds it.
func (b *Backups) publish(partial, folder string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.notices {
		if err := tell(partial, n); err != nil {
			return err
		}
	}
	if err := syncFolder(partial); err != nil {
		return err
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) { // it is empty
		return err
	}
	if err := b.rename(partial, folder); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(folder))
}

// Recover removes what a backup has left that was not completed. Call it before the first erase
// ends: the stage holds a copy of everything.
func (b *Backups) Recover(ctx context.Context) error {
	text, err := os.ReadFile(b.stage(noteFile))
	if errors.Is(err, fs.ErrNotExist) {
		return removeAll(b.stage(""))
	}
	if err != nil {
		return recovering(err)
	}
	var note store.Backup
	if json.Unmarshal(text, &note) == nil {
		if err := removeAll(note.Folder + partialAfter); err != nil {
			return err
		}
		if m, err := readManifest(note.Folder); err != nil || m.ID != note.ID {
			if err := b.c.Store.ForgetBackup(ctx, note.ID); err != nil {
				return err
			}
		}
	}
	if err := removeAll(b.stage(wholeFolder)); err != nil { // first: without the note nobody knows what else is left
		return err
	}
	return removeAll(b.stage(""))
}

func removeAll(path string) error { return recovering(os.RemoveAll(path)) }

func recovering(err error) error {
	return fault.Wrap(err, fault.Unavailable, "backup_left", "what an unfinished backup has left cannot be removed: remove backup.tmp from the data folder")
}
