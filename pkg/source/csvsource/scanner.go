package csvsource

import (
	"bytes"
	"context"
	"io"

	"reseed/pkg/source"
)

const (
	// sampleSize is how much of a file is checked to recognise its encoding. It fits into the
	// buffer however small MaxRecord is.
	sampleSize = source.ReadRoom
)

// fate says whether a record can be split into cells.
type fate uint8

const (
	whole    fate = iota
	tooLong       // its first line has more than MaxRecord bytes
	badQuote      // a quoted cell of its first line does not end properly
)

// record is a record as the scanner finds it. text is its content without the line end: only the
// first physical line if a quote is bad, and nothing if it is too long. It is valid until the
// scanner moves on.
type record struct {
	line, offset int64
	length       int // bytes, line end included
	lines        int // physical lines
	text         []byte
	quoted       bool // text holds a quote
	fate         fate
}

// scanner finds records in a byte stream.
type scanner struct {
	source.Window

	comma byte
	max   int   // bytes of a record without its line end
	line  int64 // physical line of Buf[Start]; the number of its record if those are counted
	count bool  // records, not lines

	lf, cr, quote finder
	trail         trail
	rec           record // the last one located

	long []byte // the first max bytes of the last record that was too long
}

// trail says how far the last failed attempt to follow an open quote over line ends has come. All
// line ends on its way were inside quotes. So an attempt from a later line, whose quote is open at
// one of these line ends, is in the same state there. It goes on where the earlier attempt stopped,
// or fails like it, and does not scan the same bytes again.
type trail struct {
	pos   int   // index in Buf
	in    state // there
	ended bool  // the attempt has failed for good
}

func newScanner(r io.Reader, o Options) *scanner {
	return &scanner{
		Window: source.NewWindow(r, o.MaxRecord+len("\r\n"), o.StartOffset), comma: o.Delimiter, max: o.MaxRecord, line: o.StartLine, count: o.Frozen,
		lf: finder{char: '\n'}, cr: finder{char: '\r'}, quote: finder{char: '"'},
	}
}

// next returns the next record and consumes it.
func (s *scanner) next(ctx context.Context) (*record, error) {
	rec, err := s.locate(ctx)
	if err != nil {
		return nil, err
	}
	return rec, s.accept(ctx)
}

// locate finds the next record without consuming it, or returns io.EOF. The
// length of a record that is too long is not known yet. The record is valid until
// the next call.
func (s *scanner) locate(ctx context.Context) (*record, error) {
	first, err := s.firstLine(ctx)
	if err != nil {
		return nil, err
	}
	rec := &s.rec
	*rec = record{line: s.line, offset: s.Base + int64(s.Start), lines: 1}
	if first > s.max {
		rec.fate = tooLong
		return rec, nil
	}
	size := first
	if at, ok := s.quote.find(s); ok && at < s.Start+first {
		rec.quoted = true
		if size, rec.fate, err = s.quotedRecord(ctx, first, at-s.Start); err != nil {
			return nil, err
		}
	}
	lineEnd, err := s.lineEndAt(ctx, size)
	if err != nil {
		return nil, err
	}
	rec.length = size + lineEnd
	rec.text = s.Buf[s.Start : s.Start+size]
	if size > first && !s.count {
		rec.lines = countLines(s.Buf[s.Start : s.Start+rec.length])
	}
	return rec, nil
}

// content returns the text of the record located last, or accepted last, as a
// part of a string that it shares with its neighbours: one allocation for all
// of them.
func (s *scanner) content(rec *record) string { return s.Text(rec.offset, len(rec.text)) }

// accept consumes the located record.
func (s *scanner) accept(ctx context.Context) error {
	rec := &s.rec
	if rec.fate == tooLong {
		s.long = append(s.long[:0], s.Buf[s.Start:min(s.End, s.Start+s.max)]...)
		length, err := s.discardLine(ctx)
		if err != nil {
			return err
		}
		rec.length = length
	} else {
		s.Start += rec.length
	}
	s.line += int64(rec.lines)
	return nil
}

// setComma changes the delimiter. It forgets the trail, which depends on the delimiter.
func (s *scanner) setComma(comma byte) {
	s.comma = comma
	s.trail = trail{}
}

