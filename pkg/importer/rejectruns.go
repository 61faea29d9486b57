package importer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"reseed/pkg/blocks"
	"reseed/pkg/job"
)

// Map finds rejects in the order of the input, merge in the order of keys. Each task stores its own
// as runs, sorted by place. A run is one object of two sections: the entries, and where the entries
// of each piece of the input begin. So the task that writes the rejects of a piece reads no others.
// These runs are objects even where other runs stay in memory, since they outlive the worker. Runs
// from before 2026-11-29 have only the first section.

// mostRejects is how many bytes of rejects a task holds before it stores them.
const mostRejects = 8 << 20

// rejectRuns are the rejects of one task.
type rejectRuns struct {
	w      *work
	by     string // the task's part of run names
	held   batch
	names  []string
	pieces []int // pieces that have rejects
	counts rejectCounts
}

// add adds a reject. The caller has to call spill from time to time.
func (r *rejectRuns) add(at place, why rejection) {
	r.counts.add(at, why)
	e := entry{place: at, kind: reject}
	begin := r.held.begin(&e)
	r.held.mem = why.append(r.held.mem)
	r.held.end(&e, begin)
}

// spill stores the rejects held in memory if they are many.
func (r *rejectRuns) spill(ctx context.Context) error {
	if len(r.held.mem) < mostRejects {
		return nil
	}
	return r.store(ctx)
}

// end stores the rest, and notes the runs in the summary.
func (r *rejectRuns) end(ctx context.Context, sum *summary) error {
	err := r.store(ctx)
	slices.Sort(r.pieces)
	sum.Rejects, sum.RejectPieces, sum.rejectCounts = r.names, slices.Compact(r.pieces), r.counts
	return err
}

func (r *rejectRuns) store(ctx context.Context) error {
	if len(r.held.refs) == 0 {
		return nil
	}
	r.held.sort()
	body, err := r.encode()
	if err != nil {
		return err
	}
	name := runsDir(r.w.job.ID) + "rejects/" + r.by
	if n := len(r.names); n > 0 {
		name += fmt.Sprintf("-%d", n)
	}
	r.names = append(r.names, name)
	r.held.mem, r.held.refs = r.held.mem[:0], r.held.refs[:0]
	return r.w.objects.Put(ctx, name, bytes.NewReader(body))
}

// encode encodes the run. For each piece that has rejects, the index holds its number and the
// offset of its entries (uvarints), which begin a new block.
func (r *rejectRuns) encode() ([]byte, error) {
	var body bytes.Buffer
	out := blocks.NewWriter(&body)
	var index []byte
	piece, last := 0, -1
	for _, ref := range r.held.refs {
		for !holds(r.w.job.Import.Pieces[piece], place{file: int(ref.file), offset: ref.offset}) {
			piece++
		}
		if piece != last {
			if err := out.Flush(); err != nil {
				return nil, err
			}
			index = binary.AppendUvarint(index, uint64(piece))
			index = binary.AppendUvarint(index, uint64(body.Len())) //nolint:gosec // a length
			r.pieces = append(r.pieces, piece)
			last = piece
		}
		if err := out.Frame(nil, r.held.mem[ref.at:ref.end]); err != nil {
			return nil, err
		}
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	head := binary.AppendUvarint(nil, 2)
	head = binary.AppendUvarint(head, uint64(body.Len())) //nolint:gosec // a length
	head = binary.AppendUvarint(head, uint64(len(index)))
	return slices.Concat(head, body.Bytes(), index), nil
}

// holds reports whether a row lies in a piece.
func holds(p job.Piece, at place) bool {
	return p.File == at.file && p.Offset <= at.offset && at.offset < p.Offset+p.Length
}

// everyPiece stands for all pieces.
const everyPiece = -1

// openRejects opens the entries of one piece in a run of rejects. The reader is nil if the piece
// has none there.
func (o objectRuns) openRejects(ctx context.Context, name string, piece int) (io.ReadCloser, error) {
	head, err := objectPart(ctx, o.objects, name, "", 0, headBytes)
	if err != nil {
		return nil, err
	}
	offset, length, err := sectionAt(head, 0)
	if err != nil {
		return nil, err
	}
	if sections, _ := binary.Uvarint(head); sections == 1 || piece == everyPiece {
		return o.objects.Open(ctx, name, "", offset, length)
	}
	at, size, err := sectionAt(head, 1)
	if err != nil {
		return nil, err
	}
	index, err := objectPart(ctx, o.objects, name, "", at, size)
	if err != nil {
		return nil, err
	}
	begin, end, err := lookUp(index, piece, length)
	if err != nil || begin == end {
		return nil, err
	}
	return o.objects.Open(ctx, name, "", offset+begin, end-begin)
}

// lookUp finds where the entries of a piece begin and end in a run of this length; both are 0 if it
// has none.
func lookUp(index []byte, piece int, length int64) (begin, end int64, err error) {
	found := false
	for len(index) > 0 {
		n, w := binary.Uvarint(index)
		if w <= 0 {
			return 0, 0, blocks.ErrDamaged()
		}
		at, v := binary.Uvarint(index[w:])
		if v <= 0 || at > uint64(length) { //nolint:gosec // never negative
			return 0, 0, blocks.ErrDamaged()
		}
		index = index[w+v:]
		switch {
		case found:
			return begin, int64(at), nil //nolint:gosec // at most length
		case n == uint64(piece): //nolint:gosec // an index
			found, begin = true, int64(at) //nolint:gosec // at most length
		}
	}
	if found {
		end = length
	}
	return begin, end, nil
}

// rejectStream yields the rejects of one piece after the other, in the order of the input.
type rejectStream struct {
	in   *merger
	next *entry // read, but not returned
}

// rejects opens these runs for one piece, or for all pieces.
func (w *work) rejects(ctx context.Context, names []string, piece int) (*rejectStream, error) {
	runs := objectRuns{objects: w.objects}
	in, err := openRuns(names, func(name string) (io.ReadCloser, error) { return runs.openRejects(ctx, name, piece) })
	return &rejectStream{in: in}, err
}

func (s *rejectStream) close() { s.in.close() }

// of returns the next reject of a piece; nil after the last one. It skips rejects before the piece.
func (s *rejectStream) of(p job.Piece) (*entry, error) {
	for {
		if s.next == nil {
			e, err := s.in.next()
			if errors.Is(err, io.EOF) {
				return nil, nil //nolint:nilnil // nil is the answer: none is left
			}
			if err != nil {
				return nil, err
			}
			s.next = &e
		}
		switch e := s.next; {
		case holds(p, e.place):
			s.next = nil
			return e, nil
		case e.place.compare(place{file: p.File, offset: p.Offset}) > 0:
			return nil, nil //nolint:nilnil // nil is the answer: the next one is of a later piece
		}
		s.next = nil
	}
}
