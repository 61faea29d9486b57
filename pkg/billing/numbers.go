package billing

import "strings"

// MaxInteger is the largest amount or count, positive or negative. A JSON number holds integers up
// to it exactly, and the sum of a thousand of them still fits an int64.
const MaxInteger = 1<<53 - 1

// ParseCents reads an amount: an integer number of cents (minor units), written with digits and
// perhaps a minus sign. It refuses "10.00", "1,000", "1e3" and "(5)", whose meaning it would have
// to guess. The error is fault.Invalid: not_a_number_of_cents or out_of_range.
func ParseCents(s string) (int64, error) {
	n, ok := scanInteger(s)
	if !ok {
		return 0, invalid(CodeNotCents,
			"%s is not an integer number of cents; write 12.50 as 1250, with digits only.", quoteNumber(s))
	}
	return bounded(n, s)
}

func parseInteger(s string) (int64, error) {
	n, ok := scanInteger(s)
	if !ok {
		return 0, invalid(CodeNotAnInteger, "%s is not a whole number; use digits only.", quoteNumber(s))
	}
	return bounded(n, s)
}

// scanInteger reads digits with an optional minus sign before them; anything else is false. It
// returns MaxInteger+1 for every larger number.
func scanInteger(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	n := int64(0)
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), MaxInteger+1)
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, digits != ""
}

// bounded refuses a number beyond MaxInteger. s is how the file spells it.
func bounded(n int64, s string) (int64, error) {
	if n > MaxInteger || n < -MaxInteger {
		return 0, invalid(CodeOutOfRange, "%s is too large a number.", quoteNumber(s))
	}
	return n, nil
}
