package csvsource

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source"
	"reseed/pkg/source/grid"
)

// Format is the [source.Format] of CSV files. The dataset is found from the header row.
type Format struct{}

var _ source.Format = Format{}

// Scan looks through a file. It also returns the errors of [Reader.Header], [billing.NewHeader],
// [billing.Header.Recognise] and [billing.Header.Layout]; bad_delimiter if the settings name none.
func (Format) Scan(ctx context.Context, in io.Reader, hint source.Hint, grain int64, emit func(source.Piece) error) (s source.Shape, err error) {
	begin := hint.Settled(source.Kept{})
	s.Settings, s.Frozen = begin.Settings, hint.Frozen
	if s.Frozen {
		s.Settings.Delimiter = string(grid.Comma)
	}
	opts := Options{SkipLines: s.Settings.SkipLines, Map: s.Settings.Map, Dataset: begin.Dataset, Frozen: s.Frozen}
	if opts.Delimiter, err = delimiterOf(s.Settings.Delimiter); err != nil {
		return s, err
	}
	r := Open(in, opts)
	if s.Header, err = r.Header(ctx); err != nil {
		return s, err
	}
	s.Delimiter, s.Notes = string(r.Delimiter()), r.notes
	t, err := r.told(ctx)
	if err != nil {
		return s, err
	}
	s.Told = t.String()
	settled := hint.Settled(t.kept(s.Header))
	if s.Settings = settled.Settings; s.Frozen {
		s.Settings.Encoding, s.Settings.Delimiter = "", ""
	}
	if err := understand(&s, settled); err != nil {
		if wrong := oneCell(s, r.opts.Delimiter != 0, err); wrong != nil {
			return s, wrong
		}
		return s, r.withLaterHeader(ctx, err)
	}
	if itself, err := Recognise(s.Header, s.Settings.Map); hint.Dataset == "" && t.Dataset != "" && (err != nil || itself != t.Dataset) {
		s.Notes = append(s.Notes, "taken as "+string(s.Dataset)+", as the rejects file says")
	}
	datasets := []billing.Dataset{s.Dataset}
	err = r.Cut(ctx, grain, func(p Piece) error {
		return emit(source.Piece{Place: source.Place{Line: p.FirstLine, Offset: p.Offset}, Length: p.Length, Datasets: datasets})
	})
	s.Notes = append(s.Notes, r.repeats.notes()...)
	return s, err
}

// understand finds out the dataset of a header, and which of its columns are not read.
func understand(s *source.Shape, hint source.Hint) error {
	ds, notes, err := datasetOf(s.Header, hint)
	if err != nil {
		return err
	}
	s.Dataset, s.Notes, s.Settings.Map = ds, append(s.Notes, notes...), mappingOf(s.Header, hint, ds)
	h, err := headerOf(*s)
	if err != nil {
		return err
	}
	layout, err := h.Layout(ds, s.Settings.Values())
	if err != nil {
		return err
	}
	if err := cmp.Or(singleQuotes(s.Header), h.CheckAmounts(ds)); err != nil {
		return err
	}
	s.Ignored = slices.Clone(layout.Unknown())
	s.Notes = append(s.Notes, h.NotRead(ds)...)
	if s.Settings.Amounts == "" {
		s.Notes = append(s.Notes, h.ReadAsCents(ds)...)
	}
	return nil
}

// mappingOf is what of the mapping is about a file with this header, if it has rows of a dataset.
func mappingOf(header []string, hint source.Hint, ds billing.Dataset) []string {
	if !hint.Beside {
		return hint.Settings.Map
	}
	return billing.Applicable(header, hint.Settings.Map, ds)
}

// headerOf is the header of a file, in which the columns that a rejects file adds have no name.
func headerOf(s source.Shape) (billing.Header, error) {
	return billing.NewHeader(withoutRejectColumns(s.Header), s.Settings.Map)
}

// datasetOf returns the dataset that was named, or the one that the header tells; of a header that
// leaves a question, the one that the file is named like, or that an earlier file had.
func datasetOf(header []string, hint source.Hint) (ds billing.Dataset, notes []string, err error) {
	if hint.Dataset != "" {
		return hint.Dataset, nil, nil
	}
	if ds = onlyDataset(header, hint); ds != "" {
		return ds, nil, nil
	}
	if ds, err = Recognise(header, mappingOf(header, hint, "")); err == nil {
		return ds, nil, nil
	}
	if ds = billing.Named(hint.Name); suits(header, hint, ds) {
		return ds, []string{"taken as " + string(ds) + ", since " + theFile(hint) + " is named so"}, nil
	}
	if ds = hint.Known[HeaderDigest(header)]; suits(header, hint, ds) {
		return ds, []string{"taken as " + string(ds) + ", as an earlier file with the same header row"}, nil
	}
	return "", nil, err
}

func theFile(hint source.Hint) string {
	if hint.Frozen {
		return "the tab"
	}
	return "the file"
}

