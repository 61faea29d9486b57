package csvsource_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/sourcetest"
)

// rejectAll writes a rejects file of all rows of a table, and returns it with the code of each.
func rejectAll(t *testing.T, text string, s source.Shape) (rejects string, codes []string) {
	t.Helper()
	rows, err := csvsource.Format{}.Open(io.NopCloser(strings.NewReader(text)), s, source.Place{Line: 2}, sourcetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []byte
	for {
		_, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return string(out), codes
		}
		if err != nil {
			t.Fatal(err)
		}
		code := "fine"
		if _, p := rows.Record(); p != nil {
			code = p.Code
		}
		before := len(out)
		out = rows.AppendReject(out, source.Reject{File: "f", Line: 7, Code: code})
		if n := len(out) - before; n > source.MaxRecord+len("\n") {
			t.Fatalf("a reject of %d bytes cannot be read as one record", n)
		}
		codes = append(codes, code)
	}
}

// shapeOfRejects is what a scan finds out about the rejects file of a file.
func shapeOfRejects(t *testing.T, s source.Shape) source.Shape {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(csvsource.Format{}.RejectsHead(s)))
	r.Comma = rune(s.Delimiter[0])
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	s.Header, s.Told = header, `{"dataset":"customers"}`
	return s
}

// checkRejects rejects all rows of a table twice: each has the same cells then, and the same code.
func checkRejects(t *testing.T, text string, comma byte) {
	t.Helper()
	s := source.Shape{Dataset: billing.Customers, Delimiter: string(comma), Header: []string{"External ID", "Name", "", "=Note"}}
	first, codes := rejectAll(t, text, s)
	again, codesAgain := rejectAll(t, first, shapeOfRejects(t, s))
	if diff := cmp.Diff(codes, codesAgain); diff != "" {
		t.Fatalf("of %.500q: %s", text, diff)
	}
	if first != again {
		t.Fatalf("of %.500q at first\n%.1000q\nthen\n%.1000q", text, first, again)
	}
}

// Rows that are as long as a record may be, or longer, in whichever way: their rejects are records
// again, and rejected again.
func TestLongRejects(t *testing.T) {
	t.Parallel()
	for _, fill := range []string{"x", `""`, "=", "é", "\n", "x\n", "\xff", "\x00"} {
		for _, text := range []string{
			"id,\"" + strings.Repeat(fill, (source.MaxRecord-8)/len(fill)) + "\",,\n",
			"id,\"" + strings.Repeat(fill, (source.MaxRecord-3000)/len(fill)) + "\",,\n",
			"id,\"" + strings.Repeat(fill, source.MaxRecord/len(fill)/2) + "\",,,,more\n",
			"id," + strings.Repeat(strings.ReplaceAll(fill, "\n", "y"), source.MaxRecord) + "\n",
			"id,\"z\"" + strings.Repeat(strings.ReplaceAll(fill, "\n", "y"), source.MaxRecord/2) + "\n",
		} {
			checkRejects(t, text, ',')
		}
	}
}

// FuzzRejects: any rows, rejected as they are, have the same cells and codes when they are read
// from their rejects file.
func FuzzRejects(f *testing.F) {
	for _, seed := range []string{
		"x1,\"Acme \"Best\" Inc\",,\nx2,Beta\nx3,Gam,ma,US,more\n", "=1,'=2,''=3,-4\n", "a,M\xfcller,,\n\"a\nb\",c,\"d,\r\n\",\"\ne\n", " \"x\" , \"\"\"y\",\\.,\n", ",,,\n\x00,,,\n",
	} {
		for comma := range byte(4) {
			f.Add(seed, comma)
		}
	}
	f.Fuzz(func(t *testing.T, text string, comma byte) { checkRejects(t, text, ",;\t|"[comma%4]) })
}
