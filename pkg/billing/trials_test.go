package billing_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
)

// TestTrials reads files as people have them. Numbers are lines.
func TestTrials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file    string
		dataset billing.Dataset
		values  billing.Values
		want    map[int]string // codes of the rejects; other rows are taken
		says    map[int]string // part of the message
	}{
		{
			file: "a13h_nbsp_id_mid.csv", dataset: billing.Customers,
			want: map[int]string{3: billing.CodeBadCharacter},
			says: map[int]string{3: "Character 4 of the id is invisible or only looks like a space (U+00A0)"},
		},
		{
			file: "a14_na.csv", dataset: billing.Customers,
			want: map[int]string{2: billing.CodeSheetError, 3: billing.CodeSheetError, 4: billing.CodeSheetError, 5: billing.CodeNoID, 6: billing.CodeSheetError, 7: billing.CodeSheetError},
			says: map[int]string{2: "External ID: ", 6: "Company: "},
		},
		{
			file: "a15_excel_dates.csv", dataset: billing.Invoices, want: every(15, billing.CodeNotADate, map[int]string{11: billing.CodeSheetError}),
			says: map[int]string{
				2: "counts the days up to 2024-01-31", 3: `is 2024-02-01 with --date-format "DD/MM/YYYY", or 2024-01-02 with "MM/DD/YYYY"`,
				4: `with --date-format "DD.MM.YYYY"`, 5: `"YYYY/MM/DD"`, 6: `"M/D/YY"`, 7: `"YYYY-M-D"`, 8: `"DD-MMM-YYYY"`, 9: `"MMM DD YYYY"`, 10: `"YYYY-MM-DD h:mm A"`,
				12: "counts seconds", 13: "counts the days", 14: `"YYYYMMDD"`, 15: `"YYYY-MM-DD H:mm:ss"`,
			},
		},
		{
			file: "a15_excel_dates.csv", dataset: billing.Invoices, values: billing.Values{DateFormat: "DD.MM.YYYY"},
			want: every(15, billing.CodeNotADate, map[int]string{4: "", 11: billing.CodeSheetError}),
			says: map[int]string{7: "does not fit the date format of this import, DD.MM.YYYY"},
		},
		{file: "a16_sci_ids.csv", dataset: billing.Customers, want: every(4, billing.CodeDamagedID, nil), says: map[int]string{2: "External ID: A spreadsheet has rounded this id"}},
		{file: "a16_sci_ids.csv", dataset: billing.Customers, values: billing.Values{VerbatimIDs: true}},
		{file: "a16b_sci_invoices.csv", dataset: billing.Invoices, want: every(3, billing.CodeDamagedID, nil), says: map[int]string{2: "Customer external ID: "}},
		{
			file: "a18_amounts.csv", dataset: billing.LineItems, want: every(21, billing.CodeNotCents, map[int]string{18: ""}),
			says: map[int]string{12: `"500.00" can be 500 minor units, or 50000`, 20: "--decimal comma", 2: "write 12.50 as 1250"},
		},
		{
			file: "a18_amounts.csv", dataset: billing.LineItems, values: billing.Values{Units: true},
			want: every(21, billing.CodeNotAnAmount, map[int]string{5: "", 11: "", 12: "", 18: ""}),
			says: map[int]string{20: "write it as 500.0 or import with --decimal comma"},
		},
		{file: "a19b_total_row_cust.csv", dataset: billing.Customers, want: map[int]string{3: billing.CodeTotalRow, 4: billing.CodeTotalRow}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			problems, rows := problemsOf(t, filepath.Join("..", "..", "testdata", "trials", tt.file), tt.dataset, tt.values)
			for line := 2; line <= rows+1; line++ {
				p := problems[line]
				if p.Code != tt.want[line] || !strings.Contains(p.Message, tt.says[line]) {
					t.Errorf("line %d: %+v, want %q, which says %q", line, p, tt.want[line], tt.says[line])
				}
			}
			if len(tt.want) > rows {
				t.Errorf("the file has %d rows", rows)
			}
		})
	}
}

