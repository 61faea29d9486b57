package billing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
)

func TestDateFormats(t *testing.T) {
	t.Parallel()
	for _, format := range []string{
		"DD.MM.YYYY", "dd.mm.yyyy", "MM/DD/YYYY", "D/M/YY", "YYYYMMDD", "YYYYMMDDTHH:mm:ss", "DD-MMM-YYYY", "MMMM D, YYYY", "DD.MM.YYYY HH:mm", "M/D/YYYY, h:mm:ss A", "YYMMDD", "YYYYMMDDHHmm",
	} {
		if err := billing.CheckDateFormat(format); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, format := range []string{
		"", "X", "DD.MM", "DD.MM.YYYY DD", "DD.MM.YYYY.", ".DD.MM.YYYY", "DMYYYY", "DD.MM.YYYY mm:HH", "DD.MM.YYYY HH", "DD.MM.YYYY hh:mm", "DD.MM.YYYY HH:mm A", "HH:mm DD.MM.YYYY",
		"DD.MM.YYYY HH:mm:ss.SSS", "%d.%m.%Y", "02.01.2006", "YYYYY-MM-DD", "DD.MM.YYYY Hmm", "DD.MM.YYYY HH:mm Z", strings.Repeat("Y", 1000),
	} {
		err := billing.CheckDateFormat(format)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Code != "bad_date_format" || e.Param != "date_format" {
			t.Errorf("%s: %v", format, err)
		}
	}
	_, err := billing.NewLayout(billing.Customers, []string{"External ID"}, billing.Values{DateFormat: "DD.MM"})
	wantFault(t, "a bad format", err, "bad_date_format", "date_format")
}

func TestDatesOfAFormat(t *testing.T) {
	t.Parallel()
	day, at := time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC), time.Date(2024, 2, 3, 13, 5, 9, 0, time.UTC)
	for _, tt := range []struct {
		format, cell string
		want         time.Time // zero: no date
	}{
		{"DD.MM.YYYY", "03.02.2024", day},
		{"DD.MM.YYYY", " 03.02.2024\u00a0", day},
		{"DD.MM.YYYY", "3.2.2024", time.Time{}},
		{"DD.MM.YYYY", "2024-02-03", time.Time{}}, // a column of two forms is not trusted
		{"DD.MM.YYYY", "03.02.2024 13:05", time.Time{}},
		{"DD.MM.YYYY", "30.02.2024", time.Time{}},
		{"DD.MM.YYYY", "02/03/2024", time.Time{}},
		{"DD.MM.YYYY", "03.02.24", time.Time{}},
		{"dd.mm.yyyy", "03.02.2024", day},
		{"MM/DD/YYYY", "02/03/2024", day},
		{"MM/DD/YYYY", "13/03/2024", time.Time{}},
		{"D.M.YYYY", "3.2.2024", day},
		{"D.M.YYYY", "03.02.2024", day},
		{"D.M.YYYY", "0.2.2024", time.Time{}},
		{"D.M.YYYY", ".2.2024", time.Time{}},
		{"D.M.YYYY", "003.2.2024", time.Time{}},
		{"D/M/YY", "3/2/24", day},
		{"D/M/YY", "3/2/2024", time.Time{}},
		{"YYYYMMDD", "20240203", day},
		{"YYYYMMDD", "2024023", time.Time{}},
		{"D-MMM-YYYY", "3-feb-2024", day},
		{"D-MMM-YYYY", "3-Febr-2024", time.Time{}},
		{"MMMM D, YYYY", "February 3, 2024", day},
		{"MMMM D, YYYY", "Feb 3, 2024", time.Time{}},
		{"DD.MM.YYYY HH:mm:ss", "03.02.2024 13:05:09", at},
		{"DD.MM.YYYY HH:mm:ss", "03.02.2024", day},
		{"DD.MM.YYYY HH:mm:ss", "03.02.2024 13:05", time.Time{}},
		{"DD.MM.YYYY HH:mm:ss", "03.02.2024 24:00:00", time.Time{}},
		{"YYYYMMDDHHmmss", "20240203130509", at},
		{"M/D/YYYY, h:mm:ss A", "2/3/2024, 1:05:09\u202fPM", at},
		{"M/D/YYYY h:mm:ss A", "2/3/2024 01:05:09 pm", at},
		{"M/D/YYYY h:mm:ss A", "2/3/2024 13:05:09 PM", time.Time{}},
		{"M/D/YYYY h:mm:ss A", "2/3/2024 1:05:09", time.Time{}},
		{"M/D/YYYY h:mm:ss A", "2/3/2024 12:00:00 AM", day},
		{"M/D/YYYY h:mm:ss A", "2/3/2024 0:00:00 AM", time.Time{}},
	} {
		l := layout(t, billing.Customers, []string{"External ID", "Free trial started at"}, billing.Values{DateFormat: tt.format})
		rec, p := l.Record([]string{"c1", tt.cell}, now())
		if tt.want.IsZero() {
			if codeOf(p) != billing.CodeNotADate || !strings.Contains(p.Message, strings.ToUpper(tt.format[:2])) {
				t.Errorf("%s, %q: %+v, %+v", tt.format, tt.cell, rec, p)
			}
			continue
		}
		if p != nil || !rec.(*billing.Customer).FreeTrialStartedAt.Equal(tt.want) { //nolint:forcetypeassert // of this layout
			t.Errorf("%s, %q: %+v, %+v; want %v", tt.format, tt.cell, rec, p, tt.want)
		}
	}
	l := layout(t, billing.Customers, []string{"External ID", "Free trial started at"}, billing.Values{DateFormat: "D.M.YYYY"})
	if rec, p := l.Record([]string{"c1", ""}, now()); p != nil || !rec.(*billing.Customer).FreeTrialStartedAt.IsZero() { //nolint:forcetypeassert // of this layout
		t.Errorf("blank: %+v, %+v", rec, p)
	}
	if _, p := l.Record([]string{"c1", "1.1.1899"}, now()); codeOf(p) != billing.CodeOutOfRange {
		t.Errorf("long ago: %+v", p)
	}
}

