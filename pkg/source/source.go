package source

import (
	"context"
	"errors"
	"io"
	"time"

	"reseed/pkg/billing"
)

// MaxRecord is how many bytes a record may have, without its line end.
const MaxRecord = 256 << 10

// ErrClosed is what Next returns after Close: not [io.EOF], because what is closed has not been read to its end.
var ErrClosed = errors.New("source: closed")

// Codes of problems of reading. They end up in reports, hence are stable.
const (
	CodeRecordTooLong   = "record_too_long"   // more bytes than a record may have
	CodeBadEncoding     = "bad_encoding"      // not UTF-8, or a NUL character
	CodeBadQuote        = "bad_quote"         // CSV: a quoted cell that does not end properly
	CodeWrongFieldCount = "wrong_field_count" // CSV: fewer or more cells than the header has
	CodeBadJSON         = "bad_json"          // NDJSON: the line is no JSON object
	CodeTooDeep         = "too_deep"          // NDJSON: objects in objects, more than there may be
	CodeNoDataset       = "no_dataset"        // NDJSON: the record does not say which dataset it is of
	CodeUnknownDataset  = "unknown_dataset"   // NDJSON: there is no dataset of the name that it gives
)

// Format is one way in which records are spelled in files. It has no state.
type Format interface {
	// Scan looks through a whole file: how it is to be read, and where it can be cut. It emits pieces that follow each other
	// without a gap from the first row to the end. A piece ends with the first record that makes it grain bytes long or longer.
	// given is the dataset that the file is said to hold; empty if that is to be found out. The error is fault.Invalid if the
	// file cannot be used, fault.Unavailable if it breaks off, or what ctx or emit gave.
	Scan(ctx context.Context, in io.Reader, given billing.Dataset, grain int64, emit func(Piece) error) (Shape, error)

	// Open reads rows of a file of some shape; in begins at a piece, or at a row. Nothing is read yet. now is what "in the
	// future" is measured against.
	Open(in io.ReadCloser, s Shape, at Place, now time.Time) (Rows, error)

	// RejectsHead is what a rejects file of such a file begins with: the header row of a table.
	RejectsHead(s Shape) []byte
}

// Shape is what one has to know of a file to read a piece of it.
type Shape struct {
	Dataset   billing.Dataset // of the rows; where rows name theirs, of those that don't: it may be empty then
	Delimiter string          // of a table: the byte between cells
	Header    []string        // of a table: the header row, trimmed
	Ignored   []string        // columns that the dataset does not have; only [Format.Scan] tells
}

// Place is where a row or a piece begins.
type Place struct {
	Line   int64 // physical line, from 1
	Offset int64 // bytes from the beginning of the file
}

// Piece is a part of a file, cut at record boundaries.
type Piece struct {
	Place

	Length   int64             // bytes
	Datasets []billing.Dataset // of its rows; among them "" if there are rows of which that cannot be told
}

// Row is one record as it was found.
type Row struct {
	Place

	Length  int64           // bytes of the record, its line end included
	Dataset billing.Dataset // empty if it cannot be told
}

// Rows yields the rows of a piece. It is used by one goroutine.
type Rows interface {
	// Next goes to the next row that is not blank. At the end it returns [io.EOF], again and again. Any other error is final
	// too: the piece was not read whole.
	Next(ctx context.Context) (Row, error)

	// Record judges the row that Next has come to: its record, or why it has none. The record is valid until the next call of
	// Next; its strings stay so, and one of them may keep the row and its neighbours in memory.
	Record() (billing.Record, *billing.Problem)

	// AppendReject appends the row that Next has come to as it was, with why it was rejected: as a part of a rejects file,
	// which can be corrected and imported like the file itself.
	AppendReject(dst []byte, why Reject) []byte

	// Close releases what is held. It may be called twice.
	Close() error
}

// Reject is why a row was not taken in.
type Reject struct {
	File   string // name of the file
	Line   int64
	Column string // at fault, by its header in CSV files or by its name in records; empty if it is none in particular
	Code   string
	Reason string // a sentence for people, without values of the row (I8)
}
