package records

import (
	"bytes"
	"context"
	"errors"
	"io"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

const (
	// room is the space in the buffer for one read, beyond the longest line.
	room = 64 << 10
	// blockSize is how much of the file is converted to a string at once: several lines, and not
	// too much for one text to keep in memory.
	blockSize = 16 << 10
	// maxIdleReads is how often a reader may return nothing, as in bufio.
	maxIdleReads = 100
)

// line is a physical line.
type line struct {
	source.Place

	length  int64  // bytes, line end included
	raw     []byte // without its line end; only the beginning if it is too long. Valid until the next line
	tooLong bool
}

// lines finds the lines of a byte stream. It holds at most one line and room bytes more.
type lines struct {
	r          io.Reader
	buf        []byte
	start, end int   // buf[start:end] is read and not yet consumed
	base       int64 // offset of buf[0] in the file
	number     int64 // number of the line at start
	eof        bool
	err        error // why the stream ended early

	block      string // a part of the file as a string, which texts of lines share
	blockStart int64  // offset of block in the file
}

func newLines(r io.Reader, at source.Place) *lines {
	return &lines{r: r, buf: make([]byte, source.MaxRecord+len("\r\n")+room), base: at.Offset, number: max(1, at.Line)}
}

// skipMark skips a byte order mark.
func (l *lines) skipMark(ctx context.Context) error {
	const mark = "\ufeff"
	for l.end-l.start < len(mark) {
		if more, err := l.fill(ctx); err != nil || !more {
			return err
		}
	}
	if bytes.HasPrefix(l.buf[l.start:l.end], []byte(mark)) {
		l.start += len(mark)
	}
	return nil
}

// offset returns where the next line begins.
func (l *lines) offset() int64 { return l.base + int64(l.start) }

// next returns the next line, blank or not, or io.EOF.
func (l *lines) next(ctx context.Context) (line, error) {
	if err := ctx.Err(); err != nil {
		return line{}, err
	}
	size, ended, err := l.find(ctx)
	if err != nil {
		return line{}, err
	}
	out := line{Place: source.Place{Line: l.number, Offset: l.offset()}}
	text := size
	if ended && size > 0 && l.buf[l.start+size-1] == '\r' {
		text--
	}
	l.number++
	if text > source.MaxRecord {
		out.tooLong, out.raw = true, bytes.Clone(l.buf[l.start:l.start+source.MaxRecord])
		out.length, err = l.discard(ctx)
		return out, err
	}
	out.raw = l.buf[l.start : l.start+text]
	if ended {
		size++
	}
	out.length = int64(size)
	l.start += size
	return out, nil
}

// find returns the size of the line at start without its LF, and whether it has an LF. If the line
// is too long, the size is what has been read of it. At the end of the file the error is io.EOF.
func (l *lines) find(ctx context.Context) (size int, ended bool, err error) {
	from := 0
	for {
		have := l.buf[l.start:l.end]
		if i := bytes.IndexByte(have[from:], '\n'); i >= 0 {
			return from + i, true, nil
		}
		if from = len(have); from > source.MaxRecord+len("\r") {
			return from, false, nil
		}
		more, err := l.fill(ctx)
		if err != nil {
			return 0, false, err
		}
		if !more {
			if from == 0 {
				return 0, false, io.EOF
			}
			return from, false, nil
		}
	}
}

// text returns the current line, which must not be too long, as a part of a string that it shares
// with its neighbours: one allocation for all of them.
func (l *lines) text(of line) string {
	at, size := int(of.Offset-l.blockStart), len(of.raw)
	if at < 0 || at+size > len(l.block) {
		from := int(of.Offset - l.base)
		l.block, l.blockStart, at = string(l.buf[from:min(l.end, from+max(size, blockSize))]), of.Offset, 0
	}
	return l.block[at : at+size]
}

// discard skips the line at start, however long it is, and returns its length.
func (l *lines) discard(ctx context.Context) (length int64, err error) {
	for {
		i := bytes.IndexByte(l.buf[l.start:l.end], '\n')
		if i >= 0 {
			l.start += i + 1
			return length + int64(i) + 1, nil
		}
		length += int64(l.end - l.start)
		l.start = l.end
		if more, err := l.fill(ctx); err != nil || !more {
			return length, err
		}
	}
}

// fill reads once more, and returns false at the end of the file. It may move the buffer: indexes
// become invalid, distances from start do not.
func (l *lines) fill(ctx context.Context) (bool, error) {
	if l.eof || l.err != nil {
		return false, l.err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if len(l.buf)-l.end < room/2 {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.base += int64(l.start)
		l.start = 0
	}
	for range maxIdleReads {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		switch {
		case errors.Is(err, io.EOF):
			l.eof = true
			return n > 0, nil
		case err != nil:
			l.err = unreadable(err)
			if n == 0 {
				return false, l.err
			}
			return true, nil
		case n > 0:
			return true, nil
		}
	}
	l.err = unreadable(io.ErrNoProgress)
	return false, l.err
}

func unreadable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "read_failed", "the file could not be read to its end")
}

func blank(raw []byte) bool { return len(behindSpace(raw)) == 0 }

// behindSpace returns a line without the white space at its beginning.
func behindSpace(raw []byte) []byte {
	for len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t' || raw[0] == '\r') {
		raw = raw[1:]
	}
	return raw
}
