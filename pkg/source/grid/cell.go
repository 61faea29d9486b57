package grid

import (
	"math"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/billing"
)

// Kind says what a cell holds.
type Kind byte

// The kinds of cells.
const (
	Empty  Kind = iota
	Text        // Cell.Text
	Number      // Cell.Number; it may be a date, if the spreadsheet does not say which numbers are
	Date        // Cell.Number is a serial number, and shown as a date
	Truth       // Cell.Number is 0 or 1
	Error       // Cell.Text is shown in place of a value, such as #N/A
)

// NoValue is the Text of an Error in the place of a formula whose value is not stored.
const NoValue = "#UNCALCULATED!"

// Cell is one cell of a tab.
type Cell struct {
	Kind   Kind
	Text   string
	Number float64
}

// Reading says what the cells of a tab mean. The zero value is that nothing is known of its columns.
// It may be stored as JSON: pages of one tab are written with one reading.
type Reading struct {
	// Holds says what each column under the header row holds, see [billing.Header.Holds]. Rows are
	// brought to as many cells. Empty: not known, and rows are written as they are.
	Holds        []string `json:"holds,omitempty"`
	DateFormat   string   `json:"date_format,omitempty"` // of times that are texts, as the import was told
	DecimalComma bool     `json:"decimal_comma,omitempty"`
	// Zone is the name of the time zone of serial numbers with a time of day; empty is UTC. One that
	// is not known is UTC, too. A whole day is that day, in every zone.
	Zone      string `json:"zone,omitempty"`
	Since1904 bool   `json:"since_1904,omitempty"` // serial numbers count from 1904, not from 1900
	// Order is that of dates that are texts and not ISO 8601, unless there is a DateFormat. They are
	// written as ISO 8601, times of day in the zone. Empty: such texts are written as they are.
	Order billing.DateOrder `json:"order,omitempty"`
}

const (
	// Serial numbers that are not marked as dates count as such only from 1927 on, so that a year
	// such as 2024 is not taken for a day of 1905. Dates before March 1900 differ between programs.
	firstSerial = 10_000
	firstDate   = 61
	lastSerial  = 110_000 // in the year 2201; larger numbers are dates without signs, such as 20240131

	mostDigits = 15 // that all spreadsheets keep of a number
	exact      = 1 << 53
)

// speller spells cells.
type speller struct {
	Reading

	values billing.Values
	zone   *time.Location
	dates  int64 // texts that were read in the order
	others int64 // texts that are dates in another order only
}

func newSpeller(r Reading) speller {
	s := speller{Reading: r, values: billing.Values{DateFormat: r.DateFormat}, zone: time.UTC}
	if zone, err := time.LoadLocation(r.Zone); err == nil {
		s.zone = zone
	}
	return s
}

// spell returns what is written for a cell of the n-th column.
func (s *speller) spell(n int, c Cell) string {
	holds := ""
	if n < len(s.Holds) {
		holds = s.Holds[n]
	}
	switch c.Kind {
	case Text:
		if holds == "time" && s.Order != "" && s.DateFormat == "" {
			return s.textDate(c.Text)
		}
		return c.Text
	case Error:
		return c.Text
	case Truth:
		if c.Number != 0 {
			return "TRUE"
		}
		return "FALSE"
	case Number, Date:
		return s.number(holds, c)
	case Empty:
	}
	return ""
}

func (s *speller) number(holds string, c Cell) string {
	switch {
	case holds == "id" && c.Kind == Date: // what was typed as an id is a date now
		return rounded(c.Number)
	case holds == "time" && c.Kind == Number && c.Number >= firstSerial && c.Number < lastSerial,
		holds != "id" && c.Kind == Date && c.Number >= firstDate && c.Number < lastSerial:
		return s.time(c.Number)
	}
	text := decimal(c.Number)
	if s.DecimalComma && holds == "cents" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// time spells a serial number. A time of day is exact to the millisecond.
func (s *speller) time(serial float64) string {
	const day = 24 * 60 * 60 * 1000
	ms := int64(math.Round(serial * day))
	year, month, first := 1899, time.December, 30
	if s.Since1904 {
		year, month, first = 1904, time.January, 1
	}
	days, rest := int(ms/day), ms%day
	if rest == 0 {
		return s.values.SpellTime(time.Date(year, month, first+days, 0, 0, 0, 0, time.UTC))
	}
	t := time.Date(year, month, first+days, 0, 0, 0, 0, time.UTC).Add(time.Duration(rest) * time.Millisecond)
	return s.values.SpellTime(s.inZone(t))
}

// textDate spells a text in a column of times. What is no date stays as it is.
func (s *speller) textDate(text string) string {
	trimmed := strings.TrimSpace(text)
	if _, err := billing.ParseTime(trimmed); err == nil || trimmed == "" {
		return text
	}
	t, ok := billing.ReadDate(trimmed, s.Order)
	if !ok {
		s.countOther(trimmed)
		return text
	}
	s.dates++
	return s.values.SpellTime(s.inZone(t))
}

// countOther counts a text that is a date in another order.
func (s *speller) countOther(text string) {
	for _, order := range [...]billing.DateOrder{billing.DayFirst, billing.MonthFirst} {
		if _, ok := billing.ReadDate(text, order); ok {
			s.others++
			return
		}
	}
}

// inZone is the time that a clock in the zone shows. A whole day stays that day.
func (s *speller) inZone(t time.Time) time.Time {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), s.zone)
}

// decimal spells a number as the shortest decimal number that a spreadsheet shows of it: 0.1+0.2 is
// 0.3. One that a spreadsheet may have rounded has an exponent, so that it is no id.
func decimal(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < exact {
		n := int64(x)
		if n%10 == 0 && (n >= 1e15 || n <= -1e15) { // the sixteenth digit is gone
			return rounded(x)
		}
		return strconv.FormatInt(n, 10)
	}
	if math.Abs(x) >= exact {
		return rounded(x)
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', mostDigits, 64), 64)
	if err != nil {
		short = x
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// rounded spells a number with all digits that a spreadsheet keeps, and an exponent.
func rounded(x float64) string { return strconv.FormatFloat(x, 'E', mostDigits-1, 64) }
