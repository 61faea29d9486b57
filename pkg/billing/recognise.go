package billing

import (
	"cmp"
	"slices"
	"strings"

	"reseed/pkg/fault"
)

// fit is how well a header suits a dataset.
type fit struct {
	sheet   sheet
	known   int       // columns of the dataset that the header has
	missing []*column // required ones that it lacks
}

func (f fit) fits() bool { return len(f.missing) == 0 && f.known > 0 }

func (h Header) fit(s sheet) fit {
	f := fit{sheet: s}
	for i, key := range s.keys {
		switch {
		case h.has(key):
			f.known++
		case s.columns[i].required:
			f.missing = append(f.missing, &s.columns[i])
		}
	}
	return f
}

// Fit says how many columns of a dataset a header has, and whether those that the dataset requires
// are among them; of the dataset that it fits best if ds is empty.
func (h Header) Fit(ds Dataset) (known int, fits bool) {
	for _, s := range sheets() {
		if ds != "" && ds != s.dataset {
			continue
		}
		f := h.fit(s)
		if ok := f.fits(); ok && !fits || ok == fits && f.known > known {
			known, fits = f.known, ok
		}
	}
	return known, fits
}

// LooksLikeHeader reports whether a row of a table is a header row rather than data: at least half
// of its cells name columns of a dataset, and these are more than two, or two and all that it
// requires.
func LooksLikeHeader(cells []string) bool {
	h, _ := NewHeader(cells, nil) // only a mapping can be wrong
	named := 0
	for _, name := range h.names {
		if name != "" {
			named++
		}
	}
	return slices.ContainsFunc(sheets(), func(s sheet) bool {
		f := h.fit(s)
		return 2*f.known >= named && (f.known > 2 || f.known > 1 && f.fits())
	})
}

func (h Header) has(key string) bool {
	return slices.Contains(h.keys, key) || slices.ContainsFunc(h.constants, func(c constant) bool { return c.key == key })
}

// Recognise is [Header.Recognise] of a header without a mapping.
func Recognise(header []string) (Dataset, error) {
	h, err := NewHeader(header, nil)
	if err != nil {
		return "", err
	}
	return h.Recognise()
}

// Recognise returns the dataset that the header suits best, by the columns that it has and lacks, if
// nothing in the header points elsewhere. The error is fault.Invalid: missing_column if the header
// lacks a column that this dataset requires; which_dataset if the header has columns that the dataset
// does not, and these carry the meaning of a row or are more than the others, or the rows get their
// meaning from a column that is not there; unrecognised_header_row if it has too little in common with
// every dataset.
func (h Header) Recognise() (Dataset, error) {
	nearest := h.nearest()
	best := nearest[0]
	switch {
	case best.fits() && h.clear(best):
		return best.sheet.dataset, nil
	case best.fits():
		return "", h.question(nearest)
	case best.known > 1:
		return "", h.missingColumn(best)
	}
	return "", h.unrecognised()
}

// nearest lists all datasets, the one that the header suits best first.
func (h Header) nearest() []fit {
	var all []fit
	for _, s := range sheets() {
		all = append(all, h.fit(s))
	}
	slices.SortStableFunc(all, func(a, b fit) int {
		return cmp.Or(cmp.Compare(b.known-len(b.missing), a.known-len(a.missing)), cmp.Compare(b.known, a.known))
	})
	return all
}

// clear reports whether nothing in the header says that it is of another dataset than f's.
func (h Header) clear(f fit) bool {
	unknown := h.unknown(f.sheet)
	if h.unsaid(f.sheet) != "" {
		return len(unknown) == 0
	}
	return len(unknown) <= f.known && !slices.ContainsFunc(unknown, func(i int) bool { return h.pointsElsewhere(i, f.sheet) })
}

// unsaid says what each row of a dataset would mean because the header has no column that says
// otherwise; empty if its columns say all. Any column that is not read may say otherwise.
func (h Header) unsaid(s sheet) string {
	switch {
	case s.dataset == Cancellations:
		return "each row would cancel a subscription"
	case s.dataset == Transactions && !h.has(headerKey(columnOfAmount)):
		return "each row would be of its whole invoice"
	}
	return ""
}

// columnOfAmount is the column of transactions whose absence has a meaning.
const columnOfAmount = "Amount in cents"

// pointsElsewhere reports whether a column that a dataset does not have carries the meaning of a row:
// by its name, because it is the id of another dataset that the header suits too, or because it seems
// to be one of the dataset's own amounts under another name.
func (h Header) pointsElsewhere(i int, s sheet) bool {
	switch h.keys[i] {
	case "customer", "customerid": // a customer refers to no other
		return s.dataset == Customers
	}
	if carriesMeaning(h.names[i]) {
		return true
	}
	if c := h.meant(i, s); c != nil && c.is == "cents" {
		return true
	}
	return slices.ContainsFunc(sheets(), func(other sheet) bool {
		at := other.column(h.keys[i])
		return at >= 0 && other.columns[at].is == "id" && h.fit(other).fits()
	})
}

