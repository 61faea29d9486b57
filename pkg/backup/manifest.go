package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/pebble"
)

// Names within a backup, and within a data folder.
const (
	tableFolder   = "table"
	objectsFolder = "objects"
	manifestFile  = "backup.json"
)

// format is the version of the manifest and of what a backup holds.
const format = 1

// Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	MadeAt  time.Time `json:"made_at"` // UTC
	Version string    `json:"version"` // of the program that made it
	Data    string    `json:"data"`    // the absolute path of the data folder that it is of
	Sums
	Digest string `json:"digest"` // of the manifest without this field
}

// digest returns the digest of the manifest.
func (m Manifest) digest() string {
	m.Digest = ""
	text, _ := json.Marshal(m) // of texts and numbers: it can't fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Sums are what a backup holds, counted by reading all of it. Digests are SHA-256 in hex.
type Sums struct {
	Items         int64  `json:"items"`
	TableBytes    int64  `json:"table_bytes"`  // of the files that hold the items
	TableDigest   string `json:"table_digest"` // of the names and contents of these files, in the order of names
	Objects       int64  `json:"objects"`      // files
	ObjectBytes   int64  `json:"object_bytes"`
	ObjectsDigest string `json:"objects_digest"` // of the names and contents of the objects, in the order of names
}

// Bytes is the size of all files.
func (s Sums) Bytes() int64 { return s.TableBytes + s.ObjectBytes }

// Reading tells how far a backup has been read.
type Reading func(items, files int64)

// Check reads a whole backup and compares it with its manifest. The error is fault.NotFound if
// there is no backup in the folder, fault.Invalid with the code backup_damaged if it is not as the
// manifest says, and fault.Busy if another process reads it.
func Check(ctx context.Context, folder string, show Reading) (Manifest, error) {
	m, err := readManifest(folder)
	if err != nil {
		return m, err
	}
	var found Sums
	// First every byte: the engine need not make sense of damaged files.
	if err := found.readFiles(ctx, folder, show); err != nil {
		return m, damaged(ctx, err)
	}
	if err := m.compareFiles(found); err != nil {
		return m, err
	}
	if err := found.readItems(ctx, folder, show); err != nil {
		return m, damaged(ctx, err)
	}
	if m.Items != found.Items {
		return m, fault.Newf(fault.Invalid, codeDamaged, "the backup is damaged: it holds %d items, and had %d", found.Items, m.Items)
	}
	return m, nil
}

const codeDamaged = "backup_damaged"

func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil || fault.Is(err, fault.Busy) {
		return err
	}
	return fault.Wrap(err, fault.Invalid, codeDamaged, "the backup is damaged: it cannot be read whole")
}

func (s *Sums) compareFiles(found Sums) error {
	var what string
	switch {
	case s.Objects != found.Objects:
		what = fmt.Sprintf("it holds %d files, and had %d", found.Objects, s.Objects)
	case s.ObjectsDigest != found.ObjectsDigest:
		what = "files have changed"
	case s.TableDigest != found.TableDigest:
		what = "files of the table have changed, or are missing"
	default:
		return nil
	}
	return fault.New(fault.Invalid, codeDamaged, "the backup is damaged: "+what)
}

// readManifest reads the manifest in a folder.
func readManifest(folder string) (Manifest, error) { return readManifestFile(folder, manifestFile) }

func readManifestFile(folder, name string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // in the folder that the person names
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, fault.New(fault.NotFound, "no_backup", "there is no backup in this folder")
	case err != nil:
		return m, fault.Wrap(err, fault.Unavailable, "backup_manifest", "the manifest of the backup cannot be read")
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fault.Wrap(err, fault.Invalid, codeDamaged, "the backup is damaged: its manifest cannot be read")
	}
	switch {
	case m.Format != format: // another one may have a digest of another kind
		return m, fault.Newf(fault.Invalid, "backup_format", "the backup has format %d, and this version reads format %d only: open it with the version that made it", m.Format, format)
	case m.Digest != m.digest():
		return m, fault.New(fault.Invalid, codeDamaged, "the backup is damaged: its manifest has changed")
	}
	return m, nil
}

// writeJSON writes a durable file that only its owner may read.
func writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // within a backup
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readFiles reads every byte of every file.
func (s *Sums) readFiles(ctx context.Context, folder string, show Reading) (err error) {
	_, s.TableBytes, s.TableDigest, err = digest(ctx, filepath.Join(folder, tableFolder), func(int64) { show(0, 0) })
	if err != nil {
		return err
	}
	s.Objects, s.ObjectBytes, s.ObjectsDigest, err = digest(ctx, filepath.Join(folder, objectsFolder), func(n int64) { show(0, n) })
	return err
}

// readItems reads all items, which shows that they can be read: the engine checks their checksums.
func (s *Sums) readItems(ctx context.Context, folder string, show Reading) error {
	return pebble.Walk(ctx, filepath.Join(folder, tableFolder), func(table.Item) error {
		if s.Items++; s.Items%showItems == 0 {
			show(s.Items, s.Objects)
		}
		return nil
	})
}

// How much is read between two calls of a [Reading].
const (
	showItems = 100_000
	showFiles = 1000
)

// lockFile is the engine's, and holds nothing.
const lockFile = "LOCK"

// digest reads all files in a folder.
func digest(ctx context.Context, root string, show func(files int64)) (files, bytes int64, sum string, err error) {
	all := sha256.New()
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == lockFile {
			return errors.Join(err, ctx.Err())
		}
		content := sha256.New()
		n, err := readFile(content, name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		entry := append(binary.BigEndian.AppendUint64(nil, uint64(len(rel))), rel...) // no two lists of names are the same bytes
		_, _ = all.Write(content.Sum(entry))                                          // a hash never fails
		bytes += n
		if files++; files%showFiles == 0 {
			show(files)
		}
		return err
	})
	return files, bytes, hex.EncodeToString(all.Sum(nil)), err
}

func readFile(w io.Writer, name string) (int64, error) {
	f, err := os.Open(name) //nolint:gosec // within the backup
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	return io.Copy(w, f)
}
