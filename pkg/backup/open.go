package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
)

// Names of the manifest once a backup is opened as a data folder.
const (
	openingFile = "backup.opening.json"
	openedFile  = "opened-backup.json"
)

// Opening is a backup that becomes a data folder.
type Opening struct {
	Manifest
	data string
}

// Opened is what people should know of a backup that has become a data folder.
type Opened struct {
	Manifest
	Keys    int             // API keys that were removed
	Returns []eraser.Notice // erases since the backup, of data that is back with it
}

// Open looks whether a data folder is a backup; if not, it returns nil. It reads a backup from
// beginning to end, and refuses one that is damaged (see [Check]). From then on the folder is
// changed like any other, and [Opening.Settle] must be called on the open table.
func Open(ctx context.Context, data string, show Reading) (*Opening, error) {
	m, err := readManifestFile(data, openingFile) // a process was killed before it had settled it
	if !fault.Is(err, fault.NotFound) {
		return &Opening{m, data}, err
	}
	if _, err := os.Lstat(filepath.Join(data, manifestFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // it is no backup
	}
	m, err = Check(ctx, data, show)
	switch {
	case fault.Is(err, fault.NotFound): // another process opens it at this moment
		return Open(ctx, data, show)
	case err != nil:
		return nil, err
	}
	if err := move(data, manifestFile, openingFile); err != nil {
		return nil, err
	}
	return &Opening{m, data}, nil
}

func move(data, from, to string) error {
	err := os.Rename(filepath.Join(data, from), filepath.Join(data, to))
	if err == nil {
		err = syncFolder(data)
	}
	return fault.Wrap(err, fault.Unavailable, "backup_open", "the backup cannot be opened: its folder cannot be written")
}

// Settle turns the opened table into the table of a data folder. It removes all API keys, since people may
// have removed some of them after the backup was made. Then it calls tell, and forgets that the folder was
// a backup when tell returns nil.
func (o *Opening) Settle(ctx context.Context, b *Backups, tell func(Opened) error) error {
	out := Opened{Manifest: o.Manifest}
	var err error
	if out.Keys, err = b.c.Store.RemoveAllAPIKeys(ctx); err != nil {
		return err
	}
	if err := b.c.Store.ForgetBackup(ctx, o.ID); err != nil {
		return err
	}
	if out.Returns, err = b.returning(ctx, o.data); err != nil {
		return err
	}
	if err := tell(out); err != nil {
		return err
	}
	return move(o.data, openingFile, openedFile)
}

// returning lists the erases that the backup was told of and does not hold. One that it holds is
// done, or goes on.
func (b *Backups) returning(ctx context.Context, data string) (list []eraser.Notice, err error) {
	all, err := told(data)
	for _, n := range all {
		_, err := b.ledger.Get(ctx, n.Job)
		switch {
		case fault.Is(err, fault.NotFound):
			list = append(list, n)
		case err != nil:
			return nil, err
		}
	}
	return list, err
}
