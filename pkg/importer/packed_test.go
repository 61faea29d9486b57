package importer_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/source"
)

func rowsOf(n int) string {
	var b strings.Builder
	b.WriteString("Name,External ID\n")
	for i := range n {
		_, _ = fmt.Fprintf(&b, "Söhne %d,c%d\n", i, i)
	}
	return b.String()
}

// Files as people have them; testdata/packed holds them.
func TestPackedFilesOfPeople(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		added map[string]int64 // nil: the import fails
		says  string           // its error, or its notes
	}{
		"a04_utf16le.csv":        {map[string]int64{"customers": 1}, ""},
		"a24_html.csv":           {nil, "a24_html.csv: the file is a web page"},
		"g1.csv.gz":              {map[string]int64{"customers": 1}, ""},
		"z02b_zip_in_zip.zip":    {nil, "z02b_zip_in_zip.zip: There is no CSV or NDJSON file and no .xlsx workbook in the ZIP; it holds export.zip. Unpack"},
		"z03_mixed_ext.zip":      {nil, "z03_mixed_ext.zip: plans.xlsx: The workbook is damaged"},
		"z07b_backslash_mac.zip": {map[string]int64{"customers": 1}, ""},
		"z11c_deflate64.zip":     {nil, "z11c_deflate64.zip: customers.csv: It is compressed with Deflate64, which Windows uses for files over 2 GB; make"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(filepath.Join("..", "..", "testdata", "trials", name))
			if err != nil {
				t.Fatal(err)
			}
			l := fresh(t, 0, 0)
			j := l.run(t, l.source(t, "S"), input{name: name, body: body})
			var added map[string]int64
			for ds, c := range j.Datasets {
				if added == nil {
					added = map[string]int64{}
				}
				added[ds] = c.Added
			}
			said := strings.Join(append(j.Notes, j.Error), "\n")
			if !cmp.Equal(added, tt.added) || !strings.Contains(said, tt.says) || tt.says == "" && len(j.Notes) > 0 {
				t.Errorf("%s %v, %q", j.Status, added, said)
			}
		})
	}
}

