package csvsource

import (
	"context"
	"errors"
	"io"
)

// Piece is a run of whole records of a file.
type Piece struct {
	Offset    int64 // of its first byte in the file
	Length    int64 // in bytes
	FirstLine int64 // physical line of its first byte, from 1
}

// Cut walks once over what this reader has not read yet, and emits pieces that follow each other
// without a gap from the first row to the end. A piece ends with the first record that makes it
// pieceBytes long or longer, so it is longer by less than one record. The lines of a reject stay
// together. Read with its [Reader.PieceOptions], each piece has exactly the rows of the whole file.
// The errors are those of [Reader.Header], of the input, and of emit, and fault.Invalid with the code
// joined_files if there is a header row of another file between the rows. The reader is at its end
// afterwards.
func (r *Reader) Cut(ctx context.Context, pieceBytes int64, emit func(Piece) error) error {
	if _, err := r.columns(ctx); err != nil {
		return err
	}
	headings := newHeadings(r.header)
	piece := Piece{Offset: r.scan.Base + int64(r.scan.Start), FirstLine: r.scan.line}
	for r.err == nil {
		var rec *record
		if rec, r.err = r.scan.next(ctx); r.err != nil {
			break
		}
		if rec.fate == whole && headings.maybe(rec.text) && headings.found(rec.text, r.scan.comma) {
			if r.err = r.meet(rec); r.err != nil {
				break
			}
		}
		if piece.Length += int64(rec.length); piece.Length >= pieceBytes {
			if r.err = emit(piece); r.err != nil {
				break
			}
			piece = Piece{Offset: piece.Offset + piece.Length, FirstLine: r.scan.line}
		}
	}
	if !errors.Is(r.err, io.EOF) {
		return r.err
	}
	if piece.Length > 0 {
		return emit(piece)
	}
	return nil
}

// PieceOptions returns the options with which to read a piece of this reader's file. The header
// must be known.
func (r *Reader) PieceOptions(p Piece) Options {
	opts := r.opts
	opts.Header, opts.Delimiter = r.header, r.scan.comma
	opts.StartLine, opts.StartOffset = p.FirstLine, p.Offset
	return opts
}
