package billing

import (
	"strconv"
	"strings"

	"reseed/pkg/fault"
)

// perUnit is how many of what [ParseUnits] returns make one unit of a currency: no currency of
// ISO 4217 has more than four decimals.
const (
	unitDecimals = 4
	perUnit      = 10_000
	// maxUnits is the largest amount that ParseUnits returns, positive or negative.
	maxUnits = 100 * MaxInteger
)

// ParseUnits reads an amount in units of its currency, such as "12.50", and returns it in
// ten-thousandths: 125000. It reads digits, perhaps a minus sign before them, and perhaps a point
// (or comma, if that is the decimal mark) with digits behind it; decimals beyond the fourth must be
// zeros. It refuses everything else, such as thousands separators and currency signs, whose meaning
// it would have to guess. The error is fault.Invalid: not_an_amount or out_of_range.
func ParseUnits(s string, decimalComma bool) (int64, error) {
	mark := byte('.')
	if decimalComma {
		mark = ','
	}
	n, ok := scanUnits(s, mark)
	switch {
	case !ok:
		return 0, errNotAnAmount(s, mark)
	case n > maxUnits || n < -maxUnits:
		return 0, invalid(CodeOutOfRange, "%s is too large an amount.", quoteNumber(s))
	}
	return n, nil
}

// scanUnits reads an amount in ten-thousandths; it returns maxUnits+1 for every larger one.
func scanUnits(s string, mark byte) (int64, bool) {
	whole, decimals := s, ""
	if at := strings.IndexByte(s, mark); at >= 0 {
		whole, decimals = s[:at], strings.TrimRight(s[at+1:], "0")
		if at+1 == len(s) || len(decimals) > unitDecimals || strings.HasPrefix(decimals, "-") {
			return 0, false
		}
	}
	n, ok := scanInteger(whole)
	sub, subOK := scanInteger(decimals + "0000"[len(decimals):])
	if !ok || !subOK {
		return 0, false
	}
	n = min(max(n, -maxUnits/perUnit-1), maxUnits/perUnit+1) * perUnit
	if whole[0] == '-' {
		return max(n-sub, -maxUnits-1), true
	}
	return min(n+sub, maxUnits+1), true
}

func errNotAnAmount(s string, mark byte) error {
	other, advice := byte(','), " or import with --decimal comma"
	if mark == ',' {
		other, advice = '.', ""
	}
	switch _, ok := scanUnits(s, other); {
	case ok && strings.IndexByte(s, other) == len(s)-len(".250"):
		return invalid(CodeNotAnAmount, "%s can be %s, if the mark separates thousands, or %s with three decimals%s. Write one of these.",
			quoteNumber(s), strings.Replace(s, string(other), "", 1), strings.Replace(s, string(other), string(mark), 1), advice)
	case ok:
		return invalid(CodeNotAnAmount, "%s has not the decimal mark of this import; write it as %s%s.",
			quoteNumber(s), strings.Replace(s, string(other), string(mark), 1), advice)
	}
	return invalid(CodeNotAnAmount,
		"%s is not an amount in units of its currency; write it like 1250%c50, with digits and at most four decimals.", quoteNumber(s), mark)
}

// amount reads an amount: minor units, or ten-thousandths if the table has amounts in units. Blank
// is 0.
func (c *cells) amount(cell *string) int64 {
	if *cell == "" {
		return 0
	}
	n := parsed(c, cell, c.amounts(cell))
	c.remarkUnits(cell)
	return n
}

// givenAmount is amount where blank and 0 differ: blank is nil.
func (c *cells) givenAmount(cell *string) *int64 {
	if *cell == "" {
		return nil
	}
	n := given(c, cell, c.amounts(cell))
	c.remarkUnits(cell)
	return n
}

// remarkUnits remarks on an amount for minor units that is rejected because it has decimals.
func (c *cells) remarkUnits(cell *string) {
	if p := c.problem; p != nil && p.Code == CodeNotCents && p.Column == c.column(cell).name && strings.Contains(p.Message, "--amounts units") {
		c.remark(remarkUnits, cell)
	}
}

// amounts returns how the amount of a cell is read.
func (c *cells) amounts(cell *string) func(string) (int64, error) {
	switch {
	case c.spelling == nil:
		return ParseCents
	case !c.spelling.values.Units:
		return centsOfTable
	}
	c.remarkDecimals(cell)
	if c.spelling.values.DecimalComma {
		return func(s string) (int64, error) { return ParseUnits(s, true) }
	}
	return func(s string) (int64, error) { return ParseUnits(s, false) }
}

// remarkDecimals remarks on an amount like 1.250: few currencies have three decimals, and many
// people separate thousands so.
func (c *cells) remarkDecimals(cell *string) {
	mark := byte('.')
	if c.spelling.values.DecimalComma {
		mark = ','
	}
	if at := len(*cell) - len(".250"); at > 0 && (*cell)[at] == mark {
		c.remark(remarkDecimals, cell)
	}
}

// centsOfTable is ParseCents, with an error that also says how a decimal number may be meant.
func centsOfTable(s string) (int64, error) {
	n, err := ParseCents(s)
	if err != nil && fault.CodeOf(err) == CodeNotCents {
		err = errNotCents(s, err)
	}
	return n, err
}

// errNotCents says how a cell for minor units may be meant that has one or two decimals; why is what
// is wrong with others.
func errNotCents(s string, why error) error {
	mark, units := byte('.'), "--amounts units (amounts over REST)"
	if strings.Contains(s, ",") {
		mark, units = ',', "--amounts units and --decimal comma (amounts and decimal over REST)"
	}
	n, ok := scanUnits(s, mark)
	switch decimals := len(s) - strings.IndexByte(s, mark) - 1; {
	case !ok || decimals > 2 || n > maxUnits || n < -maxUnits:
		return why
	case n%perUnit != 0:
		return invalid(CodeNotCents, "%s is not an integer number of cents (minor units). If it is an amount in units, import with %s.", quoteNumber(s), units)
	}
	return invalid(CodeNotCents, "%s can be %d minor units, or %d if it is in units of a currency with two decimals. Write one of these numbers, or import with %s.",
		quoteNumber(s), n/perUnit, n/perUnit*100, units)
}

// toMinor converts an amount whose currency stands in the same row, if the table has amounts in
// units.
func (c *cells) toMinor(cell *string, amount *int64, currencyCell *string, currency string) {
	if c.spelling == nil || !c.spelling.values.Units || c.problem != nil || amount == nil {
		return
	}
	if *amount != 0 {
		c.need(currencyCell)
	}
	n, err := ToMinor(*amount, currency)
	c.check(cell, err)
	*amount = n
}

// ToMinor converts an amount from ten-thousandths of a unit, as [ParseUnits] returns it, to minor
// units of its currency. The error is fault.Invalid: amount_not_exact if the currency has fewer
// decimals than the amount, or out_of_range.
func ToMinor(tenThousandths int64, currency string) (int64, error) {
	minor := int64(perUnit)
	for range Exponent(currency) {
		minor /= 10
	}
	if tenThousandths%minor != 0 {
		return 0, invalid(CodeNotExact, "%s has more decimals than %s.", unitsText(tenThousandths), currency)
	}
	return bounded(tenThousandths/minor, unitsText(tenThousandths))
}

// unitsText writes an amount in ten-thousandths as ParseUnits reads it, without zeros at its end.
func unitsText(tenThousandths int64) string {
	digits := strconv.FormatInt(tenThousandths, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if missing := unitDecimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - unitDecimals
	return sign + strings.TrimSuffix(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
}
