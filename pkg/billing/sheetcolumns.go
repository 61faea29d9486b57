package billing

import (
	"slices"
	"strings"
	"time"
)

// Holds says of each column of the header what it holds in a dataset (see [Field]); empty for a
// column that is not read.
func (h Header) Holds(ds Dataset) []string {
	s, _ := sheetOf(ds)
	out := make([]string, len(h.keys))
	for i, key := range h.keys {
		if at := s.column(key); at >= 0 {
			if out[i] = s.columns[at].is; out[i] == "" {
				out[i] = "text"
			}
		}
	}
	return out
}

// At returns the index of the column of the header that a problem of a row names, or -1.
func (h Header) At(column string) int {
	if column == "" {
		return -1
	}
	if at := slices.Index(h.names, column); at >= 0 && h.keys[at] == headerKey(column) {
		return at
	}
	return slices.Index(h.keys, headerKey(column))
}

// SpellTime spells a time of a table as its cells write times. If their date format has no time of
// day and t has one, it is spelled as if there were no format.
func (v Values) SpellTime(t time.Time) string {
	if v.DateFormat != "" {
		if f, err := compileDates(v.DateFormat); err == nil {
			if text, ok := f.spell(t.UTC()); ok {
				return text
			}
		}
	}
	return spellTime(t)
}

// spell is the opposite of parse. It leaves a time of day out if that is midnight; ok is false if
// the form has no place for what t holds.
func (f *dateForm) spell(t time.Time) (text string, ok bool) {
	parts := f.parts
	if t.Equal(t.Truncate(24 * time.Hour)) {
		parts = f.parts[:f.date]
	}
	var b strings.Builder
	for _, part := range parts {
		if layout := goLayout(part); layout != "" {
			b.WriteString(t.Format(layout))
		} else {
			b.WriteString(part)
		}
	}
	read, err := f.parse(b.String())
	return b.String(), err == nil && read.Equal(t)
}

// goLayout is a part of a date format as package time writes it; empty for a separator.
func goLayout(part string) string {
	switch part {
	case "YYYY":
		return "2006"
	case "YY":
		return "06"
	case "MMMM":
		return "January"
	case "MMM":
		return "Jan"
	case "MM":
		return "01"
	case "M":
		return "1"
	case "DD":
		return "02"
	case "D":
		return "2"
	}
	return goTimeLayout(part)
}

func goTimeLayout(part string) string {
	switch part {
	case "HH", "H":
		return "15"
	case "hh":
		return "03"
	case "h":
		return "3"
	case "mm":
		return "04"
	case "ss":
		return "05"
	case "A":
		return "PM"
	}
	return ""
}
