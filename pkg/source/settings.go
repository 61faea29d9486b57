package source

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

// Settings say how to read a table that is right and only different. The zero value reads it as
// docs/FORMATS.md says. An NDJSON file has none of these choices.
type Settings struct {
	Encoding   string   `json:"encoding,omitempty"`    // a name of the WHATWG Encoding Standard; empty: UTF-8, or what a byte order mark says
	Delimiter  string   `json:"delimiter,omitempty"`   // one byte, or [DelimiterTab]; empty: found from the header row
	SkipLines  int      `json:"skip_lines,omitempty"`  // physical lines before the header row; 0: title lines are found
	Map        []string `json:"map,omitempty"`         // "Customer ID=External ID": a column of the file, and the known column that it is; "=USD=Currency": a constant
	DateFormat string   `json:"date_format,omitempty"` // such as DD.MM.YYYY; empty: ISO 8601
	Amounts    string   `json:"amounts,omitempty"`     // [AmountsUnits] or [AmountsCents]; empty: cents, which are integer minor units
	Decimal    string   `json:"decimal,omitempty"`     // [DecimalComma] or [DecimalPoint]; empty: a point
	IDs        string   `json:"ids,omitempty"`         // [IDsVerbatim] or [IDsChecked]; empty: checked, which rejects ids that a spreadsheet has damaged
}

// Values of [Settings]. Of each two, the second is the same as none, and overrides what is kept.
const (
	AmountsUnits = "units" // 12.50 in the invoice's currency
	AmountsCents = "cents"
	DecimalComma = "comma"
	DecimalPoint = "point"
	IDsVerbatim  = "verbatim"
	IDsChecked   = "checked"

	DelimiterTab = "tab"
)

// Over returns these settings, with those of kept where these have none.
func (s Settings) Over(kept Settings) Settings {
	out := Settings{
		Encoding:   cmp.Or(s.Encoding, kept.Encoding),
		Delimiter:  cmp.Or(s.Delimiter, kept.Delimiter),
		SkipLines:  cmp.Or(s.SkipLines, kept.SkipLines),
		Map:        s.Map,
		DateFormat: cmp.Or(s.DateFormat, kept.DateFormat),
		Amounts:    cmp.Or(s.Amounts, kept.Amounts),
		Decimal:    cmp.Or(s.Decimal, kept.Decimal),
		IDs:        cmp.Or(s.IDs, kept.IDs),
	}
	if len(out.Map) == 0 {
		out.Map = slices.Clone(kept.Map)
	}
	return out
}

// OfRows returns those of the settings that say what columns and cells mean, without those that say
// how a file is encoded and cut into cells.
func (s Settings) OfRows() Settings {
	s.Encoding, s.Delimiter, s.SkipLines = "", "", 0
	return s
}

// Limits of [Settings].
const (
	MaxSkipLines = 1000
	MaxMappings  = 100
	maxMapBytes  = 4 << 10 // all mappings together: they are kept with each file of a job
)

// Check checks the settings. The error is fault.Invalid; Param is the setting, by its JSON name.
func (s Settings) Check() error {
	if e, err := htmlindex.Get(s.Encoding); s.Encoding != "" && (err != nil || e == encoding.Replacement) {
		return wrong("encoding", "There is no encoding of this name; usual ones are windows-1252, iso-8859-2, utf-16le, shift_jis and macintosh.")
	}
	if s.DateFormat != "" {
		if err := billing.CheckDateFormat(s.DateFormat); err != nil {
			return err
		}
	}
	isOne := func(word string, words ...string) bool { return word == "" || slices.Contains(words, word) }
	switch {
	case s.Delimiter != "" && !isDelimiter(s.Delimiter):
		return wrong("delimiter", `The delimiter is one character that separates cells, such as ";" or "|"; write tab for a tab.`)
	case s.SkipLines < 0 || s.SkipLines > MaxSkipLines:
		return wrong("skip_lines", "The number of lines before the header row is from 0 to "+strconv.Itoa(MaxSkipLines)+".")
	case !isOne(s.Amounts, AmountsUnits, AmountsCents):
		return wrong("amounts", "Amounts are in cents, such as 1250, or in units, such as 12.50.")
	case !isOne(s.Decimal, DecimalComma, DecimalPoint):
		return wrong("decimal", "The decimal sign is comma or point.")
	case !isOne(s.IDs, IDsVerbatim, IDsChecked):
		return wrong("ids", "Ids are read verbatim, as they stand, or checked: those that a spreadsheet has damaged are rejected.")
	}
	return s.checkMap()
}