// unknown lists the columns of the header that a dataset does not have.
func (h Header) unknown(s sheet) []int {
	var out []int
	for i, name := range h.names {
		if name != "" && s.column(h.keys[i]) < 0 {
			out = append(out, i)
		}
	}
	return out
}

// meant returns the column of a dataset that an unknown column of the header seems to be; nil if there
// is none, or the header has that column too.
func (h Header) meant(i int, s sheet) *column {
	at, most := -1, 0.0
	for n, c := range s.columns {
		like := likeness(h.names[i], c.name, s.dataset)
		if like > 0 && c.required && !h.has(s.keys[n]) {
			like++ // the file cannot be without it
		}
		if like > most {
			at, most = n, like
		}
	}
	if at < 0 || h.has(s.keys[at]) {
		return nil
	}
	return &s.columns[at]
}

// NotRead says for people which unknown columns of the header seem to be columns of the dataset.
func (h Header) NotRead(ds Dataset) []string {
	s, ok := sheetOf(ds)
	if !ok {
		return nil
	}
	var out []string
	for _, i := range h.unknown(s) {
		if c := h.meant(i, s); c != nil {
			out = append(out, "the column "+quote(h.names[i])+" is not read; if it is "+quote(c.name)+", import with "+asMap(h.names[i], c.name))
		}
	}
	return out
}

const longestName = 60 // of a column, in bytes, that a message tells how to map

// asMap writes a mapping as it is given, with what else is to be given to a column of amounts. The
// white space in a name does not matter.
func asMap(name, column string) string {
	given := `--map "` + strings.Join(strings.Fields(name), " ") + "=" + column + `"`
	if strings.ContainsRune(name, '@') || len(name) > longestName {
		given = "--map"
	}
	if isCents(column) && !callsCents(name) {
		given += ", and --amounts units for amounts like 12.50"
	}
	return given
}

// isCents reports whether the known column of this name holds amounts.
func isCents(name string) bool {
	return slices.ContainsFunc(sheets(), func(s sheet) bool {
		at := s.column(headerKey(name))
		return at >= 0 && s.columns[at].is == "cents"
	})
}

// CheckAmounts refuses transactions that have no column for amounts, and a column that is not read but
// seems to be that: each would be of its whole invoice. The error is fault.Invalid, missing_column.
func (h Header) CheckAmounts(ds Dataset) error {
	s, ok := sheetOf(ds)
	if !ok || ds != Transactions || h.unsaid(s) == "" {
		return nil
	}
	for _, i := range h.unknown(s) {
		name := h.names[i]
		if c := h.meant(i, s); (c == nil || c.name != columnOfAmount) && !callsAmount(name) {
			continue
		}
		return &fault.Error{
			Kind: fault.Invalid, Code: CodeMissingColumn, Param: columnOfAmount,
			Message: "The column " + quote(columnOfAmount) + " is missing, and " + quote(name) + " seems to be it: without it, " + h.unsaid(s) +
				". If it is, import with " + asMap(name, columnOfAmount) + "; if not, remove it from the file.",
		}
	}
	return nil
}

// ReadAsCents says for people which columns of other names are mapped to amounts, and so are read as
// minor units.
func (h Header) ReadAsCents(ds Dataset) []string {
	s, _ := sheetOf(ds)
	var out []string
	for i, name := range h.names {
		at := s.column(h.keys[i])
		if at >= 0 && s.columns[at].is == "cents" && h.keys[i] != headerKey(name) && !callsCents(name) {
			out = append(out, "the column "+quote(name)+" is read as cents: 1250 is 12.50; import with --amounts units if it is in units")
		}
	}
	return out
}

// question asks which of the two nearest datasets a file is of.
func (h Header) question(nearest []fit) error {
	var could, maps, files []string
	for _, f := range nearest[:2] {
		if f.known > 0 {
			text, mend := h.against(f)
			could, maps = append(could, text), append(maps, mend...)
			if h.CheckAmounts(f.sheet.dataset) == nil {
				files = append(files, `"`+string(f.sheet.dataset)+`.csv"`)
			}
		}
	}
	if len(maps) == 0 {
		maps = []string{"--map"}
	}
	return &fault.Error{
		Kind: fault.Invalid, Code: CodeWhichDataset, Param: "dataset",
		Message: "It is not clear which dataset the file is of. Its header row is read as " + h.String() + ". It could be " +
			strings.Join(could, "; or ") + ". Say what it is with --dataset, with " + maps[0] + ", or by the name of the file: " + strings.Join(files, " or ") +
			". This source then knows the header row.",
	}
}

