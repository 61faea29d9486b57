package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"unicode"

	"reseed/pkg/fault"
)

// Header is the header row of a table, and what the person says about its columns. Columns are known
// by their names, regardless of case, spaces, punctuation and characters that nobody sees.
type Header struct {
	names     []string // as they stand in the file, without white space around
	keys      []string // the key of the known column that each is said to be, or of its name
	constants []constant
	mapping   []string // as given
}

// constant is the value that a known column has in every row.
type constant struct{ key, value string }

// NewHeader makes a header of a table's first row. Each line of mapping says what a column of the
// file is, such as "Customer ID=External ID", or what a column that the file lacks holds in every
// row, such as "=USD=Currency". It is split at the last equals sign. The error is fault.Invalid,
// bad_map, with the Param "map"; the header then has what the other lines say.
func NewHeader(names, mapping []string) (Header, error) {
	h := Header{names: make([]string, len(names)), keys: make([]string, len(names)), mapping: mapping}
	for i, name := range names {
		h.names[i] = strings.TrimSpace(name)
		h.keys[i] = headerKey(name)
	}
	if len(mapping) == 0 {
		return h, nil
	}
	var wrong error
	written := slices.Clone(h.keys)
	for _, line := range mapping {
		if err := h.say(line, written); wrong == nil {
			wrong = err
		}
	}
	if wrong != nil {
		return h, wrong
	}
	return h, h.checkTargets()
}

// say applies a line of a mapping. written are the keys of the columns as the file names them.
func (h *Header) say(line string, written []string) error {
	of, key, err := parseMap(line)
	if err != nil {
		return err
	}
	if value, ok := strings.CutPrefix(of, "="); ok {
		h.constants = append(h.constants, constant{key, strings.TrimSpace(value)})
		return nil
	}
	at := slices.Index(written, headerKey(of))
	if at < 0 || written[at] == "" {
		return badMap(line, "the file has no column "+quote(of)+"; its header row is read as "+h.String())
	}
	if h.keys[at] != written[at] && h.keys[at] != key {
		return badMap(line, "another line says that "+quote(of)+" is something else, and the other columns do not tell which; remove one of them, or import the file by itself")
	}
	h.keys[at] = key
	return nil
}

// parseMap takes a line of a mapping apart: what comes before the last equals sign, and the key of
// the known column behind it.
func parseMap(line string) (of, key string, err error) {
	of, target, ok := cutLast(line)
	key = headerKey(target)
	switch {
	case !ok || strings.Trim(of, "= ") == "":
		return "", "", badMap(line, `it must read "column of the file=known column" or "=value=known column"`)
	case !slices.ContainsFunc(sheets(), func(s sheet) bool { return s.column(key) >= 0 }):
		return "", "", badMap(line, "no dataset has the column "+quote(target))
	}
	return of, key, nil
}

// CheckMap checks a mapping before there is a file. It returns the errors of [NewHeader].
func CheckMap(mapping []string) error {
	for _, line := range mapping {
		if _, _, err := parseMap(line); err != nil {
			return err
		}
	}
	return nil
}

// Applicable returns the lines of a mapping that are about a file with these column names, which has
// rows of a dataset: those that name one of the columns, or none, and a column of the dataset. The
// dataset may be empty, if it is not known yet.
func Applicable(names, mapping []string, ds Dataset) []string {
	s, known := sheetOf(ds)
	return slices.DeleteFunc(slices.Clone(mapping), func(line string) bool {
		of, target, _ := cutLast(line)
		if known && s.column(headerKey(target)) < 0 {
			return true
		}
		key := headerKey(of)
		return !strings.HasPrefix(of, "=") && key != "" && !slices.ContainsFunc(names, func(name string) bool { return headerKey(name) == key })
	})
}

// UnusedMap is the error for a line of a mapping that is about none of several files.
func UnusedMap(line string) error {
	return badMap(line, "no file of this import has this column, or none is of a dataset that has the known one")
}

// checkTargets refuses a mapping that leaves a known column with two meanings.
func (h *Header) checkTargets() error {
	has := slices.Clone(h.keys)
	for _, c := range h.constants {
		has = append(has, c.key)
	}
	for _, line := range h.mapping {
		_, target, _ := cutLast(line)
		key := headerKey(target)
		if at := slices.Index(has, key); slices.Contains(has[at+1:], key) {
			return badMap(line, "the file has the column "+quote(target)+" already, or it is given twice")
		}
	}
	return nil
}

// checkMapping refuses a mapping to a column that the dataset does not have.
func (h *Header) checkMapping(s sheet) error {
	for _, line := range h.mapping {
		if _, target, _ := cutLast(line); s.column(headerKey(target)) < 0 {
			return badMap(line, plain(s.dataset)+" have no column "+quote(target))
		}
	}
	return nil
}

