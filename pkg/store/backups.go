package store

import (
	"context"
	"time"

	"reseed/pkg/table"
)

// Backup notes that a backup was made, or is being made, of the embedded store. Erases need to know
// where copies are.
type Backup struct {
	ID     string    `json:"id"`     // ids sort by the time at which they were made
	At     time.Time `json:"at"`     // UTC, in milliseconds
	Folder string    `json:"folder"` // where it was put; an absolute path
}

const attrFolder = "folder"

// EncodeBackup makes the item of a backup.
func EncodeBackup(b Backup) table.Item {
	attrs := table.NewBuilder().IntAlways(AttrCreated, b.At.UnixMilli()).Str(attrFolder, b.Folder).Attrs()
	return table.Item{Key: BackupKey(b.ID), Attrs: attrs}
}

// NoteBackup stores that a backup is being made.
func (s *Store) NoteBackup(ctx context.Context, b Backup) error {
	return s.Write(ctx, []table.Write{{Item: EncodeBackup(b)}})
}

// ForgetBackup removes the note of a backup that does not exist.
func (s *Store) ForgetBackup(ctx context.Context, id string) error {
	return s.Write(ctx, []table.Write{{Item: table.Item{Key: BackupKey(id)}, Delete: true}})
}

// Backups lists all backups, oldest first.
func (s *Store) Backups(ctx context.Context) (list []Backup, err error) {
	for it, err := range s.Items(ctx, backups()) {
		if err != nil {
			return nil, err
		}
		at, _ := it.Attrs.Int(AttrCreated)
		list = append(list, Backup{it.SK[len(skBackup):], time.UnixMilli(at).UTC(), it.Attrs.Str(attrFolder)})
	}
	return list, nil
}