func (s Settings) checkMap() error {
	if len(s.Map) > MaxMappings {
		return wrong("map", "There are more than "+strconv.Itoa(MaxMappings)+" columns in it.")
	}
	if len(strings.Join(s.Map, "")) > maxMapBytes {
		return wrong("map", "It is longer than "+strconv.Itoa(maxMapBytes>>10)+" KB.")
	}
	return billing.CheckMap(s.Map)
}

func isDelimiter(s string) bool {
	return s == DelimiterTab || s == `\t` || len(s) == 1 && s[0] > ' ' && s[0] <= '~' && !strings.ContainsAny(s, `"=`) && !isWord(s[0])
}

// isWord reports whether c is a letter or a digit of ASCII.
func isWord(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func wrong(param, text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "bad_setting", Param: param, Message: text}
}

// IsZero reports whether there are no settings.
func (s Settings) IsZero() bool { return len(s.options()) == 0 }

// String spells the settings as the options of a command, such as --decimal comma.
func (s Settings) String() string { return strings.Join(s.options(), " ") }

func (s Settings) options() (out []string) {
	skip := ""
	if s.SkipLines != 0 {
		skip = strconv.Itoa(s.SkipLines)
	}
	add := func(name, value string) {
		if strings.ContainsFunc(value, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("-_./:", r)
		}) {
			value = strconv.Quote(value)
		}
		if value != "" {
			out = append(out, "--"+name+" "+value)
		}
	}
	add("encoding", s.Encoding)
	add("delimiter", s.Delimiter)
	add("skip-lines", skip)
	for _, m := range s.Map {
		add("map", m)
	}
	add("date-format", s.DateFormat)
	add("amounts", s.Amounts)
	add("decimal", s.Decimal)
	add("ids", s.IDs)
	return out
}

// Values are the settings that say how cells write their values.
func (s Settings) Values() billing.Values {
	return billing.Values{
		DateFormat: s.DateFormat, Units: s.Amounts == AmountsUnits, DecimalComma: s.Decimal == DecimalComma, VerbatimIDs: s.IDs == IDsVerbatim,
	}
}

// Hint is what is known of a file before it is looked through.
type Hint struct {
	Name     string          // of the file, as the person named it
	Dataset  billing.Dataset // that it is said to hold; empty: to be found out
	Settings Settings        // given with the import
	// Kept counts for what was not given; but a rejects file that says how its rows were read beats
	// it.
	Kept Kept
	// Frozen says that a pull has written the file. A table is a frozen table of package grid: its cells are
	// between commas, and its n-th record is row n of a tab. NDJSON is what a billing system's objects were
	// mapped to: a line with _reject stands for one that could not be mapped, and says why. It may be empty.
	Frozen bool
	// Beside says that the import has other files: lines of the mapping may be about those, and are
	// left out of the settings in the shape then.
	Beside bool
	// datasets of earlier imports into the same source, by the digest of the header row; may be nil
	Known map[string]billing.Dataset
}

// Settled returns the hint with the dataset and the settings that count: those that were given, then
// those that a rejects file tells or, if it tells none, those that are kept.
func (h Hint) Settled(told Kept) Hint {
	then := told
	if told.Dataset == "" {
		then = h.Kept
	}
	h.Dataset, h.Settings, h.Kept = cmp.Or(h.Dataset, then.Dataset), h.Settings.Over(then.Settings), Kept{}
	return h
}
