package stripe

import (
	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// exponent is how many decimals Stripe's amounts in a currency have. That is as ISO 4217 says, but for currencies whose
// decimals Stripe leaves out, or writes although they have none.
func exponent(currency string) int {
	switch currency {
	case "MGA":
		return 0
	case "ISK", "UGX":
		return 2
	}
	return billing.Exponent(currency)
}

// money converts the amounts of one invoice.
type money struct{ system.Money }

// minor converts an amount of Stripe to minor units of the currency.
func (m *money) minor(amount int64, field string) int64 {
	return m.Scaled(amount, exponent(m.Currency), field)
}
