package billing

import (
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
)

// dateForm is a date format, compiled: the parts of a value, one behind the other.
type dateForm struct {
	text  string
	parts []string // parts of dateParts, or a separator
	date  int      // how many of them are the date; those behind it are the time
}

// dateParts are what a date format consists of, besides separators. Longer ones come first.
//
//nolint:gochecknoglobals // a constant
var dateParts = []string{"YYYY", "YY", "MMMM", "MMM", "MM", "M", "DD", "D", "HH", "H", "hh", "h", "mm", "ss", "A"}

// separators may stand between the parts of a date format.
const separators = " .,/:-_T"

// CheckDateFormat checks a date format, such as DD.MM.YYYY or M/D/YY h:mm A. It has a year (YYYY;
// YY is 2000 to 2099), a month (MM; M has no zero before it; MMM is Jan, MMMM January) and a day
// (DD or D) in any order. Behind them it may have a time: HH:mm, HH:mm:ss, H:mm, or hh:mm A and
// h:mm A with AM or PM. A format without a time may be spelled in small letters. The error is
// fault.Invalid, code bad_date_format; Param is date_format.
func CheckDateFormat(format string) error {
	_, err := compileDates(format)
	return err
}

func compileDates(format string) (*dateForm, error) {
	text := format
	if !strings.ContainsAny(text, "Hh") { // then mm can only be the month
		text = strings.ToUpper(text)
	}
	f := &dateForm{text: text, parts: partsOf(text)}
	if !f.arrange() {
		return nil, errDateFormat(format)
	}
	return f, nil
}

// partsOf takes a date format apart; nil if something in it is neither part nor separator.
func partsOf(format string) (parts []string) {
	for format != "" {
		i := slices.IndexFunc(dateParts, func(part string) bool { return strings.HasPrefix(format, part) })
		switch {
		case i >= 0:
			parts = append(parts, dateParts[i])
		case isSeparator(format[:1]):
			parts = append(parts, format[:1])
		default:
			return nil
		}
		format = format[len(parts[len(parts)-1]):]
	}
	return parts
}

func errDateFormat(format string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "bad_date_format", Param: "date_format", Message: quote(format) +
		" is not a date format; write it like DD.MM.YYYY, M/D/YY, YYYYMMDD or DD/MM/YYYY HH:mm:ss, with h:mm A for times with AM and PM."}
}

// arrange finds where the date ends, and checks that every part stands once and in its place.
func (f *dateForm) arrange() bool {
	var order []byte // the first letters of the parts, without separators
	for i, part := range f.parts {
		if isSeparator(part) {
			continue
		}
		order = append(order, part[0])
		if len(order) == 3 {
			f.date = i + 1
		}
		// The next part would begin anywhere in the digits of one without a fixed length.
		if slices.Contains([]string{"M", "D", "H", "h"}, part) && i+1 < len(f.parts) && !isSeparator(f.parts[i+1]) {
			return false
		}
	}
	if len(order) < 3 || isSeparator(f.parts[0]) || isSeparator(f.parts[len(f.parts)-1]) {
		return false
	}
	slices.Sort(order[:3])
	return slices.Contains([]string{"DMY", "DMYHm", "DMYHms", "DMYhmA", "DMYhmsA"}, string(order))
}

func isSeparator(part string) bool { return len(part) == 1 && strings.Contains(separators, part) }

// parse reads a value that has exactly this form; the time may be missing as a whole. It is UTC.
// The error is fault.Invalid: not_a_date or out_of_range.
func (f *dateForm) parse(s string) (time.Time, error) {
	p := scanner{rest: s}
	c := clock{}
	c.read(&p, f.parts[:f.date])
	if p.rest != "" {
		c.read(&p, f.parts[f.date:])
	}
	t, ok := c.time()
	if !ok || p.bad || p.rest != "" {
		return time.Time{}, invalid(CodeNotADate, "%s does not fit the date format of this import, %s.", quoteNumber(s), f.text)
	}
	return inYears(t, s)
}

// clock is a date and time of day, while its parts are read.
type clock struct {
	year, month, day     int
	hour, minute, second int
}

// time returns the time, unless there is no such day.
func (c *clock) time() (time.Time, bool) {
	ok := c.month > 0 && c.day <= daysIn(c.year, c.month)
	return time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, 0, time.UTC), ok
}

func (c *clock) read(p *scanner, parts []string) {
	for _, part := range parts {
		switch part {
		case "YYYY":
			c.year = 100*p.two(0, 99) + p.two(0, 99)
		case "YY":
			c.year = 2000 + p.two(0, 99)
		case "MMMM":
			c.month = p.month(len("September"))
		case "MMM":
			c.month = p.month(len("Sep"))
		case "MM":
			c.month = p.two(1, 12)
		case "M":
			c.month = p.upTo(1, 12)
		case "DD":
			c.day = p.two(1, 31)
		case "D":
			c.day = p.upTo(1, 31)
		default:
			c.readTime(p, part)
		}
	}
}

func (c *clock) readTime(p *scanner, part string) {
	switch part {
	case "HH":
		c.hour = p.two(0, 23)
	case "H":
		c.hour = p.upTo(0, 23)
	case "hh":
		c.hour = p.two(1, 12) % 12
	case "h":
		c.hour = p.upTo(1, 12) % 12
	case "mm":
		c.minute = p.two(0, 59)
	case "ss":
		c.second = p.two(0, 59)
	case "A":
		c.hour += p.half()
	case " ":
		p.space()
	default:
		p.literal(part[0])
	}
}

// upTo reads a number of one or two digits between low and high.
func (p *scanner) upTo(low, high int) int {
	if len(p.rest) > 1 && isDigit(p.rest[1]) {
		return p.two(low, high)
	}
	if p.rest == "" || !isDigit(p.rest[0]) {
		p.bad = true
		return 0
	}
	v := int(p.rest[0] - '0')
	p.bad = p.bad || v < low
	p.rest = p.rest[1:]
	return v
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// space reads a space, or one of those that do not break a line: newer programs put one before PM.
func (p *scanner) space() {
	for _, space := range [...]string{" ", "\u202f", "\u00a0"} {
		if rest, ok := strings.CutPrefix(p.rest, space); ok {
			p.rest = rest
			return
		}
	}
	p.bad = true
}

// month reads the English name of a month, cut off behind so many letters.
func (p *scanner) month(letters int) int {
	for m := time.January; m <= time.December; m++ {
		name := m.String()
		if name = name[:min(letters, len(name))]; len(p.rest) >= len(name) && strings.EqualFold(p.rest[:len(name)], name) {
			p.rest = p.rest[len(name):]
			return int(m)
		}
	}
	p.bad = true
	return 0
}

// half reads AM or PM as the hour at which that half of the day begins.
func (p *scanner) half() int {
	if len(p.rest) < 2 || lower(p.rest[1]) != 'm' || lower(p.rest[0]) != 'a' && lower(p.rest[0]) != 'p' {
		p.bad = true
		return 0
	}
	pm := lower(p.rest[0]) == 'p'
	p.rest = p.rest[2:]
	if pm {
		return 12
	}
	return 0
}
