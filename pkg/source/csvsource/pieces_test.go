package csvsource_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
)

// modelLimit is the MaxRecord of the model's files: good records are shorter.
const modelLimit = 400

// modelRecord is a record whose result is known beforehand.
type modelRecord struct {
	text   string // without its line end
	fields []string
	code   string // of the reject
	column string
}

// cell draws a cell that is anything but easy to cut: line ends of every kind,
// characters of two to four bytes, quotes and delimiters. It begins with a
// letter, so that a quote left open by an earlier record ends at it as text
// behind a closing quote.
func cell() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{"\n", "\n", "\r\n", "\r", "\n\n", `"`, `""`, ",", " ", "a", "é", "日", "😀", "\u2028"})
	return rapid.Map(rapid.SliceOfN(part, 0, 6), func(parts []string) string { return "x" + strings.Join(parts, "") })
}

func quoted(cells []string) string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
	}
	return strings.Join(out, ",")
}

// modelOf draws a record of a table with the columns é, b and c: good ones most
// of the time.
func modelOf() *rapid.Generator[modelRecord] {
	cells := func(t *rapid.T, n int) []string { return rapid.SliceOfN(cell(), n, n).Draw(t, "cells") }
	good := rapid.Custom(func(t *rapid.T) modelRecord {
		c := cells(t, 3)
		return modelRecord{text: quoted(c), fields: c}
	})
	ragged := rapid.Custom(func(t *rapid.T) modelRecord {
		c := cells(t, rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "width"))
		if len(c) == 2 {
			return modelRecord{text: quoted(c), fields: append(slices.Clone(c), "")}
		}
		return modelRecord{text: quoted(c), fields: c, code: source.CodeWrongFieldCount}
	})
	fixed := rapid.SampledFrom([]modelRecord{
		{text: "x,y,é", fields: []string{"x", "y", "é"}},
		{text: `x,y" z"",é"`, fields: []string{"x", `y" z""`, `é"`}},
		{text: `x,"y,z`, code: source.CodeBadQuote, column: "b", fields: []string{"x"}},
		{text: `x,y,"z`, code: source.CodeBadQuote, column: "c", fields: []string{"x", "y"}},
		{text: `"x"y,z,é`, code: source.CodeBadQuote, column: "é"},
		{text: "x,y\xc3,z", code: source.CodeBadEncoding, column: "b", fields: []string{"x", "y\ufffd", "z"}},
		{text: strings.Repeat("é", modelLimit), code: source.CodeRecordTooLong},
	})
	return rapid.OneOf(good, good, good, good, ragged, fixed)
}

// model is a file and the rows it must be read as.
type model struct {
	text string
	rows []row
}

// drawModel draws a file, and repeats its records until it has so many bytes.
func drawModel(t *rapid.T, size int) model {
	records := rapid.SliceOfN(modelOf(), 1, 10).Draw(t, "records")
	ends := rapid.SliceOfN(rapid.SampledFrom([]string{"\n", "\r\n", "\r"}), len(records), len(records)).Draw(t, "ends")
	lineEnds := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	var text strings.Builder
	var rows []row
	text.WriteString("é,b,c\n")
	line := int64(2)
	for again := true; again; again = text.Len() < size {
		for i, r := range records {
			whole := r.text + ends[i]
			rows = append(rows, row{
				Line: line, Offset: int64(text.Len()), Length: int64(len(whole)),
				Fields: r.fields, Code: r.code, Column: r.column,
			})
			text.WriteString(whole)
			line += int64(strings.Count(lineEnds.Replace(whole), "\n"))
		}
	}
	return model{text.String(), rows}
}

// check compares rows with what the model says: all but the messages.
func (m model) check(t fatalf, how string, rows []row) {
	t.Helper()
	if len(rows) != len(m.rows) {
		t.Fatalf("%s: %d rows, want %d, of %.2000q", how, len(rows), len(m.rows), m.text)
	}
	for i, got := range rows {
		want := m.rows[i]
		if got.Line != want.Line || got.Offset != want.Offset || got.Length != want.Length || !slices.Equal(got.Fields, want.Fields) ||
			got.Code != want.Code || got.Column != want.Column || (got.Message == "") != (got.Code == "") {
			t.Fatalf("%s: row %d is\n%+v\nwant\n%+v\nof %.2000q", how, i, got, want, m.text)
		}
	}
}

// TestEveryCutIsSafe cuts files with quoted line ends, stray quotes, and ragged, damaged and too
// long rows into pieces of all sizes. The rows of the pieces have the cells, lines, offsets and
// rejects that the file was made with.
func TestEveryCutIsSafe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t, 0)
		opts := csvsource.Options{MaxRecord: modelLimit}
		whole := read(t, m.text, opts)
		m.check(t, "whole", whole)
		m.check(t, "byte by byte", rowsOf(t, csvsource.Open(iotest.OneByteReader(strings.NewReader(m.text)), opts)))
		size := rapid.Int64Range(1, int64(len(m.text))).Draw(t, "size")
		if pieces := readPieces(t, []byte(m.text), opts, size); !reflect.DeepEqual(pieces, whole) {
			t.Fatalf("%q in pieces of %d:\n%+v\nwhole:\n%+v", m.text, size, pieces, whole)
		}
	})
}

// TestCutsAreSafeWhereBuffersEnd does the same with files that are longer than a
// reader's buffer and its blocks, so that these too end within quoted line ends,
// CRLF and characters.
func TestCutsAreSafeWhereBuffersEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t, 150_000)
		opts := csvsource.Options{MaxRecord: modelLimit}
		m.check(t, "whole", read(t, m.text, opts))
		m.check(t, "in halves", rowsOf(t, csvsource.Open(iotest.HalfReader(strings.NewReader(m.text)), opts)))
		m.check(t, "pieces", readPieces(t, []byte(m.text), opts, rapid.Int64Range(1000, 100_000).Draw(t, "size")))
	})
}

// TestEveryCutOfOneFile does not draw: it tries all sizes of pieces, in a file where two line ends
// of three are within quotes.
func TestEveryCutOfOneFile(t *testing.T) {
	t.Parallel()
	text := "a,b,c\r\n" + strings.Repeat("\"x\r\né\r日\n😀\",\"y\n\",\"z\"\r\nx,\"y\n\"x\n\n\"\"\"\n\",\"z\n", 12)
	opts := csvsource.Options{MaxRecord: modelLimit}
	whole := read(t, text, opts)
	for size := int64(1); size <= int64(len(text))+1; size++ {
		if pieces := readPieces(t, []byte(text), opts, size); !reflect.DeepEqual(pieces, whole) {
			t.Fatalf("pieces of %d:\n%+v\nwhole:\n%+v", size, pieces, whole)
		}
	}
}
