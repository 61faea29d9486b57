package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// erasedFolder is where a backup keeps what it was told of erases: a file for each.
const erasedFolder = "erased"

// most is how many of the backups that are where they were put a receipt names one by one: the
// latest.
const most = 50

const when = "2006-01-02 15:04:05 MST"

// Tell tells every backup that is still where it was put that an erase ends, and returns all
// backups as places where copies may live on. It may be called several times for an erase.
func (b *Backups) Tell(ctx context.Context, n eraser.Notice) ([]eraser.Remains, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.making != "" {
		b.notices = append(b.notices, n)
	}
	known, err := b.c.Store.Backups(ctx)
	if err != nil {
		return nil, err
	}
	var list []eraser.Remains
	var rest []store.Backup
	for _, k := range slices.Backward(known) {
		note, ok := b.tellOne(ctx, k, n)
		if !ok || len(list) == most {
			rest = append(rest, k)
			continue
		}
		list = append(list, eraser.Remains{What: "backup of " + k.At.Format(when), Note: note})
	}
	if len(rest) == 0 {
		return list, nil
	}
	return append(list, eraser.Remains{
		What: fmt.Sprintf("other backups: %d, the latest of %s", len(rest), rest[0].At.Format(when)),
		Note: fmt.Sprintf("They are not where they were put, or %d later ones are. If they were not deleted, they may still hold it.", most),
	}), nil
}

// tellOne tells one backup, and returns a note for the receipt; ok is false if it is not there.
func (b *Backups) tellOne(ctx context.Context, k store.Backup, n eraser.Notice) (note string, ok bool) {
	if k.ID == b.making {
		return "It is being made in " + k.Folder + ", and may hold it until it is deleted. If it is opened, it says so.", true
	}
	if m, err := readManifest(k.Folder); err != nil || m.ID != k.ID {
		return "", false
	}
	if err := tell(k.Folder, n); err != nil {
		b.c.Log.WarnContext(ctx, "a backup could not be told of an erase", slog.String("backup", k.ID), slog.String("job", n.Job))
		return "In " + k.Folder + ". It may hold it until it is deleted. It could not be told of this erase: do the erase again if it is opened.", true
	}
	return "In " + k.Folder + ". It may hold it until it is deleted. If it is opened, it says so.", true
}

// tell writes a notice into a backup.
func tell(folder string, n eraser.Notice) error {
	dir := filepath.Join(folder, erasedFolder)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	name := filepath.Join(dir, n.Job+".json")
	if err := writeJSON(name+".new", n); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	return syncFolder(dir)
}

// told reads what a backup was told.
func told(folder string) (list []eraser.Notice, err error) {
	names, err := filepath.Glob(filepath.Join(folder, erasedFolder, "*.json"))
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // within the backup
		var n eraser.Notice
		if err == nil {
			err = json.Unmarshal(text, &n)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "backup_notice", "what the backup was told of an erase cannot be read")
		}
		list = append(list, n)
	}
	return list, err
}
