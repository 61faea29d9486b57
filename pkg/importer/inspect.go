package importer

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Inspection is what an import would understand of a file. It holds values of the file, and is only
// for the person whose file it is.
type Inspection struct {
	File     string
	Tab      string // its title, if it is one of a workbook
	Format   string // csv, ndjson or xlsx
	Encoding string
	// Of a table without a byte order mark: the encodings in which it may be, by their names in
	// settings. Guessed says that the one in Settings was neither given nor kept.
	Encodings []string
	Guessed   bool
	Dataset   billing.Dataset // of a table
	// Of a table: how it is read. Kept is the dataset for which the source keeps what was not given
	Settings   source.Settings
	Kept       billing.Dataset
	Delimiter  string
	HeaderLine int64 // the line with which the header row ends; 0 if there is no row below it
	Columns    []billing.Column
	Rows       []InspectedRow // the first ones
	Notes      []string
	Helps      []string // settings that may help, as options of a command
	Whole      bool     // all of the file was read
	Read       int      // rows
	Rejected   int      // of Read
	Err        error    // why the file cannot be imported

	place func(line int64, column string) string
}

// InspectedRow is a row as a record or, if Problem is not nil, why it is none.
type InspectedRow struct {
	Line    int64
	Place   string // of a row of a tab, such as Invoices!D17
	Dataset billing.Dataset
	Record  map[string]any // by the names of stored attributes; amounts in minor units, or texts if units are given and the invoice has the currency; times in Unix milliseconds
	Problem *billing.Problem
}

const (
	inspectBytes = 1 << 20 // of each file
	inspectRows  = 10      // that are shown
)

// Inspector inspects files.
type Inspector struct {
	Dataset  billing.Dataset // of all files; may be empty
	Settings source.Settings // that are given
	Kept     source.Readings // what the source keeps
	Beside   bool            // there are other files, see [source.Hint]
	Guess    bool            // read a table that is no UTF-8 in the encoding that it is most likely in
	Now      time.Time
}

// InspectObject inspects an object that is to be imported.
func (in Inspector) InspectObject(ctx context.Context, o *objects.Objects, f job.File) ([]Inspection, error) {
	return in.Inspect(ctx, f.Name, &zipBytes{ctx: ctx, objects: o, file: f}, f.Size)
}

// Inspect reads the beginning of a file, or of each file in it if it is a ZIP, and imports nothing.
// size is the number of bytes of the file. The error is about reading.
func (in Inspector) Inspect(ctx context.Context, name string, file io.ReaderAt, size int64) ([]Inspection, error) {
	head := make([]byte, min(size, inspectBytes+1))
	if _, err := file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(head, []byte(magicZIP)) {
		return []Inspection{in.one(ctx, name, bytes.NewReader(head))}, nil
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		err = unreadable(name)
		return []Inspection{{File: name, Err: err}}, nil //nolint:nilerr // that is what there is to say of it
	}
	return in.packed(ctx, name, size, z), nil
}

