package importer

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
)

// The rejects of each input file are a table: its original columns, then where and why. It is stored in parts, one for each
// piece of the file that has rejects, without a header row: those behind one another, file by file, are what people
// download (see [Importer.Rejects]).

func rejectsDir(jobID string) string { return jobDir(jobID) + "rejects/" }

// rejectsPart is where the part of one piece lies: parts list in the order of the input.
func rejectsPart(j *job.Job, piece int) string {
	return fmt.Sprintf("%s%05d-%05d.csv", rejectsDir(j.ID), j.Import.Pieces[piece].File, piece)
}

// rejectTasks lists the tasks that write the rejects: one for each piece that has some; of a small import just one. There is none
// once an import is applied: those before 2026-11-29 had written them elsewhere by then. An undo lists what it leaves alone at its gate.
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

// writeParts writes the part of one piece, or those of all pieces of a small import.
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

// rejectNames are the runs that may hold rejects of a piece: those of its map, and of all merges of its stage.
func (w *work) rejectNames(ctx context.Context, piece int) (names []string, err error) {
	stage := pieceStage(w.job, piece)
	from := []string{fmt.Sprintf("%s/%05d", phaseName(stage, stepMap), piece), phaseName(stage, stepMerge) + "/"}
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

// writePart writes the rejects of one piece, whole or not at all: done again it writes the same.
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
	defer file.Abort() // has no effect once closed
	out := bufio.NewWriterSize(file, partBuffer)
	part := &rejectsWriter{rows: &rowFinder{w: w, piece: piece, file: w.job.Import.Files[piece.File]}, csv: csv.NewWriter(out)}
	defer part.rows.close()
	for ; e != nil && err == nil; e, err = in.of(piece) {
		if err := part.write(ctx, e); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	part.csv.Flush()
	if err := errors.Join(part.csv.Error(), out.Flush()); err != nil {
		return fault.Wrap(err, fault.Unavailable, "rejects_file", "write the rejects file")
	}
	return file.Close()
}

// partBuffer is how many bytes of a part are written at once.
const partBuffer = 64 << 10

// rejectsWriter writes the rows of one part.
type rejectsWriter struct {
	rows  *rowFinder
	csv   *csv.Writer
	cells []string // reused
}

func (rw *rejectsWriter) write(ctx context.Context, e *entry) error {
	r, err := decodeRejection(e.body)
	if err != nil {
		return err
	}
	f := rw.rows.file
	if rw.cells, err = rw.rows.cells(ctx, e.place, rw.cells[:0]); err != nil {
		return err
	}
	rw.cells = append(originals(rw.cells, f.Header), f.Name, strconv.FormatInt(e.place.line, 10), r.column, r.code, r.message)
	escapeFormulas(rw.cells)
	return rw.csv.Write(rw.cells)
}

// originals are the cells of a row, or the header row itself, as people have made it: if the file is a rejects file, without the columns and the
// quotes that it got as such.
func originals(cells, header []string) []string {
	if !hasRejectColumns(header) {
		return cells
	}
	kept := cells[:0]
	for i, c := range cells {
		if !slices.Contains(rejectColumns(), header[i]) {
			kept = append(kept, c)
		}
	}
	unescapeFormulas(kept)
	return kept
}

// rejectsHeader is the header row of a file's table.
func rejectsHeader(f job.File) []string {
	cells := append(originals(slices.Clone(f.Header), f.Header), rejectColumns()...)
	escapeFormulas(cells)
	return cells
}

// rowFinder finds rows of one piece again, asked for in their order: it reads the piece once, but for gaps that are not worth reading through.
type rowFinder struct {
	w     *work
	piece job.Piece
	file  job.File
	src   *csvsource.Reader
	at    int64 // offset that src stands at
	seen  int
}

// farAhead is such a gap.
const farAhead = 1 << 20

// cells appends the cells of a row, as many as its file has columns; of a row that is too long to be split there is but the first.
func (f *rowFinder) cells(ctx context.Context, at place, cells []string) ([]string, error) {
	row, err := f.find(ctx, at)
	if err != nil {
		return nil, err
	}
	fields := row.Fields
	if row.Err != nil && len(fields) == 0 {
		text, err := f.text(ctx, at)
		if err != nil {
			return nil, err
		}
		fields = []string{text}
	}
	cells = append(cells, fields[:min(len(fields), len(f.file.Header))]...)
	for len(cells) < len(f.file.Header) {
		cells = append(cells, "")
	}
	return cells, nil
}

func (f *rowFinder) find(ctx context.Context, at place) (source.Row, error) {
	if f.src == nil || at.offset > f.at+farAhead {
		if err := f.open(ctx, at); err != nil {
			return source.Row{}, err
		}
	}
	for {
		f.w.makeWay()
		if f.seen++; f.seen%lookAfter == 0 {
			if err := f.w.interrupted(ctx); err != nil {
				return source.Row{}, err
			}
		}
		row, err := f.src.Next(ctx)
		f.at = row.Offset + row.Length
		switch {
		case errors.Is(err, io.EOF), err == nil && row.Offset > at.offset:
			return row, fault.New(fault.Internal, "row_gone", "a rejected row is not where it was read")
		case err != nil:
			return row, fmt.Errorf("read %s: %w", f.file.Name, err)
		case row.Offset == at.offset:
			return row, nil
		}
	}
}

// open begins to read at a row.
func (f *rowFinder) open(ctx context.Context, at place) error {
	f.close()
	in, err := f.w.objects.Open(ctx, f.file.Object, f.file.Version, at.offset, f.piece.Offset+f.piece.Length-at.offset)
	if err != nil {
		return err
	}
	f.at = at.offset
	f.src = csvsource.Open(in, csvsource.Options{
		Header: f.file.Header, Delimiter: f.file.Delim[0], StartLine: at.line, StartOffset: at.offset,
	})
	return nil
}

func (f *rowFinder) close() {
	if f.src != nil {
		_ = f.src.Close()
	}
}

// text is the beginning of a row that is too long, as much of it as a row may have.
func (f *rowFinder) text(ctx context.Context, at place) (string, error) {
	raw, err := objectPart(ctx, f.w.objects, f.file.Object, f.file.Version, at.offset, min(at.length, csvsource.DefaultMaxRecord))
	if err != nil {
		return "", err
	}
	return strings.ToValidUTF8(strings.TrimRight(string(raw), "\r\n"), string(utf8.RuneError)), nil
}