// firstLine returns the size of the physical line at start without its line end. A size above max
// means that the line is too long. At the end of the input the error is io.EOF.
func (s *scanner) firstLine(ctx context.Context) (int, error) {
	for {
		if at, ok := s.lineEnd(); ok {
			return at - s.Start, nil
		}
		if size := s.End - s.Start; size > s.max {
			return size, nil
		}
		more, err := s.fill(ctx)
		if err != nil {
			return 0, err
		}
		if more {
			continue
		}
		if s.Start == s.End {
			return 0, io.EOF
		}
		return s.End - s.Start, nil
	}
}

// quotedRecord returns the size of the record at start, whose first line has its first quote at
// quote. If the record is bad, the size is that of its first line.
func (s *scanner) quotedRecord(ctx context.Context, first, quote int) (int, fate, error) {
	line, in := s.Buf[s.Start:s.Start+first], plain
	if s.beginsCell(line[:quote]) {
		in = fieldStart
	}
	_, in, result := s.scan(line, quote, in, true)
	switch {
	case result == stray:
		return first, badQuote, nil
	case in != inQuotes:
		return first, whole, nil
	default:
		return s.multiLine(ctx, first)
	}
}

// beginsCell reports whether a cell begins behind the beginning of a record, but for its spaces.
func (s *scanner) beginsCell(before []byte) bool {
	end := len(before)
	for end > 0 && isSpace(before[end-1], s.comma) {
		end--
	}
	return end == 0 || before[end-1] == s.comma || marks(before) == end
}

// multiLine follows an open quote beyond the first line. It reads at most max+1 bytes of the
// record, so the result does not depend on how much is buffered.
func (s *scanner) multiLine(ctx context.Context, first int) (int, fate, error) {
	pos, in := first, inQuotes
	if s.trail.pos > s.Start+first {
		if s.trail.ended {
			return first, badQuote, nil
		}
		pos, in = s.trail.pos-s.Start, s.trail.in
	}
	for {
		window := s.Buf[s.Start:min(s.End, s.Start+s.max+1)]
		last := s.EOF && len(window) <= s.max
		var result outcome
		pos, in, result = s.scan(window, pos, in, last)
		switch {
		case result == closed:
			return pos, whole, nil
		case result == stray || last:
			s.trail = trail{pos: s.Start + pos, ended: true}
			return first, badQuote, nil
		case len(window) > s.max:
			s.trail = trail{pos: s.Start + pos, in: in}
			return first, badQuote, nil
		}
		if _, err := s.fill(ctx); err != nil {
			return 0, whole, err
		}
	}
}

// state says where in a record the scan is.
type state uint8

const (
	fieldStart state = iota // in the spaces at the beginning of a cell
	plain                   // in an unquoted cell
	inQuotes
	behindQuotes // in the spaces behind a closing quote
)

// outcome is how a scan ended.
type outcome uint8

const (
	open   outcome = iota // the bytes ran out first
	closed                // the record ends here
	stray                 // text follows a closing quote
)

// scan scans w from pos in a state. last says that a record may end where w ends. It returns where
// it stopped and in which state, so that it can continue from there with more bytes.
func (s *scanner) scan(w []byte, pos int, in state, last bool) (int, state, outcome) {
	for {
		switch in {
		case fieldStart:
			if pos = skipSpaces(w, pos, s.comma); pos == len(w) {
				return pos, fieldStart, atEnd(last)
			}
			in = plain
			if w[pos] == '"' {
				pos++
				in = inQuotes
			}
		case plain:
			pos = skipPlain(w, pos, s.comma)
			if pos == len(w) {
				return pos, plain, atEnd(last)
			}
			if w[pos] != s.comma {
				return pos, plain, closed
			}
			pos++
			in = fieldStart
		case inQuotes:
			var result outcome
			if pos, result = skipQuoted(w, pos, last); result != closed {
				return pos, inQuotes, result
			}
			in = behindQuotes
		case behindQuotes:
			switch pos = skipSpaces(w, pos, s.comma); {
			case pos == len(w):
				return pos, behindQuotes, atEnd(last)
			case w[pos] == s.comma:
				pos++
				in = fieldStart
			case w[pos] == '\n' || w[pos] == '\r':
				return pos, behindQuotes, closed
			default:
				return pos, behindQuotes, stray
			}
		}
	}
}

