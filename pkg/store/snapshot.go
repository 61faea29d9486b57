package store

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"reseed/pkg/table"
)

// Snapshot reads the directory together with the items that keys names for it, in one batch get.
// known is the directory as it was last seen, or nil. It serves only to guess the keys, and is
// returned if the stored directory is still the same; so callers must not change what Snapshot
// returns. If the directory has changed and the keys with it, everything is read once more. Items
// that do not exist are missing from the map.
func (s *Store) Snapshot(ctx context.Context, known *Directory, keys func(*Directory) []table.Key) (*Directory, map[table.Key]table.Attrs, error) {
	if known == nil {
		d, err := s.Directory(ctx)
		if err != nil {
			return nil, nil, err
		}
		known = d
	}
	asked := keys(known)
	for {
		found, err := s.Lookup(ctx, append([]table.Key{DirectoryKey()}, asked...)...)
		if err != nil {
			return nil, nil, err
		}
		raw, ok := found[DirectoryKey()]
		if !ok { // the table was emptied meanwhile: begin again
			return s.Snapshot(ctx, nil, keys)
		}
		delete(found, DirectoryKey())
		if known.raw != nil && bytes.Equal(known.raw, raw) {
			return known, found, nil
		}
		d, err := s.readDirectory(ctx, raw)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		d.raw = raw
		need := keys(d)
		if d.Version == known.Version || slices.Equal(need, asked) {
			return d, found, nil
		}
		known, asked = d, need
	}
}

// Newer reads the directory if it has changed since d was read; else it returns nil.
func (s *Store) Newer(ctx context.Context, d *Directory) (*Directory, error) {
	items, err := s.Get(ctx, DirectoryKey())
	if err != nil {
		return nil, err
	}
	if len(items) == 1 {
		if v, _ := items[0].Attrs.Int(AttrVersion); v == d.Version {
			return nil, nil //nolint:nilnil // it has not changed, and that is an answer
		}
	}
	return s.Directory(ctx)
}

// Shows tells whether an item that was written is visible, as far as the directory decides that: it
// lies in the current partitions of a source that is not being restored, and carries no old manual
// epoch.
func (d *Directory) Shows(w table.Write) bool {
	src, ok := d.SourceAt(w.Item.PK)
	return ok && src.Restoring == "" && (w.Delete || d.Visible(w.Item.Attrs))
}

// Restores tells whether a partition is a current partition of a source that is being restored.
func (d *Directory) Restores(pk string) bool {
	src, ok := d.SourceAt(pk)
	return ok && src.Restoring != ""
}

// SourceAt finds the source that a partition is a current partition of.
func (d *Directory) SourceAt(pk string) (Source, bool) {
	return d.find(func(s Source) bool { return s.Space().Has(pk) })
}
