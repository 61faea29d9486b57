package importer_test

import (
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"reseed/pkg/billing"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

func encoded(t tester, e encoding.Encoding, text string) []byte {
	t.Helper()
	out, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A file in another encoding is the same file, wherever it lies and however its encoding is known.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const (
		western = "Name,External ID\nMüller & Söhne,c1\n"
		kanji   = "Name,External ID\n株式会社,c1\n"
		lines   = `{"dataset":"customers","name":"Müller & Söhne","external_id":"c1"}`
	)
	latin := encoded(t, charmap.Windows1252, western)
	utf16 := encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), western)
	for name, tt := range map[string]struct {
		input
		encoding string // given
		kept     string // for customers
		used     string
		utf8     string // the same
	}{
		"UTF-16 LE with a mark":        {input{name: "a.csv", body: utf16}, "", "", "", western},
		"UTF-16 BE with a mark":        {input{name: "a.csv", body: encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), western)}, "", "", "", western},
		"UTF-32 LE with a mark":        {input{name: "a.csv", body: encoded(t, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), western)}, "", "", "", western},
		"UTF-32 BE with a mark":        {input{name: "a.csv", body: encoded(t, utf32.UTF32(utf32.BigEndian, utf32.UseBOM), western)}, "", "", "", western},
		"UTF-16, no mark":              {input{name: "a.csv", body: utf16[2:]}, "utf-16le", "", "utf-16le", western},
		"given":                        {input{name: "a.csv", body: latin}, "windows-1252", "", "windows-1252", western},
		"given, of several bytes":      {input{name: "a.csv", body: encoded(t, japanese.ShiftJIS, kanji)}, "shift_jis", "", "shift_jis", kanji},
		"UTF-8, given":                 {input{name: "a.csv", body: []byte(western)}, "UTF8", "", "UTF8", western},
		"a mark beats what is given":   {input{name: "a.csv", body: utf16}, "windows-1252", "", "", western},
		"the mark of UTF-8 does, too":  {input{name: "a.csv", body: []byte("\ufeff" + western)}, "windows-1252", "", "", western},
		"kept":                         {input{name: "a.csv", body: latin}, "", "windows-1252", "windows-1252", western},
		"given, not the kept one":      {input{name: "a.csv", body: latin}, "windows-1252", "utf-16be", "windows-1252", western},
		"a mark beats what is kept":    {input{name: "a.csv", body: utf16}, "", "windows-1252", "", western},
		"UTF-8 beats what is kept":     {input{name: "a.csv", body: []byte(western)}, "", "windows-1252", "", western},
		"gzip, UTF-8 beats it, too":    {input{name: "a.csv.gz", body: gzipped(t, []byte(western))}, "", "windows-1252", "", western},
		"gzip":                         {input{name: "a.csv.gz", body: gzipped(t, latin)}, "windows-1252", "", "windows-1252", western},
		"gzip with a mark":             {input{name: "a.csv.gz", body: gzipped(t, utf16)}, "", "", "", western},
		"gzip, kept":                   {input{name: "a.csv.gz", body: gzipped(t, latin)}, "", "windows-1252", "windows-1252", western},
		"in a ZIP":                     {input{name: "a.zip", body: zipOf(t, input{name: "x/a.txt", body: latin})}, "windows-1252", "", "windows-1252", western},
		"in a ZIP, kept":               {input{name: "a.zip", body: zipOf(t, input{name: "x/a.txt", body: latin})}, "", "windows-1252", "windows-1252", western},
		"gzip in a ZIP with a mark":    {input{name: "a.zip", body: zipOf(t, input{name: "a.tsv.GZ", body: gzipped(t, utf16)})}, "", "", "", western},
		"NDJSON with a mark":           {input{name: "a.ndjson", body: encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), lines)}, "", "", "", lines},
		"NDJSON has no other encoding": {input{name: "a.zip", body: zipOf(t, input{name: "a.ndjson", body: []byte(lines)})}, "windows-1252", "", "", lines},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := fresh(t, 0, 0)
			src := plain.source(t, "S")
			want := plain.dumpOf(t, src, plain.done(t, src, input{name: "a.csv", body: []byte(tt.utf8)}))

			l := fresh(t, 0, 0)
			src = l.source(t, "S")
			if tt.kept != "" {
				if _, err := l.ChangeReadings(t.Context(), src.Tag, func(r *source.Readings) error {
					r.Keep(billing.Customers, source.Settings{Encoding: tt.kept})
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			l.pass(time.Minute) // as done does
			j, err := l.Submit(t.Context(), importer.Request{
				Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, []input{tt.input}), Options: importer.Options{Settings: source.Settings{Encoding: tt.encoding}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if j = l.finished(t, j.ID); j.Status != job.Done || j.Datasets["customers"].Added != 1 {
				t.Fatalf("%s %s %s", j.Status, j.Error, counts(j))
			}
			same(t, l.dumpOf(t, src, j), want)
			if used := j.Import.Files[0].Settings.Encoding; used != tt.used {
				t.Errorf("it was read in %q, not %q", used, tt.used)
			}
		})
	}
}

// Bytes that an encoding does not have make their row a reject, and no other.
func TestWhatAnEncodingDoesNotHave(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	j, err := l.Submit(t.Context(), importer.Request{
		Source: l.source(t, "S"), Origin: job.ByFile, Options: importer.Options{Settings: source.Settings{Encoding: "shift_jis"}},
		Files: l.put(t.Context(), t, []input{{name: "a.csv", body: []byte("Name,External ID\nA,a\nB\x81\xff,b\nC,c\n")}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if j = l.finished(t, j.ID); j.Status != job.Done || j.Datasets["customers"].Added != 2 || j.Rejects != 1 {
		t.Errorf("%s %s %s", j.Status, j.Error, counts(j))
	}
}

// The same text takes the same room whatever it is written in: an import of a large file in another
// encoding is done by the same tasks.
func TestALargeFileInAnotherEncoding(t *testing.T) {
	t.Parallel()
	text := rowsOf(3000)
	l := fresh(t, 4000, 1)
	j := l.done(t, l.source(t, "S"), input{name: "a.csv", body: encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), text)})
	if len(j.Import.Pieces) < 3 || j.Datasets["customers"].Added != 3000 || j.Progress.BytesTotal != int64(len("\ufeff"+text)) {
		t.Errorf("%d pieces, %s, %+v", len(j.Import.Pieces), counts(j), j.Progress)
	}
	if len(j.Import.Zips) != 1 || j.Import.Files[0].Name != "a.csv" {
		t.Errorf("%+v, of %+v", j.Import.Files, j.Import.Zips)
	}
}
