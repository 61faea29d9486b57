package csvsource_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
)

func TestAnyTable(t *testing.T) {
	t.Parallel()
	judge(t, func(t *testing.T, table [][]string) *csvsource.Reader {
		t.Helper()
		var file bytes.Buffer
		if err := csv.NewWriter(&file).WriteAll(table); err != nil {
			t.Fatal(err)
		}
		return csvsource.Open(&file, csvsource.Options{})
	})
}

func TestRows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 40)
	tests := map[string]struct {
		text string
		want []string
	}{
		"mixed line ends":            {"a,b\n1,2\r\n3,4\r5,6\n", []string{"2:1|2", "3:3|4", "4:5|6"}},
		"bare CR only":               {"a,b\r1,2\r3,4\r", []string{"2:1|2", "3:3|4"}},
		"no final newline":           {"a,b\n1,2", []string{"2:1|2"}},
		"final CR":                   {"a,b\n1,2\r", []string{"2:1|2"}},
		"ends with a delimiter":      {"a,b\n1,", []string{"2:1|"}},
		"ends with a quoted cell":    {"a,b\n1,\"2\"", []string{"2:1|2"}},
		"BOM":                        {"\ufeffa,b\n1,2\n", []string{"2:1|2"}},
		"BOM before quote":           {"\ufeff\"a\",b\n1,2\n", []string{"2:1|2"}},
		"blank lines count":          {"\n\na,b\n\n1,2\n\r\n , \n,\n\"\",\n3,4\n", []string{"5:1|2", "10:3|4"}},
		"CR CR LF":                   {"a,b\r\r\n1,2\r\r\n", []string{"3:1|2"}},
		"quoted":                     {"a,b\n\"1,1\",\"say \"\"hi\"\"\"\n", []string{`2:1,1|say "hi"`}},
		"quoted empty":               {"a,b\n\"\",x\n\"\"\"\",x\n", []string{"2:|x", `3:"|x`}},
		"quoted newlines":            {"a,b\n\"x\ny\r\nz\rw\",1\n2,3\n", []string{"2:x\ny\r\nz\rw|1", "6:2|3"}},
		"quoted newline in a name":   {"\"a\nb\",c\n1,2\n", []string{"3:1|2"}},
		"short row of many lines":    {"a,b,c\n1,\"x\ny\r\nz\"\n1,2,3\n", []string{"2:1|x\ny\r\nz|", "5:1|2|3"}},
		"long row of many lines":     {"a,b\n\"x\ny\",\"z\rw\",3\n1,2\n", []string{"2:wrong_field_count()", "5:1|2"}},
		"bad UTF-8 in many lines":    {"a,b\n1,\"x\n\xff\"\n1,2\n", []string{"2:bad_encoding(b)", "4:1|2"}},
		"text behind many lines":     {"a,b\n1,\"x\ny\"z\n1,2\n", []string{"2:bad_quote(b)", "3:wrong_field_count()", "4:1|2"}},
		"quote inside plain cell":    {"a,b\n5\" disk,x\n\"y\",z\n", []string{"2:5\" disk|x", "3:y|z"}},
		"space before quote":         {"a,b\n1, \"x\"\n \"1\",\t \"x,\"\"y\"\"\"\n", []string{"2:1|x", "3:1|x,\"y\""}},
		"space behind quote":         {"a,b\n\"1\" ,\"x\"\t\r\n2, \"\" \n3,4", []string{"2:1|x", "3:2|", "4:3|4"}},
		"space before many lines":    {"a,b\n1, \"x\ny\" \n2, \"\n\",\n3,4\n", []string{"2:1|x\ny", "4:2|\n", "6:3|4"}},
		"space before open quote":    {"a,b\n1, \"x\n3,4\n", []string{"2:bad_quote(b)", "3:3|4"}},
		"space before stray quote":   {"a,b\n1, \"x\" y\n3,4\n", []string{"2:bad_quote(b)", "3:3|4"}},
		"space at both ends, tabs":   {"a\tb\n\t \"x\ty\" \n\t\"z\"\n", []string{"2:|x\ty", "3:|z"}},
		"space before text":          {"a,b\n1, x\"y\n", []string{"2:1| x\"y"}},
		"short row":                  {"a,b,c\n1,2\n1,2,3\n", []string{"2:1|2|", "3:1|2|3"}},
		"short row, cut off":         {"a,b,c\n1,2,3\n1,2", []string{"2:1|2|3", "3:wrong_field_count()"}},
		"row of one cell":            {"a,b,c\n1\nx y\n1,2,3\n", []string{"2:wrong_field_count()", "3:wrong_field_count()", "4:1|2|3"}},
		"rest of a row":              {"a,b,c\n1,\"x\ny,\"z\"w\n", []string{"2:bad_quote(b)", "3:bad_quote(b)"}},
		"rest of a row, no quotes":   {"a,b,c\n1,\"x\ny,z\"w\n", []string{"2:bad_quote(b)", "3:wrong_field_count()"}},
		"Ctrl-Z":                     {"a,b\n1,2\n\x1a", []string{"2:1|2"}},
		"Ctrl-Z in a block":          {"a,b\n1,2\n\x1a\x1a\x00\x00\r\n", []string{"2:1|2"}},
		"Ctrl-Z between files":       {"a,b\n1,2\n\x1a\r\n3,4\n", []string{"2:1|2", "4:3|4"}},
		"Ctrl-Z in a row":            {"a,b\n1,\x1a\n3\x1a,2\n", []string{"2:1|\x1a", "3:3\x1a|2"}},
		"Ctrl-Z before a row":        {"a,b\n\x1a\x1a1,2\n\x1a\ufeff\"3\n\",\"4\"\n\x1aa,b", []string{"2:1|2", "3:3\n|4"}},
		"sep line between files":     {"a,b\n1,2\nsep=,\na,b\n\x1a\ufeff\"sep=,\"\r\n3,4\nsep=x,5\n\"sep=;\n\",5\n", []string{"2:1|2", "6:3|4", "7:sep=x|5", "8:sep=;\n|5"}},
		"NULs alone":                 {"a,b\n\x00\x00\n", []string{"2:bad_encoding(a)"}},
		"header again":               {"a,b\n1,2\na,b\n A , \"B\",\n3,4\n", []string{"2:1|2", "5:3|4"}},
		"header again, BOM":          {"a,b\n1,2\n\ufeffa,b\n\ufeff\"a\",b\n3,4\n", []string{"2:1|2", "5:3|4"}},
		"header of many lines again": {"\"a\n\",b\n1,2\n\ufeff\"a\n\",b\n3,4\n", []string{"3:1|2", "6:3|4"}},
		"almost the header":          {"a,b\na,c\nb,a\na,b,c\n", []string{"2:a|c", "3:b|a", "4:wrong_field_count()"}},
		"BOM before a row":           {"a,b\n1,2\n\ufeff\"3\n\",4\n\ufeff\n\ufeff5,6\n", []string{"2:1|2", "3:3\n|4", "6:5|6"}},
		"lost character":             {"a,b\n1,M\ufffdller\n\"\ufffd\n\",2\n3,4\n", []string{"2:bad_encoding(b)", "3:bad_encoding(a)", "5:3|4"}},
		"long row":                   {"a,b\n1,2,3\n1,2\n", []string{"2:wrong_field_count()", "3:1|2"}},
		"blank cells behind":         {"a,b\n1,2,,\n1,2, ,\"\"\n", []string{"2:1|2", "3:1|2"}},
		"blank names behind":         {"a,b,, \n1,2,,\n1,2\n", []string{"2:1|2", "3:1|2"}},
		"nameless column":            {"a,,b,\n1,2,3,\n", []string{"2:1|2|3"}},
		"stray quote":                {"a,b\n\"1\"x,2\n3,4\n", []string{"2:bad_quote(a)", "3:3|4"}},
		"stray quote, second column": {"a,b\n1,\"2\"x\n3,4\n", []string{"2:bad_quote(b)", "3:3|4"}},
		"never closed":               {"a,b\n1,\"2\n3,4\n5,6\n", []string{"2:bad_quote(b)", "3:3|4", "4:5|6"}},
		"never closed, last":         {"a,b\n3,4\n1,\"2", []string{"2:3|4", "3:bad_quote(b)"}},
		"closed by a later quote": {
			"a,b\n1,\"2\n3,\"4\"\n5,6\n", []string{"2:bad_quote(b)", "3:3|4", "4:5|6"},
		},
		"too long line":                 {"a,b\n" + long + ",2\n3,4\n", []string{"2:record_too_long()", "3:3|4"}},
		"too long last":                 {"a,b\n3,4\n" + long, []string{"2:3|4", "3:record_too_long()"}},
		"too long, CRLF":                {"a,b\n" + long + "\r\n3,4\n", []string{"2:record_too_long()", "3:3|4"}},
		"longest":                       {"a,b\n" + long[:30] + ",\n", []string{"2:" + long[:30] + "|"}},
		"longest CRLF":                  {"a,b\n" + long[:30] + ",\r\n1,2", []string{"2:" + long[:30] + "|", "3:1|2"}},
		"quoted, too long by one":       {"a,b\n\"" + long[:14] + "\n" + long[:14] + "\",\r\n1,2", []string{"2:bad_quote(a)", "3:" + long[:14] + "\"|", "4:1|2"}},
		"quoted, too long by one, last": {"a,b\n\"" + long[:14] + "\n" + long[:14] + "\",", []string{"2:bad_quote(a)", "3:" + long[:14] + "\"|"}},
		"longest quoted":                {"a,b\n\"" + long[:14] + "\n" + long[:13] + "\",\r\n1,2", []string{"2:" + long[:14] + "\n" + long[:13] + "|", "4:1|2"}},
		"quote never closed within MaxRecord": {
			"a,b\n1,\"2\n" + strings.Repeat("3,4\n", 6) + "5,\"\n6,7",
			[]string{"2:bad_quote(b)", "3:3|4", "4:3|4", "5:3|4", "6:3|4", "7:3|4", "8:3|4", "9:bad_quote(b)", "10:6|7"},
		},
		"bad UTF-8":     {"a,b\n1,\xff\nx,\xc3\xa9\n", []string{"2:bad_encoding(b)", "3:x|é"}},
		"NUL":           {"a,b\n\x00,1\nx,y\n", []string{"2:bad_encoding(a)", "3:x|y"}},
		"cut character": {"a,b\n1,\xe2\x82\nx,y\n", []string{"2:bad_encoding(b)", "3:x|y"}},
		"semicolon":     {"a;b\n1;2,5\n", []string{"2:1|2,5"}},
		"tab":           {"a\tb\n1\t2;,\n", []string{"2:1|2;,"}},
		"quoted semicolon names": {
			"\"a\";\"b,c\"\n\"1\";\"2\"\n", []string{"2:1|2"},
		},
		"one column":               {"a\n1\n2;3\n", []string{"2:1", "3:2;3"}},
		"comma in a name":          {"a,b;c\n1;1,2\n", []string{"2:1;1|2"}},
		"line separator untouched": {"a,b\nx\u2028y,\u202e\u200bz\n", []string{"2:x\u2028y|\u202e\u200bz"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := csvsource.Options{MaxRecord: 31}
			want := tt.want
			equal(t, brief(read(t, tt.text, opts)), want)

			slow := csvsource.Open(iotest.OneByteReader(strings.NewReader(tt.text)), opts)
			equal(t, brief(rowsOf(t, slow)), want)
			eager := csvsource.Open(iotest.DataErrReader(strings.NewReader(tt.text)), opts)
			equal(t, brief(rowsOf(t, eager)), want)
		})
	}
}

