package source

import (
	"context"
	"errors"
)

// ErrClosed is what Next returns after Close: not [io.EOF], because a closed
// source has not been read to its end.
var ErrClosed = errors.New("source: closed")

// Codes of a [RowError]. They end up in reports, hence are stable.
const (
	CodeRecordTooLong   = "record_too_long"   // more bytes than a record may have
	CodeBadQuote        = "bad_quote"         // a quoted cell that does not end properly
	CodeWrongFieldCount = "wrong_field_count" // fewer or more cells than the header has
	CodeBadEncoding     = "bad_encoding"      // not UTF-8, or a NUL character
)

// Row is one record as it was read.
type Row struct {
	Line   int64 // 1-based physical line (or sheet row) where the record starts
	Offset int64 // where the record starts in the input, in bytes; 0 where bytes mean nothing
	Length int64 // bytes of the record, its line end included

	// Fields are as many as the header has, unless Err is set: then they are
	// what could be read, for the report, and may be none. The slice is valid
	// until the next call of Next; the strings stay valid, and one of them may
	// keep the record and its neighbours in memory.
	Fields []string

	// Err is set on a record that could not be read.
	Err *RowError
}

// RowError says why a record could not be read.
type RowError struct {
	Code    string // stable, see the constants
	Column  string // the header of the column at fault, "" if it is none in particular
	Message string // a sentence for people, without values of the row (I8)
}

// Error returns the message.
func (e *RowError) Error() string { return e.Message }

// Source yields the rows of one table. It is used by one goroutine.
type Source interface {
	// Header returns the column names, trimmed. It may be called at any time
	// and more than once. No row at all is fault.Invalid with code empty_file,
	// two columns of one name (ignoring case) are fault.Invalid with code
	// duplicate_header.
	Header(ctx context.Context) ([]string, error)

	// Next returns the next row that is not blank. At the end it returns
	// [io.EOF], again and again. Any other error is final too: the source was
	// not read whole.
	Next(ctx context.Context) (Row, error)

	// Close releases what the source holds. It may be called twice.
	Close() error
}
