package store

import "reseed/pkg/table"

// Store is the table with what this schema keeps in memory of it.
type Store struct {
	*table.Table
	graves *graveyard // one for all copies
}

// New makes the store of an engine.
func New(d table.Driver) *Store { return &Store{table.New(d), newGraveyard()} }

// Metered is the same store with a sum of its own, for one job or request.
func (s *Store) Metered() *Store { return &Store{s.Table.Metered(), s.graves} }
