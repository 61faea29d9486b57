package grid_test

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/grid"
)

func text(s string) grid.Cell    { return grid.Cell{Kind: grid.Text, Text: s} }
func number(x float64) grid.Cell { return grid.Cell{Kind: grid.Number, Number: x} }
func date(x float64) grid.Cell   { return grid.Cell{Kind: grid.Date, Number: x} }
func truth(x float64) grid.Cell  { return grid.Cell{Kind: grid.Truth, Number: x} }
func problem(s string) grid.Cell { return grid.Cell{Kind: grid.Error, Text: s} }
func texts(s ...string) (row []grid.Cell) {
	for _, one := range s {
		if one == "" {
			row = append(row, grid.Cell{})
		} else {
			row = append(row, text(one))
		}
	}
	return row
}

// frozen writes rows, by their numbers.
func frozen(tb testing.TB, r grid.Reading, rows map[int64][]grid.Cell) string {
	tb.Helper()
	var out bytes.Buffer
	w := grid.NewWriter(&out, r, 1)
	for n := int64(1); n <= 1000; n++ {
		if cells, ok := rows[n]; ok {
			if err := w.Row(n, cells); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func TestCells(t *testing.T) {
	t.Parallel()
	berlin := grid.Reading{Zone: "Europe/Berlin"}
	for name, tt := range map[string]struct {
		holds string
		r     grid.Reading
		cell  grid.Cell
		want  string
	}{
		"id":                             {"id", grid.Reading{}, number(42), "42"},
		"id in text":                     {"id", grid.Reading{}, text("00042"), "00042"},
		"largest id":                     {"id", grid.Reading{}, number(9007199254740991), "9007199254740991"},
		"id beyond 2^53":                 {"id", grid.Reading{}, number(9007199254740994), "9.00719925474099E+15"},
		"id of 16 digits, the last lost": {"id", grid.Reading{}, number(1234567890123450), "1.23456789012345E+15"},
		"id that became a date":          {"id", grid.Reading{}, date(45293), "4.52930000000000E+04"},
		"amount":                         {"cents", grid.Reading{}, number(12.5), "12.5"},
		"amount, decimal comma":          {"cents", grid.Reading{DecimalComma: true}, number(12.5), "12,5"},
		"number in text, decimal comma":  {"text", grid.Reading{DecimalComma: true}, number(12.5), "12.5"},
		"dust":                           {"cents", grid.Reading{}, number(0.1 + 0.2), "0.3"},
		"dust of a whole number":         {"cents", grid.Reading{}, number(1250.0000000000002), "1250"},
		"small":                          {"cents", grid.Reading{}, number(0.0000001), "0.0000001"},
		"negative":                       {"cents", grid.Reading{}, number(-7), "-7"},
		"negative zero":                  {"cents", grid.Reading{}, number(math.Copysign(0, -1)), "0"},
		"truth":                          {"truth", grid.Reading{}, truth(1), "TRUE"},
		"untruth":                        {"truth", grid.Reading{}, truth(0), "FALSE"},
		"error":                          {"text", grid.Reading{}, problem("#N/A"), "#N/A"},
		"day":                            {"time", grid.Reading{}, number(45292), "2024-01-01"},
		"day, 1904":                      {"time", grid.Reading{Since1904: true}, number(43830), "2024-01-01"},
		"day, in a zone":                 {"time", berlin, number(45292), "2024-01-01"},
		"time":                           {"time", grid.Reading{}, number(45292.57303240741), "2024-01-01 13:45:10"},
		"time, 1904":                     {"time", grid.Reading{Since1904: true}, number(43830.5), "2024-01-01 12:00:00"},
		"time, in a zone":                {"time", berlin, number(45292.5), "2024-01-01 11:00:00"},
		"time, in its summer":            {"time", berlin, number(45474.5), "2024-07-01 10:00:00"},
		"time, in a zone of no name":     {"time", grid.Reading{Zone: "Mars/Olympus"}, number(45292.5), "2024-01-01 12:00:00"},
		"just before midnight":           {"time", grid.Reading{}, number(45292.9999999999), "2024-01-02"},
		"a year":                         {"time", grid.Reading{}, number(2024), "2024"},
		"digits of a date":               {"time", grid.Reading{}, number(20240131), "20240131"},
		"an old day":                     {"time", grid.Reading{}, date(61), "1900-03-01"},
		"a day that differs":             {"time", grid.Reading{}, date(60), "60"},
		"day, with a format":             {"time", grid.Reading{DateFormat: "DD.MM.YYYY"}, number(45292), "01.01.2024"},
		"time, format without one":       {"time", grid.Reading{DateFormat: "DD.MM.YYYY"}, number(45292.5), "2024-01-01 12:00:00"},
		"time, with a format":            {"time", grid.Reading{DateFormat: "M/D/YY h:mm A"}, number(45292.5625), "1/1/24 1:30 PM"},
		"text, day first":                {"time", grid.Reading{Order: billing.DayFirst}, text(" 03/04/2024 "), "2024-04-03"},
		"text, month first":              {"time", grid.Reading{Order: billing.MonthFirst}, text("03/04/2024"), "2024-03-04"},
		"text, no order":                 {"time", grid.Reading{}, text("03/04/2024"), "03/04/2024"},
		"text, in a zone":                {"time", grid.Reading{Order: billing.DayFirst, Zone: "Europe/Berlin"}, text("03.07.2024 12:00"), "2024-07-03 10:00:00"},
		"text, a day in a zone":          {"time", grid.Reading{Order: billing.DayFirst, Zone: "Europe/Berlin"}, text("03.07.2024"), "2024-07-03"},
		"text, ISO 8601":                 {"time", grid.Reading{Order: billing.DayFirst, Zone: "Europe/Berlin"}, text("2024-07-03 12:00:00"), "2024-07-03 12:00:00"},
		"text, no such day":              {"time", grid.Reading{Order: billing.MonthFirst}, text("31/12/2024"), "31/12/2024"},
		"text, with a format":            {"time", grid.Reading{Order: billing.MonthFirst, DateFormat: "DD/MM/YYYY"}, text("03/04/2024"), "03/04/2024"},
		"text in a column of texts":      {"text", grid.Reading{Order: billing.DayFirst}, text("03/04/2024"), "03/04/2024"},
		"day in a column of texts":       {"text", grid.Reading{}, date(45292), "2024-01-01"},
		"day in a column that is not":    {"", grid.Reading{}, date(45292), "2024-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.r.Holds = []string{tt.holds}
			if got := strings.TrimSpace(frozen(t, tt.r, map[int64][]grid.Cell{1: {tt.cell}})); strings.Trim(got, `"`) != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Whatever stands in a tab, each row is found again at its number, with its cells.
func TestRowsKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const columns = 3
		cell := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "two\nlines", "a\r\nb\n", `"quoted"`, "x,y", " ; ", "sep=;", "External ID", "\x1a", "\ufeffx", "'", `"`}), rapid.StringMatching(`[a-z" ,\n]{0,8}`))
		rows := map[int64][]grid.Cell{1: texts("External ID", "Name", "City")}
		n := int64(1)
		for range rapid.IntRange(0, 20).Draw(t, "rows") {
			n += rapid.Int64Range(1, 3).Draw(t, "gap")
			var row []string
			for range rapid.IntRange(0, columns+2).Draw(t, "cells") {
				row = append(row, cell.Draw(t, "cell"))
			}
			rows[n] = texts(row...)
		}
		var out bytes.Buffer
		w := grid.NewWriter(&out, grid.Reading{Holds: []string{"id", "text", "text"}}, 1)
		for i := int64(1); i <= n; i++ {
			if err := w.Row(i, rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		_ = w.Flush()
		for _, grain := range []int64{1, 30, 1 << 20} {
			checkRows(t, out.Bytes(), rows, grain)
		}
	})
}

func checkRows(t *rapid.T, table []byte, rows map[int64][]grid.Cell, grain int64) {
	format := csvsource.Format{}
	var pieces []source.Piece
	shape, err := format.Scan(t.Context(), bytes.NewReader(table), source.Hint{Frozen: true, Dataset: billing.Customers}, grain, func(p source.Piece) error {
		pieces = append(pieces, p)
		return nil
	})
	if fault.CodeOf(err) == "joined_files" {
		t.Skip("a row looks like a header row")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		in, err := format.Open(io.NopCloser(bytes.NewReader(table[p.Offset:p.Offset+p.Length])), shape, p.Place, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for {
			row, err := in.Next(t.Context())
			if err != nil {
				break
			}
			want := ""
			if cells := rows[row.Line]; len(cells) > 0 {
				want = strings.Trim(strings.TrimSpace(cells[0].Text), "\ufeff \n\r")
			}
			if got := strings.Trim(in.ID(), "\ufeff"); got != want {
				t.Fatalf("row %d has the id %q, want %q, in\n%s", row.Line, got, want, table)
			}
		}
	}
}

func TestTooMuch(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("line\n", source.MaxRecord/5+1)
	table := frozen(t, grid.Reading{}, map[int64][]grid.Cell{1: texts("External ID", "Name"), 2: texts("a", long), 4: texts("b", "B")})
	if n := strings.Count(table, "\n"); n != 4 {
		t.Errorf("a row that is too long has broken into lines: %d", n)
	}
	w := grid.NewWriter(io.Discard, grid.Reading{}, 1)
	if err := w.Row(2, texts("a")); err != nil {
		t.Fatal(err)
	}
	if err := w.Row(2, texts("a")); !fault.Is(err, fault.Internal) {
		t.Errorf("the same row twice: %v", err)
	}
	wide := make([]grid.Cell, grid.MaxCells/2)
	_ = w.Row(3, wide)
	if err := w.Row(4, make([]grid.Cell, grid.MaxCells/2+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too many cells: %v", err)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for want, tt := range map[string]struct {
		tab    string
		row    int64
		column int
	}{
		"Invoices!D17":     {"Invoices", 17, 3},
		"'Line items'!A2":  {"Line items", 2, -1},
		"'Ann''s'!AB3":     {"Ann's", 3, 27},
		"Größe!ZZ1":        {"Größe", 1, 701},
		"'a!b'!AAA1048576": {"a!b", 1048576, 702},
	} {
		if got := grid.Place(tt.tab, tt.row, tt.column); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for column := range 20_000 {
		if got := grid.Column(grid.Letters(column) + "7"); got != column {
			t.Fatalf("%d is read as %d", column, got)
		}
	}
	if grid.Column("17") != -1 || grid.Column("ZZZZZZZZ1") != -1 {
		t.Error("no column, or one too far, has a number")
	}
}

// Every date format that can be read is also written, and read as the same time.
func TestDatesAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"DD.MM.YYYY", "M/D/YY", "YYYYMMDD", "DD/MM/YYYY HH:mm:ss", "MMM D, YYYY h:mm A", "D MMMM YYYY", "YYYY-MM-DDTHH:mm"} {
		v := billing.Values{DateFormat: format}
		layout, err := billing.NewLayout(billing.Plans, []string{"Name", "Interval count", "Interval unit"}, v)
		if err != nil || layout == nil {
			t.Fatal(err)
		}
		for day := range 450 {
			at := time.Date(2000, 1, 1+day*50, day%24*(day%2), 30*(day%2), 0, 0, time.UTC)
			spelled := v.SpellTime(at)
			l, err := billing.NewLayout(billing.Cancellations, []string{"Subscription external ID", "Customer external ID", "Date"}, v)
			if err != nil {
				t.Fatal(err)
			}
			iso := len(spelled) == len("2000-01-01 00:00:00") && !strings.Contains(format, "H") && !strings.Contains(format, "h")
			rec, p := l.Record([]string{"s" + strconv.Itoa(day), "c", spelled}, at.AddDate(1, 0, 0))
			if iso {
				continue // the format has no time of day
			}
			if e, ok := rec.(*billing.Event); p != nil || !ok || !e.Date.Equal(at) {
				t.Fatalf("%s: %v is spelled %q, and read as %+v, %+v", format, at, spelled, rec, p)
			}
		}
	}
}