// packed inspects the files in a ZIP, or the tabs of a workbook.
func (in Inspector) packed(ctx context.Context, name string, size int64, z *zip.Reader) (all []Inspection) {
	p := packed{file: job.File{Name: name, Size: size, Dataset: string(in.Dataset), Settings: in.Settings}, kept: &in.Kept}
	err := p.list(z)
	if err == nil {
		err = checkSizes(map[int]packed{0: p})
	}
	if err != nil {
		return []Inspection{{File: name, Err: err}}
	}
	others := p.others
	in.Beside = in.Beside || len(p.entries)+len(p.tabs) > 1
	for _, e := range p.entries {
		prose, err := IsProse(ctx, job.File{Name: e.Name, Dataset: string(in.Dataset), Settings: in.Settings}, &in.Kept, e.Open)
		if err == nil && prose {
			others = append(others, e.Name)
			continue
		}
		all = append(all, in.entry(ctx, name+"/"+e.Name, e))
	}
	for i, t := range p.tabs {
		verdict := p.judgeTab(ctx, i)
		if verdict != nil && LeavesOut(t.title, verdict) {
			if !t.book.Hidden(t.n) {
				others = append(others, t.path())
			}
			continue
		}
		one, err := in.tab(ctx, p, i)
		if err = cmp.Or(verdict, err); err != nil {
			one.Err, one.Helps = err, nil
			one.Helps = one.helps()
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		all = []Inspection{{File: name, Err: p.noTable(others)}}
	} else if len(others) > 0 {
		all[0].Notes = append(all[0].Notes, "left out of "+name+": "+Listed(TellApart(others)))
	}
	return all
}

func (in Inspector) entry(ctx context.Context, name string, e *zip.File) Inspection {
	r, err := e.Open()
	if err != nil {
		return Inspection{File: name, Err: badZip("bad_zip", "This file in the ZIP is damaged; make the ZIP anew.")}
	}
	defer func() { _ = r.Close() }()
	return in.one(ctx, name, r)
}

// tab inspects the i-th tab of a file.
func (in Inspector) tab(ctx context.Context, p packed, i int) (out Inspection, err error) {
	defer func() { out.Helps = out.helps() }()
	f := p.part(len(p.entries) + i)
	out.File, out.Format = f.Name, "xlsx"
	text, err := p.beginning(ctx, i)
	if err != nil {
		return out, err
	}
	if out.Whole = len(text) <= inspectBytes; !out.Whole {
		text = text[:bytes.LastIndexByte(text[:inspectBytes], '\n')+1]
	}
	how := resolve(ctx, &in.Kept, beginningOf(text[:min(len(text), beginBytes)], true), hintOf(f))
	how.hint.Beside = in.Beside
	out.Tab, out.Settings, out.Kept = f.Tab, how.settings(), how.kept
	in.read(ctx, &out, f, how, text)
	out.Delimiter = ""
	return out, nil
}

// one inspects a file that is no ZIP.
func (in Inspector) one(ctx context.Context, name string, r io.Reader) (out Inspection) {
	out.File = name
	defer func() { out.Helps = out.helps() }()
	head, err := inspectHead(r)
	if err != nil {
		out.Err = err
		return out
	}
	whole := len(head) <= inspectBytes
	if end := bytes.LastIndexByte(head, '\n'); !whole && end >= 0 {
		head = head[:end+1]
	}
	f := job.File{Name: name, Dataset: string(in.Dataset), Settings: in.Settings}
	how := reading{hint: hintOf(f), given: f.Settings}
	how.hint.Beside = in.Beside
	if f.Format = formatOf(head, name); f.Format == "" {
		begin := beginningOf(head[:min(len(head), beginBytes)], false)
		how = resolve(ctx, &in.Kept, begin, how.hint)
		in.chooseEncoding(&out, &how, begin, head)
	}
	f.Settings = how.settings()
	text, encoding, err := inspectText(ctx, head, f)
	if err != nil {
		out.Err = err
		return out
	}
	if f.Format = formatOf(text, name); f.Format == "" {
		if out.Err = source.Foreign(text); out.Err != nil {
			return out
		}
	}
	out.Format, out.Encoding, out.Settings, out.Kept, out.Whole = cmp.Or(f.Format, "csv"), encoding, f.Settings, how.kept, whole
	in.read(ctx, &out, f, how, text)
	return out
}

// chooseEncoding lists the encodings of a table and, if none was given or kept and it is no UTF-8,
// guesses one.
func (in Inspector) chooseEncoding(out *Inspection, how *reading, begin beginning, head []byte) {
	if begin.marked() || source.Foreign(head) != nil {
		return
	}
	out.Encodings = encodingsOf(head)
	if in.Guess && how.settings().Encoding == "" && len(out.Encodings) > 0 && out.Encodings[0] != nameUTF8 {
		out.Guessed, how.hint.Settings.Encoding = true, out.Encodings[0]
	}
}

// inspectHead reads the beginning of a file, unpacked if it is a .gz.
func inspectHead(r io.Reader) ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(r, inspectBytes+1))
	if err != nil || !bytes.HasPrefix(head, []byte(magicGzip)) {
		return head, err
	}
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err == nil {
		head, err = io.ReadAll(io.LimitReader(z, inspectBytes+1))
	}
	if err != nil && (len(head) == 0 || !errors.Is(err, io.ErrUnexpectedEOF)) { // only its beginning was there to unpack
		return nil, badZip("bad_gzip", "The .gz file is damaged or cut off; make it anew.")
	}
	return head, nil
}

// inspectText returns the beginning of a file in UTF-8, and the name of its encoding.
func inspectText(ctx context.Context, head []byte, f job.File) (text []byte, encoding string, err error) {
	enc, _, err := encodingOf(ctx, head[:min(len(head), beginBytes)], f, nil)
	if err != nil {
		return nil, "", err
	}
	if enc == nil {
		return head, "UTF-8", nil
	}
	in, err := asText(ctx, bytes.NewReader(head), f, nil)
	if err != nil {
		return nil, "", err
	}
	text, err = io.ReadAll(in)
	return text, fmt.Sprint(enc), err
}

