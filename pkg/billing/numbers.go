package billing

import "strings"

// MaxInteger bounds every amount and count: JSON numbers carry integers up to
// it exactly, and sums of thousands of them still fit an int64.
const MaxInteger = 1<<53 - 1

// ParseCents reads an amount: an integer number of cents (minor units), with
// digits and a minus sign only. "10.00", "1,000", "1e3" and "(5)" are refused rather than guessed at.
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

// scanInteger reads digits behind an optional minus sign. It says false to
// anything else, and stops counting above MaxInteger.
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

// bounded refuses what s spells if it is too large.
func bounded(n int64, s string) (int64, error) {
	if n > MaxInteger || n < -MaxInteger {
		return 0, invalid(CodeOutOfRange, "%s is too large a number.", quoteNumber(s))
	}
	return n, nil
}
