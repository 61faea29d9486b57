package store

import (
	"context"
	"slices"
)

// Snapshot reads the directory together with the items that keys names for it,
// in one batch get. known is the directory as it was last seen, or nil: it
// only guesses the keys and is never trusted. When the directory has moved and
// the keys with it, everything is asked once more. Items that do not exist are
// missing from the map.
func (s *Store) Snapshot(ctx context.Context, known *Directory, keys func(*Directory) []Key) (*Directory, map[Key]Attrs, error) {
	if known == nil {
		d, err := s.Directory(ctx)
		if err != nil {
			return nil, nil, err
		}
		known = d
	}
	asked := keys(known)
	for {
		found, err := s.Lookup(ctx, append([]Key{DirectoryKey()}, asked...)...)
		if err != nil {
			return nil, nil, err
		}
		raw, ok := found[DirectoryKey()]
		if !ok { // the table was emptied under us: begin anew
			return s.Snapshot(ctx, nil, keys)
		}
		d, err := decodeDirectory(Item{DirectoryKey(), raw})
		if err != nil {
			return nil, nil, err
		}
		delete(found, DirectoryKey())
		need := keys(d)
		if d.Version == known.Version || slices.Equal(need, asked) {
			return d, found, nil
		}
		known, asked = d, need
	}
}
