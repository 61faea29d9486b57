package source

import (
	"cmp"
	"slices"

	"reseed/pkg/billing"
)

// Settings say how to read a table that is right and only different. The zero value reads it as
// docs/FORMATS.md says. An NDJSON file has none of these choices.
type Settings struct {
	Encoding   string   `json:"encoding,omitempty"`    // a name of the WHATWG Encoding Standard; empty: UTF-8, or what a byte order mark says
	Delimiter  string   `json:"delimiter,omitempty"`   // one byte; empty: found from the header row
	SkipLines  int      `json:"skip_lines,omitempty"`  // physical lines before the header row; 0: title lines are found
	Map        []string `json:"map,omitempty"`         // "Customer ID=External ID": a column of the file, and the known column that it is; "=USD=Currency": a constant
	DateFormat string   `json:"date_format,omitempty"` // such as DD.MM.YYYY; empty: ISO 8601
	Amounts    string   `json:"amounts,omitempty"`     // [AmountsUnits]; empty: integer minor units
	Decimal    string   `json:"decimal,omitempty"`     // [DecimalComma]; empty: a point
	IDs        string   `json:"ids,omitempty"`         // [IDsVerbatim]; empty: ids that a spreadsheet has damaged are rejected
}

// Values of [Settings].
const (
	AmountsUnits = "units" // 12.50 in the invoice's currency
	DecimalComma = "comma"
	IDsVerbatim  = "verbatim"
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
	// datasets of earlier imports into the same source, by the digest of the header row; may be nil
	Known map[string]billing.Dataset
}
