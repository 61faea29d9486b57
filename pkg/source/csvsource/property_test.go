package csvsource_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"reseed/pkg/source/csvsource"
)

// hostile draws text full of characters that are difficult for a reader of records.
func hostile() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{
		`"`, `"`, `""`, ",", ",", "\n", "\n", "\r", "\r\n", "a", "bb", ";", "\t", " ", "\x00", "\xff", "é", "\u2028",
		"1,2\n", "\"x\ny\",z\n", "a\",\"b\n", strings.Repeat("long", 10), ", \"", "\" ,", "\" \n", "\n\ufeff", "\n\ufeff\"",
		"p,q\n", "\n\"p\", q\r\n", "\n\ufeffP,\"Q\",\n", "\n\x1a\n", "\n\x1a\x1a", "\ufffd",
	})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 0, 60).Draw(t, "parts"), "")
	})
}

// TestPiecesReadAsTheWhole is what cutting is for: any file, any piece size.
func TestPiecesReadAsTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := "p,q\n" + hostile().Draw(t, "text")
		opts := csvsource.Options{MaxRecord: rapid.IntRange(3, 80).Draw(t, "max")}
		checkPieces(t, text, opts, rapid.Int64Range(1, int64(len(text)+1)).Draw(t, "size"))
	})
}

// usable reports whether Cut takes a file.
func usable(text []byte, opts csvsource.Options) bool {
	return csvsource.Open(bytes.NewReader(text), opts).Cut(context.Background(), 1, func(csvsource.Piece) error { return nil }) == nil
}

func checkPieces(t fatalf, text string, opts csvsource.Options, size int64) {
	t.Helper()
	if !usable([]byte(text), opts) {
		return // other tests check what Cut refuses
	}
	want := read(t, text, opts)
	if got := readPieces(t, []byte(text), opts, size); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q in pieces of %d:\n%+v\nwhole:\n%+v", text, size, got, want)
	}
}

func TestEveryPieceSize(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a,b\n1,2\n3,4\n",
		"\ufeff\r\na,b\r\n1,2\r\n\r\n\"x\r\ny\",2\r\n3,4",
		"a,b\r1,2\r\r3,4\r",
		"a;b\n1;2,5\n\"x;\ny\";2\n",
		"a,b\n1,\"2\n3,4\n5,\"6\"\n7,\"8\"x\n9,\"\n\n\"\n",
		"a,b\na\",\"b\na\",\"b\na\",\"b\na\",\"b\nc,d\n",
		"a,b\n" + strings.Repeat("x", 30) + ",1\n\"" + strings.Repeat("y\n", 20) + "\",1\n1,2\n",
		"a,b\n1\n1,2,3\n\xff,1\n,,\n1,2,,\n",
	} {
		for limit := 4; limit < 40; limit++ {
			for size := range int64(len(text) + 2) {
				checkPieces(t, text, csvsource.Options{MaxRecord: limit}, size)
			}
		}
	}
}

// naive finds records in the plainest way: with the whole text in memory, and every attempt from
// scratch. It returns where records end and whether they are good.
func naive(text string, limit int) []string {
	var out []string
	for pos := 0; pos < len(text); {
		first := pos + lineLength(text[pos:])
		end, good := first, first-pos <= limit
		if good {
			// One byte more than a record may have tells whether it ends in time.
			seen := text[:min(len(text), pos+limit+1)]
			if e := naiveRecord(seen, pos); e >= 0 && e-pos <= limit {
				end = e
			} else {
				good = false
			}
		}
		next := end
		if strings.HasPrefix(text[next:], "\r\n") {
			next += 2
		} else if next < len(text) {
			next++
		}
		out = append(out, fmt.Sprintf("%d+%d %v", pos, next-pos, good))
		pos = next
	}
	return out
}

func lineLength(text string) int {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return i
	}
	return len(text)
}

// naiveRecord returns where the content of the record at pos ends, -1 if a quote
// spoils it.
func naiveRecord(text string, pos int) int {
	for pos < len(text) && text[pos] == '\x1a' {
		pos++
	}
	if strings.HasPrefix(text[pos:], "\ufeff") {
		pos += len("\ufeff")
	}
	for {
		if quote := behindSpaces(text, pos); quote < len(text) && text[quote] == '"' {
			if pos = naiveQuoted(text, quote+1); pos < 0 {
				return -1
			}
		}
		for pos < len(text) && !strings.ContainsRune(",\r\n", rune(text[pos])) {
			pos++
		}
		if pos == len(text) || text[pos] != ',' {
			return pos
		}
		pos++
	}
}

// naiveQuoted returns where a quoted cell ends, -1 if it does not end properly. pos is behind its
// first quote.
func naiveQuoted(text string, pos int) int {
	for ; ; pos++ {
		if pos == len(text) {
			return -1
		}
		if text[pos] == '"' {
			if pos++; pos == len(text) || text[pos] != '"' {
				break
			}
		}
	}
	if pos = behindSpaces(text, pos); pos < len(text) && !strings.ContainsRune(",\r\n", rune(text[pos])) {
		return -1
	}
	return pos
}

func behindSpaces(text string, pos int) int {
	return len(text) - len(strings.TrimLeft(text[pos:], " \t"))
}

