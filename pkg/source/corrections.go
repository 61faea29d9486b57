package source

import (
	"fmt"

	"reseed/pkg/fault"
)

// Corrections are rejected rows of a file that a person has corrected: by the line of each, the cells
// that have changed, by the names of their columns or fields.
type Corrections map[int64]map[string]string

// Take returns the cells of a line, once: a row that a rejects file holds twice was rejected for two
// reasons.
func (c Corrections) Take(line int64) (cells map[string]string, ok bool) {
	cells, ok = c[line]
	delete(c, line)
	return cells, ok
}

// NoSuchColumn is the error for a correction of a cell that the row does not have.
func NoSuchColumn(line int64) error {
	return &fault.Error{Kind: fault.Invalid, Code: "no_such_column", Param: "rows", Message: fmt.Sprintf(
		"A corrected cell of the row on line %d is in a column that its file does not have; name columns as the header row does.", line)}
}
