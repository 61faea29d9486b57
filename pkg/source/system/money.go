package system

import (
	"strings"

	"reseed/pkg/billing"
)

// Fault is what is wrong with the amounts of an invoice.
type Fault string

// The faults.
const (
	NoFault         Fault = ""
	UnknownCurrency Fault = "unknown_currency"
	MixedCurrencies Fault = "mixed_currencies" // a part of the invoice has another currency
	BadAmount       Fault = "amount"           // too large, no number, or more decimals than the currency has
)

// Code is the code of an issue about a fault. A system adds faults of its own, which are codes already.
func (f Fault) Code(s System) string {
	switch f {
	case UnknownCurrency, MixedCurrencies, BadAmount:
		return strings.ToLower(s.Name()) + "_" + string(f)
	case NoFault:
	}
	return string(f)
}

// Money converts the amounts of one invoice, and keeps the first thing that is wrong with them.
type Money struct {
	Currency string // ISO 4217
	Fault    Fault
	Field    string // of the object, by the system's name
	Message  string // a sentence
}

// Fail notes a fault, unless there is one already.
func (m *Money) Fail(f Fault, field, message string) {
	if m.Fault == NoFault {
		m.Fault, m.Field, m.Message = f, field, message
	}
}

// Open takes the currency of an invoice.
func (m *Money) Open(code, field string) {
	currency, err := billing.ParseCurrency(code)
	if err != nil {
		m.Fail(UnknownCurrency, field, "Reseed does not know the currency.")
	}
	m.Currency = currency
}

// Same checks that a part of the invoice has its currency.
func (m *Money) Same(code, field string) {
	if currency, err := billing.ParseCurrency(code); err != nil || currency != m.Currency {
		m.Fail(MixedCurrencies, field, "A part of the invoice has another currency than the invoice.")
	}
}

// Scaled converts an amount with so many decimals, written without a point, to minor units of the currency.
func (m *Money) Scaled(amount int64, decimals int, field string) int64 {
	if amount > billing.MaxInteger || amount < -billing.MaxInteger {
		return m.Bound(amount, field)
	}
	to := billing.Exponent(m.Currency)
	for ; decimals < to; decimals++ {
		amount *= 10
	}
	for ; decimals > to; decimals-- {
		if amount%10 != 0 {
			m.Fail(BadAmount, field, "The amount has more decimals than its currency.")
		}
		amount /= 10
	}
	return m.Bound(amount, field)
}

// Decimal converts an amount in major units, as a decimal text such as -12.50, to minor units of the currency. Zeros at its end
// do not count as decimals.
func (m *Money) Decimal(text, field string) int64 {
	amount, decimals, ok := ParseDecimal(text)
	if !ok {
		m.Fail(BadAmount, field, "The amount is no decimal number, or too large.")
		return 0
	}
	return m.Scaled(amount, decimals, field)
}

// Add sums amounts in minor units.
func (m *Money) Add(a, b int64, field string) int64 { return m.Bound(a+b, field) }

// Bound refuses what is too large. What it returns can be summed again without an overflow.
func (m *Money) Bound(amount int64, field string) int64 {
	if amount > billing.MaxInteger || amount < -billing.MaxInteger {
		m.Fail(BadAmount, field, "The amount is too large.")
		return 0
	}
	return amount
}

// mostDigits is how many digits of a decimal fit an int64 in any case.
const mostDigits = 18

// ParseDecimal reads a decimal text, such as -12.50, exactly: as an integer, and how many of its digits are decimals. Zeros at
// the end of the decimals are left out. ok is false for anything else, also with an exponent, and for more than 18 digits.
func ParseDecimal(text string) (amount int64, decimals int, ok bool) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, part, point := strings.Cut(digits, ".")
	if whole == "" || point && part == "" {
		return 0, 0, false
	}
	part = strings.TrimRight(part, "0")
	all := strings.TrimLeft(whole+part, "0")
	if len(all) > mostDigits || len(part) > mostDigits {
		return 0, 0, false
	}
	for _, c := range []byte(whole + part) {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		amount = amount*10 + int64(c-'0')
	}
	if negative {
		amount = -amount
	}
	return amount, len(part), true
}
