package billing_test

import (
	"math"
	"testing"

	"reseed/pkg/billing"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{0, "EUR", "EUR 0.00"},
		{5, "EUR", "EUR 0.05"},
		{-5, "EUR", "EUR -0.05"},
		{123450, "EUR", "EUR 1,234.50"},
		{99999, "EUR", "EUR 999.99"},
		{-123456789, "USD", "USD -1,234,567.89"},
		{1000, "JPY", "JPY 1,000"},
		{0, "JPY", "JPY 0"},
		{1234, "KWD", "KWD 1.234"},
		{1, "CLF", "CLF 0.0001"},
		{math.MinInt64, "JPY", "JPY -9,223,372,036,854,775,808"},
	} {
		if got := billing.Money(c.minor, c.currency); got != c.want {
			t.Errorf("%d: %s, want %s", c.minor, got, c.want)
		}
	}
}
