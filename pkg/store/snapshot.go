package store

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"reseed/pkg/table"
)

// Snapshot reads the directory together with the items that keys names for it,
// in one batch get. known is the directory as it was last seen, or nil: it
// only guesses the keys and is never trusted. It is what is returned if what is stored is the same, so nobody may change
// what Snapshot returns. When the directory has moved and
// the keys with it, everything is asked once more. Items that do not exist are
// missing from the map.
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
		if !ok { // the table was emptied under us: begin anew
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

// Newer is the directory as it is now, if it has changed since d was read; else nil.
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

// Shows tells whether what was written is to be seen, as far as that is up to the directory: it lies where its source is now,
// which is not just being restored, and is of no epoch that was left.
func (d *Directory) Shows(w table.Write) bool {
	src, ok := d.find(func(s Source) bool { return s.Space().Has(w.Item.PK) })
	return ok && src.Restoring == "" && (w.Delete || d.Visible(w.Item.Attrs))
}

// Restores tells whether a partition is of a source, as it is now, that is just being restored.
func (d *Directory) Restores(pk string) bool {
	src, ok := d.find(func(s Source) bool { return s.Space().Has(pk) })
	return ok && src.Restoring != ""
}
