package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Members of a line that are not fields.
const (
	memberDataset = "dataset"
	memberReject  = "_reject" // in rejects files, and in what a pull has written: why the record was rejected
	memberLine    = "_line"   // in rejects files: a line that is no JSON object, as a text
)

// Format is the [source.Format] of NDJSON files.
type Format struct{}

var _ source.Format = Format{}

// Scan looks through a file. The codes of its errors are those of [source.Foreign], empty_file,
// bad_encoding, and no_records if no line names its dataset.
func (Format) Scan(ctx context.Context, in io.Reader, hint source.Hint, grain int64, emit func(source.Piece) error) (source.Shape, error) {
	s := source.Shape{Dataset: hint.Dataset, Frozen: hint.Frozen}
	l := newLines(in, source.Place{})
	if err := l.begin(ctx); err != nil {
		return s, err
	}
	r := rows{shape: s, lines: l}
	piece, told, some := pieceAt(l), false, false
	for {
		row, err := r.Next(ctx)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return s, err
		}
		// Blank lines belong to a piece, too.
		piece.Length = l.offset() - piece.Offset
		if !last {
			some, told = true, told || row.Dataset != ""
			if !slices.Contains(piece.Datasets, row.Dataset) {
				piece.Datasets = append(piece.Datasets, row.Dataset)
			}
		}
		if piece.Length >= grain || last && piece.Length > 0 {
			if err := emit(piece); err != nil {
				return s, err
			}
			piece = pieceAt(l)
		}
		if last && hint.Frozen {
			return s, nil
		}
		if last {
			return s, usable(hint.Dataset, some, told)
		}
	}
}

// usable refuses a file in which no dataset is known.
func usable(given billing.Dataset, some, told bool) error {
	switch {
	case given != "" || told:
		return nil
	case !some:
		return fault.New(fault.Invalid, "empty_file", "the file is empty: no line tells what it holds")
	}
	return fault.New(fault.Invalid, "no_records",
		`no line of the file is a JSON object that says which dataset it is of, such as {"dataset":"customers","external_id":"c1"}; say which one they are of all, or correct the lines`)
}

func pieceAt(l *lines) source.Piece {
	return source.Piece{Place: source.Place{Line: l.number, Offset: l.offset()}}
}

// begin checks the beginning of a file: it skips a byte order mark, and refuses what is something
// else than lines, or UTF-16.
func (l *lines) begin(ctx context.Context) error {
	if err := l.skipMark(ctx); err != nil {
		return err
	}
	head := l.Buf[l.Start:l.End]
	if err := source.Foreign(head[:min(len(head), source.HeadBytes)]); err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || len(head) > 1 && (head[0] == 0 || head[1] == 0) {
		return fault.New(fault.Invalid, "bad_encoding", "the file looks like UTF-16; save it as UTF-8")
	}
	return nil
}

// Open opens a part of a file.
func (Format) Open(in io.ReadCloser, s source.Shape, at source.Place, now time.Time) (source.Rows, error) {
	return &rows{in: in, shape: s, now: now, lines: newLines(in, at), fields: map[billing.Dataset]*billing.Fields{}}, nil
}

// RejectsHead returns nothing: an NDJSON file has no header.
func (Format) RejectsHead(source.Shape) []byte { return nil }

// rows reads lines as records.
type rows struct {
	in     io.Closer
	shape  source.Shape
	now    time.Time
	lines  *lines
	fields map[billing.Dataset]*billing.Fields
	err    error // sticky

	line    line
	dataset billing.Dataset
	parsed  bool
	object  object
	problem *billing.Problem // with the line as a whole
	note    bytes.Buffer
}

// Next moves to the next line that is not blank.
func (r *rows) Next(ctx context.Context) (source.Row, error) {
	for r.err == nil {
		if r.line, r.err = r.lines.next(ctx); r.err == nil && !blank(r.line.raw) {
			r.tell()
			return source.Row{Place: r.line.Place, Length: r.line.length, Dataset: r.dataset}, nil
		}
	}
	return source.Row{}, r.err
}

