package billing

import (
	"strings"
	"time"
)

// DateOrder is the order of day, month and year in dates that are written with numbers only. Its
// text stands in sentences; empty means that the order is not known.
type DateOrder string

// The orders.
const (
	DayFirst   DateOrder = "day first"   // 31.12.2024, 31/12/2024
	MonthFirst DateOrder = "month first" // 12/31/2024
	YearFirst  DateOrder = "year first"  // 2024/12/31
)

// Example spells the second of January 2024 in the order.
func (o DateOrder) Example() string {
	switch o {
	case DayFirst:
		return "02/01/2024"
	case MonthFirst:
		return "01/02/2024"
	case YearFirst:
		return "2024/01/02"
	}
	return ""
}

// OrderIn is the order of dates in a locale such as en_US, as Unicode's CLDR has it. It is empty if
// the order is not known, or differs between the countries of a language that stands alone.
func OrderIn(locale string) DateOrder {
	locale = strings.ReplaceAll(locale, "-", "_")
	language, country, _ := strings.Cut(locale, "_")
	if i := strings.LastIndexByte(country, '_'); i >= 0 { // zh_Hant_TW
		country = country[i+1:]
	}
	for _, name := range [...]string{language + "_" + country, language} {
		for _, list := range orders {
			if strings.Contains(list.locales, " "+name+" ") {
				return list.order
			}
		}
	}
	if language == "en" && country != "" {
		return DayFirst
	}
	return ""
}

// orders lists locales by the order of their dates: languages, and countries that differ from them.
//
//nolint:gochecknoglobals // a constant
var orders = []struct {
	order   DateOrder
	locales string
}{
	{MonthFirst, " en_US en_PH en_PR en_GU en_VI fil es_PA es_PR "},
	{YearFirst, " en_CA en_ZA eu fr_CA hu ja ko lt mn sv zh "},
	{DayFirst, " az be bg bn bs ca cs cy da de el es et fi fr gl he hi hr hy id is it iw ka kk lv mk ms nb nl nn no pl pt ro ru sk sl sq sr tr uk vi zh_HK zh_MO "},
}

// ReadDate reads a date that is not ISO 8601, with a time of day or without, in one of the usual
// forms. Of those with numbers only, it takes those of the order, and those that begin with a year of
// four digits. Two digits of a year are 2000 to 2099. ok is false if it is no such date.
func ReadDate(s string, order DateOrder) (t time.Time, ok bool) {
	if order == YearFirst {
		s = strings.TrimSuffix(strings.ReplaceAll(s, ". ", "."), ".") // Hungarian and Korean: 2024. 01. 31.
	}
	for _, r := range readings(s) {
		if r.date.isIn(order) {
			return r.at, true
		}
	}
	return time.Time{}, false
}

// isIn reports whether a form leaves no doubt in an order.
func (f usualForm) isIn(order DateOrder) bool {
	switch {
	case strings.Contains(f.text, "MMM"), f.parts[0] == "YYYY":
		return true
	case f.text[0] == 'D':
		return order == DayFirst
	}
	return order == MonthFirst
}
