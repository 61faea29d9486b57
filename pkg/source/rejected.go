package source

import (
	"errors"

	"reseed/pkg/billing"
)

// ErrNotRejects is the error of [Format.ReadRejects] where there is no row of a rejects file.
var ErrNotRejects = errors.New("source: no row of a rejects file")

// Rejected is a row of a rejects file, as [Rows.AppendReject] has written it.
type Rejected struct {
	Column  string // the column or field at fault; empty if the fault is not in a single one
	Code    string
	Reason  string // a sentence
	Line    int64
	Dataset billing.Dataset // that the row names; empty in a table
	Cells   []Cell          // of the row, in its order
	Whole   string          // the row as it stood, if it could not be split into cells
	End     int64           // bytes from where reading began to behind the row
}

// Cell is a cell of a table, or a field of a record in NDJSON.
type Cell struct {
	Column string
	Value  string // of NDJSON: JSON, unless it is a text
}