// tell finds out the dataset of the line. Usually the line begins with it; then the line is parsed
// only when its record is needed.
func (r *rows) tell() {
	r.parsed, r.problem = false, nil
	if r.dataset = leading(r.line.raw); r.dataset != "" {
		return
	}
	r.dataset = r.shape.Dataset
	if r.parse(); r.problem != nil {
		return
	}
	for _, m := range r.object.members {
		switch {
		case m.name == memberLine:
			r.problem = &billing.Problem{Column: memberLine, Code: source.CodeBadJSON, Message: "this line was no JSON object; write the corrected one in place of the whole line"}
			return
		case m.name != memberDataset:
		case m.kind != billing.Text:
			r.problem = &billing.Problem{Column: memberDataset, Code: billing.CodeWrongType, Message: "dataset: This must be a text, and is " + m.kind.String() + "."}
			return
		default:
			ds := billing.Dataset(m.value)
			if !slices.Contains(billing.Datasets(), ds) {
				r.problem = &billing.Problem{Column: memberDataset, Code: source.CodeUnknownDataset, Message: "dataset: There is no dataset of this name."}
				return
			}
			r.dataset = ds
			return
		}
	}
	if r.dataset == "" {
		r.problem = &billing.Problem{Column: memberDataset, Code: source.CodeNoDataset, Message: "dataset: The line does not say which dataset it is of."}
	}
}

// leading returns the dataset that a line names as its first member; empty if it has to be parsed
// to know.
func leading(raw []byte) billing.Dataset {
	for _, part := range [...]string{`{`, `"` + memberDataset + `"`, `:`, `"`} {
		rest, is := bytes.CutPrefix(behindSpace(raw), []byte(part))
		if !is {
			return ""
		}
		raw = rest
	}
	for _, ds := range billing.Datasets() {
		if n := len(ds); len(raw) > n && raw[n] == '"' && string(raw[:n]) == string(ds) {
			return ds
		}
	}
	return ""
}

// parse parses the line, unless it is parsed already.
func (r *rows) parse() {
	if r.parsed {
		return
	}
	r.parsed = true
	if r.line.tooLong {
		r.problem = &billing.Problem{Code: source.CodeRecordTooLong, Message: fmt.Sprintf("the line is longer than %d bytes", source.MaxRecord)}
		return
	}
	r.problem = r.object.parse(r.lines.text(r.line))
}

// Record returns the record of the line, or its problem.
func (r *rows) Record() (billing.Record, *billing.Problem) {
	if r.parse(); r.problem != nil {
		return nil, r.problem
	}
	f, err := r.fieldsOf(r.dataset)
	if err != nil {
		return nil, &billing.Problem{Column: memberDataset, Code: fault.CodeOf(err), Message: err.Error()}
	}
	f.Begin()
	named := false
	for i := range r.object.members {
		m := &r.object.members[i]
		switch m.name {
		case memberReject:
			if r.shape.Frozen {
				return nil, unmapped(m.value)
			}
			continue
		case memberDataset:
			if named {
				return nil, &billing.Problem{Column: memberDataset, Code: billing.CodeDuplicateField, Message: "dataset: This field stands twice."}
			}
			named = true
			continue
		}
		if p := f.Set(m.name, m.kind, m.value); p != nil {
			return nil, p
		}
	}
	return f.Record(r.now)
}

// Verbatim returns none: ids in JSON are read as they are written.
func (r *rows) Verbatim() billing.Record { return nil }

// Customers lists the field of the customer; of a line without records, all texts in it.
func (r *rows) Customers() []string {
	f, err := r.fieldsOf(r.dataset)
	if r.problem != nil || err != nil {
		return strings.Split(string(r.line.raw), `"`)
	}
	var ids []string
	for _, m := range r.object.members {
		if f.NamesCustomer(m.name) {
			ids = append(ids, strings.TrimSpace(m.value))
		}
	}
	return ids
}

// Remarks returns none: values in JSON are taken as they are.
func (r *rows) Remarks() billing.Remarks { return nil }

// ID returns the field of the external id.
func (r *rows) ID() string {
	f, err := r.fieldsOf(r.dataset)
	if r.problem != nil || err != nil {
		return ""
	}
	for _, m := range r.object.members {
		if m.name == f.IDField() && m.kind == billing.Text {
			return strings.TrimSpace(m.value)
		}
	}
	return ""
}

func (r *rows) fieldsOf(ds billing.Dataset) (*billing.Fields, error) {
	f := r.fields[ds]
	if f == nil {
		var err error
		if f, err = billing.NewFields(ds); err != nil {
			return nil, err
		}
		r.fields[ds] = f
	}
	return f, nil
}

// Close closes the file.
func (r *rows) Close() error {
	in := r.in
	r.in, r.err = nil, source.ErrClosed
	if in == nil {
		return nil
	}
	if err := in.Close(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "close_failed", "the file could not be closed")
	}
	return nil
}
