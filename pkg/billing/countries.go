package billing

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// countryList has one country on each line: alpha-2 code, alpha-3 code, English name, other names.
// We keep our own list because golang.org/x/text makes 3,000 allocations for its list whenever a
// process starts, used or not. A test compares the two.
//
//go:embed countries.txt
var countryList string

//go:embed states.txt
var stateList string

type places struct {
	code map[string]string // by name or code, in the spelling of appendPlaceKey
	name map[string]string // by code
}

// readPlaces reads lines of the form code;name;…. Every field of a line stands for its code; name
// is the index of the field that names the place.
func readPlaces(list string, name int) *places {
	p := &places{map[string]string{}, map[string]string{}}
	for line := range strings.Lines(list) {
		fields := strings.Split(strings.TrimSpace(line), ";")
		p.name[fields[0]] = fields[name]
		for _, f := range fields {
			p.code[string(appendPlaceKey(nil, f))] = fields[0]
		}
	}
	return p
}

//nolint:gochecknoglobals // constants, which only the first use has to build
var (
	countries = sync.OnceValue(func() *places { return readPlaces(countryList, 2) })
	states    = sync.OnceValue(func() *places { return readPlaces(stateList, 1) })
)

// appendPlaceKey spells a place's name with lower-case letters and no accents, spaces or
// punctuation: "Côte d’Ivoire" and "COTE D'IVOIRE" have the same key. A text that would become as
// short as a code keeps its punctuation, because "N/A" is not Namibia (NA).
func appendPlaceKey(b []byte, s string) []byte {
	b = appendLetters(b, s)
	if len(b) <= 3 && len(b) < len(s) {
		b = append(b[:0], strings.ToLower(s)...)
	}
	return b
}

func appendLetters(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return appendAccented(b, s[i:])
		}
		b = appendLetter(b, s[i])
	}
	return b
}

func appendLetter(b []byte, c byte) []byte {
	switch c = lower(c); {
	case c >= 'a' && c <= 'z':
		return append(b, c)
	case c == '&':
		return append(b, "and"...)
	}
	return b
}

func appendAccented(b []byte, s string) []byte {
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r < utf8.RuneSelf:
			b = appendLetter(b, byte(r)) //nolint:gosec // below RuneSelf
		case unicode.IsLetter(r):
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
	}
	return b
}

func (p *places) find(s string) (string, bool) {
	var room [48]byte
	code, ok := p.code[string(appendPlaceKey(room[:0], s))]
	return code, ok
}

// ParseCountry reads a country's English name or ISO 3166-1 code, regardless of case and accents,
// and returns its alpha-2 code. The error is fault.Invalid, code unknown_country.
func ParseCountry(s string) (string, error) {
	code, ok := countries().find(s)
	if !ok {
		return "", invalid(CodeUnknownCountry,
			"This is not a country; use its English name or its two-letter code, such as DE for Germany.")
	}
	return code, nil
}

// CountryName returns the English name of the country with this alpha-2 code; empty if there is
// none.
func CountryName(alpha2 string) string { return countries().name[alpha2] }

// ParseState reads the name or code of a US state ("California", "ca", "US-CA") and returns its
// code ("US-CA"). An unknown state, or the state of another country, is returned as it was written.
// country is an alpha-2 code or empty.
func ParseState(country, s string) string {
	if country != "" && country != "US" {
		return s
	}
	if code, ok := states().find(s); ok {
		return code
	}
	return s
}

// StateName returns the name of the US state with a code such as "US-CA". It returns any other text
// unchanged.
func StateName(state string) string {
	if name, ok := states().name[state]; ok {
		return name
	}
	return state
}
