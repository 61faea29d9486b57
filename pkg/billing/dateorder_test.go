package billing_test

import (
	"testing"
	"time"

	"reseed/pkg/billing"
)

func TestOrders(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]billing.DateOrder{
		"en_US": billing.MonthFirst, "en-US": billing.MonthFirst, "en_PH": billing.MonthFirst, "en_GB": billing.DayFirst, "en_AU": billing.DayFirst, "en_CA": billing.YearFirst,
		"de": billing.DayFirst, "de_DE": billing.DayFirst, "de_AT": billing.DayFirst, "fr_FR": billing.DayFirst, "fr_CA": billing.YearFirst, "pt_BR": billing.DayFirst,
		"ja_JP": billing.YearFirst, "zh_CN": billing.YearFirst, "zh_HK": billing.DayFirst, "zh_Hant_TW": billing.YearFirst, "hu_HU": billing.YearFirst, "sv_SE": billing.YearFirst,
		"": "", "en": "", "_": "", "xx_YY": "", "e": "", " ": "",
	} {
		if got := billing.OrderIn(locale); got != want {
			t.Errorf("%s: %q, want %q", locale, got, want)
		}
	}
}

func TestReadDate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cell                  string
		day, month, year, not string // empty: not read
	}{
		{cell: "03/04/2024", day: "2024-04-03", month: "2024-03-04"},
		{cell: "3/4/24", day: "2024-04-03", month: "2024-03-04"},
		{cell: "03.04.2024", day: "2024-04-03"}, // points are not for months that come first
		{cell: "3-4-2024", day: "2024-04-03", month: "2024-03-04"},
		{cell: "31/12/2024", day: "2024-12-31"},
		{cell: "12/31/2024", month: "2024-12-31"},
		{cell: "2024/4/3", day: "2024-04-03", month: "2024-04-03", year: "2024-04-03", not: "2024-04-03"},
		{cell: "2024. 04. 03.", year: "2024-04-03"},
		{cell: "3 Apr 2024", day: "2024-04-03", month: "2024-04-03", year: "2024-04-03", not: "2024-04-03"},
		{cell: "April 3, 2024", day: "2024-04-03", month: "2024-04-03", year: "2024-04-03", not: "2024-04-03"},
		{cell: "03/04/2024 18:30", day: "2024-04-03 18:30", month: "2024-03-04 18:30"},
		{cell: "3/4/2024, 6:30 PM", day: "2024-04-03 18:30", month: "2024-03-04 18:30"},
		{cell: "24/04/03", day: "2003-04-24"},
		{cell: "30/02/2024"},
		{cell: "soon"},
		{cell: ""},
		{cell: "2024"},
		{cell: "03/04"},
		{cell: "."},
	} {
		for order, want := range map[billing.DateOrder]string{billing.DayFirst: tt.day, billing.MonthFirst: tt.month, billing.YearFirst: tt.year, "": tt.not} {
			got := ""
			if at, ok := billing.ReadDate(tt.cell, order); ok {
				if got = at.Format(time.DateOnly); at.Hour() > 0 {
					got = at.Format("2006-01-02 15:04")
				}
			}
			if got != want {
				t.Errorf("%q, %q: %q, want %q", tt.cell, order, got, want)
			}
		}
	}
	for _, order := range []billing.DateOrder{billing.DayFirst, billing.MonthFirst, billing.YearFirst} {
		if at, ok := billing.ReadDate(order.Example(), order); !ok || at.Format(time.DateOnly) != "2024-01-02" {
			t.Errorf("%s: the example %q is %v", order, order.Example(), at)
		}
	}
}