// TestRecordsAsTheNaiveReaderFindsThem checks the parts that make the scanner fast: the trail, the
// finders, the sliding buffer.
func TestRecordsAsTheNaiveReaderFindsThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkNaive(t, hostile().Draw(t, "text"), rapid.IntRange(1, 80).Draw(t, "max"))
	})
}

// TestQuotesOverManyLines does the same with quotes that go on and on, close in
// time only for the later lines, and move through the buffer more than once.
func TestQuotesOverManyLines(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"a\",\"b\n", "a\",\"b\n", "a\", \"b\n", "x,\"y\r", "\",z\r\n", "1,2\n", "\"x\n", "\"          "})
	rapid.Check(t, func(t *rapid.T) {
		block := strings.Join(rapid.SliceOfN(part, 1, 40).Draw(t, "parts"), "")
		times := rapid.SampledFrom([]int{1, 1, 1, 100_000 / len(block)}).Draw(t, "times")
		checkNaive(t, strings.Repeat(block, times), rapid.IntRange(5, 60).Draw(t, "max"))
	})
}

func checkNaive(t fatalf, text string, limit int) {
	t.Helper()
	opts := csvsource.Options{MaxRecord: limit, Header: []string{"a"}}
	bad := map[int64]bool{}
	for _, r := range read(t, text, opts) {
		bad[r.Offset] = r.Code == "bad_quote" || r.Code == "record_too_long"
	}
	var got []string
	rd := csvsource.Open(iotest.HalfReader(strings.NewReader(text)), opts)
	err := rd.Cut(context.Background(), 1, func(p csvsource.Piece) error {
		got = append(got, fmt.Sprintf("%d+%d %v", p.Offset, p.Length, !bad[p.Offset]))
		return nil
	})
	if err != nil {
		t.Fatalf("Cut: %v", err)
	}
	for i, want := range naive(text, limit) {
		if i >= len(got) || got[i] != want {
			t.Fatalf("%d bytes, at most %d: record %d of %d is not %s as the naive reader says", len(text), limit, i, len(got), want)
		}
	}
}

// TestAsEncodingCSV checks well-formed tables against the standard library.
func TestAsEncodingCSV(t *testing.T) {
	t.Parallel()
	cell := rapid.StringOfN(rapid.RuneFrom([]rune("ab ,\"\n;é\t\u2028")), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		table := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 0, 8).Draw(t, "table")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		if err := w.WriteAll(table); err != nil {
			t.Fatal(err)
		}
		names := []string{"a", "b", "c", "d"}[:width]
		var want [][]string
		for _, cells := range table {
			again := slices.EqualFunc(cells, names, func(cell, name string) bool { return strings.TrimSpace(cell) == name })
			if strings.TrimSpace(strings.Join(cells, "")) != "" && !again {
				want = append(want, cells)
			}
		}
		var got [][]string
		for _, r := range read(t, file.String(), csvsource.Options{Header: names}) {
			if w.UseCRLF { // the writer makes the line breaks of cells CRLF too
				for i := range r.Fields {
					r.Fields[i] = strings.ReplaceAll(r.Fields[i], "\r\n", "\n")
				}
			}
			got = append(got, r.Fields)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n%q\nwant\n%q", file.String(), got, want)
		}
	})
}

// FuzzReader feeds any bytes to the reader: it must not panic, places must grow, no byte may be
// read twice, and pieces must have the rows of the whole.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "\ufeffa;b\r\n\"x\ny\";2\r\n", "a,b\n\"1\"x,2\n3,\"4\n5,6\n", "a\tb\r1\t2\r",
		"a,b\na\",\"b\na\",\"b\n", "\xff\xfea\x00", "a,b\n1,\xff\n,,,\n1\n",
		"a,b,c\n1, \"x\ny\" ,\n\ufeffa,\"b\", c\n2,3\n\x1a\x1a", "Name,External ID\n\x1a\ufeff\"Name\",b\nExternal ID,Name\n", "a,b\nM\xfcller,1\nRen\xe9,2\n",
	} {
		f.Add([]byte(seed), uint8(20), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, limit, size uint8) {
		opts := csvsource.Options{MaxRecord: int(limit) + 1, MaxFields: 10}
		if !usable(text, opts) {
			return
		}
		rd := csvsource.Open(bytes.NewReader(text), opts)
		header, err := rd.Header(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows := rowsOf(t, rd)
		line, offset := int64(1), int64(0)
		for _, r := range rows {
			if r.Line <= line || r.Offset < offset || r.Length <= 0 {
				t.Fatalf("row %+v after line %d, offset %d", r, line, offset)
			}
			line, offset = r.Line, r.Offset+r.Length
			if r.Code == "" && len(r.Fields) != len(header) {
				t.Fatalf("row %+v does not have %d cells", r, len(header))
			}
		}
		if offset > int64(len(text)) {
			t.Fatalf("rows end at %d of %d", offset, len(text))
		}
		if got := readPieces(t, text, opts, int64(size)); !reflect.DeepEqual(got, rows) {
			t.Fatalf("pieces:\n%+v\nwhole:\n%+v", got, rows)
		}
	})
}
