package console

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// uploadPage shows how the files of an upload are read, before any row is imported.
type uploadPage struct {
	base
	Source   wire.Source
	Upload   *wire.Upload
	Mode     string
	Remember bool
	Files    []fileCard
	Problem  string
}

// fileCard is a file of an upload, with the ways in which it can be read.
type fileCard struct {
	wire.UploadFile
	How        wire.Reading // as it is read
	Problem    string       // with what was chosen
	Datasets   []option
	Encodings  []option
	Delimiters []option
	Amounts    []option
	Decimals   []option
	IDs        []option
	Parts      []partCard
	Constants  []string // lines of the mapping that no column shows
}

// partCard is a file or, of a ZIP or a workbook, a file or tab in it.
type partCard struct {
	wire.Inspection
	Unknown []columnCard
	Fields  []fieldHead // of the rows that are shown
	Lines   []rowCard
}

// fieldHead is a field of the rows that are shown.
type fieldHead struct {
	Name   string
	Number bool // its values are numbers
}

// Label is the name for people.
func (f fieldHead) Label() string { return fieldName(f.Name) }

// columnCard is a column that is not known by itself, and what it can be taken for.
type columnCard struct {
	wire.InspectedColumn
	Choices []option
}

// rowCard is a row as it would be read, or why it would be rejected.
type rowCard struct {
	Place  string
	Cells  []rowCell
	Reason string
}

// rowCell is a value of a row.
type rowCell struct {
	Text   string
	Number bool
}

// option is a choice of a picker.
type option struct {
	Value, Text string
	Chosen      bool
}

// options makes choices of pairs of a value and its text. One that is not among them is added.
func options(chosen string, pairs ...string) (out []option) {
	known := false
	for pair := range slices.Chunk(pairs, 2) {
		is := pair[0] == chosen
		known = known || is
		out = append(out, option{pair[0], pair[len(pair)-1], is})
	}
	if !known {
		out = append(out, option{chosen, chosen, true})
	}
	return out
}

// picker is a labelled choice about a file.
type picker struct {
	ID, Name, Label string
	Choices         []option
}

// pick makes the picker of a setting.
func pick(f fileCard, setting, label string, choices []option) picker {
	return picker{fmt.Sprintf("%s-%d", setting, f.Number), f.Prefix() + setting, label, choices}
}

// Prefix begins the names of the fields about the file.
func (f fileCard) Prefix() string { return strconv.Itoa(f.Number) + "." }

// Understood reports whether all that is in the file would be imported.
func (f fileCard) Understood() bool {
	return len(f.Parts) > 0 && !slices.ContainsFunc(f.Parts, func(p partCard) bool { return !p.Understood })
}

// Status says in a sentence how many of the files are understood.
func (p uploadPage) Status() string {
	understood, all := 0, 0
	for _, f := range p.Files {
		if f.How.LeftOut {
			continue
		}
		if all++; f.Understood() {
			understood++
		}
	}
	return fmt.Sprintf("%s, %d understood.", count(int64(all), "file", "files"), understood)
}

// showUpload is GET /sources/{id}/uploads/{upload}: the query says how the files are read.
func (c *Console) showUpload(v *visit) (answer, error) {
	p, err := v.uploadPage(v.URL.Query())
	if v.swaps() {
		return part("upload", "cards", p), err
	}
	return show("upload", p), err
}

