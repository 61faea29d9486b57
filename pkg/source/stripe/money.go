package stripe

import (
	"reseed/pkg/billing"
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

// money converts the amounts of one invoice, and keeps the first thing that is wrong with them.
type money struct {
	currency string // ISO 4217
	code     string // of what is wrong; empty: nothing
	field    string
	message  string
}

func (m *money) fail(code, field, message string) {
	if m.code == "" {
		m.code, m.field, m.message = code, field, message
	}
}

// open takes the currency of an invoice.
func (m *money) open(code string) {
	currency, err := billing.ParseCurrency(code)
	if err != nil {
		m.fail(CodeCurrency, "currency", "Reseed does not know the currency.")
	}
	m.currency = currency
}

// same checks that a part of the invoice has its currency.
func (m *money) same(code, field string) {
	if currency, err := billing.ParseCurrency(code); err != nil || currency != m.currency {
		m.fail(CodeMixedCurrencies, field, "A part of the invoice has another currency than the invoice.")
	}
}

// minor converts an amount of Stripe to minor units of the currency.
func (m *money) minor(amount int64, field string) int64 {
	if amount > billing.MaxInteger || amount < -billing.MaxInteger {
		m.fail(CodeAmount, field, "The amount is too large.")
		return 0
	}
	from, to := exponent(m.currency), billing.Exponent(m.currency)
	for ; from < to; from++ {
		amount *= 10
	}
	for ; from > to; from-- {
		if amount%10 != 0 {
			m.fail(CodeAmount, field, "The amount has more decimals than its currency.")
		}
		amount /= 10
	}
	return m.bound(amount, field)
}

// add sums amounts in minor units.
func (m *money) add(a, b int64, field string) int64 { return m.bound(a+b, field) }

// bound refuses what is too large. What it returns can be summed again without an overflow.
func (m *money) bound(amount int64, field string) int64 {
	if amount > billing.MaxInteger || amount < -billing.MaxInteger {
		m.fail(CodeAmount, field, "The amount is too large.")
		return 0
	}
	return amount
}
