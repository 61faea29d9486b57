// Package sourcetest is the conformance suite of source.Source: what the
// importer relies on, whatever the rows come from.
package sourcetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Open makes a source whose input is the given table: its first row is the
// header. A table without rows is an empty input. Rows of empty cells are blank
// rows of the input.
type Open func(t *testing.T, table [][]string) source.Source

// Run runs the suite against the sources that open makes.
func Run(t *testing.T, open Open) {
	t.Helper()
	tests := map[string]func(*testing.T, Open){
		"header":                  testHeader,
		"header only":             testHeaderOnly,
		"empty input":             testEmpty,
		"duplicate header":        testDuplicateHeader,
		"rows in order":           testRows,
		"next before header":      testNextFirst,
		"cells come as they are":  testCells,
		"strings outlive the row": testStringsSurvive,
		"blank rows":              testBlank,
		"close":                   testClose,
		"cancelled context":       testCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// people is a table that any source can hold.
func people() [][]string {
	return [][]string{
		{"Name", "Email", "City"},
		{"Ann", "ann@example.com", "Bern"},
		{"Bob", "", "Oslo"},
		{"Cy", "cy@example.com", ""},
	}
}

// start opens a source and closes it when the test ends.
func start(t *testing.T, open Open, table [][]string) source.Source {
	t.Helper()
	src := open(t, table)
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return src
}

// drain reads all rows; their fields are copied.
func drain(t *testing.T, src source.Source) []source.Row {
	t.Helper()
	var rows []source.Row
	for {
		row, err := src.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("Next after %d rows: %v", len(rows), err)
		}
		row.Fields = slices.Clone(row.Fields)
		rows = append(rows, row)
	}
}

// wantRows checks that rows hold exactly the cells of table and that their
// lines grow.
func wantRows(t *testing.T, rows []source.Row, table [][]string) {
	t.Helper()
	if len(rows) != len(table) {
		t.Fatalf("%d rows, want %d", len(rows), len(table))
	}
	line := int64(1)
	for i, row := range rows {
		if row.Err != nil {
			t.Errorf("row %d: %s: %s", i, row.Err.Code, row.Err.Message)
		}
		if !slices.Equal(row.Fields, table[i]) {
			t.Errorf("row %d: %q, want %q", i, row.Fields, table[i])
		}
		if row.Line <= line {
			t.Errorf("row %d: line %d after line %d", i, row.Line, line)
		}
		line = row.Line
	}
}

func testHeader(t *testing.T, open Open) {
	t.Helper()
	table := people()
	table[0] = []string{" Name", "Email ", "City"}
	src := start(t, open, table)
	for range 2 {
		header, err := src.Header(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"Name", "Email", "City"}; !slices.Equal(header, want) {
			t.Fatalf("header %q, want %q", header, want)
		}
	}
	wantRows(t, drain(t, src), table[1:])
	if _, err := src.Header(t.Context()); err != nil {
		t.Errorf("header after the end: %v", err)
	}
}

func testHeaderOnly(t *testing.T, open Open) {
	t.Helper()
	src := start(t, open, people()[:1])
	if _, err := src.Header(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("Next: %v, want EOF", err)
	}
}

func testEmpty(t *testing.T, open Open) {
	t.Helper()
	wantInvalid(t, start(t, open, nil), "empty_file")
}

func testDuplicateHeader(t *testing.T, open Open) {
	t.Helper()
	table := people()
	table[0] = []string{"Name", "Email", " NAME "}
	wantInvalid(t, start(t, open, table), "duplicate_header")
}

// wantInvalid checks that neither header nor rows can be had.
func wantInvalid(t *testing.T, src source.Source, code string) {
	t.Helper()
	_, err := src.Header(t.Context())
	if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != code {
		t.Errorf("Header: %v (%v, %q), want invalid, %q", err, fault.KindOf(err), fault.CodeOf(err), code)
	}
	if _, err = src.Next(t.Context()); fault.CodeOf(err) != code {
		t.Errorf("Next: %v, want the error of the header", err)
	}
}

func testRows(t *testing.T, open Open) {
	t.Helper()
	src := start(t, open, people())
	wantRows(t, drain(t, src), people()[1:])
	for range 3 {
		if _, err := src.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Fatalf("the end does not stay: %v", err)
		}
	}
}

func testNextFirst(t *testing.T, open Open) {
	t.Helper()
	src := start(t, open, people())
	wantRows(t, drain(t, src), people()[1:])
	if header, err := src.Header(t.Context()); err != nil || !slices.Equal(header, people()[0]) {
		t.Errorf("Header: %q, %v", header, err)
	}
}

func testCells(t *testing.T, open Open) {
	t.Helper()
	table := [][]string{
		{"id", "text"},
		{"comma", "a,b"},
		{"quotes", `say "hi"`},
		{"line break", "one\ntwo"},
		{"spaces", " a b "},
		{"separators", "a\u2028b\u2029c"},
		{"invisible", "a\u200bb\u200dc\ufeffd"},
		{"right to left", "\u202eabc \u05e9\u05dc\u05d5\u05dd"},
		{"twin nfc", "\u00e9"},
		{"twin nfd", "e\u0301"},
		{"emoji", "👩‍👩‍👧"},
		{"formula", "=1+1"},
		{"long", strings.Repeat("x", 20_000)},
	}
	wantRows(t, drain(t, start(t, open, table)), table[1:])
}

func testStringsSurvive(t *testing.T, open Open) {
	t.Helper()
	src := start(t, open, people())
	var names []string
	for range people()[1:] {
		row, err := src.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, row.Fields[0])
	}
	drain(t, src)
	if want := []string{"Ann", "Bob", "Cy"}; !slices.Equal(names, want) {
		t.Errorf("kept strings are %q, want %q", names, want)
	}
}

func testBlank(t *testing.T, open Open) {
	t.Helper()
	blank := []string{"", "", ""}
	p := people()
	dense := drain(t, start(t, open, p))
	sparse := drain(t, start(t, open, [][]string{p[0], blank, p[1], blank, blank, p[2], p[3], blank}))
	wantRows(t, sparse, p[1:])
	for i, skipped := range []int64{1, 3, 3} {
		if got, want := sparse[i].Line, dense[i].Line+skipped; got != want {
			t.Errorf("row %d: line %d, want %d: blank rows are counted", i, got, want)
		}
	}
}

func testClose(t *testing.T, open Open) {
	t.Helper()
	src := open(t, people())
	if _, err := src.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := src.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if _, err := src.Next(t.Context()); !errors.Is(err, source.ErrClosed) {
		t.Errorf("Next after Close: %v, want ErrClosed", err)
	}
}

func testCancelled(t *testing.T, open Open) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	src := start(t, open, people())
	if _, err := src.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := src.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v, want context.Canceled", err)
	}

	fresh := start(t, open, people())
	if _, err := fresh.Header(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Header: %v, want context.Canceled", err)
	}
}
