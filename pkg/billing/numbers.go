package billing

import "strconv"

// MaxInteger bounds every amount and count: JSON numbers carry integers up to
// it exactly, and sums of thousands of them still fit an int64.
const MaxInteger = 1<<53 - 1

// ParseCents reads an amount: an integer number of cents (minor units), with
// digits and a minus sign only. "10.00", "1,000", "1e3" and "(5)" are refused rather than guessed at.
func ParseCents(s string) (int64, error) {
	if !isInteger(s) {
		return 0, invalid(CodeNotCents,
			"%s is not an integer number of cents; write 12.50 as 1250, with digits only.", quoteNumber(s))
	}
	return bounded(s)
}

func parseInteger(s string) (int64, error) {
	if !isInteger(s) {
		return 0, invalid(CodeNotAnInteger, "%s is not a whole number; use digits only.", quoteNumber(s))
	}
	return bounded(s)
}

func isInteger(s string) bool {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func bounded(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > MaxInteger || n < -MaxInteger {
		return 0, invalid(CodeOutOfRange, "%s is too large a number.", quoteNumber(s))
	}
	return n, nil
}
