package billing

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// usualForm is a form in which people write dates, or the times behind them.
type usualForm struct {
	text  string
	parts []string
	group int // forms of one group mean the same; the strictest of them comes first
}

//nolint:gochecknoglobals // constants, which only the first use has to build
var (
	usualDates = sync.OnceValue(func() []usualForm {
		return groups(
			"DD.MM.YYYY|D.M.YYYY", "DD/MM/YYYY|D/M/YYYY", "MM/DD/YYYY|M/D/YYYY", "DD-MM-YYYY|D-M-YYYY", "MM-DD-YYYY|M-D-YYYY",
			"YYYY-MM-DD|YYYY-M-D", "YYYY/MM/DD|YYYY/M/D", "YYYY.MM.DD|YYYY.M.D", "YYYYMMDD",
			"DD.MM.YY|D.M.YY", "DD/MM/YY|D/M/YY", "MM/DD/YY|M/D/YY",
			"DD-MMM-YYYY|D-MMM-YYYY", "DD-MMM-YY|D-MMM-YY", "DD MMM YYYY|D MMM YYYY|DD MMMM YYYY|D MMMM YYYY",
			"MMM DD YYYY|MMM D YYYY|MMMM DD YYYY|MMMM D YYYY", "MMM DD, YYYY|MMM D, YYYY|MMMM DD, YYYY|MMMM D, YYYY",
		)
	})
	usualTimes = sync.OnceValue(func() []usualForm {
		return groups(" HH:mm| H:mm", " HH:mm:ss| H:mm:ss", " hh:mm A| h:mm A", " hh:mm:ss A| h:mm:ss A",
			", HH:mm|, H:mm", ", HH:mm:ss|, H:mm:ss", ", hh:mm A|, h:mm A", ", hh:mm:ss A|, h:mm:ss A")
	})
)

func groups(texts ...string) (forms []usualForm) {
	for group, text := range texts {
		for form := range strings.SplitSeq(text, "|") {
			forms = append(forms, usualForm{form, partsOf(form), group})
		}
	}
	return forms
}

// reading is what a value means in one of the usual forms.
type reading struct {
	date  usualForm
	times []usualForm // how the time behind the date is written; empty if there is none
	at    time.Time
}

// format is the date format with which the value is read so.
func (r reading) format() string {
	if len(r.times) == 0 {
		return r.date.text
	}
	return r.date.text + r.times[0].text
}

// readings lists the usual forms that a value fits.
func readings(s string) (out []reading) {
	for _, form := range usualDates() {
		c, p := clock{}, scanner{rest: s}
		c.read(&p, form.parts)
		if _, ok := c.time(); !ok || p.bad {
			continue
		}
		r := reading{date: form}
		if p.rest != "" {
			r.times = timesBehind(&c, p.rest)
		}
		if p.rest == "" || len(r.times) > 0 {
			r.at, _ = c.time()
			out = append(out, r)
		}
	}
	return out
}

// timesBehind lists the forms that a time fits, and sets the clock to it.
func timesBehind(c *clock, s string) (out []usualForm) {
	for _, form := range usualTimes() {
		p, at := scanner{rest: s}, *c
		if at.read(&p, form.parts); !p.bad && p.rest == "" {
			*c, out = at, append(out, form)
		}
	}
	return out
}

// Codes of remarks about dates that are not ISO 8601: how many there are, and how many fit each of
// the usual forms, which stands behind the code.
const (
	remarkDates = "dates"
	remarkDate  = "date "
	remarkTimes = "times"
	remarkTime  = "time "
)

// unread says why a value is no date, and counts the forms that it fits.
func (c *cells) unread(cell *string, why error) error {
	all := readings(*cell)
	c.remark(remarkDates, cell)
	for i, r := range all {
		c.remark(remarkDate+r.date.text, cell)
		if i > 0 || len(r.times) == 0 {
			continue
		}
		c.remark(remarkTimes, cell)
		for _, form := range r.times {
			c.remark(remarkTime+form.text, cell)
		}
	}
	all = slices.CompactFunc(all, func(a, b reading) bool { return a.date.group == b.date.group })
	switch value := quoteNumber(*cell); {
	case len(all) == 1:
		return invalid(CodeNotADate, "%s is %s with --date-format %q (date_format over REST).", value, all[0].day(), all[0].format())
	case len(all) > 1:
		return invalid(CodeNotADate, "%s is %s with --date-format %q, or %s with %q (date_format over REST); say which.",
			value, all[0].day(), all[0].format(), all[1].day(), all[1].format())
	}
	if day, ok := dayNumber(*cell); ok {
		return invalid(CodeNotADate, "%s is how a spreadsheet counts the days up to %s; format the column as a date, like 2024-12-31, and export again.",
			quoteNumber(*cell), day.Format(time.DateOnly))
	}
	if at, ok := unixTime(*cell); ok {
		return invalid(CodeNotADate, "%s counts seconds or milliseconds from 1970 to %s; write it as a date, like 2024-12-31 18:30:00.",
			quoteNumber(*cell), at.Format(time.DateOnly))
	}
	return why
}

func (r reading) day() string { return r.at.Format(time.DateOnly) }

// dayNumber reads a date as spreadsheets keep it: days since 1899-12-30, with the time as a
// fraction. It reads five digits before the point: the years 1927 to 2173.
func dayNumber(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	days, ok := scanInteger(whole)
	if _, plain := scanInteger("0" + fraction); !ok || !plain || len(whole) != 5 || days < 10_000 {
		return time.Time{}, false
	}
	return time.Date(1899, 12, 30+int(days), 0, 0, 0, 0, time.UTC), true
}

// unixTime reads seconds or milliseconds since 1970, of the years 2001 to 2286.
func unixTime(s string) (time.Time, bool) {
	n, ok := scanInteger(s)
	switch {
	case !ok || s[0] == '-' || s[0] == '0':
	case len(s) == 10:
		return time.Unix(n, 0).UTC(), true
	case len(s) == 13:
		return time.UnixMilli(n).UTC(), true
	}
	return time.Time{}, false
}

// dateSentence says which of the usual forms all dates of a column fit that are not ISO 8601; empty
// if there is none.
func (r Remarks) dateSentence(column string) string {
	dates, times := r.all(column, remarkDate, remarkDates, usualDates()), r.all(column, remarkTime, remarkTimes, usualTimes())
	n := r.count(remarkDates, column)
	if len(dates) == 0 || len(times) == 0 && r.count(remarkTimes, column) > 0 {
		return ""
	}
	var formats []string
	for _, d := range dates {
		format := d.text
		if len(times) > 0 {
			format += times[0].text
		}
		formats = append(formats, strconv.Quote(format))
	}
	which := "cannot be read as dates like 2024-12-31, and all fit the date format " + formats[0] + ": import the file with --date-format " + formats[0] + " (date_format over REST)."
	if len(formats) > 1 {
		which = "cannot be read as dates like 2024-12-31, and all fit the date formats " + strings.Join(formats, " and ") + ": find out which one is meant, and import the file with it as --date-format (date_format over REST)."
	}
	return cellsOf(column, n) + " " + which
}

// all lists the forms that as many values of a column fit as there are; of each group, the
// strictest.
func (r Remarks) all(column, code, total string, forms []usualForm) (out []usualForm) {
	n := r.count(total, column)
	for _, form := range forms {
		if n > 0 && r.count(code+form.text, column) == n && (len(out) == 0 || out[len(out)-1].group != form.group) {
			out = append(out, form)
		}
	}
	return out
}