// every makes a table of the lines behind the header with one code, but for a few.
func every(last int, code string, but map[int]string) map[int]string {
	codes := map[int]string{}
	for line := 2; line <= last; line++ {
		codes[line] = code
		if other, ok := but[line]; ok {
			codes[line] = other
		}
	}
	return codes
}

// problemsOf reads a file, one line a row.
func problemsOf(t *testing.T, file string, ds billing.Dataset, values billing.Values) (problems map[int]billing.Problem, rows int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	l := layout(t, ds, all[0], values)
	problems = map[int]billing.Problem{}
	for i, cells := range all[1:] {
		if _, p := l.Record(cells, now()); p != nil {
			problems[i+2] = *p
		}
	}
	return problems, len(all) - 1
}

func layout(t *testing.T, ds billing.Dataset, header []string, values billing.Values) *billing.Layout {
	t.Helper()
	l, err := billing.NewLayout(ds, header, values)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestIDsOfSpreadsheets tries ids of one column. In a record of NDJSON each of them is an id.
func TestIDsOfSpreadsheets(t *testing.T) {
	t.Parallel()
	for code, ids := range map[string][]string{
		billing.CodeDamagedID: {"1.23457E+11", "1,23457E+11", "1E+11", "1.23457e+11", "1.00E-05"},
		billing.CodeSheetError: {
			"#N/A", "#n/a", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA", "#FIELD!", "#BLOCKED!", "#CONNECT!",
			"#ÜBERLAUF!", "#BEZUG!", "#NV", "#¡VALOR!", "#¿NOMBRE?", "#ЗНАЧ!", "#####",
		},
		billing.CodeNoID:     {"NULL", "null", "N/A", "nan", "None", "nil", "-", "(null)", "<NULL>", `\N`},
		billing.CodeTotalRow: {"Total", "TOTAL", "Grand total", "Grand Total:", "Subtotal", "Sub-total", "Sum", "Gesamtergebnis"},
		"": {
			"1e5", "12E3", "1.5E11", "E+11", "1E+", "12.5E+11", "1.E+11", "1.23457E+11x", "A1E+11", "#1001", "##", "#hello!", "#", "nullable", "Nancy", "Total Energies", "Summit",
			"1001.0", "1.5", "'00123", "na-1",
		},
	} {
		for _, id := range ids {
			for verbatim, want := range map[bool]string{false: code, true: ""} {
				l := layout(t, billing.Customers, []string{"External ID"}, billing.Values{VerbatimIDs: verbatim})
				if rec, p := l.Record([]string{id}, now()); codeOf(p) != want || p == nil && rec.(*billing.Customer).ExternalID != id { //nolint:forcetypeassert // of this layout
					t.Errorf("%q, verbatim %t: %+v, %+v; want %q", id, verbatim, rec, p, want)
				}
			}
			if p := inRecord(t, id); p != nil {
				t.Errorf("%q in NDJSON: %+v", id, p)
			}
		}
	}
}

func codeOf(p *billing.Problem) string {
	if p == nil {
		return ""
	}
	return p.Code
}

// inRecord judges a customer of NDJSON with this id.
func inRecord(t *testing.T, id string) *billing.Problem {
	t.Helper()
	fields, err := billing.NewFields(billing.Customers)
	if err != nil {
		t.Fatal(err)
	}
	fields.Begin()
	if p := fields.Set("external_id", billing.Text, id); p != nil {
		return p
	}
	_, p := fields.Record(now())
	return p
}

// The rules for ids hold for the ids of other records too, except that a total is only the row's
// own; an error is one in any column, even with ids verbatim.
func TestSpreadsheetsInOtherColumns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		column, cell string
		verbatim     bool
		code         string
	}{
		{"Customer external ID", "1E+11", false, billing.CodeDamagedID},
		{"Customer external ID", "NULL", false, billing.CodeNoID},
		{"Customer external ID", "Total", false, ""},
		{"Customer external ID", "1E+11", true, ""},
		{"Customer external ID", "#N/A", true, ""},
		{"Invoice external ID", "Total", false, billing.CodeTotalRow},
		{"Currency", "#N/A", false, billing.CodeSheetError},
		{"Currency", "#N/A", true, billing.CodeSheetError},
		{"Due date", "#REF!", true, billing.CodeSheetError},
		{"Shoe size", "#N/A", false, ""},
	} {
		row := good()[billing.Invoices].with(tt.column, tt.cell)
		header, cells := []string{}, []string{}
		for name, cell := range row {
			header, cells = append(header, name), append(cells, cell)
		}
		_, p := layout(t, billing.Invoices, header, billing.Values{VerbatimIDs: tt.verbatim}).Record(cells, now())
		if codeOf(p) != tt.code || p != nil && p.Column != tt.column {
			t.Errorf("%s %q, verbatim %t: %+v, want %q", tt.column, tt.cell, tt.verbatim, p, tt.code)
		}
	}
}

