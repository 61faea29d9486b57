package billing

import (
	"strconv"
	"strings"
)

// Money writes an amount in minor units of a currency for people: "EUR -1,234.50".
func Money(minor int64, currency string) string { return currency + " " + Units(minor, currency) }

// Units is [Money] without the currency: "-1,234.50".
func Units(minor int64, currency string) string {
	digits := strconv.FormatInt(minor, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	decimals := Exponent(currency)
	if missing := decimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - decimals
	whole, rest := digits[:point], digits[point:]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