// against names a dataset and what speaks against it, and says which mappings would mend that.
func (h Header) against(f fit) (text string, maps []string) {
	perhaps := func(name, column, other string) string {
		maps = append(maps, asMap(name, column))
		return " (perhaps " + quote(other) + ")"
	}
	var lacks, strange []string
	for _, c := range f.missing {
		lack := quote(c.name)
		if name := h.named(c, f.sheet); name != "" {
			lack += perhaps(name, c.name, name)
		}
		lacks = append(lacks, lack)
	}
	for _, i := range h.unknown(f.sheet) {
		c, name := h.meant(i, f.sheet), quote(h.names[i])
		switch {
		case c != nil && c.required: // it is among what lacks
		case c != nil && c.is == "cents":
			strange = append(strange, name+perhaps(h.names[i], c.name, c.name))
		default:
			strange = append(strange, name)
		}
	}
	var but []string
	if len(lacks) > 0 {
		but = append(but, "need "+several(lacks))
	}
	if len(strange) > 0 {
		but = append(but, "have no column "+several(strange))
	}
	text = plain(f.sheet.dataset) + ", which " + strings.Join(but, " and ")
	if unsaid := h.unsaid(f.sheet); unsaid != "" && f.fits() {
		text += ", so that " + unsaid
	}
	return text, maps
}

// named returns the name of the first column that seems to be a column of a dataset.
func (h Header) named(c *column, s sheet) string {
	for _, i := range h.unknown(s) {
		if h.meant(i, s) == c {
			return h.names[i]
		}
	}
	return ""
}

// several lists at most four names for people.
func several(names []string) string {
	const most = 4
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return strings.Join(names, ", ")
}

// missingColumn says which required columns a header lacks, and which of its own they may be.
func (h Header) missingColumn(f fit) error {
	first := f.missing[0]
	message := "The column " + quote(first.name) + " is missing; a file of " + plain(f.sheet.dataset) + " needs it"
	var more, maps []string
	for _, c := range f.missing {
		if c != first {
			more = append(more, quote(c.name))
		}
		if name := h.named(c, f.sheet); name != "" {
			maps = append(maps, " If "+quote(name)+" is "+quote(c.name)+", import with "+asMap(name, c.name)+".")
		}
	}
	if len(more) > 0 {
		message += ", and " + several(more)
	}
	return &fault.Error{
		Kind: fault.Invalid, Code: CodeMissingColumn, Param: first.name,
		Message: message + ". The header row is read as " + h.String() + "." + strings.Join(maps, "") + h.likeData(),
	}
}

// unrecognised says that a header is of no dataset, and which known columns its own are near to.
func (h Header) unrecognised() error {
	var near []string
	for _, i := range h.misspelt() {
		c := h.nearMiss(i)
		near = append(near, quote(h.names[i])+" may be "+quote(c)+" ("+asMap(h.names[i], c)+")")
	}
	message := "The first row is not the header of any known file; it must name columns such as " + quote(ColumnID(Customers)) +
		". It is read as " + h.String() + "." + h.likeData()
	if len(near) > 0 {
		message += " " + several(near) + "."
	}
	return invalid(CodeUnknownHeader, "%s", message)
}

// misspelt lists the columns that no dataset has, if a known column has nearly the same name.
func (h Header) misspelt() []int {
	var out []int
	for i, key := range h.keys {
		known := slices.ContainsFunc(sheets(), func(s sheet) bool { return s.column(key) >= 0 })
		if !known && len(h.names[i]) <= longestName && h.nearMiss(i) != "" {
			out = append(out, i)
		}
	}
	return out
}

// nearMiss returns the known column whose name is most like the name of a column of the header; empty
// if none is like it.
func (h Header) nearMiss(i int) string {
	best, most := "", 0.0
	for _, s := range sheets() {
		for _, c := range s.columns {
			if like := likeness(h.names[i], c.name, s.dataset); like > most {
				best, most = c.name, like
			}
		}
	}
	return best
}

// likeData says so if the header row looks like a row of data.
func (h Header) likeData() string {
	digits := false
	for _, name := range h.names {
		if isData(name) {
			return noHeader
		}
		digits = digits || strings.ContainsAny(name, "0123456789")
	}
	if known, _ := h.Fit(""); known == 0 && digits {
		return noHeader
	}
	return ""
}

const noHeader = " This looks like data: the file seems to have no header row. Put one above the rows."

// isData reports whether a cell holds what no column is called: an e-mail address, a date or a number.
func isData(cell string) bool {
	if _, err := ParseTime(cell); err == nil {
		return true
	}
	return CheckEmail(cell) == nil || cell != "" && strings.Trim(cell, "0123456789.,:/-+ ") == ""
}