// withMethod is a ZIP with a file that is compressed in another way than others.
func withMethod(t tester, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a.csv", Method: method, CompressedSize64: 1, UncompressedSize64: 1})
	if err == nil {
		_, err = w.Write([]byte("x"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatAZIPHolds(t *testing.T) {
	t.Parallel()
	const rows = "Name,External ID\nA,a\n"
	file := func(name, text string) input { return input{name: name, body: []byte(text)} }
	for name, tt := range map[string]struct {
		body  []byte
		files []string // that are read; nil: the import fails
		says  string
	}{
		"tables of all names": {
			zipOf(t, file("a.csv", rows), file("b.TSV", rows), file("c.txt", rows), file("d.csv.gz", string(gzipped(t, []byte(rows)))), file("e.txt.gz", string(gzipped(t, []byte(rows)))),
				file("f.ndjson", `{"dataset":"customers","external_id":"f"}`), file("g.txt", `{"dataset":"customers","external_id":"g"}`)),
			[]string{"a.csv", "b.TSV", "c.txt", "d.csv", "e.txt", "f.ndjson", "g.txt"},
			"",
		},
		"files of archivers and systems, and hidden ones": {
			zipOf(t, file("a.csv", rows), file("__MACOSX/._a.csv", "\x00\x05"), file(`x\__MACOSX\a.csv`, "\x00"), file(`x\._a.csv`, "\x00"), file(".git/b.csv", "x"), file("Thumbs.db", "x"),
				file("x/desktop.ini", "x"), file("x/~$b.csv", "x"), file("d.csv/", ""), file(`e.csv\`, ""), file("./b.csv", rows)),
			[]string{"a.csv", "b.csv"},
			"",
		},
		"what is left out is named": {
			zipOf(t, file("a.csv", rows), file("docs/notes.pdf", "%PDF-1.7"), file("inner.zip", "PK"), file("photo.jpg.gz", "x"), file("README.txt", "Made by Ann,\non Monday.\n"), file("empty.txt", "")),
			[]string{"a.csv"},
			"x.zip: left out: notes.pdf, inner.zip, photo.jpg.gz, README.txt, empty.txt",
		},
		"prose in another encoding": {zipOf(t, file("a.csv", rows), file("liesmich.txt", "Gr\xfc\xdfe\nvon M\xfcller\n")), []string{"a.csv"}, "left out: liesmich.txt"},
		"two of one name": {
			zipOf(t, file("all/2024/customers.csv", rows), file(`all\2025\customers.csv`, rows), file("all/plans.csv", "Name,Interval count,Interval unit\nP,1,day\n")),
			[]string{"2024/customers.csv", "2025/customers.csv", "plans.csv"},
			"",
		},
		"a .txt that nearly is a table": {zipOf(t, file("a.csv", rows), file("c.txt", "Invoice external ID,Currency,Due date\ni,EUR,2026-01-01\n")), nil, `c.txt: The column "Customer external ID" is missing`},
		"a .csv that is none":           {zipOf(t, file("a.csv", rows), file("b.csv", "%PDF-1.7")), nil, "b.csv: the file is a PDF document"},
		"only prose":                    {zipOf(t, file("a.txt", "words")), nil, "it holds a.txt."},
		"nothing":                       {zipOf(t), nil, "There is no file in the ZIP."},
		"only what systems made":        {zipOf(t, file(".DS_Store", "x"), file("x/", "")), nil, "There is no file in the ZIP."},
		"a document of Numbers":         {zipOf(t, file("Index/Document.iwa", "x"), file("preview.jpg", "x")), nil, "x.zip: This is a document of Numbers"},
		"a workbook of LibreOffice":     {zipOf(t, file("mimetype", "x"), file("content.xml", "<x/>")), nil, "x.zip: This is a document of OpenDocument"},
		"bzip2":                         {withMethod(t, 12), nil, "x.zip: a.csv: It is compressed with bzip2; make the ZIP with another program"},
		"LZMA":                          {withMethod(t, 14), nil, "compressed with LZMA;"},
		"Zstandard":                     {withMethod(t, 93), nil, "compressed with Zstandard;"},
		"xz":                            {withMethod(t, 95), nil, "compressed with xz;"},
		"PPMd":                          {withMethod(t, 98), nil, "compressed with PPMd;"},
		"something else":                {withMethod(t, 77), nil, "compressed with method 77;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fresh(t, 0, 0)
			j := l.run(t, l.source(t, "S"), input{name: "x.zip", body: tt.body})
			if (j.Status == job.Done) != (tt.files != nil) {
				t.Fatalf("%s: %s", j.Status, j.Error)
			}
			var files []string
			for _, f := range j.Import.Files {
				files = append(files, f.Name)
			}
			if diff := cmp.Diff(tt.files, files); tt.files != nil && diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if said := strings.Join(append(j.Notes, j.Error), "\n"); !strings.Contains(said, tt.says) || tt.files != nil && tt.says == "" && said != "" {
				t.Errorf("%q", said)
			}
		})
	}
}

// What a .gz in a ZIP unpacks to is limited like any other .gz.
func TestBombInAZIP(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	bomb := gzipped(t, bytes.Repeat([]byte{'\n'}, 101<<20))
	j := l.run(t, l.source(t, "S"), input{name: "x.zip", body: zipOf(t, input{name: "a.csv.gz", body: bomb})})
	if j.Status != job.Failed || !strings.Contains(j.Error, "x.zip: a.csv.gz: It unpacks to more than 100 MiB") {
		t.Errorf("%s %s", j.Status, j.Error)
	}
}

func TestNamesTellFilesApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ paths, names []string }{
		{nil, []string{}},
		{[]string{"a.csv"}, []string{"a.csv"}},
		{[]string{"/home/x/a.csv", `C:\data\b.csv`, ""}, []string{"a.csv", "b.csv", ""}},
		{[]string{"/x/2024/a.csv", "/x/2025/a.csv", "/x/b.csv"}, []string{"2024/a.csv", "2025/a.csv", "b.csv"}},
		{[]string{"a.csv", "x/a.csv", "x/y/a.csv"}, []string{"a.csv", "x/a.csv", "x/y/a.csv"}},
		{[]string{"x/a.csv", "x/y/a.csv"}, []string{"a.csv", "y/a.csv"}},
		{[]string{"x.zip/a.csv", "x.zip/a.csv", "y.zip/a.csv"}, []string{"x.zip/a.csv", "x.zip/a.csv", "y.zip/a.csv"}},
		{[]string{"a.csv", "a.csv"}, []string{"a.csv", "a.csv"}},
	} {
		if diff := cmp.Diff(tt.names, importer.TellApart(tt.paths), cmp.Transformer("", func(s []string) string { return strings.Join(s, "|") })); diff != "" {
			t.Errorf("%q: -want +got\n%s", tt.paths, diff)
		}
	}
}

func TestNamesOfFilesInFolders(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]bool{
		"a.csv": true, "A.CSV": true, "a.tsv": true, "a.txt": true, "a.ndjson": true, "a.zip": true, "a.csv.gz": true, "a.TXT.GZ": true, "a.ndjson.gz": true,
		"a.xlsx": true, "a.xlsm": true, "a.gz": false, "a.xls": false, "a.json": false, "csv": false, "a.csv.bak": false, "a.zip.gz": false, "": false,
		"._a.csv": false, ".a.csv": false, "~$a.csv": false, "Thumbs.db": false, "__MACOSX": false,
	} {
		if importer.Takes(name) != takes {
			t.Errorf("%q: %t", name, !takes)
		}
	}
}

func TestListedNames(t *testing.T) {
	t.Parallel()
	many := strings.Split("a b c d e f g h i j k l", " ")
	if got := importer.Listed(many); got != "a, b, c, d, e, f, g, h, i, j and 2 more" {
		t.Error(got)
	}
}

// Whatever a packed file holds, its import ends, with nothing of it left to do.
func FuzzUnpack(f *testing.F) {
	const rows = "Name,External ID\nA\xfc,a\n"
	f.Add(zipOf(f, input{name: "a.csv", body: []byte(rows)}, input{name: `x\b.txt`, body: gzipped(f, []byte(rows))}), "", "x.zip")
	f.Add(withMethod(f, 9), "", "x.zip")
	f.Add(gzipped(f, []byte(rows)), "windows-1252", "x.csv.gz")
	f.Add([]byte("\xff\xfea\x00"), "shift_jis", "x.csv")
	f.Add([]byte("\x00\x00\xfe\xff\x00\x00\x00"), "utf-16be", "x.ndjson")
	f.Fuzz(func(t *testing.T, body []byte, encoding, name string) {
		settings := source.Settings{Encoding: encoding}
		if settings.Check() != nil || len(body) > 64<<10 {
			return
		}
		l := fresh(t, 0, 0)
		files := l.put(t.Context(), t, []input{{name: "x", body: body}})
		files[0].Name = name
		j, err := l.Submit(t.Context(), importer.Request{Source: l.source(t, "S"), Origin: job.ByFile, Files: files, Options: importer.Options{Settings: settings}})
		if err != nil {
			t.Fatal(err)
		}
		if j = l.finished(t, j.ID); j.Status == job.Failed && strings.Contains(j.Error, "internal error") {
			t.Errorf("%q: %s", name, j.Error)
		}
		var size int64
		for info, err := range l.objects.List(t.Context(), j.Prefix()+"input/") {
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size
		}
		if size > 100<<20 {
			t.Errorf("%d bytes were unpacked from %d", size, len(body))
		}
	})
}
