package console

import (
	"strings"

	"reseed/pkg/api/wire"
)

// moneyText writes an amount in units of its currency: EUR 1 234.50.
func moneyText(m *wire.Money) string {
	if m == nil {
		return ""
	}
	return m.Currency + " " + majorUnits(m.Minor, m.Decimals)
}

// majorUnits writes an amount in minor units as one in units of its currency: 1234 is 12.34 with two
// decimals.
func majorUnits(minor int64, decimals int) string {
	digits, negative := strings.CutPrefix(strings.ReplaceAll(number(minor), "\u202f", ""), "−")
	if missing := decimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - decimals
	whole, rest := digits[:point], digits[point:]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "\u202f" + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	if negative {
		whole = "−" + whole
	}
	return whole + rest
}

// usualDecimals is how many decimals most currencies have.
const usualDecimals = 2

// decimalsOf is how many decimals a currency has.
func decimalsOf(known map[string]int, currency string) int {
	if n, has := known[currency]; has {
		return n
	}
	return usualDecimals
}
