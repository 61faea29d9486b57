// Package sourcetest is the test suite of source.Format: what the importer relies on in every
// format.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// Spelling writes the files of the suite in a format. They hold customers.
type Spelling struct {
	Format source.Format
	// Head is the beginning of a file before its first row: a header.
	Head string
	// Customer returns a row with its line end.
	Customer func(id, name, email string) string
	// Broken is a row that cannot be parsed; Code is the code of its problem, and Within a value
	// that stands in it.
	Broken, Code, Within string
	// Column is the name of the e-mail address in problems.
	Column string
	// Blank is a line that is no row.
	Blank string
}

// Now is the time at which the suite reads rows.
func Now() time.Time { return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) }

// Found is a row in a form that the suite can compare.
type Found struct {
	source.Row

	Customer billing.Customer
	Problem  billing.Problem
}

// Run runs the suite.
func Run(t *testing.T, s Spelling) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Spelling){
		"rows":                      testRows,
		"pieces":                    testPieces,
		"bytes come as they like":   testTrickle,
		"a row by itself":           testPlaces,
		"too long":                  testTooLong,
		"rejects":                   testRejects,
		"rejects of a rejects file": testRejectsAgain,
		"broken rows stay out":      testStaysOut,
		"rows of the erased":        testBlank,
		"customers":                 testCustomers,
		"strings outlive the row":   testStrings,
		"the dataset that is given": testGiven,
		"nothing":                   testNothing,
		"a connection that breaks":  testBroken,
		"end, close and cancel":     testEnd,
		"what is written":           testWritten,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// file makes a file with rows of all sorts, and returns how many there are.
func (s Spelling) file() (text string, rows int) {
	var b strings.Builder
	b.WriteString(s.Head)
	for i := range 40 {
		b.WriteString(s.Customer(fmt.Sprintf("c%d", i), fmt.Sprintf("Näme %d", i), ""))
		rows++
		switch i % 8 {
		case 2:
			b.WriteString(s.Broken)
			rows++
		case 4:
			b.WriteString(s.Blank)
		case 6:
			b.WriteString(s.Customer("", "No id", ""))
			b.WriteString(s.Customer("x", "Wrong", "nowhere"))
			rows += 2
		}
	}
	return b.String(), rows
}

func (s Spelling) scan(t *testing.T, text string, grain int64) (source.Shape, []source.Piece) {
	t.Helper()
	var pieces []source.Piece
	shape, err := s.Format.Scan(t.Context(), strings.NewReader(text), source.Hint{}, grain, func(p source.Piece) error {
		pieces = append(pieces, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return shape, pieces
}

func (s Spelling) open(t *testing.T, r io.Reader, shape source.Shape, at source.Place) source.Rows {
	t.Helper()
	rows, err := s.Format.Open(io.NopCloser(r), shape, at, Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	return rows
}

// all reads rows to their end.
func all(t *testing.T, rows source.Rows) (out []Found) {
	t.Helper()
	for {
		row, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, judged(rows, row))
	}
}

func judged(rows source.Rows, row source.Row) Found {
	f := Found{Row: row}
	rec, problem := rows.Record()
	if c, ok := rec.(*billing.Customer); ok {
		f.Customer = *c
	}
	if problem != nil {
		f.Problem = *problem
	}
	return f
}

// read reads a whole file in pieces of some size.
func (s Spelling) read(t *testing.T, text string, grain int64) []Found {
	t.Helper()
	shape, pieces := s.scan(t, text, grain)
	var out []Found
	for _, p := range pieces {
		out = append(out, all(t, s.open(t, strings.NewReader(text[p.Offset:p.Offset+p.Length]), shape, p.Place))...)
	}
	return out
}

func testRows(t *testing.T, s Spelling) {
	t.Helper()
	text, want := s.file()
	found := s.read(t, text, 1<<30)
	if len(found) != want {
		t.Fatalf("%d rows, want %d", len(found), want)
	}
	codes := map[string]int{}
	for _, f := range found {
		codes[f.Problem.Code]++
		lines := strings.Count(text[:f.Offset], "\n") + 1
		if f.Line != int64(lines) || f.Dataset != billing.Customers || f.Length <= 0 {
			t.Errorf("%+v is in line %d", f, lines)
		}
		if (f.Problem.Code == "") == (f.Customer.ExternalID == "") {
			t.Errorf("%+v", f)
		}
		if f.Problem.Code == billing.CodeBadEmail && (f.Problem.Column != s.Column || f.Problem.Message == "" || strings.Contains(f.Problem.Message, "nowhere")) {
			t.Errorf("%+v", f.Problem)
		}
	}
	if diff := cmp.Diff(map[string]int{"": 40, s.Code: 5, billing.CodeRequired: 5, billing.CodeBadEmail: 5}, codes); diff != "" {
		t.Error(diff)
	}
	if c := found[1].Customer; c.ExternalID != "c1" || c.Name != "Näme 1" {
		t.Errorf("%+v", c)
	}
}

// Pieces of any size have the same rows, and no gaps between them.
func testPieces(t *testing.T, s Spelling) {
	t.Helper()
	text, _ := s.file()
	for _, end := range []string{"", s.Blank + s.Blank} {
		text := strings.TrimSuffix(text, "\n") + end // without a line end, too
		want := s.read(t, text, 1<<30)
		for _, grain := range []int64{1, 30, 100, 700, 5000} {
			if diff := cmp.Diff(want, s.read(t, text, grain)); diff != "" {
				t.Errorf("pieces of %d bytes: %s", grain, diff)
			}
			_, pieces := s.scan(t, text, grain)
			at := int64(len(s.Head))
			for i, p := range pieces {
				if p.Offset != at || p.Length < grain && i < len(pieces)-1 {
					t.Errorf("pieces of %d bytes: %+v, want one at %d", grain, p, at)
				}
				at += p.Length
			}
			if at != int64(len(text)) {
				t.Errorf("pieces of %d bytes: the last ends at %d of %d", grain, at, len(text))
			}
		}
	}
}

// The rows do not depend on how the bytes of a file arrive.
func testTrickle(t *testing.T, s Spelling) {
	t.Helper()
	text, _ := s.file()
	want := s.read(t, text, 300)
	for name, slow := range map[string]func(io.Reader) io.Reader{"bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "with the end": iotest.DataErrReader} {
		var pieces []source.Piece
		shape, err := s.Format.Scan(t.Context(), slow(strings.NewReader(text)), source.Hint{}, 300, func(p source.Piece) error {
			pieces = append(pieces, p)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []Found
		for _, p := range pieces {
			got = append(got, all(t, s.open(t, slow(strings.NewReader(text[p.Offset:p.Offset+p.Length])), shape, p.Place))...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A row can be read again from its place.
func testPlaces(t *testing.T, s Spelling) {
	t.Helper()
	text, _ := s.file()
	shape, _ := s.scan(t, text, 1<<30)
	for _, want := range s.read(t, text, 1<<30) {
		rows := s.open(t, strings.NewReader(text[want.Offset:]), shape, want.Place)
		row, err := rows.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, judged(rows, row)); diff != "" {
			t.Error(diff)
		}
	}
}

// A row that is too long becomes a reject with its beginning, and its neighbours are read.
func testTooLong(t *testing.T, s Spelling) {
	t.Helper()
	before, after := s.Customer("a", "A", ""), s.Customer("b", "B", "")
	fits := s.Customer("long", strings.Repeat("x", source.MaxRecord-len(s.Customer("long", "x", ""))+len("x\n")), "")
	for size, code := range map[string]string{fits: billing.CodeTooLong, strings.Replace(fits, "x", "xx", 1): source.CodeRecordTooLong, strings.Replace(fits, "x", strings.Repeat("x", 1<<20), 1): source.CodeRecordTooLong} {
		text := s.Head + before + size + after
		for _, grain := range []int64{1, 1 << 30} {
			found := s.read(t, text, grain)
			if len(found) != 3 || found[0].Customer.ExternalID != "a" || found[1].Problem.Code != code || found[1].Length != int64(len(size)) || found[2].Customer.ExternalID != "b" {
				t.Fatalf("%d rows, %+v", len(found), found[1])
			}
		}
		if reject := s.rejects(t, text); len(reject) < source.MaxRecord || len(reject) > source.MaxRecord+2000 {
			t.Errorf("a reject of %d bytes", len(reject))
		}
	}
}

// rejects writes the rejects file of a file.
func (s Spelling) rejects(t *testing.T, text string) string {
	t.Helper()
	return s.rejectsOf(t, text, func(f Found) source.Reject {
		return source.Reject{File: "=f", Line: 7, Column: f.Problem.Column, Code: f.Problem.Code, Reason: f.Problem.Message}
	})
}

func (s Spelling) rejectsOf(t *testing.T, text string, why func(Found) source.Reject) string {
	t.Helper()
	shape, pieces := s.scan(t, text, 1<<30)
	out := s.Format.RejectsHead(shape)
	for _, p := range pieces {
		rows := s.open(t, strings.NewReader(text[p.Offset:p.Offset+p.Length]), shape, p.Place)
		for {
			row, err := rows.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if f := judged(rows, row); f.Problem.Code != "" {
				out = rows.AppendReject(out, why(f))
			}
		}
	}
	return string(out)
}

// A corrected rejects file can be read like any file.
func testRejects(t *testing.T, s Spelling) {
	t.Helper()
	rejects := s.rejects(t, s.Head+s.Customer("fine", "Fine", "")+s.Customer("c1", `Ann "=A1" O'Hara, \ {}`, "nowhere")+s.Customer("c2", "=B", "")+s.Customer("c3", "", "nowhere"))
	if strings.Contains(rejects, "fine") {
		t.Errorf("%s", rejects)
	}
	found := s.read(t, strings.ReplaceAll(rejects, "nowhere", "a@example.com"), 1)
	if len(found) != 2 || found[0].Problem.Code+found[1].Problem.Code != "" {
		t.Fatalf("%s\n%+v", rejects, found)
	}
	s.testReadBack(t, rejects)
	if c := found[0].Customer; c.Name != `Ann "=A1" O'Hara, \ {}` || c.Email != "a@example.com" || c.ExternalID != "c1" {
		t.Errorf("%+v", c)
	}
}

// testReadBack: the rows of a rejects file are read back with their cells as they came, from any of them
// on, and what is no such row is refused.
func (s Spelling) testReadBack(t *testing.T, rejects string) {
	t.Helper()
	shape, _ := s.scan(t, s.Head+s.Customer("c", "C", ""), 1<<30)
	text := strings.TrimPrefix(rejects, string(s.Format.RejectsHead(shape)))
	from := int64(0)
	for _, want := range []string{`Ann "=A1" O'Hara, \ {}`, ""} {
		for r, err := range s.Format.ReadRejects(strings.NewReader(text[from:]), shape) {
			if err != nil {
				t.Fatal(err)
			}
			named := slices.ContainsFunc(r.Cells, func(c source.Cell) bool { return strings.EqualFold(c.Column, "name") && c.Value == want })
			if r.Line != 7 || r.Code == "" || r.Reason == "" || len(r.Cells) == 0 || want != "" && !named {
				t.Errorf("%+v", r)
			}
			from += r.End
			break
		}
	}
	if from != int64(len(text)) {
		t.Errorf("%d of %d bytes read", from, len(text))
	}
	for _, err := range s.Format.ReadRejects(strings.NewReader(text[3:]), shape) {
		if !errors.Is(err, source.ErrNotRejects) {
			t.Errorf("in the middle of a row: %v", err)
		}
		break
	}
}

// The rejects of a rejects file are the same file.
func testRejectsAgain(t *testing.T, s Spelling) {
	t.Helper()
	text := s.Head + s.Customer("=c1", "=1+1 'x", "nowhere") + s.Customer("", "'=1", "") + s.Customer("c", "+1", "a@b@c")
	first := s.rejects(t, text)
	if again := s.rejects(t, first); first != again || strings.Count(first, "\n") != strings.Count(text, "\n") {
		t.Errorf("at first\n%sthen\n%s", first, again)
	}
}

// A row that cannot be parsed is rejected with its own code round after round, and none of it is
// lost. Neither another name of the file nor another place in it makes a difference.
func testStaysOut(t *testing.T, s Spelling) {
	t.Helper()
	text := s.Head + s.Customer("a", "A", "") + s.Broken + s.Customer("", "=1", "")
	var rounds []string
	for range 4 {
		text = s.rejectsOf(t, text, func(f Found) source.Reject {
			return source.Reject{File: "f", Line: f.Line, Column: "c", Code: f.Problem.Code, Reason: "r"}
		})
		rounds = append(rounds, text)
		found := s.read(t, text, 1)
		if len(found) != 2 || found[0].Problem.Code != s.Code || found[0].Problem.Message == "" || found[1].Problem.Code != billing.CodeRequired {
			t.Fatalf("%s\n%+v", text, found)
		}
	}
	if diff := cmp.Diff(rounds[1], rounds[3]); diff != "" {
		t.Error(diff)
	}
	if whole := strings.NewReplacer(`"`, "", `\`, ""); !strings.Contains(whole.Replace(text), strings.TrimSpace(whole.Replace(s.Broken))) {
		t.Errorf("%s\nhas lost a part of %s", text, s.Broken)
	}
}

// Nothing of a row of a person who was erased is in a rejects file, and its line can never go in.
func testBlank(t *testing.T, s Spelling) {
	t.Helper()
	text := s.Head + s.Customer("fine", "Fine", "") + s.Customer("secret-id", "Secret", "secret") + s.Broken + s.Customer("", "Secret", "secret")
	rejects := text
	for range 3 {
		rejects = s.rejectsOf(t, rejects, func(Found) source.Reject {
			return source.Reject{File: "f", Line: 1, Column: "c", Code: "forgotten", Reason: "r", Blank: true}
		})
		if strings.Contains(strings.ToLower(rejects), "secret") || strings.Contains(rejects, strings.TrimSpace(s.Broken)) {
			t.Fatalf("%s", rejects)
		}
		found := s.read(t, rejects, 1)
		if len(found) != 3 {
			t.Fatalf("%s\n%+v", rejects, found)
		}
		for _, f := range found {
			if f.Problem.Code != billing.CodeRequired && f.Problem.Code != source.CodeNoDataset {
				t.Errorf("%+v", f)
			}
		}
	}
}

// A row with a problem still tells which customer it may be about.
func testCustomers(t *testing.T, s Spelling) {
	t.Helper()
	text := s.Head + s.Customer("fine", "Fine", "") + s.Customer(" c1 ", "Bob", "nowhere") + s.Customer("", "Bob", "") + s.Broken
	shape, pieces := s.scan(t, text, 1<<30)
	rows := s.open(t, strings.NewReader(text[pieces[0].Offset:]), shape, pieces[0].Place)
	var got [][]string
	for {
		if _, err := rows.Next(t.Context()); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if _, problem := rows.Record(); problem != nil {
			got = append(got, slices.Clone(rows.Customers()))
		}
	}
	if len(got) != 3 || !slices.Equal(got[0], []string{"c1"}) || strings.Join(got[1], "") != "" || !slices.Contains(got[2], s.Within) {
		t.Errorf("%q", got)
	}
}

func testStrings(t *testing.T, s Spelling) {
	t.Helper()
	text, _ := s.file()
	shape, pieces := s.scan(t, text, 1<<30)
	rows := s.open(t, strings.NewReader(text[pieces[0].Offset:]), shape, pieces[0].Place)
	var names, want []string
	for {
		if _, err := rows.Next(t.Context()); err != nil {
			break
		}
		if rec, _ := rows.Record(); rec != nil {
			c, _ := rec.(*billing.Customer)
			names, want = append(names, c.Name), append(want, strings.Clone(c.Name))
		}
	}
	if len(names) != 40 || !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// If a dataset is given, rows are of that dataset, whatever they look like.
func testGiven(t *testing.T, s Spelling) {
	t.Helper()
	shape, err := s.Format.Scan(t.Context(), strings.NewReader(s.Head+s.Broken), source.Hint{Dataset: billing.Customers}, 1, func(p source.Piece) error {
		if !slices.Equal(p.Datasets, []billing.Dataset{billing.Customers}) {
			t.Errorf("%v", p.Datasets)
		}
		return nil
	})
	if err != nil || shape.Dataset != billing.Customers {
		t.Errorf("%+v, %v", shape, err)
	}
	if _, err := s.Format.Open(io.NopCloser(strings.NewReader("")), source.Shape{Dataset: billing.Customers, Delimiter: ",", Header: []string{"External ID"}}, source.Place{}, Now()); err != nil {
		t.Error(err)
	}
}

func testNothing(t *testing.T, s Spelling) {
	t.Helper()
	for _, text := range []string{"", "\ufeff", s.Blank} {
		_, err := s.Format.Scan(t.Context(), strings.NewReader(text), source.Hint{}, 1, func(source.Piece) error { return nil })
		if fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != "empty_file" {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, pieces := s.scan(t, "\ufeff"+s.Head+s.Customer("a", "A", ""), 1)
	if len(pieces) != 1 || pieces[0].Offset != int64(len("\ufeff"+s.Head)) {
		t.Errorf("%+v", pieces)
	}
}

// A file that breaks off is never taken for one that ends, and an error of emit ends the scan.
func testBroken(t *testing.T, s Spelling) {
	t.Helper()
	text, _ := s.file()
	cause := errors.New("cut")
	cut := func() io.Reader {
		return io.MultiReader(strings.NewReader(text[:len(text)/2]), iotest.ErrReader(cause))
	}
	_, err := s.Format.Scan(t.Context(), cut(), source.Hint{}, 1<<30, func(source.Piece) error { return nil })
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, cause) {
		t.Errorf("scan: %v", err)
	}
	shape, _ := s.scan(t, text, 1<<30)
	rows := s.open(t, io.MultiReader(bytes.NewReader([]byte(s.Customer("a", "A", ""))), iotest.ErrReader(cause)), shape, source.Place{Line: 2})
	for err = nil; err == nil; {
		_, err = rows.Next(t.Context())
	}
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, cause) {
		t.Errorf("rows: %v", err)
	}
	calls := 0
	_, err = s.Format.Scan(t.Context(), strings.NewReader(text), source.Hint{}, 1, func(source.Piece) error { calls++; return cause })
	if !errors.Is(err, cause) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func testEnd(t *testing.T, s Spelling) {
	t.Helper()
	text := s.Customer("a", "A", "") + s.Customer("b", "B", "")
	shape, _ := s.scan(t, s.Head+text, 1)
	rows := s.open(t, strings.NewReader(text), shape, source.Place{Line: 2})
	if n := len(all(t, rows)); n != 2 {
		t.Errorf("%d rows", n)
	}
	for range 2 {
		if _, err := rows.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the end does not stay: %v", err)
		}
	}
	for range 2 {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := rows.Next(t.Context()); !errors.Is(err, source.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rows = s.open(t, strings.NewReader(text), shape, source.Place{Line: 2})
	if _, err := rows.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := rows.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := s.Format.Scan(ctx, strings.NewReader(s.Head+text), source.Hint{}, 1, func(source.Piece) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("scan, cancelled: %v", err)
	}
}