// A date without a zone may be meant in any: it is not the future where today has begun.
func TestTodayInTheEast(t *testing.T) {
	t.Parallel()
	for cell, code := range map[string]string{ // it is noon of 2026-11-23 in UTC, and 01:00 of the 24th in Auckland
		"2026-11-24": "", "2026-11-24 02:00:00": "", "2026-11-24 02:00:01": billing.CodeDateInFuture, "2026-11-25": billing.CodeDateInFuture,
		"2026-11-23T12:00:00Z": "", "2026-11-24T01:00:00+13:00": "", "2026-11-23T12:00:01Z": billing.CodeDateInFuture, "2026-11-24 01:00 UTC": billing.CodeDateInFuture,
	} {
		l := layout(t, billing.Customers, []string{"External ID", "Lead created at"}, billing.Values{})
		if _, p := l.Record([]string{"c1", cell}, now()); codeOf(p) != code {
			t.Errorf("%s: %+v, want %q", cell, p, code)
		}
	}
}

// A date written in a format is read as that date, and as no other.
func TestDatesComeBack(t *testing.T) {
	t.Parallel()
	layouts := map[string]string{ // of package time
		"DD.MM.YYYY HH:mm:ss": "02.01.2006 15:04:05", "D/M/YYYY H:mm:ss": "2/1/2006 15:04:05", "M/D/YYYY h:mm:ss A": "1/2/2006 3:04:05 PM",
		"MMMM D, YYYY hh:mm:ss A": "January 2, 2006 03:04:05 PM", "YYYYMMDDHHmmss": "20060102150405", "DD-MMM-YYYY HH:mm:ss": "02-Jan-2006 15:04:05",
	}
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(rapid.Int64Range(-2_208_988_800, 7_289_654_399).Draw(t, "second"), 0).UTC()
		for format, layout := range layouts {
			l, err := billing.NewLayout(billing.Customers, []string{"External ID", "Free trial started at"}, billing.Values{DateFormat: format})
			if err != nil {
				t.Fatal(err)
			}
			cell := want.Format(layout)
			if strings.HasPrefix(format, "D/") {
				cell = strings.Replace(cell, " 0", " ", 1)
			}
			rec, p := l.Record([]string{"c1", cell}, now())
			if p != nil || !rec.(*billing.Customer).FreeTrialStartedAt.Equal(want) { //nolint:forcetypeassert // of this layout
				t.Fatalf("%s, %s: %+v, %+v", format, cell, rec, p)
			}
		}
	})
}

// FuzzValues reads one cell as a date of any format and as an amount. What is taken, is what package
// time and simple arithmetic make of it.
func FuzzValues(f *testing.F) {
	f.Add("DD.MM.YYYY HH:mm", "03.02.2024 13:05", "12.50", "EUR", true)
	f.Add("M/D/YY h:mm A", "2/3/24 1:05 PM", "12,50", "KWD", false)
	f.Add("YYYYMMDD", "20240203", "-0.0001", "CLF", false)
	f.Fuzz(func(t *testing.T, format, date, amount, currency string, comma bool) {
		values := billing.Values{DateFormat: format, Units: true, DecimalComma: comma}
		if err := billing.CheckDateFormat(format); err != nil {
			values.DateFormat = ""
		}
		header := []string{"Customer external ID", "Subscription external ID", "Event Type", "Date", "Effective Date", "Currency", "Amount in Cents"}
		l, err := billing.NewLayout(billing.Events, header, values)
		if err != nil {
			t.Fatal(err)
		}
		rec, p := l.Record([]string{"c1", "s1", billing.Cancelled, date, date, currency, amount}, now())
		l.Remarks().Sentences()
		if p != nil {
			return
		}
		e := rec.(*billing.Event) //nolint:forcetypeassert // of this layout
		if y := e.Date.Year(); y < 1900 || y > 2200 || !e.Date.Equal(e.EffectiveDate) {
			t.Fatalf("%q in %q is %v", date, format, e.Date)
		}
		if e.AmountInCents != nil {
			comesBack(t, *e.AmountInCents, e.Currency)
		}
	})
}

// comesBack checks that an amount, written in units, is read as the same amount.
func comesBack(t *testing.T, minor int64, currency string) {
	t.Helper()
	units, err := billing.ParseUnits(inUnits(minor, currency), false)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := billing.ToMinor(units, currency); err != nil || again != minor {
		t.Fatalf("%d %s is %s, and that is %d, %v", minor, currency, inUnits(minor, currency), again, err)
	}
}
