package csvsource

import (
	"context"
	"io"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// Format is the [source.Format] of CSV files. The dataset is found from the header row.
type Format struct{}

var _ source.Format = Format{}

// Scan looks through a file. It also returns the errors of [Reader.Header], [billing.Recognise] and
// [billing.NewLayout].
func (Format) Scan(ctx context.Context, in io.Reader, hint source.Hint, grain int64, emit func(source.Piece) error) (s source.Shape, err error) {
	r := Open(in, Options{})
	s.Dataset, s.Settings = hint.Dataset, hint.Settings
	if s.Header, err = r.Header(ctx); err != nil {
		return s, err
	}
	s.Delimiter = string(r.Delimiter())
	if hint.Dataset == "" {
		if s.Dataset, err = billing.Recognise(s.Header); err != nil {
			return s, err
		}
	}
	layout, err := billing.NewLayout(s.Dataset, s.Header, s.Settings.Values())
	if err != nil {
		return s, err
	}
	s.Ignored = slices.DeleteFunc(slices.Clone(layout.Unknown()), isRejectColumn)
	datasets := []billing.Dataset{s.Dataset}
	err = r.Cut(ctx, grain, func(p Piece) error {
		return emit(source.Piece{Place: source.Place{Line: p.FirstLine, Offset: p.Offset}, Length: p.Length, Datasets: datasets})
	})
	s.Notes = append(s.Notes, r.repeats.notes()...)
	return s, err
}

// Open opens a part of a file.
func (Format) Open(in io.ReadCloser, s source.Shape, at source.Place, now time.Time) (source.Rows, error) {
	layout, err := billing.NewLayout(s.Dataset, s.Header, s.Settings.Values())
	if err != nil {
		return nil, err
	}
	return &rows{
		Reader: Open(in, Options{Header: s.Header, Delimiter: s.Delimiter[0], StartLine: at.Line, StartOffset: at.Offset}),
		shape:  s, layout: layout, now: now, rejects: isRejectsFile(s.Header),
	}, nil
}

// rows reads rows as records.
type rows struct {
	*Reader

	shape   source.Shape
	layout  *billing.Layout
	now     time.Time
	rejects bool // the file is a rejects file: cells may have a quote from escapeFormula
	row     Row
	cells   []string // reused
	out     tableWriter
}

// Next moves to the next row.
func (r *rows) Next(ctx context.Context) (source.Row, error) {
	row, err := r.Reader.Next(ctx)
	if err != nil {
		return source.Row{}, err
	}
	if r.rejects {
		unescapeFormulas(row.Fields)
	}
	r.row = row
	return source.Row{Place: source.Place{Line: row.Line, Offset: row.Offset}, Length: row.Length, Dataset: r.layout.Dataset()}, nil
}

// Record returns the record of the row, or its problem.
func (r *rows) Record() (billing.Record, *billing.Problem) {
	if r.row.Err != nil {
		return nil, r.row.Err
	}
	return r.layout.Record(r.row.Fields, r.now)
}

// Remarks are the remarks about the rows so far.
func (r *rows) Remarks() billing.Remarks {
	remarks := slices.Clone(r.layout.Remarks())
	if r.short > 0 {
		remarks.Add(billing.RemarkShortRows, "", r.short)
	}
	return remarks
}
