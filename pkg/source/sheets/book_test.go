package sheets_test

import (
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/source/sheets"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	const id = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
	for address, want := range map[string]string{
		"https://docs.google.com/spreadsheets/d/" + id + "/edit#gid=0":             id,
		"https://docs.google.com/spreadsheets/d/" + id + "/edit?usp=sharing":       id,
		" https://docs.google.com/spreadsheets/d/" + id + "\n":                     id,
		"https://docs.google.com/spreadsheets/u/1/d/" + id + "/edit":               id,
		"https://docs.google.com/a/example.com/spreadsheets/d/" + id + "/htmlview": id,
		id: id,
		"https://docs.google.com/spreadsheets/d/e/2PACX-1vQ/pubhtml": "",
		"https://docs.google.com/document/d/" + id + "/edit":         "",
		"https://evil.example/spreadsheets/d/" + id:                  "",
		"http://docs.google.com/spreadsheets/d/" + id:                "",
		"Company": "",
		"":        "",
	} {
		got, err := sheets.ID(address)
		if got != want || (want == "") != fault.Is(err, fault.Invalid) {
			t.Errorf("%q is %q, %v", address, got, err)
		}
	}
	if _, err := sheets.ID("https://docs.google.com/spreadsheets/d/e/2PACX-1vQ/pubhtml"); !strings.Contains(err.Error(), "published copy") {
		t.Error(err)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]sheets.Span{
		"'Invoices'!A1:Z100":   {Tab: sheets.Tab{Title: "Invoices", Columns: 26}, From: 1, To: 100},
		"'O''Neill''s'!A2:A2":  {Tab: sheets.Tab{Title: "O'Neill's", Columns: 1}, From: 2, To: 2},
		"'B2:C3'!A101:AB10000": {Tab: sheets.Tab{Title: "B2:C3", Columns: 28}, From: 101, To: 10000},
	} {
		if got := s.Range(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := sheets.CellAddress("abc", 7, "D17"); got != "https://docs.google.com/spreadsheets/d/abc/edit#gid=7&range=D17" {
		t.Error(got)
	}
}

// walk reads a book whose rows up to full are as wide as that many bytes a cell, and counts pages.
func walk(t *testing.T, b sheets.Book, full, bytes int) (pages, largest int) {
	t.Helper()
	w := sheets.NewWalk(b)
	at := make([]int, len(b.Tabs))
	for {
		spans, tabs := w.Page(b)
		if len(spans) == 0 {
			break
		}
		pages++
		total := 0
		values := make([]sheets.Values, len(spans))
		for n, s := range spans {
			if s.From != at[tabs[n]]+1 || s.To < s.From || s.To > b.Tabs[tabs[n]].Rows {
				t.Fatalf("rows %d to %d come after row %d", s.From, s.To, at[tabs[n]])
			}
			at[tabs[n]] = s.To
			row := make([]any, s.Tab.Columns)
			for i := range row {
				row[i] = strings.Repeat("x", bytes-3)
			}
			for r := s.From; r <= min(s.To, full); r++ {
				values[n] = append(values[n], row)
				total += bytes * len(row)
			}
		}
		largest = max(largest, total)
		w.Took(spans, tabs, values)
	}
	for i, b := range b.Tabs {
		if at[i] != b.Rows && b.Columns > 0 {
			t.Fatalf("tab %d was read to row %d of %d", i, at[i], b.Rows)
		}
	}
	return pages, largest
}

func TestPages(t *testing.T) {
	t.Parallel()
	tab := func(rows, columns int) sheets.Tab { return sheets.Tab{Rows: rows, Columns: columns} }
	for name, tt := range map[string]struct {
		tabs            []sheets.Tab
		full, bytes     int
		most, mostBytes int
	}{
		"100,000 rows":        {[]sheets.Tab{tab(100_000, 10)}, 100_000, 12, 12, 5 << 20},
		"small tabs":          {[]sheets.Tab{tab(1000, 26), tab(1000, 26), tab(1000, 26)}, 1000, 12, 2, 3 << 20},
		"all empty":           {[]sheets.Tab{tab(1_000_000, 10)}, 0, 12, 14, 0},
		"empty but the first": {[]sheets.Tab{tab(100_000, 26)}, 500, 12, 8, 1 << 20},
		"long texts":          {[]sheets.Tab{tab(10_000, 10)}, 10_000, 500, 30, 8 << 20},
		"no columns":          {[]sheets.Tab{tab(10, 0), tab(10, 1)}, 10, 12, 1, 1 << 20},
		"wide":                {[]sheets.Tab{tab(10, 18_278)}, 10, 12, 3, 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, largest := walk(t, sheets.Book{Tabs: tt.tabs}, tt.full, tt.bytes)
			if pages > tt.most || largest > tt.mostBytes {
				t.Errorf("%d pages, the largest %d KB", pages, largest>>10)
			}
		})
	}
}

func TestATabThatIsNotWanted(t *testing.T) {
	t.Parallel()
	b := sheets.Book{Tabs: []sheets.Tab{{Rows: 100_000, Columns: 100}, {Rows: 200, Columns: 1}}}
	w := sheets.NewWalk(b)
	spans, tabs := w.Page(b)
	w.Took(spans, tabs, make([]sheets.Values, 2))
	w.Skip(b, 0)
	spans, tabs = w.Page(b)
	if len(spans) != 1 || tabs[0] != 1 || spans[0].From != 101 || spans[0].To != 200 {
		t.Errorf("%+v", spans)
	}
}
