package billing

import (
	"strconv"
	"strings"
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
	if _, ok := scanUnits(s, other); ok {
		return invalid(CodeNotAnAmount, "%s has not the decimal mark of this import; write it as %s%s.",
			quoteNumber(s), strings.Replace(s, string(other), string(mark), 1), advice)
	}
	return invalid(CodeNotAnAmount,
		"%s is not an amount in units of its currency; write it like 1250%c50, with digits and at most four decimals.", quoteNumber(s), mark)
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
