package importer

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

// The rejects of each input file are a file of the same format: the rejected rows as they were,
// each with its place and the reason. The file is stored in parts without a header row, one for
// each piece that has rejects. An object without a body beside them marks that they hold more than
// ASCII. People download all parts of a file one after the other (see [Importer.Rejects]).

func rejectsDir(jobID string) string { return jobDir(jobID) + "rejects/" }

// rejectsPart names the object with the part of one piece. Parts list in the order of the input.
func rejectsPart(j *job.Job, piece int) string {
	file := j.Import.Pieces[piece].File
	end := endCSV
	if j.Import.Files[file].Format == job.NDJSON {
		end = endNDJSON
	}
	return fmt.Sprintf("%s%05d/%05d%s", rejectsDir(j.ID), file, piece, end)
}

// wideMark is the last part of the name of the object which marks that the rejects of an input file
// hold more than ASCII.
const wideMark = "utf-8"

// readRejectsName reads the name of a part, or of the mark beside parts, without the folder of the
// job's rejects. Versions before 2026-11-30 named parts <file>-<piece>.
func readRejectsName(name string) (file int, old, mark bool) {
	_, last, made := strings.Cut(name, "/")
	_, _ = fmt.Sscanf(name, "%d", &file)
	return file, !made, last == wideMark
}

// rejectTasks lists the tasks that write the rejects: one for each piece that has some, or a single
// one for a small import. There are none once an import is applied: an import of before 2026-11-29
// wrote its rejects elsewhere. An undo lists what it leaves alone at its gate.
func (im *Importer) rejectTasks(ctx context.Context, j *job.Job, phase string) ([]string, error) {
	if j.Import.Applying || j.Import.Undo != "" {
		return nil, nil
	}
	tasks, err := im.c.Ledger.Tasks(ctx, j.ID, "")
	if err != nil {
		return nil, err
	}
	var pieces []int
	for _, t := range tasks {
		r, err := resultOf(t)
		stage, _, _ := splitTask(t.ID)
		switch {
		case err != nil:
			return nil, err
		case len(r.Summary.Rejects) == 0:
		case j.Import.Small:
			return numbered(phase, 0), nil
		case len(r.Summary.RejectPieces) == 0:
			pieces = append(pieces, stagePieces(j, stage)...)
		}
		pieces = append(pieces, r.Summary.RejectPieces...)
	}
	slices.Sort(pieces)
	return numbered(phase, slices.Compact(pieces)...), nil
}

// writeParts writes the part of one piece, or the parts of all pieces of a small import.
func (w *work) writeParts(ctx context.Context, n int) error {
	names, err := w.rejectNames(ctx, n)
	if err != nil {
		return err
	}
	pieces, which := []int{n}, n
	if w.job.Import.Small {
		pieces, which = upTo(len(w.job.Import.Pieces)), everyPiece
	}
	in, err := w.rejects(ctx, names, which)
	if err != nil {
		return err
	}
	defer in.close()
	for _, n := range pieces {
		if err := w.writePart(ctx, n, in); err != nil {
			return err
		}
	}
	return nil
}

// rejectNames lists the runs that may hold rejects of a piece: those that its map tasks and all
// merge tasks of its stages wrote.
func (w *work) rejectNames(ctx context.Context, piece int) (names []string, err error) {
	var from []string
	for _, stage := range pieceStages(w.job, piece) {
		from = append(from, fmt.Sprintf("%s/%05d", phaseName(stage, stepMap), piece), phaseName(stage, stepMerge)+"/")
	}
	if w.job.Import.Small {
		from = []string{phaseName(0, stepDecide) + "/"}
	}
	for _, prefix := range from {
		tasks, err := w.ledger.Tasks(ctx, w.job.ID, prefix)
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			r, err := resultOf(t)
			if err != nil {
				return nil, err
			}
			names = append(names, r.Summary.Rejects...)
		}
	}
	return names, nil
}

// writePart writes the rejects of one piece, whole or not at all. Done again, it writes the same.
func (w *work) writePart(ctx context.Context, n int, in *rejectStream) error {
	piece := w.job.Import.Pieces[n]
	e, err := in.of(piece)
	if e == nil {
		return err
	}
	file, err := w.objects.Replace(ctx, rejectsPart(w.job, n))
	if err != nil {
		return err
	}
	defer file.Abort() // no effect once closed
	out := bufio.NewWriterSize(file, partBuffer)
	part := &rejectsWriter{rows: &rowFinder{w: w, piece: piece}, file: w.job.Import.Files[piece.File], out: out}
	defer part.rows.close()
	for ; e != nil && err == nil; e, err = in.of(piece) {
		if err := part.write(ctx, e); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "rejects_file", "write the rejects file")
	}
	if err := file.Close(); err != nil || !part.wide {
		return err
	}
	return w.objects.Put(ctx, fmt.Sprintf("%s%05d/%s", rejectsDir(w.job.ID), piece.File, wideMark), strings.NewReader(""))
}

// partBuffer is how many bytes of a part are written at once.
const partBuffer = 64 << 10

// rejectsWriter writes the rows of one part.
type rejectsWriter struct {
	rows *rowFinder
	file job.File
	out  *bufio.Writer
	text []byte // reused
	wide bool   // it has written more than ASCII
}

func (rw *rejectsWriter) write(ctx context.Context, e *entry) error {
	r, err := decodeRejection(e.body)
	if err != nil {
		return err
	}
	row, err := rw.rows.find(ctx, e.place)
	if err != nil {
		return err
	}
	rw.text = row.AppendReject(rw.text[:0], source.Reject{
		File: cmp.Or(PlaceOf(rw.file, e.place.line, r.column), rw.file.Name), Line: e.place.line, Column: r.column, Code: r.code, Reason: r.message, Blank: r.code == codeForgotten,
	})
	rw.wide = rw.wide || !isASCII(rw.text)
	_, err = rw.out.Write(rw.text)
	return err
}

// rowFinder reads rows of one piece again, asked for in their order. It reads the piece once, and
// skips long gaps.
type rowFinder struct {
	w     *work
	piece job.Piece
	rows  source.Rows
	at    int64 // offset at which rows reads next
	seen  int
}

// farAhead is the number of bytes from which on rowFinder skips a gap.
const farAhead = 1 << 20

// find returns the rows, positioned at a place.
func (f *rowFinder) find(ctx context.Context, at place) (source.Rows, error) {
	if f.rows == nil || at.offset > f.at+farAhead {
		if err := f.open(ctx, at); err != nil {
			return nil, err
		}
	}
	for {
		f.w.makeWay()
		if f.seen++; f.seen%lookAfter == 0 {
			if err := f.w.interrupted(ctx); err != nil {
				return nil, err
			}
		}
		row, err := f.rows.Next(ctx)
		f.at = row.Offset + row.Length
		switch {
		case errors.Is(err, io.EOF), err == nil && row.Offset > at.offset:
			return nil, fault.New(fault.Internal, "row_gone", "a rejected row is no longer where it was read")
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", f.w.job.Import.Files[f.piece.File].Name, err)
		case row.Offset == at.offset:
			return f.rows, nil
		}
	}
}

// open begins to read at a row.
func (f *rowFinder) open(ctx context.Context, at place) (err error) {
	f.close()
	f.at = at.offset
	f.rows, err = f.w.openRows(ctx, f.piece, source.Place{Line: at.line, Offset: at.offset})
	return err
}

func (f *rowFinder) close() {
	if f.rows != nil {
		_ = f.rows.Close()
		f.rows = nil
	}
}
