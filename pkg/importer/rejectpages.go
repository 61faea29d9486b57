package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
)

// RejectFilter selects rejects. Zero values select all.
type RejectFilter struct {
	Dataset billing.Dataset
	Column  string // of a row of NDJSON: the column or the field
	Code    string
}

// Reject is a row that an import did not take in, or that an undo left alone.
type Reject struct {
	Dataset billing.Dataset
	File    *job.File // of an import
	Line    int64
	Record  string // of an undo: the record's external id, or what else names it
	Column  string // at fault; empty if the fault is not in a single one
	Code    string
	Reason  string        // a sentence
	Cells   []source.Cell // of an import: the row as it came
	Whole   string        // the row as it stood, if it could not be split into cells
}

// RejectPage is a part of the rejects of a job, in the order of the input.
type RejectPage struct {
	Rejects  []Reject
	Searched int    // rejects that were read
	Next     string // cursor of the next page; empty after the last one
}

// RejectPage returns at most size rejects behind a cursor that an earlier page of the same job gave; the
// first ones if it is empty. It reads at most 10,000 of them, so a page of a filter may have none, and
// yet not be the last. The error is fault.Conflict before every row is decided, fault.NotFound if the
// rejects were erased with data of the source, and fault.Invalid, code [CodeBadCursor].
func (im *Importer) RejectPage(ctx context.Context, j *job.Job, f RejectFilter, after string, size int) (RejectPage, error) {
	switch {
	case j.Import == nil:
		return RejectPage{}, errNoImport()
	case !j.Status.Ended() && !j.Import.Applying:
		return RejectPage{}, fault.New(fault.Conflict, "not_decided", "The import is still deciding; its rejects are listed when it is planned, or applies what it has decided.")
	case j.Rejects == 0:
		return RejectPage{}, nil
	}
	at := []int64{0, 0}
	if after != "" {
		var err error
		if at, err = readCursor(after, len(at)); err != nil {
			return RejectPage{}, err
		}
	}
	parts, err := im.rejectPieces(ctx, j)
	if err != nil {
		return RejectPage{}, err
	}
	p := rejectPager{objects: im.c.Objects, filter: f, parts: parts, size: size, fields: map[billing.Dataset]string{}}
	err = p.read(ctx, at[0], at[1])
	return p.page, err
}

// rejectPiece is one stored object of rejects.
type rejectPiece struct {
	info objects.Info
	read func(io.Reader) iter.Seq2[source.Rejected, error]
	make func(source.Rejected) Reject
}

// rejectPieces lists the objects with the rejects of a job, in the order of the input.
func (im *Importer) rejectPieces(ctx context.Context, j *job.Job) (out []rejectPiece, err error) {
	if j.Import.Undo != "" {
		info, err := im.c.Objects.Stat(ctx, RejectsName(j.ID))
		return []rejectPiece{{info: info, read: readLeftAlone, make: leftAloneOf}}, err
	}
	tables, err := im.rejectsTables(ctx, j)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		f := &j.Import.Files[t.file]
		for _, info := range t.parts {
			out = append(out, rejectPiece{info: info, read: rejectsOf(f, t.old), make: func(r source.Rejected) Reject { return rejectOf(f, r) }})
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "no_rejects", "There is no list of rejects: the import ended before it was made, or data of its source was erased since.")
	}
	return out, nil
}

// rejectsOf returns what reads the rejects of an input file.
func rejectsOf(f *job.File, old bool) func(io.Reader) iter.Seq2[source.Rejected, error] {
	return func(in io.Reader) iter.Seq2[source.Rejected, error] {
		if old && f.Format != job.NDJSON {
			return csvsource.ReadOldRejects(in, shape(*f))
		}
		return format(*f).ReadRejects(in, shape(*f))
	}
}

func rejectOf(f *job.File, r source.Rejected) Reject {
	out := Reject{Dataset: r.Dataset, File: f, Line: r.Line, Column: r.Column, Code: r.Code, Reason: r.Reason, Cells: r.Cells, Whole: r.Whole}
	if f.Format != job.NDJSON {
		out.Dataset = billing.Dataset(f.Dataset)
	}
	return out
}