// TestLongestRecordUnlessSet holds the reader to the 256 KB that it documents, to the byte.
func TestLongestRecordUnlessSet(t *testing.T) {
	t.Parallel()
	const longest = 256 << 10
	for name, tt := range map[string]struct {
		head, body, tail string
		code             string // of the same record with one byte more
	}{
		"plain":      {"", "x", ",2", "record_too_long"},
		"quoted":     {`"`, "x", `",2`, "record_too_long"},
		"many lines": {`"`, "x\n", `",2`, "bad_quote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			room := longest - len(tt.head) - len(tt.tail)
			cell := strings.Repeat(tt.body, room)[:room-1] + "x"
			rows := read(t, "a,b\n"+tt.head+cell+tt.tail+"\n3,4\n", csvsource.Options{})
			if len(rows) != 2 || rows[0].Code != "" || rows[0].Fields[0] != cell {
				t.Errorf("of %d bytes: %d rows, the first %.20q", longest, len(rows), rows[0].Code)
			}
			rows = read(t, "a,b\n"+tt.head+"x"+cell+tt.tail+"\n3,4\n", csvsource.Options{})
			if last := rows[len(rows)-1]; rows[0].Code != tt.code || rows[0].Line != 2 || !slices.Equal(last.Fields, []string{"3", "4"}) {
				t.Errorf("of one byte more: %q in line %d, wanted %q; last row %.20q", rows[0].Code, rows[0].Line, tt.code, last.Fields)
			}
		})
	}
}

