package source

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"reseed/pkg/billing"
)

// MaxRecord is the largest size of a record, in bytes, without its line end.
const MaxRecord = 256 << 10

// ErrClosed is what Next returns after Close. It is not [io.EOF], because the file was not read to
// its end.
var ErrClosed = errors.New("source: closed")

// Codes of problems with reading. They are part of reports, so they never change.
const (
	CodeRecordTooLong   = "record_too_long"   // more bytes than a record may have
	CodeBadEncoding     = "bad_encoding"      // not UTF-8, or a NUL character
	CodeBadQuote        = "bad_quote"         // CSV: a quoted cell that does not end properly
	CodeWrongFieldCount = "wrong_field_count" // CSV: fewer or more cells than the header has
	CodeNotCorrected    = "not_corrected"     // CSV: a row of a rejects file that stands whole beside its cells, and whose code is gone
	CodeMixedRejects    = "mixed_rejects"     // CSV: a row of a rejects file that says otherwise than the first one how it is to be read
	CodeBadJSON         = "bad_json"          // NDJSON: the line is no JSON object
	CodeTooDeep         = "too_deep"          // NDJSON: lists or objects are nested too deep
	CodeNoDataset       = "no_dataset"        // NDJSON: the record does not say which dataset it is of
	CodeUnknownDataset  = "unknown_dataset"   // NDJSON: there is no dataset of the name that it gives
)

// Format is a format of files. It has no state.
type Format interface {
	// Scan looks through a whole file to find out how to read it and where to cut it. It emits
	// pieces that follow each other without a gap from the first row to the end. A piece ends with
	// the first record that makes it grain bytes long or longer. The error is fault.Invalid if the
	// file cannot be used, fault.Unavailable if it breaks off, or the error of ctx or emit.
	Scan(ctx context.Context, in io.Reader, hint Hint, grain int64, emit func(Piece) error) (Shape, error)

	// Open opens a part of a file with a shape, and reads nothing yet. in begins at the first byte
	// of a piece or a row, which is at. Dates after now count as in the future.
	Open(in io.ReadCloser, s Shape, at Place, now time.Time) (Rows, error)

	// RejectsHead returns the beginning of the rejects file of such a file: the header row, if it
	// is a table.
	RejectsHead(s Shape) []byte

	// Correct reads the rejects file of such a file, and returns one that holds only the rows that
	// were corrected, as they are now. It takes those from rows. The error is fault.Invalid if a row
	// has no column or field of a name.
	Correct(rejects io.Reader, s Shape, rows Corrections) ([]byte, error)
	// ReadRejects yields the rows of a rejects file behind its RejectsHead. in may begin at any row. An
	// error ends it: one of in, or [ErrNotRejects].
	ReadRejects(in io.Reader, s Shape) iter.Seq2[Rejected, error]

	// Writer makes a writer of files of this format with the records of a dataset. The error is
	// fault.Invalid, code unknown_dataset, if there is none of that name.
	Writer(ds billing.Dataset) (Writer, error)
}

// Writer writes records as rows of a file that an import takes. It is used by one goroutine.
type Writer interface {
	// Shape is the shape of the file, with which [Format.Open] reads rows of it back.
	Shape() Shape

	// Head returns what stands before the first row: the header row of a table.
	Head() []byte

	// Append appends the row of a record. Reading it back makes the same record, unless it holds a
	// value that files of the format cannot.
	Append(dst []byte, r billing.Record) []byte
}

// Shape is what a reader must know of a file to read a piece of it.
type Shape struct {
	Dataset   billing.Dataset // of the rows, or of the rows that don't name theirs; then it may be empty
	Delimiter string          // of a table: the byte between cells
	Header    []string        // of a table: the header row, trimmed
	Ignored   []string        // columns that the dataset does not have; only [Format.Scan] sets them
	Notes     []string        // sentences about how the file was read, for its report; only [Format.Scan] sets them
	Settings  Settings        // of a table
	Told      string          // of a rejects file: how its rows were read, as JSON; empty if it does not say
	Frozen    bool            // a pull has written it, see [Hint]
}

// Place is where a row or a piece begins.
type Place struct {
	Line   int64 // physical line, from 1; row of a tab, of a frozen table
	Offset int64 // bytes from the beginning of the file
}

// Piece is a part of a file, cut at record boundaries.
type Piece struct {
	Place

	Length   int64             // bytes
	Datasets []billing.Dataset // of its rows; "" stands for rows whose dataset is unknown
}

// Row is one record as it was found in the file.
type Row struct {
	Place

	Length  int64           // bytes of the record, its line end included
	Dataset billing.Dataset // empty if it is unknown
}

// Rows yields the rows of a piece. It is used by one goroutine.
type Rows interface {
	// Next moves to the next row that is not blank. At the end it returns [io.EOF], also if it is
	// called again. Any other error is final, too: then the piece was not read whole.
	Next(ctx context.Context) (Row, error)

	// Record returns the record of the current row, or the problem because of which there is none.
	// The record is valid until the next call of Next. Its strings stay valid, and each may keep
	// the row and its neighbours in memory.
	Record() (billing.Record, *billing.Problem)

	// Customers lists the external ids of the customers that the current row may be or name, after
	// Record was asked for: the customer as it is read and, if that differs, as it is written; or
	// anything in the row if its place cannot be told.
	Customers() []string

	// Remarks are what is unusual about the rows whose records were asked for so far, and does not
	// make them rejects.
	Remarks() billing.Remarks

	// Verbatim returns the record of the current row with its ids as they are written, if Record has
	// read them otherwise; nil if it has not. The record that Record has returned is not valid then.
	Verbatim() billing.Record

	// ID returns the external id of the current row's own record, also if Record has found a problem
	// with the row: as far as it can be told, else empty.
	ID() string

	// AppendReject appends the current row as it was, with the reason why it was rejected, to a
	// rejects file. People can correct that file and import it.
	AppendReject(dst []byte, why Reject) []byte

	// Close releases what is held. It may be called twice.
	Close() error
}

// Reject says why a row was rejected.
type Reject struct {
	File   string // name of the file
	Line   int64
	Column string // the column at fault, or the field in NDJSON; empty if the fault is not in a single one
	Code   string
	Reason string // a sentence for people, without values of the row (I8)
	Blank  bool   // the row is about a person who was erased: none of its values may be written
}
