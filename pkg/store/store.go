package store

import "reseed/pkg/table"

// Store is the table, with the cache that this schema keeps in memory.
type Store struct {
	*table.Table
	known *tombstoneCache // shared by all copies
}

// New makes a store over an engine.
func New(d table.Driver) *Store { return &Store{table.New(d), newTombstoneCache()} }

// Metered returns the same store with a cost meter of its own, for one job or request.
func (s *Store) Metered() *Store { return &Store{s.Table.Metered(), s.known} }