// TestLatin1BehindTheSample reads a file that turns out to be Latin-1 only after the sample, too
// late to refuse it: each such row is a reject that says what to do.
func TestLatin1BehindTheSample(t *testing.T) {
	t.Parallel()
	const clean = 10_000
	rows := read(t, "id,name\n"+strings.Repeat("1,Anna Ann\n", clean)+strings.Repeat("2,Ren\xe9\n", 3), csvsource.Options{})
	if len(rows) != clean+3 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, r := range rows {
		if i < clean && r.Code != "" || i >= clean && (r.Code != source.CodeBadEncoding || r.Column != "name" || !strings.Contains(r.Message, "CSV UTF-8")) {
			t.Fatalf("row %d: %+v", i, r)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	rows := read(t, "\ufeffa,b\r\n1,2\r\n\r\n\"x\ny\",\"\n3,4", csvsource.Options{})
	var got [][3]int64
	for _, r := range rows {
		got = append(got, [3]int64{r.Line, r.Offset, r.Length})
	}
	want := [][3]int64{{2, 8, 5}, {4, 15, 3}, {5, 18, 5}, {6, 23, 3}}
	if !slices.Equal(got, want) {
		t.Errorf("line, offset, length: %v, want %v", got, want)
	}
}

func TestRejectsKeepWhatCouldBeRead(t *testing.T) {
	t.Parallel()
	rows := read(t, "a,b\n1\n\xff,\x002\n\"1\"\xff,2\n\xff1,\"2\n", csvsource.Options{})
	want := [][]string{{"1"}, {"\ufffd", "\ufffd2"}, {}, {"\ufffd1"}}
	for i, r := range rows {
		if !slices.Equal(r.Fields, want[i]) {
			t.Errorf("row %d: %q, want %q", i, r.Fields, want[i])
		}
		if r.Message == "" {
			t.Errorf("row %d has no message", i)
		}
	}
	if got := rows[0].Message; !strings.HasPrefix(got, "the row has 1 cell where the header has 2 columns; ") {
		t.Errorf("message %q does not say expected and found", got)
	}
}

func TestRejectsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"x,1,2,3\n":         "3 columns; if a value holds the delimiter ',', put the value in quotes",
		"x\n":               "put ',' behind the value",
		"x,1":               "the file may be cut off",
		"x,1\"\n":           "the rest of another row",
		"x,“A, Inc.”,1\n":   "curly quotes",
		"„A“,1,2,3\n":       "curly quotes",
		"\"A”,1,2\n":        "no closing quote ends it properly; it has curly quotes",
		"\"A\" «B»,1,2\n":   "twice; it has curly quotes",
		"\"A\" B,1,2\n":     "a quote inside a quoted cell is written twice",
		"x,M\ufffdller,2\n": "a character was lost when the file was saved",
		"x,M\xfcller,2\n":   "save the file as CSV UTF-8",
	} {
		rows := read(t, "a,b,c\n"+text, csvsource.Options{})
		if len(rows) != 1 || !strings.Contains(rows[0].Message, says) {
			t.Errorf("%q: %+v, want %q", text, rows, says)
		}
	}
}

