package billing

import (
	"errors"
	"slices"
	"strings"
	"time"

	"reseed/pkg/fault"
)

// cells reads the cells of one row into values, and keeps the first problem. Its methods take the
// address of a field of the row struct: by this address fail finds the name of the column.
type cells struct {
	columns  []column
	spelling *spelling // nil: as records write their values
	now      time.Time
	problem  *Problem
	words    map[*string][]string // the words that fields of words take; nil: nobody asks

	// Memory for the row's record. The next row uses it again.
	records  records
	integers []int64 // targets of the record's *int64 fields
}

// records holds one record of each kind.
type records struct {
	customer    Customer
	contact     Contact
	plan        Plan
	invoice     Invoice
	lineItem    LineItem
	transaction Transaction
	event       Event
}

// spelling is how the cells of a table write their values, where that differs from records.
type spelling struct {
	values  Values
	dates   *dateForm // the compiled date format; nil: ISO 8601
	remarks Remarks   // about the rows so far
	wrapped []wrapped // ids of the row that were written like ="00123"
	digits  map[*string]*digitCounts
}

// wrapped is an id that is not read as it is written.
type wrapped struct {
	cell    *string
	written string
}

// start prepares for the next row.
func (c *cells) start(now time.Time) {
	c.now, c.problem, c.integers = now, nil, c.integers[:0]
	if c.spelling != nil {
		c.spelling.wrapped = c.spelling.wrapped[:0]
	}
}

func errBlank() error { return invalid(CodeRequired, "This must not be blank.") }

// fail records what is wrong with a cell, unless the row already has a problem.
func (c *cells) fail(cell *string, err error) {
	if c.problem != nil {
		return
	}
	p := &Problem{Message: err.Error()}
	if e := (*fault.Error)(nil); errors.As(err, &e) {
		p.Code = e.Code
	}
	if col := c.column(cell); col != nil {
		p.Column = col.name
		p.Message = col.name + ": " + p.Message
	}
	c.problem = p
}

// column is the column of a cell; nil if it has none.
func (c *cells) column(cell *string) *column {
	for i := range c.columns {
		if c.columns[i].cell == cell {
			return &c.columns[i]
		}
	}
	return nil
}

func (c *cells) check(cell *string, err error) {
	if err != nil {
		c.fail(cell, err)
	}
}

// need fails if the cell is blank. It is for cells that only some rows of the dataset must fill;
// rule:"required" is for the others.
func (c *cells) need(cell *string) {
	if *cell == "" {
		c.fail(cell, errBlank())
	}
}

// id reads the external id of another record than the row's own.
func (c *cells) id(cell *string) string {
	c.checkID(cell, false)
	return *cell
}

// own reads the external id of the row's own record.
func (c *cells) own(cell *string) string {
	c.checkID(cell, true)
	return *cell
}

func (c *cells) checkID(cell *string, own bool) {
	if *cell == "" {
		return
	}
	c.check(cell, CheckID(*cell))
	if c.spelling != nil && isDigit((*cell)[0]) {
		c.spelling.seeDigits(cell)
	}
	if mayBeDamaged(*cell) && c.spelling != nil && !c.spelling.values.VerbatimIDs {
		c.undamaged(cell, own)
	}
}

func (c *cells) text(cell *string) string {
	c.check(cell, CheckLength(*cell, MaxText))
	return *cell
}

func (c *cells) note(cell *string) string {
	c.check(cell, CheckLength(*cell, MaxNote))
	return *cell
}

func (c *cells) email(cell *string) string {
	if *cell != "" {
		c.check(cell, CheckEmail(*cell))
		c.check(cell, CheckLength(*cell, MaxText))
	}
	return *cell
}

// parsed reads a cell. A blank cell is the zero value.
func parsed[T any](c *cells, cell *string, parse func(string) (T, error)) T {
	var v T
	if *cell == "" {
		return v
	}
	v, err := parse(*cell)
	c.check(cell, err)
	return v
}

// given reads an integer where blank and zero differ: a blank cell is nil.
func given(c *cells, cell *string, parse func(string) (int64, error)) *int64 {
	if *cell == "" {
		return nil
	}
	c.integers = append(c.integers, parsed(c, cell, parse))
	return &c.integers[len(c.integers)-1]
}

func (c *cells) time(cell *string) time.Time {
	t, _ := c.moment(cell)
	return t
}

// moment reads a time, and reports whether the cell names its zone.
func (c *cells) moment(cell *string) (t time.Time, zoned bool) {
	if *cell == "" {
		return t, false
	}
	var err error
	if c.spelling != nil && c.spelling.dates != nil {
		t, err = c.spelling.dates.parse(*cell)
	} else if t, zoned, err = parseTime(*cell); err == nil {
		return t, zoned
	} else if c.spelling != nil && fault.CodeOf(err) == CodeNotADate {
		err = c.unread(cell, err)
	}
	c.check(cell, err)
	return t, zoned
}

// eastmost is how far the local time of the first time zone in the east is ahead of UTC.
const eastmost = 14 * time.Hour

// past reads a time that must not lie in the future. If it names no zone, it may be meant in any:
// "today" comes to the east first.
func (c *cells) past(cell *string) time.Time {
	t, zoned := c.moment(cell)
	latest := c.now
	if !zoned {
		latest = latest.Add(eastmost)
	}
	if t.After(latest) {
		c.fail(cell, invalid(CodeDateInFuture, "%s is in the future.", quoteNumber(*cell)))
	}
	return t
}

// word reads one of the given words. A blank cell is "".
func (c *cells) word(cell *string, words ...string) string {
	if c.words != nil {
		c.words[cell] = slices.Clone(words)
	}
	if *cell == "" {
		return ""
	}
	w, ok := oneOf(*cell, words)
	if !ok {
		c.fail(cell, invalid(CodeUnknownValue, "%s is not known here; it must be %s.", quote(*cell), either(words)))
	}
	return w
}

// either lists words for people: "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
