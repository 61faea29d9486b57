package csvsource

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Defaults of [Options].
const (
	DefaultMaxRecord = source.MaxRecord
	DefaultMaxFields = 1000
)

// Options say how to read. The zero value reads a whole file.
type Options struct {
	MaxRecord int // bytes of a record without its line end; 0 = DefaultMaxRecord
	MaxFields int // columns of the header; 0 = DefaultMaxFields

	// Delimiter is the byte between cells; 0 = found from the beginning of the file, or
	// the comma if Header is set.
	Delimiter byte

	// How to find the header row.
	SkipLines int             // physical lines above it; 0: title lines are found
	Map       []string        // of its columns, see [billing.NewHeader]
	Dataset   billing.Dataset // of its columns; empty: any

	// Frozen counts records, not lines: the file is a table that package grid wrote.
	Frozen bool

	Needs int // cells that a row must have; those behind may be missing

	// Header is set to read from the middle of a file: then no header row is
	// read, and no byte order mark is looked for.
	Header      []string
	StartLine   int64 // physical line of the first byte; 0 = 1
	StartOffset int64 // offset of the first byte in the whole input
}

func (o Options) withDefaults() Options {
	if o.MaxRecord <= 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	if o.MaxFields <= 0 {
		o.MaxFields = DefaultMaxFields
	}
	if o.StartLine <= 0 {
		o.StartLine = 1
	}
	return o
}

// Row is one record as it was read.
type Row struct {
	Line   int64 // 1-based physical line where the record starts
	Offset int64 // where the record starts in the input, in bytes
	Length int64 // bytes of the record, its line end included

	// Fields are as many as the header has. If Err is set, they are the cells that could be read,
	// maybe none. The slice is valid until the next call of Next. The strings stay valid, and each
	// may keep the record and its neighbours in memory.
	Fields []string

	// Text is the record as it stands in the file, without its line end; of a record that is too
	// long, its beginning. It is as valid as Fields.
	Text string

	// Err is set on a record that could not be read.
	Err *billing.Problem
}

// Reader reads the rows of CSV text. It is used by one goroutine.
type Reader struct {
	opts    Options
	r       io.Reader
	scan    *scanner
	split   splitter
	header  []string
	maySkip [256]bool // see setHeader
	notes   []string
	err     error // sticky: io.EOF, or why reading failed

	short   int64   // rows whose last cells were missing
	repeats repeats // that Cut has met
}

// Open makes a reader, and reads nothing yet. The reader holds about MaxRecord + 64 KiB of r at a
// time, and the text of the last record, or of 16 KiB of records if they are short. Close closes r
// if it is an io.Closer.
func Open(r io.Reader, opts Options) *Reader {
	opts = opts.withDefaults()
	rd := &Reader{opts: opts, r: r, scan: newScanner(r, opts)}
	if len(opts.Header) > 0 {
		if opts.Delimiter == 0 {
			rd.setComma(',')
		} else {
			rd.setComma(opts.Delimiter)
		}
		rd.setHeader(slices.Clone(opts.Header))
	}
	return rd
}

// Close closes the input if it is an io.Closer.
func (r *Reader) Close() error {
	closer, ok := r.r.(io.Closer)
	r.r, r.err = nil, source.ErrClosed
	if !ok {
		return nil
	}
	if err := closer.Close(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "close_failed", "the file could not be closed")
	}
	return nil
}

// Delimiter returns the byte between cells, once the header is known.
func (r *Reader) Delimiter() byte { return r.scan.comma }

// Next returns the next row that is not blank. At the end it returns [io.EOF], also if it is called
// again. Any other error is final, too: then the input was not read whole.
func (r *Reader) Next(ctx context.Context) (Row, error) {
	if _, err := r.columns(ctx); err != nil {
		return Row{}, err
	}
	for {
		rec, err := r.nextRecord(ctx)
		if err != nil {
			return Row{}, err
		}
		if row, ok := r.row(rec); ok {
			return row, nil
		}
	}
}

// nextRecord returns the next record that is not an empty line.
func (r *Reader) nextRecord(ctx context.Context) (*record, error) {
	for r.err == nil {
		if r.err = ctx.Err(); r.err != nil {
			break
		}
		var rec *record
		if rec, r.err = r.scan.next(ctx); r.err == nil && (len(rec.text) > 0 || rec.fate != whole) {
			return rec, nil
		}
	}
	return nil, r.err
}