// onlyDataset returns the dataset that a header tells with the lines of a mapping that are about this
// dataset, since other lines may be about other files; empty if there is none, or more than one.
func onlyDataset(header []string, hint source.Hint) (only billing.Dataset) {
	if !hint.Beside || len(hint.Settings.Map) == 0 {
		return ""
	}
	for _, ds := range billing.Order() {
		if told, err := Recognise(header, mappingOf(header, hint, ds)); err != nil || told != ds {
			continue
		}
		if only != "" {
			return ""
		}
		only = ds
	}
	return only
}

// suits reports whether a header has what a dataset requires.
func suits(header []string, hint source.Hint, ds billing.Dataset) bool {
	h, err := headerOf(source.Shape{Header: header, Settings: source.Settings{Map: mappingOf(header, hint, ds)}})
	_, fits := h.Fit(ds)
	return ds != "" && err == nil && fits
}

// HeaderDigest is the key of a header row in [source.Hint.Known]. Neither the order of its columns
// nor those that a rejects file adds matter.
func HeaderDigest(header []string) string {
	h, _ := headerOf(source.Shape{Header: header}) // only a mapping can be wrong
	return h.Digest()
}

// Recognise returns the dataset that a header row tells by itself, with a mapping. Its errors are
// those of [billing.NewHeader] and [billing.Header.Recognise].
func Recognise(header, mapping []string) (billing.Dataset, error) {
	h, err := headerOf(source.Shape{Header: header, Settings: source.Settings{Map: mapping}})
	if err != nil {
		return "", err
	}
	return h.Recognise()
}

// Holds says of each column of a table what it holds, see [billing.Header.Holds].
func Holds(s source.Shape) []string {
	h, err := headerOf(s)
	if err != nil {
		return nil // as Scan has said
	}
	return h.Holds(s.Dataset)
}

// ColumnAt returns the index of the column that a problem of a row names; -1 if there is none.
func ColumnAt(s source.Shape, column string) int {
	h, err := headerOf(s)
	if err != nil {
		return -1
	}
	return h.At(column)
}

// Columns says what the columns of a table mean, without those that a rejects file adds.
func Columns(s source.Shape) []billing.Column {
	h, err := headerOf(s)
	if err != nil {
		return nil // as Scan has said
	}
	return h.Columns(s.Dataset)
}

// Open opens a part of a file.
func (Format) Open(in io.ReadCloser, s source.Shape, at source.Place, now time.Time) (source.Rows, error) {
	h, err := headerOf(s)
	if err != nil {
		return nil, err
	}
	layout, err := h.Layout(s.Dataset, s.Settings.Values())
	if err != nil {
		return nil, err
	}
	added := addedOf(s.Header)
	return &rows{
		Reader: Open(in, Options{Header: s.Header, Delimiter: s.Delimiter[0], Needs: layout.Needs(), Frozen: s.Frozen, StartLine: at.Line, StartOffset: at.Offset}),
		shape:  s, layout: layout, now: now, added: added, rejects: isRejects(added), tell: tell(s), out: tableWriter{comma: s.Delimiter[0]},
	}, nil
}

// rows reads rows as records.
type rows struct {
	*Reader

	shape   source.Shape
	layout  *billing.Layout
	now     time.Time
	added   []string // of [addedOf]
	rejects bool     // the file is a rejects file: cells may have a quote from escapeFormula, and rows may have to be corrected
	tell    string   // of [tell]
	row     Row
	cell    string   // the last one of columnSettings that was read
	told    string   // what it tells
	cells   []string // reused
	out     tableWriter
}

// Next moves to the next row.
func (r *rows) Next(ctx context.Context) (source.Row, error) {
	row, err := r.Reader.Next(ctx)
	if err != nil {
		return source.Row{}, err
	}
	r.row = row
	if r.rejects {
		unescapeFormulas(row.Fields)
		r.refuse()
	}
	return source.Row{Place: source.Place{Line: row.Line, Offset: row.Offset}, Length: row.Length, Dataset: r.layout.Dataset()}, nil
}

// Record returns the record of the row, or its problem.
func (r *rows) Record() (billing.Record, *billing.Problem) {
	if r.row.Err != nil {
		return nil, r.row.Err
	}
	return r.layout.Record(r.row.Fields, r.now)
}

// Verbatim returns the record with its ids as they are written.
func (r *rows) Verbatim() billing.Record { return r.layout.Verbatim() }

// Remarks are the remarks about the rows so far.
func (r *rows) Remarks() billing.Remarks {
	remarks := slices.Clone(r.layout.Remarks())
	if r.short > 0 {
		remarks.Add(billing.RemarkShortRows, "", r.short)
	}
	return remarks
}

// ID returns the cell of the external id.
func (r *rows) ID() string { return r.layout.IDOf(r.row.Fields) }

// Customers lists the cell of the customer; of a row that could not be read, all that may be cells.
func (r *rows) Customers() []string {
	if r.row.Err == nil {
		return r.layout.Customers()
	}
	ids := strings.FieldsFunc(r.row.Text, func(c rune) bool { return strings.ContainsRune(r.shape.Delimiter+"\"\r\n", c) })
	ids = append(ids, r.row.Fields...)
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
	}
	return ids
}