// previewUpload is POST /sources/{id}/uploads/{upload}: it makes a plan.
func (c *Console) previewUpload(v *visit) (answer, error) {
	if err := v.ParseForm(); err != nil {
		return v.problem(http.StatusBadRequest, "This did not work", "The form did not come whole. Go back, and try again."), nil //nolint:nilerr // the page says it
	}
	p, err := v.uploadPage(v.PostForm)
	if err != nil {
		return answer{}, err
	}
	if p.Problem = p.unreadable(); p.Problem != "" {
		return refuse("upload", p), nil
	}
	order := wire.UploadImport{Upload: p.Upload.ID, Mode: p.Mode, Plan: true, Remember: p.Remember}
	for _, f := range p.Files {
		order.Files = append(order.Files, f.How)
	}
	j, err := v.client.ImportUpload(v.ctx(), p.Source.UUID, order)
	if e, ok := refusal(err, http.StatusUnprocessableEntity, http.StatusConflict); ok {
		p.Problem = e.Message
		return refuse("upload", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	return goTo("/jobs/" + j.ID), nil
}

// unreadable says which file stops an import of all, so that no import begins which can only fail;
// empty if there is none. Files whose rows would all be rejected do not: their rows can be corrected.
func (p uploadPage) unreadable() string {
	for _, f := range p.Files {
		if f.How.LeftOut {
			continue
		}
		stops := !f.Arrived || f.Problem != "" || slices.ContainsFunc(f.Parts, func(part partCard) bool { return part.Error != "" })
		if stops {
			return f.Name + " cannot be imported like this: say at the file how it is to be read, or leave it out. No preview was made."
		}
	}
	return ""
}

// discardUpload is POST /sources/{id}/uploads/{upload}/discard.
func (c *Console) discardUpload(v *visit) (answer, error) {
	err := v.client.DropUpload(v.ctx(), v.PathValue("id"), v.PathValue("upload"))
	if client.IsNotFound(err) { // twice
		err = nil
	}
	return goTo("/sources/" + url.PathEscape(v.PathValue("id")) + "/import"), err
}

// uploadPage inspects the files of an upload as a form says.
func (v *visit) uploadPage(form url.Values) (p uploadPage, err error) {
	p.base, p.Mode, p.Remember = v.base("Import: how the files are read", "sources"), importMode(form.Get("mode")), form.Get("remember") != ""
	if p.Source, err = v.uploadSource(); err != nil {
		return p, err
	}
	p.Upload, err = v.client.InspectUpload(v.ctx(), p.Source.UUID, v.PathValue("upload"))
	if err != nil {
		return p, err
	}
	for _, f := range p.Upload.Files {
		card := fileCard{UploadFile: f, How: readingOf(form, f.Number)}
		if err := v.inspect(&p, &card); err != nil {
			return p, err
		}
		card.offer()
		p.Files = append(p.Files, card)
	}
	return p, nil
}

// readingOf is what a form says about a file.
func readingOf(form url.Values, number int) wire.Reading {
	get := func(name string) string { return strings.TrimSpace(form.Get(strconv.Itoa(number) + "." + name)) }
	lines, _ := strconv.Atoi(get("skip_lines")) // what is no number is none
	r := wire.Reading{Number: number, Dataset: get("dataset"), LeftOut: get("left_out") != "", Settings: wire.Settings{
		Encoding: get("encoding"), Delimiter: get("delimiter"), SkipLines: max(0, lines), DateFormat: get("date_format"), Amounts: get("amounts"),
		Decimal: get("decimal"), IDs: get("ids"),
	}}
	for _, line := range form[strconv.Itoa(number)+".map"] {
		if line != "" && !slices.Contains(r.Map, line) {
			r.Map = append(r.Map, line)
		}
	}
	return r
}

// inspect inspects a file as it was chosen. If that is not the usual way, or if an encoding was
// guessed for some of several parts, it asks once more.
func (v *visit) inspect(p *uploadPage, f *fileCard) error {
	parts := f.UploadFile.Parts
	chosen := f.How.Dataset != "" || !reflect.DeepEqual(f.How.Settings, wire.Settings{})
	i := slices.IndexFunc(parts, func(in wire.Inspection) bool { return in.Guessed })
	if !chosen && i >= 0 {
		f.How.Encoding = parts[i].Settings.Encoding
		chosen = len(parts) > 1
	}
	if f.Arrived && !f.How.LeftOut && chosen {
		u, err := v.client.InspectFile(v.ctx(), p.Source.UUID, p.Upload.ID, f.How)
		e, ok := refusal(err, http.StatusUnprocessableEntity)
		switch {
		case ok:
			f.Problem = e.Message
		case err != nil:
			return err
		default:
			parts = u.Files[f.Number-1].Parts
		}
	}
	for _, in := range parts {
		if f.How.Encoding == "" && in.Guessed {
			f.How.Encoding = in.Settings.Encoding
		}
		f.Parts = append(f.Parts, f.part(in))
	}
	return nil
}

// shownRows is how many rows of a file are shown.
const shownRows = 5

// part makes the card of an inspected file.
func (f *fileCard) part(in wire.Inspection) partCard {
	p := partCard{Inspection: in}
	p.Notes = slices.DeleteFunc(slices.Clone(p.Notes), func(note string) bool { return strings.Contains(note, " --") }) // the pickers say it
	rows := in.Rows[:min(shownRows, len(in.Rows))]
	for _, name := range fieldsOf(in.Columns, rows) {
		p.Fields = append(p.Fields, fieldHead{name, slices.ContainsFunc(rows, func(r wire.InspectedRow) bool { return holdsNumber(name, r.Record) })})
	}
	for _, r := range rows {
		row := rowCard{Place: cmp.Or(r.Place, "line "+strconv.FormatInt(r.Line, 10)), Reason: r.Reason}
		for _, f := range p.Fields {
			row.Cells = append(row.Cells, rowCell{fieldText(f.Name, r.Record, "", in.Decimals), f.Number})
		}
		p.Lines = append(p.Lines, row)
	}
	return p
}

// holdsNumber reports whether a field of a row holds a number or an amount.
func holdsNumber(name string, row map[string]any) bool {
	_, is := row[name].(float64)
	return is && !isTime(name)
}

// fieldsOf lists the fields that the rows have, in the order of the columns.
func fieldsOf(columns []wire.InspectedColumn, rows []wire.InspectedRow) (fields []string) {
	var all []string
	for _, r := range rows {
		for name := range r.Record {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	for _, c := range columns {
		// Records have some fields under shorter names than files: a customer, a date, a note.
		short := strings.TrimPrefix(strings.TrimSuffix(c.Field, "_external_id"), "event_")
		for _, name := range []string{c.Field, short, strings.TrimSuffix(short, "s")} {
			if i := slices.Index(all, name); i >= 0 {
				fields, all = append(fields, name), slices.Delete(all, i, i+1)
				break
			}
		}
	}
	return append(fields, all...)
}

// offer makes the choices of the pickers.
func (f *fileCard) offer() {
	found, delimiter, encodings := "", "", []string{"", "recognised by itself"}
	mapped := slices.Clone(f.How.Map)
	for _, p := range f.Parts {
		found, delimiter = cmp.Or(found, p.Dataset), cmp.Or(delimiter, p.Delimiter)
		for _, e := range p.Encodings {
			if !slices.Contains(encodings, e) {
				encodings = append(encodings, e, e)
			}
		}
		for _, line := range p.Settings.Map {
			if !slices.Contains(mapped, line) {
				mapped = append(mapped, line)
			}
		}
	}
	datasets := []string{"", "recognised by its header row"}
	for _, ds := range []string{"plans", "customers", "contacts", "invoices", "line_items", "transactions", "subscription_events", "cancellations"} {
		datasets = append(datasets, ds, words(ds))
	}
	f.Datasets = options(f.How.Dataset, datasets...)
	f.Encodings = options(f.How.Encoding, encodings...)
	f.Delimiters = options(f.How.Delimiter, "", "recognised"+about(delimiter), ",", "comma", ";", "semicolon", "tab", "tab", "|", "vertical bar")
	f.Amounts = options(f.How.Amounts, "", "as usual", "cents", "in cents, such as 1250", "units", "in units, such as 12.50")
	f.Decimals = options(f.How.Decimal, "", "as usual", "point", "point, as in 12.50", "comma", "comma, as in 12,50")
	f.IDs = options(f.How.IDs, "", "as usual", "checked", "rejected if a spreadsheet has damaged them", "verbatim", "taken as they stand")
	f.offerColumns(mapped)
}

// about names a delimiter that was found.
func about(delimiter string) string {
	switch delimiter {
	case "":
		return ""
	case "\t":
		return ": tab"
	}
	return ": " + delimiter
}

// offerColumns makes the choices for columns that are not known by themselves. mapped is the mapping
// with which the file is read.
func (f *fileCard) offerColumns(mapped []string) {
	shown := map[string]bool{}
	for i := range f.Parts {
		p := &f.Parts[i]
		for _, c := range p.Columns {
			at := slices.IndexFunc(mapped, func(line string) bool { return strings.HasPrefix(line, c.Name+"=") })
			if c.Name == "" || c.Field != "" && at < 0 {
				continue
			}
			chosen, pairs := "", []string{"", "left out"}
			if at >= 0 {
				chosen, shown[mapped[at]] = mapped[at], true
				pairs = append(pairs, chosen, strings.TrimPrefix(chosen, c.Name+"="))
			}
			for _, known := range p.Unused {
				pairs = append(pairs, c.Name+"="+known, known)
			}
			p.Unknown = append(p.Unknown, columnCard{c, options(chosen, pairs...)})
		}
	}
	for _, line := range mapped {
		if !shown[line] {
			f.Constants = append(f.Constants, line)
		}
	}
}