// row makes a row from a record. It returns false for a blank one.
func (r *Reader) row(rec *record) (Row, bool) {
	row := Row{Line: rec.line, Offset: rec.offset, Length: int64(rec.length)}
	if rec.fate == tooLong {
		row.Err = &billing.Problem{
			Code:    source.CodeRecordTooLong,
			Message: fmt.Sprintf("the row is longer than %d bytes", r.opts.MaxRecord),
		}
		row.Text = string(r.scan.long)
		return row, true
	}
	text := r.scan.content(rec)
	row.Text = text
	end := r.split.split(rec, text)
	switch {
	case rec.fate == badQuote:
		row.Err = r.quoteError(end, text)
		row.Fields = r.cleanFields()
	case r.skips(rec.text):
		return Row{}, false
	case !isASCII(rec.text) && !validText(text):
		row.Err = r.encodingError()
		row.Fields = r.cleanFields()
	default:
		row.Fields, row.Err = r.fit(rec)
	}
	return row, true
}

// skips reports whether the record that was split is no row.
func (r *Reader) skips(text []byte) bool {
	first := text[0]
	if first == '"' && len(text) > 1 {
		first = text[1]
	}
	return r.maySkip[first] && (allBlank(r.split.fields) || r.repeatsHeader() || isMark(text))
}

// setHeader sets the header row, and maySkip to the first bytes, maybe behind a quote, of the records
// that skips has to look at: of blank ones, header rows and marks.
func (r *Reader) setHeader(header []string) {
	r.header = header
	for b := range len(r.maySkip) {
		r.maySkip[b] = b <= ' ' || b >= utf8.RuneSelf
	}
	for _, b := range []byte{'"', r.scan.comma, 's', 'S'} {
		r.maySkip[b] = true
	}
	if name := header[0]; name != "" {
		r.maySkip[strings.ToLower(name)[0]], r.maySkip[strings.ToUpper(name)[0]] = true, true
	}
}

// isMark reports whether a line is no row, but what some programs write at the end or the beginning
// of a file, and what stands between rows if files were joined: Ctrl-Z and NULs, or sep=;.
func isMark(line []byte) bool {
	rest := line[marks(line):]
	first := bytes.TrimPrefix(rest, []byte(`"`))
	if len(first) > 0 && first[0]|0x20 == 's' && len(rest) <= longestMark {
		return !bytes.ContainsAny(rest, "\r\n") && sepLine(rest) != 0
	}
	return len(line) > 0 && line[0] == endMark && len(bytes.Trim(line, "\x1a\x00")) == 0
}

// longestMark is the length of the longest line that sets a delimiter, "sep=tab" with its quotes.
const longestMark = 9

// fit brings the cells of a record to the width of the header. Cells that are missing at the end are
// blank.
func (r *Reader) fit(rec *record) ([]string, *billing.Problem) {
	fields, want := r.split.fields, len(r.header)
	switch {
	case len(fields) == want:
		return fields, nil
	case len(fields) > want && allBlank(fields[want:]):
		return fields[:want], nil
	}
	if why := r.misfit(rec); why != "" {
		return fields, &billing.Problem{
			Code:    source.CodeWrongFieldCount,
			Message: fmt.Sprintf("the row has %s where the header has %s; %s", number(len(fields), "cell"), number(want, "column"), why),
		}
	}
	r.short++
	for len(fields) < want {
		fields = append(fields, "")
	}
	r.split.fields = fields
	return fields, nil
}

