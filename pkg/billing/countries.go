package billing

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// countries.txt has one country a line: alpha-2, alpha-3, English name, other
// names. It is a table of our own because the one of x/text costs 3,000
// allocations at every start of a process, used or not; a test compares the two.
//
//go:embed countries.txt
var countryList string

//go:embed states.txt
var stateList string

type places struct {
	code map[string]string // by name or code, as appendPlaceKey spells it
	name map[string]string // by code
}

// readPlaces reads lines of code;name;… where every field also means the code.
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

// appendPlaceKey spells a place's name with lower-case ASCII letters only:
// "Côte d’Ivoire" and "COTE D'IVOIRE" are one place. What so becomes as short
// as a code keeps its punctuation, because "N/A" is not Namibia.
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

// ParseCountry reads a country's English name or ISO 3166-1 code, regardless
// of case and accents, as its alpha-2 code.
func ParseCountry(s string) (string, error) {
	code, ok := countries().find(s)
	if !ok {
		return "", invalid(CodeUnknownCountry,
			"This is not a country; use its English name or its two-letter code, such as DE for Germany.")
	}
	return code, nil
}

// CountryName is the English name of an alpha-2 code; empty if there is none.
func CountryName(alpha2 string) string { return countries().name[alpha2] }

// ParseState reads a US state's name or code ("California", "ca", "US-CA") as
// "US-CA". Of other countries, and where it is no known state, it is kept
// as it was written (product facts §1.2). country is an alpha-2 code or empty.
func ParseState(country, s string) string {
	if country != "" && country != "US" {
		return s
	}
	if code, ok := states().find(s); ok {
		return code
	}
	return s
}

// StateName is the name behind a code like "US-CA"; anything else is its own name.
func StateName(state string) string {
	if name, ok := states().name[state]; ok {
		return name
	}
	return state
}