// readLeftAlone yields the rows of the list of what an undo left alone.
func readLeftAlone(in io.Reader) iter.Seq2[source.Rejected, error] {
	return func(yield func(source.Rejected, error) bool) {
		rows := csv.NewReader(in)
		rows.FieldsPerRecord = len(leftAloneColumns())
		for {
			cells, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(source.Rejected{}, errors.Join(source.ErrNotRejects, err))
				return
			}
			if cells[2] == columnRejectCode {
				continue // the header row
			}
			if !yield(source.Rejected{Dataset: billing.Dataset(cells[0]), Column: cells[1], Code: cells[2], Reason: cells[3], End: rows.InputOffset()}, nil) {
				return
			}
		}
	}
}

func leftAloneOf(r source.Rejected) Reject {
	return Reject{Dataset: r.Dataset, Record: r.Column, Code: r.Code, Reason: r.Reason}
}

// rejectPager fills a page.
type rejectPager struct {
	objects *objects.Objects
	filter  RejectFilter
	parts   []rejectPiece
	size    int
	fields  map[billing.Dataset]string // what the column of the filter is called in NDJSON
	page    RejectPage
	listed  int64 // bytes
	opened  int
}

// read reads from an offset of a part on.
func (p *rejectPager) read(ctx context.Context, part, offset int64) error {
	if part >= int64(len(p.parts)) || offset > 0 && offset >= p.parts[part].info.Size {
		return errBadCursor()
	}
	for ; part < int64(len(p.parts)); part, offset = part+1, 0 {
		if p.opened == mostOpened {
			p.page.Next = fmt.Sprintf("%d-%d", part, offset)
			return nil
		}
		p.opened++
		end, full, err := p.readPart(ctx, p.parts[part], offset)
		if err != nil {
			return err
		}
		if full {
			p.page.Next = fmt.Sprintf("%d-%d", part, end)
			return nil
		}
	}
	return nil
}

// readPart reads a part from an offset on, up to its end or until the page is full. It returns the offset
// of what it has not read.
func (p *rejectPager) readPart(ctx context.Context, part rejectPiece, offset int64) (end int64, full bool, err error) {
	in, err := p.open(ctx, part.info, offset)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = in.Close() }()
	end = offset
	for r, err := range part.read(in) {
		switch {
		case errors.Is(err, source.ErrNotRejects) && offset > 0: // a cursor that was made up leads anywhere
			return 0, false, errBadCursor()
		case err != nil:
			return 0, false, fault.Wrap(err, fault.Unavailable, "read_rejects", "read the rejects of an import")
		case len(p.page.Rejects) == p.size || p.page.Searched == mostOfPage || p.listed >= mostPaged:
			return end, true, ctx.Err()
		}
		size := offset + r.End - end
		end += size
		p.page.Searched++
		if one := part.make(r); p.takes(&one) {
			p.page.Rejects = append(p.page.Rejects, one)
			p.listed += size
		}
	}
	return end, false, ctx.Err()
}

// open opens a part at an offset, which must be behind the end of a line.
func (p *rejectPager) open(ctx context.Context, part objects.Info, offset int64) (io.ReadCloser, error) {
	if offset == 0 {
		return p.objects.Open(ctx, part.Key, part.Version, 0, -1)
	}
	in, err := p.objects.Open(ctx, part.Key, part.Version, offset-1, -1)
	if err != nil {
		return nil, err
	}
	var before [1]byte
	if _, err := io.ReadFull(in, before[:]); err != nil || before[0] != '\n' {
		_ = in.Close()
		return nil, errBadCursor()
	}
	return in, nil
}

// takes reports whether the page lists a reject.
func (p *rejectPager) takes(r *Reject) bool {
	f := p.filter
	return (f.Dataset == "" || f.Dataset == r.Dataset) && (f.Column == "" || f.Column == r.Column || p.fieldAtFault(r)) && (f.Code == "" || f.Code == r.Code)
}

// fieldAtFault reports whether the field at fault of a row of NDJSON is the column of the filter: a job's
// reasons name columns, whatever the format.
func (p *rejectPager) fieldAtFault(r *Reject) bool {
	if r.File == nil || r.File.Format != job.NDJSON {
		return false
	}
	name, known := p.fields[r.Dataset]
	if !known {
		name = p.filter.Column
		if fields, err := billing.NewFields(r.Dataset); err == nil {
			name = fields.Name(name)
		}
		p.fields[r.Dataset] = name
	}
	return name == r.Column
}
