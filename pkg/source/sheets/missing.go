package sheets

import "context"

// Missing is the [Reader] of a process that cannot read spreadsheets: each call fails with Err.
type Missing struct{ Err error }

// Address is not known.
func (Missing) Address() string { return "" }

// Version fails.
func (m Missing) Version(context.Context, string) (int64, error) { return 0, m.Err }

// Book fails.
func (m Missing) Book(context.Context, string) (Book, error) { return Book{}, m.Err }

// Values fails.
func (m Missing) Values(context.Context, string, []Span) ([]Values, error) { return nil, m.Err }
