package backup

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
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
}

// Sums are what a backup holds, counted by reading all of it.
type Sums struct {
	Items         int64  `json:"items"`
	ItemBytes     int64  `json:"item_bytes"`     // keys and attributes
	ItemsDigest   string `json:"items_digest"`   // SHA-256 of all keys and attributes, in key order, in hex
	Objects       int64  `json:"objects"`        // files
	ObjectBytes   int64  `json:"object_bytes"`   // contents
	ObjectsDigest string `json:"objects_digest"` // SHA-256 of all names and contents, in the order of names, in hex
}

// Bytes is the size of all that a backup holds.
func (s Sums) Bytes() int64 { return s.ItemBytes + s.ObjectBytes }

// Reading tells how far a backup has been read.
type Reading func(items, objects int64)

// Check reads a whole backup and compares it with its manifest. The error is fault.NotFound if
// there is no backup in the folder, fault.Invalid with the code backup_damaged if it is not as the
// manifest says, and fault.Busy if another process reads it.
func Check(ctx context.Context, folder string, show Reading) (Manifest, error) {
	m, err := readManifest(folder)
	if err != nil {
		return m, err
	}
	found, err := survey(ctx, folder, show)
	switch {
	case fault.Is(err, fault.Busy), ctx.Err() != nil:
		return m, err
	case err != nil:
		return m, fault.Wrap(err, fault.Invalid, codeDamaged, "the backup is damaged: it cannot be read whole")
	}
	return m, m.compare(found)
}

const codeDamaged = "backup_damaged"

func (s Sums) compare(found Sums) error {
	what := ""
	switch {
	case s.Items != found.Items:
		what = fmt.Sprintf("it holds %d items, and had %d", found.Items, s.Items)
	case s.Objects != found.Objects:
		what = fmt.Sprintf("it holds %d files, and had %d", found.Objects, s.Objects)
	case s.ItemBytes != found.ItemBytes || s.ItemsDigest != found.ItemsDigest:
		what = "items have changed"
	case s.ObjectBytes != found.ObjectBytes || s.ObjectsDigest != found.ObjectsDigest:
		what = "files have changed"
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
	if m.Format != format {
		return m, fault.Newf(fault.Invalid, "backup_format", "the backup has format %d, and this version reads format %d only: open it with the version that made it (%s)", m.Format, format, m.Version)
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

// surveyor counts what a backup holds.
type surveyor struct {
	sums           Sums
	items, objects hash.Hash
	show           Reading
	shown          int64 // items and objects
}

// showEvery is how many items or objects are read between two calls of a [Reading].
const showEvery = 100_000

// survey reads a whole backup.
func survey(ctx context.Context, folder string, show Reading) (Sums, error) {
	s := surveyor{items: sha256.New(), objects: sha256.New(), show: show}
	if err := pebble.Walk(ctx, filepath.Join(folder, tableFolder), s.item); err != nil {
		return Sums{}, err
	}
	root := filepath.Join(folder, objectsFolder)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		return s.object(root, name)
	})
	if err != nil {
		return Sums{}, err
	}
	s.sums.ItemsDigest, s.sums.ObjectsDigest = hex.EncodeToString(s.items.Sum(nil)), hex.EncodeToString(s.objects.Sum(nil))
	return s.sums, nil
}

func (s *surveyor) item(it table.Item) error {
	for _, part := range [][]byte{[]byte(it.PK), []byte(it.SK), it.Attrs} {
		s.sums.ItemBytes += int64(len(part))
		putLength(s.items, int64(len(part)))
		_, _ = s.items.Write(part) // a hash never fails
	}
	s.sums.Items++
	s.tell()
	return nil
}

func (s *surveyor) object(root, name string) error {
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return err
	}
	f, err := os.Open(name) //nolint:gosec // within the backup
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	content := sha256.New()
	n, err := io.Copy(content, f)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	putLength(s.objects, int64(len(rel)))
	_, _ = io.WriteString(s.objects, rel)
	_, _ = s.objects.Write(content.Sum(nil))
	s.sums.Objects++
	s.sums.ObjectBytes += n
	s.tell()
	return nil
}

func (s *surveyor) tell() {
	if n := s.sums.Items + s.sums.Objects; n-s.shown >= showEvery {
		s.shown = n
		s.show(s.sums.Items, s.sums.Objects)
	}
}

// putLength makes the boundaries of what follows a part of the digest.
func putLength(h hash.Hash, n int64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // a length
}
