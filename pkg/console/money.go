package console

import (
	"strconv"
	"strings"

	"reseed/pkg/api/wire"
)

// moneyText writes an amount in units of its currency: EUR 1 234.50.
func moneyText(m *wire.Money) string {
	if m == nil {
		return ""
	}
	digits, sign := strconv.FormatInt(m.Minor, 10), ""
	if m.Minor < 0 {
		sign, digits = "−", digits[1:]
	}
	if missing := m.Decimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - m.Decimals
	whole, rest := digits[:point], digits[point:]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "\u202f" + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return m.Currency + " " + sign + whole + rest
}
