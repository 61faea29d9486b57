package source

import (
	"context"
	"errors"
	"io"

	"reseed/pkg/fault"
)

const (
	// ReadRoom is the space of a [Window] for one read, beyond the longest record, in bytes.
	ReadRoom = 64 << 10
	// blockSize is how much of a file is converted to a string at once: several records, and not
	// too much for one text to keep in memory.
	blockSize = 16 << 10
	// maxIdleReads is how often a reader may return nothing, as in bufio.
	maxIdleReads = 100
)

// Window is the part of a file that the reader of a format holds: at most the longest record and
// [ReadRoom] bytes. One goroutine uses it.
type Window struct {
	Buf        []byte
	Start, End int   // Buf[Start:End] is read and not yet consumed
	Base       int64 // offset of Buf[0] in the file
	EOF        bool  // the whole file is read

	in  io.Reader
	err error // why the file ended early

	block      string // a part of the file as a string, which texts share
	blockStart int64  // its offset in the file
}

// NewWindow makes the window of a reader that begins at an offset of its file. longest is the size
// of the longest record in bytes, line end included.
func NewWindow(in io.Reader, longest int, offset int64) Window {
	return Window{in: in, Buf: make([]byte, longest+ReadRoom), Base: offset}
}

// Fill reads once more, and returns false at the end of the file. It may move what Buf holds to the
// front: then Base grows by the distance, indexes become invalid, and distances from Start do not.
func (w *Window) Fill(ctx context.Context) (bool, error) {
	if w.EOF || w.err != nil {
		return false, w.err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if len(w.Buf)-w.End < ReadRoom/2 {
		w.Base += int64(w.Start)
		w.End = copy(w.Buf, w.Buf[w.Start:w.End])
		w.Start = 0
	}
	for range maxIdleReads {
		n, err := w.in.Read(w.Buf[w.End:])
		w.End += n
		switch {
		case errors.Is(err, io.EOF):
			w.EOF = true
			return n > 0, nil
		case err != nil:
			w.err = unreadable(err)
			if n > 0 { // the next call returns the error
				return true, nil
			}
			return false, w.err
		case n > 0:
			return true, nil
		}
	}
	w.err = unreadable(io.ErrNoProgress)
	return false, w.err
}

func unreadable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "read_failed", "the file could not be read to its end")
}

// Text returns size bytes from an offset of the file, which Buf must hold, as a part of a string
// that they share with their neighbours: one allocation for all of them.
func (w *Window) Text(offset int64, size int) string {
	at := int(offset - w.blockStart)
	if at < 0 || at+size > len(w.block) {
		from := int(offset - w.Base)
		w.block, w.blockStart, at = string(w.Buf[from:min(w.End, from+max(size, blockSize))]), offset, 0
	}
	return w.block[at : at+size]
}