// Remarks of several readers add up to one sentence.
func TestSentencesAboutValues(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		column string
		cells  [][]string // of each reader
		want   string     // part of the sentence; empty if there is none
	}{
		"ids with .0":           {"External ID", [][]string{{"1001.0", "1002.0"}, {"x3", "1004.0"}}, `3 cells of the column "External ID" are ids like 1001.0`},
		"one form":              {"Lead created at", [][]string{{"31.01.2024"}, {"01.02.2024", "2024-01-01", ""}}, `2 cells of the column "Lead created at" cannot be read as dates like 2024-12-31, and all fit the date format "DD.MM.YYYY": import the file with --date-format "DD.MM.YYYY"`},
		"decided by one value":  {"Lead created at", [][]string{{"01/02/2024", "02/03/2024"}, {"01/31/2024"}}, `format "MM/DD/YYYY"`},
		"without zeros":         {"Lead created at", [][]string{{"1/2/2024", "12/31/2024"}}, `format "M/D/YYYY"`},
		"undecided":             {"Lead created at", [][]string{{"01/02/2024", "02/03/2024"}}, `formats "DD/MM/YYYY" and "MM/DD/YYYY": find out`},
		"some with a time":      {"Lead created at", [][]string{{"31.01.2024"}, {"01.02.2024 9:30", "01.02.2024 18:30"}}, `format "DD.MM.YYYY H:mm"`},
		"AM and PM":             {"Lead created at", [][]string{{"1/31/2024, 1:05:00\u202fPM"}}, `format "M/D/YYYY, h:mm:ss A"`},
		"names of months":       {"Lead created at", [][]string{{"May 5, 2024", "June 15, 2024"}}, `format "MMMM D, YYYY"`},
		"no form fits all":      {"Lead created at", [][]string{{"31.01.2024", "01/31/2024"}}, ""},
		"no time fits all":      {"Lead created at", [][]string{{"31.01.2024 18:30", "31.01.2024 18:30:00"}}, ""},
		"one value is no date":  {"Lead created at", [][]string{{"31.01.2024", "soon"}}, ""},
		"dates as they must be": {"Lead created at", [][]string{{"2024-01-31"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all billing.Remarks
			for _, cells := range tt.cells {
				l := layout(t, billing.Customers, []string{"External ID", "Lead created at"}, billing.Values{})
				for _, cell := range cells {
					l.Record(map[string][]string{"External ID": {cell}, "Lead created at": {"c1", cell}}[tt.column], now())
				}
				for _, r := range l.Remarks() {
					all.Add(r.Code, r.Column, r.Count)
				}
			}
			got := strings.Join(all.Sentences(), "\n")
			if strings.Contains(got, "\n") || !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Amounts in units whose point may separate thousands are taken, and said.
func TestThreeDecimalsAreSaid(t *testing.T) {
	t.Parallel()
	l := layout(t, billing.LineItems, []string{"Invoice external ID", "Type", "Amount in cents", "Tax amount", "Balance transfer"}, billing.Values{Units: true})
	for _, amount := range []string{"1.250", "12.5000", "1.25", "125"} {
		if rec, p := l.Record([]string{"i1", "one_time", amount, "-0.125", amount}, now()); p != nil {
			t.Errorf("%s: %+v, %+v", amount, rec, p)
		}
	}
	want := billing.Remarks{{Code: "three_decimals", Column: "Amount in cents", Count: 1}, {Code: "three_decimals", Column: "Tax amount", Count: 4}, {Code: "three_decimals", Column: "Balance transfer", Count: 1}}
	if diff := cmp.Diff(want, l.Remarks()); diff != "" || !strings.Contains(l.Remarks().Sentences()[0], "1.250 is one and a quarter") {
		t.Error(diff, l.Remarks().Sentences())
	}
}

// Events name their own currency, so their amounts are converted at once.
func TestEventsInUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		amount, currency string
		comma            bool
		want             int64
		column, code     string
	}{
		{"12.50", "EUR", false, 1250, "", ""},
		{"12,50", "EUR", true, 1250, "", ""},
		{"1250", "JPY", false, 1250, "", ""},
		{"12.505", "EUR", false, 0, "Amount in Cents", billing.CodeNotExact},
		{"12.50", "JPY", false, 0, "Amount in Cents", billing.CodeNotExact},
		{"12.50", "", false, 0, "Currency", billing.CodeRequired},
		{"12.50", "EURO", false, 0, "Currency", billing.CodeUnknownCurrency},
		{"0.00", "", false, 0, "", ""},
		{"12,50", "EUR", false, 0, "Amount in Cents", billing.CodeNotAnAmount},
	} {
		row := good()[billing.Events].with("Amount in Cents", tt.amount).with("Currency", tt.currency).with("Event Type", billing.Cancelled)
		header, cells := billing.Columns(billing.Events), []string{}
		for _, h := range header {
			cells = append(cells, row[h])
		}
		l := layout(t, billing.Events, header, billing.Values{Units: true, DecimalComma: tt.comma})
		rec, p := l.Record(cells, now())
		if codeOf(p) != tt.code || p != nil && p.Column != tt.column || p == nil && *rec.(*billing.Event).AmountInCents != tt.want { //nolint:forcetypeassert // of this layout
			t.Errorf("%s %s: %+v, %+v; want %d, %s %q", tt.amount, tt.currency, rec, p, tt.want, tt.column, tt.code)
		}
	}
}

// Characters without ink at the ends of a cell are dropped, and within an id they are refused.
func TestInvisibleCharacters(t *testing.T) {
	t.Parallel()
	l := layout(t, billing.Customers, []string{"External ID"}, billing.Values{})
	for _, r := range "\u00a0\u00ad\u2000\u2009\u200b\u202f\u205f\u2060\u3000\ufeff" {
		rec, p := l.Record([]string{string(r) + "c1" + string(r) + " "}, now())
		if want := (&billing.Customer{ExternalID: "c1"}); cmp.Diff(billing.Record(want), rec) != "" || p != nil {
			t.Errorf("%U at the ends: %+v, %+v", r, rec, p)
		}
		if _, p := l.Record([]string{"é" + string(r) + "1"}, now()); codeOf(p) != billing.CodeBadCharacter || !strings.Contains(p.Message, "Character 2 ") {
			t.Errorf("%U within: %+v", r, p)
		}
	}
	for _, r := range "\u200e\u200d\u3164\u2800\ufe0f\u0001" {
		if _, p := l.Record([]string{"c1" + string(r)}, now()); codeOf(p) != billing.CodeBadCharacter || strings.Contains(p.Message, "c1") {
			t.Errorf("%U: %+v", r, p)
		}
	}
}