func utf16Bytes(text string, bigEndian bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if bigEndian {
			b = binary.BigEndian.AppendUint16(b, u)
		} else {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
	}
	return string(b)
}

func TestHeaderErrors(t *testing.T) {
	t.Parallel()
	text := "id,name\n1,Ann\n2,Bob\n"
	tests := map[string]struct {
		text string
		code string
		says string
	}{
		"nothing":             {"", "empty_file", "header row"},
		"BOM only":            {"\ufeff", "empty_file", "header row"},
		"blank lines only":    {"\n\r\n , ,\n\t\n;;\n\"\"\n", "empty_file", "header row"},
		"UTF-16 BOM":          {utf16Bytes("\ufeff"+text, false), "bad_encoding", "CSV UTF-8"},
		"UTF-16 BE BOM":       {utf16Bytes("\ufeff"+text, true), "bad_encoding", "CSV UTF-8"},
		"UTF-16":              {utf16Bytes(text, false), "bad_encoding", "--encoding utf-16le, or"},
		"UTF-16 BE":           {utf16Bytes(text, true), "bad_encoding", "--encoding utf-16be, or"},
		"short UTF-16":        {utf16Bytes("ab", true), "bad_encoding", "CSV UTF-8"},
		"Latin-1":             {"id,name\n1,M\xfcller\n2,Ren\xe9\n3,\x80\n", "bad_encoding", "CSV UTF-8"},
		"Latin-1 header":      {"id,Stra\xdfe\n1,x\n", "bad_encoding", "CSV UTF-8"},
		"NUL in header":       {"id,na\x00me\n1,x\n", "bad_encoding", "CSV UTF-8"},
		"workbook":            {"PK\x03\x04\x14\x00\x06\x00", "not_csv", "CSV UTF-8"},
		"gzip":                {"\x1f\x8b\x08\x00", "not_csv", "CSV UTF-8"},
		"duplicate":           {"Email,Name, e-mail ,EMAIL \n", "duplicate_header", `"EMAIL"`},
		"stray quote":         {"\"a\"x,b\n1,2\n", "bad_header", "quote"},
		"open quote":          {"a,\"b\n1,2\n", "bad_header", "quote"},
		"too long":            {strings.Repeat("a", 40_000) + ",b\n", "header_too_long", "32768"},
		"too long, quoted":    {"\"" + strings.Repeat("a", 40_000) + "\",b\n", "header_too_long", "32768"},
		"too many columns":    {strings.Repeat("a,", 1000) + "b\n", "too_many_columns", "1000"},
		"too many of another": {strings.Repeat("a;", 1000) + "b\n", "too_many_columns", "1000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := csvsource.Options{MaxRecord: 32 << 10}
			rd := csvsource.Open(strings.NewReader(tt.text), opts)
			_, err := rd.Header(t.Context())
			if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Header: %v (%v, %q), want invalid, %q, %q", err, fault.KindOf(err), fault.CodeOf(err), tt.code, tt.says)
			}
			if _, again := rd.Next(t.Context()); !errors.Is(again, err) {
				t.Errorf("Next: %v, want the same", again)
			}
			never := func(csvsource.Piece) error { t.Error("a piece of no file"); return nil }
			if cutErr := csvsource.Open(strings.NewReader(tt.text), opts).Cut(t.Context(), 1, never); fault.CodeOf(cutErr) != tt.code {
				t.Errorf("Cut: %v, want code %q", cutErr, tt.code)
			}
		})
	}
}