func cutLast(line string) (of, target string, ok bool) {
	at := strings.LastIndexByte(line, '=')
	if at < 0 {
		return "", "", false
	}
	return strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:]), true
}

func badMap(line, why string) error {
	return &fault.Error{Kind: fault.Invalid, Code: CodeBadMap, Param: "map", Message: "map " + quote(line) + ": " + why + "."}
}

// Digest is a short text that two headers have in common if they have the same columns, in any order.
// A mapping does not change it.
func (h Header) Digest() string {
	var keys []string
	for _, name := range h.names {
		if key := headerKey(name); key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	sum := sha256.Sum256([]byte(strings.Join(keys, ",")))
	return hex.EncodeToString(sum[:])
}

// String shows the header row to people.
func (h Header) String() string {
	const most = 12
	var shown []string
	for _, name := range h.names {
		if name != "" {
			shown = append(shown, quote(name))
		}
	}
	if len(shown) > most {
		shown = append(shown[:most], "…")
	}
	return strings.Join(shown, ", ")
}

// headerKey is what the spellings of a column's name have in common: its letters and digits, in
// lower case. "External ID *", "external_id" and "ExternalID" have the same.
func headerKey(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// SameColumn reports whether two names are spellings of one column's name.
func SameColumn(a, b string) bool { return headerKey(a) == headerKey(b) }

// headerWords are the words of a column's name, in lower case: "EventType" and "Event-type" have two.
func headerWords(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Cf, r): // nobody sees it
		case !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r):
			end()
		default:
			if n := len(word); n > 0 && unicode.IsUpper(r) && unicode.IsLower(word[n-1]) {
				end()
			}
			word = append(word, r)
		}
	}
	end()
	return words
}

// sheet is what a header is compared with: the columns of a dataset.
type sheet struct {
	dataset Dataset
	columns []column // as [columnsOf] lists them
	keys    []string // of each
}

// column returns the number of the column with a key, or -1.
func (s sheet) column(key string) int {
	if key == "" {
		return -1
	}
	return slices.Index(s.keys, key)
}

// sheets lists the columns of all datasets, in the order of imports.
//
//nolint:gochecknoglobals // made once, of the tags of the row structs
var sheets = sync.OnceValue(func() []sheet {
	var all []sheet
	for _, ds := range Order() {
		s := sheet{dataset: ds, columns: datasetColumns(ds)}
		for _, c := range s.columns {
			s.keys = append(s.keys, headerKey(c.name))
		}
		all = append(all, s)
	}
	return all
})

func sheetOf(ds Dataset) (sheet, bool) {
	all := sheets()
	if i := slices.IndexFunc(all, func(s sheet) bool { return s.dataset == ds }); i >= 0 {
		return all[i], true
	}
	return sheet{}, false
}

// Column is what a column of a file means.
type Column struct {
	Name  string // in the file; of a value for all rows "=USD"
	Field Field  // zero: it is ignored
	// of one that is ignored: the column of the dataset that it seems to be; empty if there is none
	Nearest string
}

// Columns says what the columns of the header mean in a dataset, and the values that it holds in all
// rows. A column without a name is left out.
func (h Header) Columns(ds Dataset) []Column {
	s, _ := sheetOf(ds)
	known := map[string]Field{}
	for _, f := range FieldsOf(ds) {
		known[headerKey(f.Column)] = f
	}
	delete(known, "")
	var out []Column
	for i, name := range h.names {
		c := Column{Name: name, Field: known[h.keys[i]]}
		if c.Field.Name == "" {
			if near := h.meant(i, s); near != nil {
				c.Nearest = near.name
			}
		}
		if name != "" {
			out = append(out, c)
		}
	}
	for _, c := range h.constants {
		out = append(out, Column{Name: "=" + c.value, Field: known[c.key]})
	}
	return out
}

// Named returns the dataset that a file is named like, such as "Line items.csv"; empty if there is
// none.
func Named(file string) Dataset {
	file = file[strings.LastIndexAny(file, `/\`)+1:]
	for _, end := range []string{".gz", ".csv", ".tsv", ".txt"} {
		if at := len(file) - len(end); at > 0 && strings.EqualFold(file[at:], end) {
			file = file[:at]
		}
	}
	for _, ds := range Order() {
		if headerKey(file) == headerKey(string(ds)) {
			return ds
		}
	}
	return ""
}

// plain is a dataset as people say it.
func plain(ds Dataset) string { return strings.ReplaceAll(string(ds), "_", " ") }