// misfit says why a record whose cells are too few or too many cannot be brought to the width of the
// header, and what to do; empty if its last cells are missing and no more.
func (r *Reader) misfit(rec *record) string {
	fields, want := r.split.fields, len(r.header)
	switch {
	case slices.ContainsFunc(fields, atCurlyQuote):
		return replaceCurly
	case len(fields) > want:
		return fmt.Sprintf("if a value holds the delimiter %q, put the value in quotes (\")", r.split.comma)
	case rec.length == len(rec.text):
		return "it is the last row and has no line end, so the file may be cut off: get the whole file, or add the missing cells"
	case len(fields) == 1:
		return fmt.Sprintf("it has no delimiter: if it is a row, put %q behind the value; if it is a line of text or the rest of another row, remove it", r.split.comma)
	case bytes.Count(rec.text, []byte{'"'})%2 > 0:
		return `it has a single quote ("), so it may be the rest of another row: join them, and write each quote inside a quoted cell twice`
	case len(fields) < r.opts.Needs:
		return "cells that must not be blank are missing at its end: add them"
	}
	return ""
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// curlyQuotes are quotes as word processors write them. They quote nothing in CSV.
const (
	curlyQuotes  = "“”„«»"
	replaceCurly = `it has curly quotes (“ ”) around a value: replace them by straight ones (")`
)

// atCurlyQuote reports whether a cell begins or ends with a curly quote.
func atCurlyQuote(cell string) bool {
	cell = strings.TrimSpace(cell)
	return strings.Trim(cell, curlyQuotes) != cell
}

// quoteError explains a bad record by how its first line ends when it is split,
// and by nothing beyond it: a piece may end there.
func (r *Reader) quoteError(end outcome, line string) *billing.Problem {
	message := "text follows the closing quote of a cell; a quote inside a quoted cell is written twice"
	if end == open {
		message = "a cell starts with a quote, but no closing quote ends it properly"
	}
	if strings.ContainsAny(line, curlyQuotes) {
		message += "; " + replaceCurly
	}
	return &billing.Problem{Code: source.CodeBadQuote, Column: r.column(len(r.split.fields)), Message: message}
}

// encodingError names the first column of the split record that is not valid text.
func (r *Reader) encodingError() *billing.Problem {
	at := slices.IndexFunc(r.split.fields, func(cell string) bool { return !validText(cell) })
	message := "the row has characters that are not UTF-8; save the file as CSV UTF-8, or say with --encoding in which encoding it is"
	if at >= 0 && encoded(r.split.fields[at]) {
		message = "a character was lost when the file was saved, or is none of its encoding, and is now \ufffd (U+FFFD); put the right one in its place"
	}
	return &billing.Problem{Code: source.CodeBadEncoding, Column: r.column(at), Message: message}
}

func (r *Reader) column(i int) string {
	if i < 0 || i >= len(r.header) {
		return ""
	}
	return r.header[i]
}

func (r *Reader) cleanFields() []string {
	for i, cell := range r.split.fields {
		r.split.fields[i] = cleanText(cell)
	}
	return r.split.fields
}

// cleanText replaces bytes that are not valid text by U+FFFD, for reports.
func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// validText reports whether a text is UTF-8 as it was written: without U+FFFD, by which programs
// replace what they cannot read.
func validText(s string) bool { return encoded(s) && !strings.Contains(s, "\ufffd") }

// isASCII reports whether a text is ASCII without NUL, as most are, and so valid. It is faster than
// to ask for each of that.
func isASCII(text []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		// The top bit of a byte is set if it is not ASCII, and after the subtraction if it was 0.
		if v := binary.LittleEndian.Uint64(text); (v|(v-ones))&tops != 0 {
			return false
		}
	}
	for _, b := range text {
		if b == 0 || b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func encoded(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func (r *Reader) setComma(comma byte) {
	r.scan.setComma(comma)
	r.split.comma = comma
}

// Header returns the column names, trimmed, without blank ones at the end. It may be
// called at any time and more than once. Errors are fault.Invalid with the codes empty_file,
// bad_header, header_too_long, too_many_columns, duplicate_header, bad_encoding
// and not_csv, fault.Unavailable if the input breaks off, or those of ctx.
func (r *Reader) Header(ctx context.Context) ([]string, error) {
	header, err := r.columns(ctx)
	return slices.Clone(header), err
}

// columns is Header without the copy.
func (r *Reader) columns(ctx context.Context) ([]string, error) {
	if r.header == nil && r.err == nil {
		var header []string
		if header, r.err = r.readHeader(ctx); r.err == nil {
			r.setHeader(header)
		}
	}
	if r.header == nil {
		return nil, r.err
	}
	return r.header, nil
}

// names returns the column names of a header row, none for a blank row.
func (r *Reader) names(rec *record) ([]string, error) {
	switch rec.fate {
	case tooLong:
		return nil, fault.Newf(fault.Invalid, "header_too_long",
			"the first row, which should be the header, is longer than %d bytes", r.opts.MaxRecord)
	case badQuote:
		return nil, fault.New(fault.Invalid, "bad_header", "the header row has a quote that does not end properly")
	case whole:
	}
	text := r.scan.content(rec)
	if !encoded(text) {
		return nil, notUTF8("the header row has characters that are not UTF-8", rec.text)
	}
	r.split.split(rec, text)
	names := trimmed(r.split.fields)
	if len(names) > r.opts.MaxFields {
		return nil, fault.Newf(fault.Invalid, "too_many_columns",
			"the header row has more than %d columns", r.opts.MaxFields)
	}
	return names, checkUnique(names)
}

// trimmed returns cells without white space around them, and without blank ones at the end.
func trimmed(cells []string) []string {
	names := make([]string, len(cells))
	width := 0
	for i, name := range cells {
		if names[i] = strings.TrimSpace(name); names[i] != "" {
			width = i + 1
		}
	}
	return names[:width]
}

// checkUnique refuses two columns of one name. Several columns may have no name, or be of rejects
// files, since nothing refers to them.
func checkUnique(names []string) error {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		key := strings.ToLower(name)
		if name != "" && seen[key] && !isRejectColumn(name) {
			return &fault.Error{
				Kind: fault.Invalid, Code: "duplicate_header", Param: shorten(name),
				Message: fmt.Sprintf("the header row has the column %q twice; rename or remove one of them", shorten(name)),
			}
		}
		seen[key] = true
	}
	return nil
}

// shorten caps a name for a message.
func shorten(name string) string {
	const limit = 60
	if runes := []rune(name); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return name
}