// skipPlain returns the index of the next delimiter or line end, or len(w).
func skipPlain(w []byte, pos int, comma byte) int {
	for pos < len(w) && w[pos] != comma && w[pos] != '\n' && w[pos] != '\r' {
		pos++
	}
	return pos
}

// skipSpaces returns the index of the next byte that is no space, or len(w).
func skipSpaces(w []byte, pos int, comma byte) int {
	for pos < len(w) && isSpace(w[pos], comma) {
		pos++
	}
	return pos
}

// isSpace tells spaces around the quotes of a cell.
func isSpace(b, comma byte) bool { return b <= ' ' && (b == ' ' || b == '\t') && b != comma }

// skipQuoted returns the index after the closing quote. It does not skip a quote that is the last
// byte, unless the record may end there, since the meaning depends on the next byte.
func skipQuoted(w []byte, pos int, last bool) (int, outcome) {
	for {
		i := bytes.IndexByte(w[pos:], '"')
		if i < 0 {
			return len(w), open
		}
		pos += i
		if pos+1 == len(w) {
			if last {
				return pos + 1, closed
			}
			return pos, open
		}
		if w[pos+1] != '"' {
			return pos + 1, closed
		}
		pos += len(`""`)
	}
}

func atEnd(last bool) outcome {
	if last {
		return closed
	}
	return open
}

// lineEnd returns the index of the first line end at or after start, if it is
// buffered.
func (s *scanner) lineEnd() (int, bool) {
	lf, isLF := s.lf.find(s)
	cr, isCR := s.cr.find(s)
	if isCR && (!isLF || cr < lf) {
		return cr, true
	}
	return lf, isLF
}

// lineEndAt returns the length of the line end that is size bytes after start: 0
// at the end of the input, 2 for CRLF.
func (s *scanner) lineEndAt(ctx context.Context, size int) (int, error) {
	for {
		if at := s.Start + size; at < s.End && s.Buf[at] == '\n' {
			return 1, nil
		}
		if s.EOF || s.End-s.Start >= size+len("\r\n") {
			break
		}
		if _, err := s.fill(ctx); err != nil {
			return 0, err
		}
	}
	rest := s.Buf[s.Start+size : s.End]
	switch {
	case len(rest) == 0:
		return 0, nil
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return 2, nil
	default:
		return 1, nil
	}
}

// discardLine skips the physical line at start, however long it is, and returns its length.
func (s *scanner) discardLine(ctx context.Context) (int, error) {
	length := 0
	for {
		at, ok := s.lineEnd()
		if !ok {
			at = s.End
		}
		length += at - s.Start
		s.Start = at
		if ok {
			lineEnd, err := s.lineEndAt(ctx, 0)
			s.Start += lineEnd
			return length + lineEnd, err
		}
		if more, err := s.fill(ctx); err != nil || !more {
			return length, err
		}
	}
}

// fill is [source.Window.Fill], with the places that the scanner remembers moved along.
func (s *scanner) fill(ctx context.Context) (bool, error) {
	base := s.Base
	more, err := s.Fill(ctx)
	if shift := int(s.Base - base); shift > 0 {
		s.lf.pos -= shift
		s.cr.pos -= shift
		s.quote.pos -= shift
		s.trail.pos -= shift
	}
	return more, err
}

// finder remembers the next place of a byte, so that each byte of the stream is searched once,
// however often find is called.
type finder struct {
	char  byte
	pos   int  // index of the next char, or where to go on searching
	found bool // the char is at pos
}

// find returns the index of the first char at or after start, if it is buffered.
func (f *finder) find(s *scanner) (int, bool) {
	if f.found && f.pos >= s.Start {
		return f.pos, true
	}
	return f.search(s)
}

// search continues where the last search ended.
func (f *finder) search(s *scanner) (int, bool) {
	f.pos = max(f.pos, s.Start)
	i := bytes.IndexByte(s.Buf[f.pos:s.End], f.char)
	if f.found = i >= 0; f.found {
		f.pos += i
	} else {
		f.pos = s.End
	}
	return f.pos, f.found
}

// countLines returns the number of line ends in b: LF, CRLF or CR.
func countLines(b []byte) int {
	return bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
}
