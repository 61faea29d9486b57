package billing_test

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2020, 2, 29, 13, 42, 37, 0, time.UTC)
	tests := map[string]time.Time{
		"2020-02-29":                     at.Truncate(24 * time.Hour),
		"2020-02-29 13:42:37":            at,
		"2020-02-29 13:42:37 UTC":        at,
		"2020-02-29 13:42:37 +0200":      at.Add(-2 * time.Hour),
		"2020-02-29 13:42:37+02:00":      at.Add(-2 * time.Hour),
		"2020-02-29T13:42:37Z":           at,
		"2020-02-29t13:42:37z":           at,
		"2020-02-29T13:42:37":            at,
		"2020-02-29T13:42":               at.Add(-37 * time.Second),
		"2020-02-29T13:42:37-05:30":      at.Add(5*time.Hour + 30*time.Minute),
		"2020-02-29T13:42:37+02":         at.Add(-2 * time.Hour),
		"2020-02-29T13:42:37.5Z":         at.Add(500 * time.Millisecond),
		"2020-02-29T13:42:37.123456789Z": at.Add(123 * time.Millisecond),
		"1900-01-01":                     time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC),
		"2200-12-31 23:59:59":            time.Date(2200, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	for s, want := range tests {
		got, err := billing.ParseTime(s)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %v, %v; want %v", s, got, err, want)
		}
	}
	bad := map[string]string{
		"": billing.CodeNotADate, "2020": billing.CodeNotADate, "2020-2-9": billing.CodeNotADate,
		"13/02/2020": billing.CodeNotADate, "02/13/2020": billing.CodeNotADate, "02-13-2020": billing.CodeNotADate,
		"2020-13-01": billing.CodeNotADate, "2020-00-01": billing.CodeNotADate, "2021-02-29": billing.CodeNotADate,
		"1900-02-29": billing.CodeNotADate, "2020-04-31": billing.CodeNotADate, "2020-01-00": billing.CodeNotADate,
		"2020-01-01 24:00:00": billing.CodeNotADate, "2016-12-31T23:59:60Z": billing.CodeNotADate,
		"2020-01-01 12": billing.CodeNotADate, "2020-01-01T": billing.CodeNotADate, "2020-01-01Z": billing.CodeNotADate,
		"2020-01-01 12:00:00 CET": billing.CodeNotADate, "2020-01-01 12:00:00 +2": billing.CodeNotADate,
		"2020-01-01 12:00:00.": billing.CodeNotADate, "2020-01-01 12:00:00.1234567890": billing.CodeNotADate,
		"2020-01-01 12:00:00 +1500": billing.CodeNotADate, "2020-01-01 12:00:00Z!": billing.CodeNotADate,
		"44000": billing.CodeNotADate, "２０２０-01-01": billing.CodeNotADate,
		"0001-01-01": billing.CodeOutOfRange, "9999-12-31": billing.CodeOutOfRange, "1899-12-31": billing.CodeOutOfRange,
	}
	for s, code := range bad {
		if got, err := billing.ParseTime(s); fault.CodeOf(err) != code || !got.IsZero() {
			t.Errorf("%s: %v, %v; want %s", s, got, err, code)
		}
	}
}

func TestParseTimeAgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-2_208_988_800_000, 7_289_654_399_999).Draw(t, "ms")
		offset := rapid.IntRange(-14*60, 14*60).Draw(t, "offset")
		want := time.UnixMilli(ms).UTC()
		s := want.In(time.FixedZone("", offset*60)).Format("2006-01-02T15:04:05.000Z07:00")
		if got, err := billing.ParseTime(s); err != nil || !got.Equal(want) {
			t.Fatalf("%s: %v, %v; want %v", s, got, err, want)
		}
	})
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"usd": "USD", "Eur": "EUR", "HRK": "HRK", "JPY": "JPY", "KWD": "KWD", "VES": "VES", "CLF": "CLF"} {
		if got, err := billing.ParseCurrency(s); err != nil || got != want {
			t.Errorf("%s: %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "US", "USDX", "XXX", "XTS", "XAU", "BTC", "€", "\x00\x00\x00"} {
		if got, err := billing.ParseCurrency(s); fault.CodeOf(err) != billing.CodeUnknownCurrency {
			t.Errorf("%q: %s, %v", s, got, err)
		}
	}
	for code, want := range map[string]string{"USD": "$", "EUR": "€", "JPY": "¥", "PLN": "zł", "CHF": "CHF", "VES": "VES", "": ""} {
		if got := billing.CurrencySign(code); got != want {
			t.Errorf("sign of %s: %s, want %s", code, got, want)
		}
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"de": "DE", "DEU": "DE", "germany": "DE", "GERMANY": "DE", "US": "US", "usa": "US", "U.S.A.": "US",
		"United States of America": "US", "UK": "GB", "England": "GB", "Cote d'Ivoire": "CI", "Côte d’Ivoire": "CI",
		"Trinidad and Tobago": "TT", "Trinidad & Tobago": "TT", "st lucia": "LC", "Curacao": "CW", "Åland Islands": "AX",
		"Czech Republic": "CZ", "TÜRKIYE": "TR", "Korea, Republic of": "KR", "NA": "NA", "xk": "XK",
	} {
		if got, err := billing.ParseCountry(s); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "N/A", "n.a.", "EU", "ZZ", "California", "-", "日本"} {
		if got, err := billing.ParseCountry(s); err == nil {
			t.Errorf("%q is taken for %s", s, got)
		}
	}
	if got := billing.CountryName("US"); got != "United States" {
		t.Error(got)
	}
	if got := billing.CountryName("ZZ"); got != "" {
		t.Error(got)
	}
}

// Our own list of countries (see countries.go) agrees with Unicode's.
func TestCountriesAgreeWithUnicode(t *testing.T) {
	t.Parallel()
	lines, seen := strings.Split(strings.TrimSpace(billing.CountryList()), "\n"), map[string]string{}
	if len(lines) != 250 { // ISO 3166-1 has 249, and Kosovo
		t.Errorf("%d countries", len(lines))
	}
	for _, line := range lines {
		fields := strings.Split(line, ";")
		region, err := language.ParseRegion(fields[0])
		if err != nil {
			t.Errorf("%s: %v", fields[0], err)
			continue
		}
		if iso3 := region.ISO3(); iso3 != fields[1] && fields[0] != "XK" {
			t.Errorf("%s: %s, Unicode says %s", fields[0], fields[1], iso3)
		}
		name := display.English.Regions().Name(region)
		if got, err := billing.ParseCountry(name); err != nil || got != fields[0] {
			t.Errorf("%s: Unicode's name %s is %s, %v", fields[0], name, got, err)
		}
		for _, f := range fields {
			if other := seen[f]; other != "" {
				t.Errorf("%s means %s and %s", f, other, fields[0])
			}
			seen[f] = fields[0]
			if got, err := billing.ParseCountry(f); err != nil || got != fields[0] {
				t.Errorf("%s is %s, %v; want %s", f, got, err, fields[0])
			}
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ country, in, want string }{
		{"US", "California", "US-CA"},
		{"US", "ca", "US-CA"},
		{"US", "us-ca", "US-CA"},
		{"", "New York", "US-NY"},
		{"US", "Atlantis", "Atlantis"},
		{"CA", "CA", "CA"},
		{"AU", "WA", "WA"},
		{"GE", "Georgia", "Georgia"},
		{"", "British Columbia", "British Columbia"},
		{"", "", ""},
	} {
		if got := billing.ParseState(tt.country, tt.in); got != tt.want {
			t.Errorf("%s in %q: %s, want %s", tt.in, tt.country, got, tt.want)
		}
	}
	for in, want := range map[string]string{"US-CA": "California", "US-DC": "District of Columbia", "England": "England", "": ""} {
		if got := billing.StateName(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestBooleans(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"TRUE": true, "true": true, "1": true, "Yes": true, "FALSE": false, "0": false, "no": false} {
		if got, err := billing.ParseBool(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
}

func TestEventTypesInEverySpelling(t *testing.T) {
	t.Parallel()
	for i, s := range billing.EventTypes() {
		for _, spelling := range []string{s, strings.ToUpper(s), strings.ReplaceAll(s, "_", " "), strings.ReplaceAll(s, "_", "")} {
			if got, err := billing.ParseEventType(spelling); err != nil || got != s {
				t.Errorf("%d %s: %s, %v", i, spelling, got, err)
			}
		}
	}
	if billing.EventTypes()[9] != "subscription_event_retracted" || len(billing.EventTypes()) != 10 {
		t.Error("the export codes are 0 to 9")
	}
}

// cellText draws the text of a cell: mostly ASCII, and texts of every length around the limit.
func cellText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[ -~]{0,20}`),
		rapid.StringMatching(`[a-z]{1,5}@[a-z.@ ]{1,8}`),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "~", "@", " ", "!", "\x00", "\x1f", "\x7f", "\xff", "\u00a0", "é", "日", "\u200b", "\ufffd", "\u202f", "\u3164", "\ufe0f", "\ufeff",
		}), 0, 4), func(parts []string) string { return strings.Join(parts, "") }),
		rapid.Map(rapid.IntRange(250, 260), func(n int) string { return strings.Repeat("x", n) }),
		rapid.Map(rapid.IntRange(250, 260), func(n int) string { return strings.Repeat("é", n) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }),
	)
}

// What the rules say of a character: it is there, it leaves ink or is the usual space, or it may be
// dropped at the ends of a cell.
func visible(r rune) bool { return r != utf8.RuneError && unicode.IsGraphic(r) }

func inked(r rune) bool {
	return visible(r) && (r == ' ' || !unicode.IsSpace(r)) && r != '\ufe0f' && r != '\u3164'
}

func blank(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\u00ad\u200b\u2060\ufeff", r)
}

// The checks have a short cut for plain ASCII. With it they accept exactly what the rules allow.
func TestChecksFollowTheirRules(t *testing.T) {
	t.Parallel()
	all := func(s string, ok func(rune) bool) bool {
		return strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
	}
	l, err := billing.NewLayout(billing.Customers, []string{"External ID", "City"}, billing.Values{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *rapid.T, what, s string, err error, want bool) {
		if (err == nil) != want {
			t.Fatalf("%s of %q: %v, want %v", what, s, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range rapid.SliceOfN(cellText(), 50, 50).Draw(t, "cells") {
			short := utf8.RuneCountInString(s) <= billing.MaxText
			at := strings.IndexByte(s, '@')
			address := strings.Count(s, "@") == 1 && at > 0 && at < len(s)-1
			check(t, "id", s, billing.CheckID(s), short && all(s, inked))
			check(t, "length", s, billing.CheckLength(s, billing.MaxText), short && utf8.ValidString(s) && !strings.Contains(s, "\x00"))
			check(t, "email", s, billing.CheckEmail(s), address && all(s, func(r rune) bool { return visible(r) && !unicode.IsSpace(r) }))
			rec, problem := l.Record([]string{"c1", s}, now())
			if c, ok := rec.(*billing.Customer); problem == nil && (!ok || c.City != strings.TrimFunc(s, blank)) {
				t.Fatalf("%q is trimmed to %+v", s, c)
			}
		}
	})
}

func TestCentsAreIntegers(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^-?[0-9]+$`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{0,25}`), rapid.StringMatching(`[-0-9.,e+ ]{0,6}`), rapid.StringMatching(`-?0{0,30}[0-9]{1,3}`),
			rapid.Map(rapid.Int64Range(billing.MaxInteger-2, billing.MaxInteger+2), func(n int64) string { return strconv.FormatInt(n, 10) }),
			rapid.Map(rapid.Int64Range(-billing.MaxInteger-2, -billing.MaxInteger+2), func(n int64) string { return strconv.FormatInt(n, 10) }),
		).Draw(t, "s")
		want, code := int64(0), billing.CodeNotCents
		if form.MatchString(s) {
			n, ok := new(big.Int).SetString(s, 10)
			if code = ""; !ok || !n.IsInt64() || n.Int64() > billing.MaxInteger || n.Int64() < -billing.MaxInteger {
				code = billing.CodeOutOfRange
			} else {
				want = n.Int64()
			}
		}
		if got, err := billing.ParseCents(s); got != want || fault.CodeOf(err) != code {
			t.Fatalf("%q: %d, %v; want %d, %q", s, got, err, want, code)
		}
	})
}

func BenchmarkParseTime(b *testing.B) {
	for _, s := range []string{"2025-05-17", "2025-05-17 17:43:36 UTC", "2025-05-17T17:43:36+02:00"} {
		b.Run(s, func(b *testing.B) {
			for b.Loop() {
				if _, err := billing.ParseTime(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
