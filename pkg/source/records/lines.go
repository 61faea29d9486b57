package records

import (
	"bytes"
	"context"
	"io"

	"reseed/pkg/source"
)

// line is a physical line.
type line struct {
	source.Place

	length  int64  // bytes, line end included
	raw     []byte // without its line end; only the beginning if it is too long. Valid until the next line
	tooLong bool
}

// lines finds the lines of a byte stream.
type lines struct {
	source.Window

	number int64 // number of the line at Start
}

func newLines(r io.Reader, at source.Place) *lines {
	return &lines{Window: source.NewWindow(r, source.MaxRecord+len("\r\n"), at.Offset), number: max(1, at.Line)}
}

// skipMark skips a byte order mark. It reads as much as is needed to see what the file is.
func (l *lines) skipMark(ctx context.Context) error {
	const mark = "\ufeff"
	for more := true; more && l.End-l.Start < source.HeadBytes; {
		var err error
		if more, err = l.Fill(ctx); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(l.Buf[l.Start:l.End], []byte(mark)) {
		l.Start += len(mark)
	}
	return nil
}

// offset returns where the next line begins.
func (l *lines) offset() int64 { return l.Base + int64(l.Start) }

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
	if ended && size > 0 && l.Buf[l.Start+size-1] == '\r' {
		text--
	}
	l.number++
	if text > source.MaxRecord {
		out.tooLong, out.raw = true, bytes.Clone(l.Buf[l.Start:l.Start+source.MaxRecord])
		out.length, err = l.discard(ctx)
		return out, err
	}
	out.raw = l.Buf[l.Start : l.Start+text]
	if ended {
		size++
	}
	out.length = int64(size)
	l.Start += size
	return out, nil
}

// find returns the size of the line at start without its LF, and whether it has an LF. If the line
// is too long, the size is what has been read of it. At the end of the file the error is io.EOF.
func (l *lines) find(ctx context.Context) (size int, ended bool, err error) {
	from := 0
	for {
		have := l.Buf[l.Start:l.End]
		if i := bytes.IndexByte(have[from:], '\n'); i >= 0 {
			return from + i, true, nil
		}
		if from = len(have); from > source.MaxRecord+len("\r") {
			return from, false, nil
		}
		more, err := l.Fill(ctx)
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

// text returns the current line, which must not be too long.
func (l *lines) text(of line) string { return l.Text(of.Offset, len(of.raw)) }

// discard skips the line at Start, however long it is, and returns its length.
func (l *lines) discard(ctx context.Context) (length int64, err error) {
	for {
		i := bytes.IndexByte(l.Buf[l.Start:l.End], '\n')
		if i >= 0 {
			l.Start += i + 1
			return length + int64(i) + 1, nil
		}
		length += int64(l.End - l.Start)
		l.Start = l.End
		if more, err := l.Fill(ctx); err != nil || !more {
			return length, err
		}
	}
}

func blank(raw []byte) bool { return len(behindSpace(raw)) == 0 }

// behindSpace returns a line without the white space at its beginning.
func behindSpace(raw []byte) []byte {
	for len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t' || raw[0] == '\r') {
		raw = raw[1:]
	}
	return raw
}