// read looks at the header row and the rows.
func (in Inspector) read(ctx context.Context, out *Inspection, f job.File, how reading, text []byte) {
	var first *source.Place
	s, err := format(f).Scan(ctx, bytes.NewReader(text), how.hint, inspectBytes, func(p source.Piece) error {
		if first == nil {
			first = &p.Place
		}
		return nil
	})
	out.Dataset, out.Delimiter, out.Settings, out.Notes = s.Dataset, s.Delimiter, s.Settings, append(how.notes(s), s.Notes...)
	if s.Told != "" {
		out.Kept = ""
	}
	if f.Format == "" && s.Dataset != "" { // also if a column is missing: then it may have another name
		out.Columns = csvsource.Columns(s)
	}
	if err != nil {
		if out.Err = how.explain(err, s); fault.CodeOf(err) == source.CodeBadEncoding {
			out.Encoding = ""
		}
		return
	}
	out.place = func(line int64, column string) string {
		f.Header, f.Dataset, f.Settings = s.Header, string(s.Dataset), s.Settings
		return PlaceOf(f, line, column)
	}
	if first == nil {
		return
	}
	if f.Format == "" {
		out.HeaderLine = first.Line - 1
	}
	rows, err := format(f).Open(io.NopCloser(bytes.NewReader(text[first.Offset:])), s, *first, in.Now)
	if err == nil {
		err = out.readRows(ctx, rows, int64(len(text)))
	}
	if err != nil {
		out.Err = err
	}
}

// readRows reads all rows. size is how many bytes of the file were read.
func (out *Inspection) readRows(ctx context.Context, rows source.Rows, size int64) error {
	defer func() { _ = rows.Close() }()
	said := map[string]bool{}
	for {
		row, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			out.Notes = append(out.Notes, rows.Remarks().Sentences()...)
			return nil
		}
		if err != nil {
			return err
		}
		rec, problem := rows.Record()
		if problem != nil && !out.Whole && row.Offset+row.Length >= size {
			continue // the rest of the row was not read
		}
		out.Read++
		if problem != nil {
			out.Rejected++
			if help := optionsIn(problem.Message); len(help) > 0 && !said[problem.Column+problem.Code] {
				said[problem.Column+problem.Code] = true
				out.Helps = append(out.Helps, help...)
			}
		}
		if len(out.Rows) < inspectRows {
			out.Rows = append(out.Rows, out.rowOf(row, rec, problem))
		}
	}
}

func (out *Inspection) rowOf(row source.Row, rec billing.Record, problem *billing.Problem) InspectedRow {
	r := InspectedRow{Line: row.Line, Place: out.place(row.Line, ""), Dataset: row.Dataset, Problem: problem}
	if problem != nil {
		r.Place = out.place(row.Line, problem.Column)
		return r
	}
	if e, is := rec.(*billing.Edit); is {
		return r.edit(e)
	}
	b := table.NewBuilder()
	store.EncodeRecord(b, rec)
	r.Record = plain(b.Attrs())
	if out.Settings.Values().Units && (row.Dataset == billing.LineItems || row.Dataset == billing.Transactions) {
		inUnits(row.Dataset, r.Record)
	}
	return r
}

// inUnits writes the amounts of a record as units. They are still in ten-thousandths, since only the
// invoice tells their currency.
func inUnits(ds billing.Dataset, record map[string]any) {
	for _, f := range billing.FieldsOf(ds) {
		if n, ok := record[f.Name].(int64); ok && f.Is == "cents" {
			record[f.Name] = strconv.FormatFloat(float64(n)/1e4, 'f', -1, 64)
		}
	}
}

// helps lists the options that messages about the file name, each once, without those with which it was read.
func (out *Inspection) helps() []string {
	all := out.Helps
	if out.Err != nil {
		all = append(all, optionsIn(out.Err.Error())...)
	}
	for _, note := range out.Notes {
		all = append(all, optionsIn(note)...)
	}
	var once []string
	given := optionsIn(out.Settings.String())
	for _, h := range all {
		if !slices.Contains(once, h) && !slices.Contains(given, h) {
			once = append(once, h)
		}
	}
	return once
}

// optionsIn finds the options that a message names with a value.
func optionsIn(message string) []string {
	return regexp.MustCompile(`--(?:encoding|delimiter|skip-lines|map|date-format|amounts|decimal|ids) (?:"[^"]*"|[^\s"]*[^\s".,;:)])`).FindAllString(message, -1)
}

// Understood reports whether the file would be imported, and not all of its rows rejected.
func (out *Inspection) Understood() bool {
	return out.Err == nil && (out.Read == 0 || out.Rejected < out.Read)
}