func TestDuplicateHeaderNamesTheColumn(t *testing.T) {
	t.Parallel()
	_, err := csvsource.Open(strings.NewReader("Email,email\n"), csvsource.Options{}).Header(t.Context())
	var e *fault.Error
	if !errors.As(err, &e) || e.Param != "email" {
		t.Errorf("%#v does not name the column", err)
	}
}

func TestMillionColumns(t *testing.T) {
	t.Parallel()
	rd := csvsource.Open(generated("", "column,", 1_000_000, "last\n"), csvsource.Options{})
	if _, err := rd.Header(t.Context()); fault.CodeOf(err) != "header_too_long" {
		t.Errorf("Header: %v", err)
	}
}

func TestNotMistakenForOtherEncodings(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one damaged row":             "a,b\n1,M\xfcller\n2,x\n",
		"UTF-8 with damage":           "a,b\n1,M\xfcller\n2,Ren\xe9\n3,Ren\u00e9\n",
		"NULs":                        "a,b\n\x00,1\n\x00\x00,2\n3,4\n",
		"not beside a letter":         "a,b\n1,\xff\n2,\xfe\n",
		"character cut by the sample": "a,b\n" + strings.Repeat("1,\u00e9\n", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if rows := read(t, text, csvsource.Options{}); len(rows) < 2 {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
}

func TestBrokenInputIsNotTheEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, text := range map[string]string{"in a row": "a,b\n1,2\n3,", "between rows": "a,b\n1,2\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
			rd := csvsource.Open(body, csvsource.Options{Header: []string{"p", "q"}})
			for range 2 {
				if _, err := rd.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				_, err := rd.Next(t.Context())
				if !errors.Is(err, broken) || !fault.Is(err, fault.Unavailable) {
					t.Errorf("Next: %v, want the error of the input", err)
				}
			}
			body = io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
			err := csvsource.Open(body, csvsource.Options{Header: []string{"p", "q"}}).Cut(t.Context(), 1<<20, func(csvsource.Piece) error {
				t.Error("a piece of an incomplete file")
				return nil
			})
			if !errors.Is(err, broken) {
				t.Errorf("Cut: %v, want the error of the input", err)
			}
		})
	}
}

func TestReaderThatReturnsNothing(t *testing.T) {
	t.Parallel()
	_, err := csvsource.Open(idle{}, csvsource.Options{}).Header(t.Context())
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Header: %v, want ErrNoProgress", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestCancelWithinLongRecord(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	endless := &repeater{body: "x", left: 1 << 40}
	stop := readFunc(func(p []byte) (int, error) {
		if endless.left < 1<<40-1<<20 {
			cancel()
		}
		return endless.Read(p)
	})
	rd := csvsource.Open(stop, csvsource.Options{Header: []string{"a"}})
	if _, err := rd.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v, want context.Canceled", err)
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestCloseClosesTheInput(t *testing.T) {
	t.Parallel()
	c := &closer{}
	rd := csvsource.Open(c, csvsource.Options{})
	for range 2 {
		if err := rd.Close(); err != nil {
			t.Error(err)
		}
	}
	if c.closed != 1 {
		t.Errorf("closed %d times", c.closed)
	}
}

type closer struct {
	strings.Reader
	closed int
}

func (c *closer) Close() error { c.closed++; return nil }
