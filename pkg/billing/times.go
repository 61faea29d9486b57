package billing

import "time"

// The years that a date may lie in, and their first and last second in Unix time.
const (
	firstYear = 1900
	lastYear  = 2200

	firstSecond = -2_208_988_800
	lastSecond  = 7_289_654_399
)

// ParseTime reads a date (2024-12-31) or a time (2024-12-31 18:30:00). A time may have a T in place
// of the space, no seconds, fractions of a second, and a zone: UTC, Z or an offset (+0200, +02:00),
// with or without a space before it. Without a zone it is UTC. The result is UTC in whole
// milliseconds, as it is stored. The error is fault.Invalid: not_a_date or out_of_range.
func ParseTime(s string) (time.Time, error) {
	t, _, err := parseTime(s)
	return t, err
}

// parseTime is ParseTime, and reports whether the value names its zone.
func parseTime(s string) (t time.Time, zoned bool, err error) {
	t, zoned, ok := scanTime(s)
	if !ok {
		return time.Time{}, false, invalid(CodeNotADate,
			"%s is not a date; write it like 2024-12-31 or 2024-12-31 18:30:00.", quoteNumber(s))
	}
	t, err = inYears(t, s)
	return t, zoned, err
}

// inYears refuses a time that lies too far away. s is how the file spells it.
func inYears(t time.Time, s string) (time.Time, error) {
	if t.Unix() < firstSecond || t.Unix() > lastSecond {
		return time.Time{}, invalid(CodeOutOfRange, "%s lies outside the years %d to %d.", quoteNumber(s), firstYear, lastYear)
	}
	return t, nil
}

func scanTime(s string) (t time.Time, zoned, ok bool) {
	p := scanner{rest: s}
	year := 100*p.two(0, 99) + p.two(0, 99)
	p.literal('-')
	month := p.two(1, 12)
	p.literal('-')
	day := p.two(1, daysIn(year, month))
	if p.rest == "" || p.bad {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), false, !p.bad
	}
	if !p.skip(' ') && !p.skip('T') {
		p.literal('t')
	}
	hour := p.two(0, 23)
	p.literal(':')
	minute := p.two(0, 59)
	second, nanos := 0, 0
	if p.skip(':') {
		second = p.two(0, 59)
		if p.skip('.') {
			nanos = p.fraction()
		}
	}
	zoned = p.rest != ""
	minute -= p.zone()
	nanos -= nanos % int(time.Millisecond)
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC), zoned, !p.bad && p.rest == ""
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// scanner reads a text of a fixed form from the left. It is several times faster than trying one
// layout of time.Parse after another. bad is set once something does not fit, and stays set.
type scanner struct {
	rest string
	bad  bool
}

func (p *scanner) skip(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *scanner) literal(c byte) { p.bad = !p.skip(c) || p.bad }

// two reads a number of two digits between low and high.
func (p *scanner) two(low, high int) int {
	if len(p.rest) < 2 {
		p.bad = true
		return 0
	}
	tens, ones := p.rest[0]-'0', p.rest[1]-'0' // above 9 if it is not a digit
	v := 10*int(tens) + int(ones)
	p.bad = p.bad || tens > 9 || ones > 9 || v < low || v > high
	p.rest = p.rest[2:]
	return v
}

// fraction reads one to nine digits as nanoseconds.
func (p *scanner) fraction() int {
	v, digits := 0, 0
	for ; digits < 9 && p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9'; digits++ {
		v = v*10 + int(p.rest[0]-'0')
		p.rest = p.rest[1:]
	}
	p.bad = p.bad || digits == 0
	for ; digits < 9; digits++ {
		v *= 10
	}
	return v
}

// zone reads the rest of a time, its zone, as minutes east of UTC. No rest means UTC.
func (p *scanner) zone() int {
	p.skip(' ')
	switch p.rest {
	case "", "Z", "z", "UTC", "GMT":
		p.rest = ""
		return 0
	}
	east := p.skip('+')
	if !east {
		p.literal('-')
	}
	hours := p.two(0, 14)
	minutes := 0
	if p.skip(':') || p.rest != "" {
		minutes = p.two(0, 59)
	}
	if !east {
		return -60*hours - minutes
	}
	return 60*hours + minutes
}
