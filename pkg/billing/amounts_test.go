package billing_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

func TestAmountsInUnits(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"0": 0, "12.50": 125_000, "12": 120_000, "-12.5": -125_000, "-0.0001": -1, "0.0100": 100, "0012.00": 120_000,
		"1.000000": 10_000, "90071992547409": 900_719_925_474_090_000, "-90071992547409.9100": -900_719_925_474_099_100,
	} {
		if got, err := billing.ParseUnits(s, false); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", s, got, err, want)
		}
		if got, err := billing.ParseUnits(strings.Replace(s, ".", ",", 1), true); err != nil || got != want {
			t.Errorf("%s with a comma: %d, %v; want %d", s, got, err, want)
		}
	}
	for s, code := range map[string]string{
		"": billing.CodeNotAnAmount, "-": billing.CodeNotAnAmount, ".5": billing.CodeNotAnAmount, "5.": billing.CodeNotAnAmount, "-.5": billing.CodeNotAnAmount,
		"1,250.00": billing.CodeNotAnAmount, "1.250.00": billing.CodeNotAnAmount, "1 250": billing.CodeNotAnAmount, "1'250": billing.CodeNotAnAmount,
		"$5": billing.CodeNotAnAmount, "5 €": billing.CodeNotAnAmount, "+5": billing.CodeNotAnAmount, "5-": billing.CodeNotAnAmount, "(5)": billing.CodeNotAnAmount,
		"5e2": billing.CodeNotAnAmount, "--5": billing.CodeNotAnAmount, "1.-5": billing.CodeNotAnAmount, "0.12345": billing.CodeNotAnAmount, "12,50": billing.CodeNotAnAmount,
		"90071992547410": billing.CodeOutOfRange, "-99999999999999999999.5": billing.CodeOutOfRange,
	} {
		if got, err := billing.ParseUnits(s, false); got != 0 || fault.CodeOf(err) != code {
			t.Errorf("%s: %d, %v; want %s", s, got, err, code)
		}
	}
	if _, err := billing.ParseUnits("12.50", true); fault.CodeOf(err) != billing.CodeNotAnAmount || !strings.Contains(err.Error(), "12,50") {
		t.Error(err)
	}
}

func TestUnitsToMinorUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		units, currency string
		want            int64
		code            string
	}{
		{"12.50", "EUR", 1250, ""},
		{"-12.5", "USD", -1250, ""},
		{"500", "JPY", 500, ""},
		{"500.00", "JPY", 500, ""},
		{"1.250", "KWD", 1250, ""},
		{"1.2345", "CLF", 12345, ""},
		{"3", "ITL", 3, ""},
		{"3", "HRK", 300, ""},
		{"12.505", "EUR", 0, billing.CodeNotExact},
		{"0.5", "JPY", 0, billing.CodeNotExact},
		{"-1.2345", "KWD", 0, billing.CodeNotExact},
		{"90071992547409", "CLF", 0, billing.CodeOutOfRange},
		{"90071992547409.91", "EUR", 9_007_199_254_740_991, ""},
	} {
		n, err := billing.ParseUnits(tt.units, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := billing.ToMinor(n, tt.currency)
		if got != tt.want || fault.CodeOf(err) != tt.code || err != nil && !strings.Contains(err.Error(), tt.units) {
			t.Errorf("%s %s: %d, %v; want %d, %q", tt.units, tt.currency, got, err, tt.want, tt.code)
		}
	}
}

// What is read is what is written: an amount in units, printed with the decimals of its currency,
// comes back as the same number of minor units.
func TestUnitsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(-1<<50, 1<<50).Draw(t, "minor")
		currency := rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLF"}).Draw(t, "currency")
		if billing.Exponent(currency) == 4 { // the largest amount in units is smaller than the largest of minor units
			minor %= 1 << 40
		}
		units, err := billing.ParseUnits(inUnits(minor, currency), false)
		if err != nil && fault.CodeOf(err) != billing.CodeOutOfRange {
			t.Fatal(err)
		}
		if got, again := billing.ToMinor(units, currency); err == nil && (got != minor || again != nil) {
			t.Fatalf("%s: %d, %v; want %d", inUnits(minor, currency), got, again, minor)
		}
	})
}

// inUnits writes minor units with the decimals of their currency.
func inUnits(minor int64, currency string) string {
	sign := ""
	if minor < 0 {
		minor, sign = -minor, "-"
	}
	digits := strconv.FormatInt(minor, 10)
	decimals := billing.Exponent(currency)
	for len(digits) <= decimals {
		digits = "0" + digits
	}
	text := sign + digits[:len(digits)-decimals]
	if decimals > 0 {
		text += "." + digits[len(digits)-decimals:]
	}
	return text
}

// Which field holds the currency of which amount.
func TestCurrencyOfAmounts(t *testing.T) {
	t.Parallel()
	got := map[billing.Dataset]map[string]string{}
	for _, ds := range billing.Order() {
		for _, f := range billing.FieldsOf(ds) {
			if f.Is != "cents" {
				continue
			}
			if got[ds] == nil {
				got[ds] = map[string]string{}
			}
			got[ds][f.Name] = f.In
		}
	}
	want := map[billing.Dataset]map[string]string{
		billing.LineItems: {
			"amount_in_cents": "", "discount_amount_in_cents": "", "tax_amount_in_cents": "", "balance_transfer": "",
			"transaction_fees_in_cents": "transaction_fees_currency",
		},
		billing.Transactions: {"amount_in_cents": "", "transaction_fees_in_cents": "transaction_fees_currency"},
		billing.Events:       {"amount_in_cents": "currency", "tax_amount_in_cents": "currency"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
