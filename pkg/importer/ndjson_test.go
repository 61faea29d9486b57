package importer_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/buckettest"
	"reseed/internal/gen/company"
	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// companyIn gives the files of a company in a format.
func companyIn(t *testing.T, layout company.Layout, format company.Format) (out []input) {
	t.Helper()
	dir := t.TempDir()
	if _, err := company.WriteDir(dir, company.Options{Seed: 5, Customers: 25, Months: 14, Layout: layout, Format: format}); err != nil {
		t.Fatal(err)
	}
	for _, ds := range layout.Datasets() {
		name := string(ds) + ".csv"
		if format == company.NDJSON {
			name = string(ds) + ".ndjson"
		}
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, input{name: name, body: body})
	}
	return out
}

// fresh is an importer of an empty store; all of them have the same secret.
func fresh(t *testing.T, pieceBytes, smallBytes int64) *line {
	t.Helper()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), pieceBytes, smallBytes)
	setSecret(t, l)
	return l
}

// dumpOf is the table without the number of one import.
func (l *line) dumpOf(t tester, src store.Source, j *job.Job) map[table.Key]string {
	t.Helper()
	stamp := string(binary.BigEndian.AppendUint64(nil, uint64(job.Number(j.ID))))
	out := l.dump(t, src)
	for key, item := range out {
		out[key] = strings.ReplaceAll(item, stamp, "the import")
	}
	return out
}

// mingled are the lines of all files in one file. The lines of each file keep their order, which
// tells equal rows without an external id apart.
func mingled(files []input) (out []byte) {
	rnd := rand.New(rand.NewPCG(1, 2))
	rest := make([][]byte, len(files))
	for i, f := range files {
		rest[i] = f.body
	}
	for len(rest) > 0 {
		i := rnd.IntN(len(rest))
		line, after, more := bytes.Cut(rest[i], []byte("\n"))
		if !more {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		out, rest[i] = append(append(out, line...), '\n'), after
	}
	return out
}

// The same records are stored as the same bytes, whether they come as CSV, as NDJSON file by file,
// or mingled in one file.
func TestNDJSONIsStoredAsCSVIs(t *testing.T) {
	t.Parallel()
	for _, layout := range []company.Layout{company.Named, company.Y2020} {
		tables := fresh(t, 0, 0)
		src := tables.source(t, "S")
		csvs := companyIn(t, layout, company.CSV)
		first := tables.done(t, src, csvs...)
		want := tables.dumpOf(t, src, first)
		files := companyIn(t, layout, company.NDJSON)
		one := []input{{name: "all.ndjson", body: mingled(files)}}
		for name, inputs := range map[string][]input{"files": files, "one": one} {
			for _, sizes := range [][2]int64{{0, 0}, {2000, 1}} {
				l := fresh(t, sizes[0], sizes[1])
				j := l.done(t, l.source(t, "S"), inputs...)
				if diff := cmp.Diff(want, l.dumpOf(t, l.source(t, "S"), j)); diff != "" {
					t.Fatalf("%s, %s, %v: -want +got\n%s", layout, name, sizes, diff)
				}
				if diff := cmp.Diff(first.Datasets, j.Datasets); diff != "" {
					t.Errorf("%s, %s, %v: -want +got\n%s", layout, name, sizes, diff)
				}
				for way, again := range map[string][]input{"CSV": csvs, "NDJSON": one} {
					if j := l.done(t, l.source(t, "S"), again...); j.Cost.WriteMilli != 0 || j.Datasets["customers"].Unchanged != 25 {
						t.Errorf("%s over %s: %s", way, name, counts(j))
					}
				}
			}
		}
	}
}

// Fields that only NDJSON has are stored, and fields that a record leaves out are not.
func TestFieldsThatNoFileHas(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	src := l.source(t, "S")
	j := l.done(t, src, input{name: "x.ndjson", body: []byte(`{"dataset":"customers","external_id":"c","owner":"o@example.com","website_url":"https://example.com"}
{"dataset":"subscription_events","customer_external_id":"c","subscription_external_id":"s","event_type":"subscription_cancelled","event_date":"2026-01-01T00:00:00Z","effective_date":"2026-01-01","tax_amount_in_cents":7}
`)})
	if j.Rejects != 0 {
		t.Fatal(l.rejects(t, j))
	}
	var all strings.Builder
	for _, item := range l.dump(t, src) {
		all.WriteString(item)
	}
	for _, part := range []string{"o@example.com", "https://example.com", "tax_amount_in_cents"} {
		if !strings.Contains(all.String(), part) {
			t.Errorf("%s is not stored", part)
		}
	}
}

// strays is an NDJSON file with lines whose dataset is not recognised.
const strays = `{"dataset":"customers","external_id":"a"}
{"dataset":"custmers","external_id":"b"}
not JSON

{"external_id":"c"}
{"dataset":"customers","external_id":"d","nonsense":1}
{"dataset":"plans","name":"P","interval_count":1,"interval_unit":"month"}
{"dataset":"customers","external_id":"e","City":"x"}
`

// No line is lost (I1): lines without a recognisable dataset are rejected once, though two stages
// read their piece.
func TestLinesOfNoDataset(t *testing.T) {
	t.Parallel()
	for _, sizes := range [][2]int64{{0, 0}, {1, 1}, {100, 1}} {
		l := fresh(t, sizes[0], sizes[1])
		src := l.source(t, "S")
		j := l.done(t, src, input{name: "strays.ndjson", body: []byte(strays)})
		if diff := cmp.Diff(map[string]job.Counts{
			"customers": {Read: 3, Added: 1, Rejected: 2}, "plans": {Read: 1, Added: 1}, "unrecognised": {Read: 3, Rejected: 3},
		}, j.Datasets); diff != "" {
			t.Errorf("%v: -want +got\n%s", sizes, diff)
		}
		want := `{"dataset":"custmers","external_id":"b","_reject":{"file":"strays.ndjson","line":2,"field":"dataset","code":"unknown_dataset","reason":"dataset: There is no dataset of this name."}}
{"_line":"not JSON","_reject":{"file":"strays.ndjson","line":3,"code":"bad_json","reason":"the line is no JSON object: at byte 1, it does not begin with a brace"}}
{"external_id":"c","_reject":{"file":"strays.ndjson","line":5,"field":"dataset","code":"no_dataset","reason":"dataset: The line does not say which dataset it is of."}}
{"dataset":"customers","external_id":"d","nonsense":1,"_reject":{"file":"strays.ndjson","line":6,"field":"nonsense","code":"unknown_field","reason":"nonsense: There is no such field of customers."}}
{"dataset":"customers","external_id":"e","City":"x","_reject":{"file":"strays.ndjson","line":8,"field":"City","code":"unknown_field","reason":"City: There is no such field of customers; it is called city."}}
`
		if diff := cmp.Diff(want, l.rejects(t, j)); diff != "" {
			t.Errorf("%v: -want +got\n%s", sizes, diff)
		}
		// Imported as customers, one of them is a customer.
		j = l.done(t, src, input{name: "strays.ndjson", dataset: "customers", body: []byte(strays)})
		if diff := cmp.Diff(map[string]job.Counts{"customers": {Read: 6, Added: 1, Unchanged: 1, Rejected: 4}, "plans": {Read: 1, Unchanged: 1}}, j.Datasets); diff != "" {
			t.Errorf("%v: -want +got\n%s", sizes, diff)
		}
	}
}

// Lines that are not recognised withhold removals, as every reject does (I4), and a replace removes
// nothing of a dataset that no line has.
func TestReplaceByNDJSON(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	src := l.source(t, "S")
	l.done(t, src, input{name: "all.ndjson", body: []byte(`{"dataset":"customers","external_id":"a"}
{"dataset":"customers","external_id":"b"}
{"dataset":"plans","name":"P","interval_count":1,"interval_unit":"month"}
`)})
	replace := func(text string) *job.Job {
		r := request{replace: true, maxRemoved: 100}.request(t, l, src)
		r.Files = l.put(t.Context(), t, []input{{name: "new.ndjson", body: []byte(text)}})
		j, err := l.Submit(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return l.finished(t, j.ID)
	}
	if j := replace("{\"dataset\":\"customers\",\"external_id\":\"a\"}\n{\"dataset\":\"customer\",\"external_id\":\"b\"}\n"); j.Status != job.Done || j.Datasets["customers"].Removed != 0 || len(j.Notes) != 1 {
		t.Errorf("%s %s %v", j.Status, counts(j), j.Notes)
	}
	if j := replace("{\"dataset\":\"customers\",\"external_id\":\"a\"}\n"); j.Datasets["customers"].Removed != 1 || len(j.Datasets) != 1 {
		t.Errorf("%s %s", j.Status, counts(j))
	}
}

// A file is NDJSON if its name says so, or if it begins with a brace.
func TestWhatIsNDJSON(t *testing.T) {
	t.Parallel()
	const record = `{"dataset":"customers","external_id":"a"}`
	long := strings.Repeat(" \n", 3000)
	for _, tt := range []struct {
		input
		ends string // "" if it is imported
	}{
		{input{name: "upload", body: []byte(record)}, ""},
		{input{name: "customers.csv", body: []byte("\ufeff \r\n" + record)}, ""},
		{input{name: "A.NDJSON", body: []byte(long + "garbage\n" + record)}, ""},
		{input{name: "x.ndjson.gz", body: gzipped(t, []byte(long+record))}, ""},
		{input{name: "x.gz", body: gzipped(t, []byte(record))}, ""},
		{input{name: "customers.csv.gz", body: gzipped(t, []byte("Name,External ID\nA,a\n"))}, ""},
		{input{name: "x.zip", body: zipOf(t, input{name: "d/x.ndjson", body: []byte("garbage\n" + record)}, input{name: "y.txt", body: []byte("no")})}, ""},
		{input{name: "customers.ndjson", body: []byte("External ID\na\n")}, "no_records"},
		{input{name: "empty.ndjson"}, "is empty"},
		{input{name: "array.ndjson", body: []byte("[" + record + "]")}, "the file is a JSON array"},
		{input{name: "x.ndjson", body: []byte("{\x00\"\x00")}, "UTF-16"},
		{input{name: "twice.ndjson.gz", body: gzipped(t, gzipped(t, []byte(record)))}, "a compressed archive"},
	} {
		l := fresh(t, 0, 0)
		j := l.run(t, l.source(t, "S"), tt.input)
		if tt.ends == "no_records" {
			tt.ends = "no line of the file is a JSON object"
		}
		if tt.ends == "" && (j.Status != job.Done || j.Datasets["customers"].Added != 1) || tt.ends != "" && (j.Status != job.Failed || !strings.Contains(j.Error, tt.ends)) {
			t.Errorf("%s: %s %s %s", tt.name, j.Status, j.Error, counts(j))
		}
	}
}

// A .gz that is damaged, cut off or too large ends the import with nothing changed, and nothing of
// what was unpacked is left.
func TestBadGzips(t *testing.T) {
	t.Parallel()
	text := []byte(`{"dataset":"customers","external_id":"a"}` + "\n")
	good := gzipped(t, text)
	damaged := bytes.Clone(good)
	damaged[len(damaged)-7] ^= 1
	for name, tt := range map[string]struct {
		body []byte
		says string
	}{
		"nothing":           {good[:2], "damaged"},
		"cut":               {good[:len(good)-9], "damaged"},
		"without its sum":   {good[:len(good)-4], "damaged"},
		"damaged":           {damaged, "damaged"},
		"garbage behind it": {append(bytes.Clone(good), "garbage"...), "damaged"},
		"a bomb":            {gzipped(t, bytes.Repeat([]byte{' '}, 100<<20+1)), "unpacks to more than 100 MiB"},
	} {
		l := fresh(t, 0, 0)
		j := l.run(t, l.source(t, "S"), input{name: "fine.ndjson", body: text}, input{name: "x.ndjson.gz", body: tt.body})
		if j.Status != job.Failed || !strings.Contains(j.Error, "x.ndjson.gz: ") || !strings.Contains(j.Error, tt.says) {
			t.Errorf("%s: %s %s", name, j.Status, j.Error)
		}
		if names, err := l.objects.Names(t.Context(), j.Prefix()); err != nil || len(names) > 0 {
			t.Errorf("%s: %v are left, %v", name, names, err)
		}
	}
	// Two gzip streams in one file are one text (RFC 1952).
	l := fresh(t, 0, 0)
	more := gzipped(t, []byte(`{"dataset":"customers","external_id":"b"}`))
	if j := l.done(t, l.source(t, "S"), input{name: "x.gz", body: append(bytes.Clone(good), more...)}); j.Datasets["customers"].Added != 2 {
		t.Errorf("%s", counts(j))
	}
}

// Several small .gz files that together unpack to too much are refused, too.
func TestGzipsTogether(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	bomb := gzipped(t, bytes.Repeat([]byte{'\n'}, 60<<20))
	j := l.run(t, l.source(t, "S"), input{name: "1.gz", body: bomb}, input{name: "2.gz", body: bomb})
	if j.Status != job.Failed || !strings.Contains(j.Error, "beside the other packed files") {
		t.Errorf("%s %s", j.Status, j.Error)
	}
}

// The rejects of an NDJSON file, once corrected, are imported as they are, whichever task rejected
// them.
func TestRejectsOfNDJSONGoIn(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 300 {
		switch i % 5 {
		case 3:
			_, _ = fmt.Fprintf(&text, `{"dataset":"customers","external_id":"c%d","email":"nowhere"}`+"\n", i)
		case 4: // rejected when it meets its customer
			_, _ = fmt.Fprintf(&text, `{"dataset":"invoices","external_id":"i%d","customer_external_id":"NOBODY%d","date":"2026-01-01","currency":"EUR"}`+"\n", i, i-1)
		default:
			_, _ = fmt.Fprintf(&text, `{"external_id":"c%d","dataset":"customers"}`+"\n", i)
		}
	}
	for _, sizes := range [][2]int64{{0, 0}, {700, 1}} {
		l := fresh(t, sizes[0], sizes[1])
		src := l.source(t, "S")
		j := l.done(t, src, input{name: "x.ndjson", body: []byte(text.String())})
		rejects := l.rejects(t, j)
		if j.Rejects != 120 || strings.Count(rejects, "\n") != 120 || strings.Count(rejects, `"field":"email"`) != 60 || strings.Count(rejects, `"field":"customer_external_id"`) != 60 {
			t.Fatalf("%s\n%s", counts(j), rejects)
		}
		if j := l.done(t, src, input{name: "x.rejects.ndjson", body: []byte(rejects)}); j.Rejects != 120 || strings.ReplaceAll(l.rejects(t, j), "x.rejects", "x") == "" {
			t.Errorf("%s", counts(j))
		}
		mended := strings.NewReplacer(`"nowhere"`, `"a@example.com"`, "NOBODY", "c").Replace(rejects)
		j = l.done(t, src, input{name: "x.rejects.ndjson", body: []byte(mended)})
		if j.Rejects != 0 || j.Datasets["customers"].Added != 60 || j.Datasets["invoices"].Added != 60 {
			t.Errorf("%s\n%s", counts(j), l.rejects(t, j))
		}
	}
}

// An import of files of both formats: each file has its own rejects, in the order of the files.
func TestRejectsOfBothFormats(t *testing.T) {
	t.Parallel()
	l := fresh(t, 0, 0)
	j := l.done(t, l.source(t, "S"),
		input{name: "a.csv", body: []byte("External ID,Name\n,A\n")},
		input{name: "b.ndjson", body: []byte(`{"dataset":"customers","name":"B"}`)},
		input{name: "c.csv", body: []byte("External ID,Name\n,C\n")})
	want := `External ID,Name,Reject row,Reject file,Reject line,Reject column,Reject code,Reject reason,Reject settings
,A,,a.csv,2,External ID,required,External ID: This must not be blank.,"{""dataset"":""customers""}"
{"dataset":"customers","name":"B","_reject":{"file":"b.ndjson","line":1,"field":"external_id","code":"required","reason":"external_id: This must not be blank."}}
External ID,Name,Reject row,Reject file,Reject line,Reject column,Reject code,Reject reason,Reject settings
,C,,c.csv,2,External ID,required,External ID: This must not be blank.,"{""dataset"":""customers""}"
`
	if diff := cmp.Diff(want, l.rejects(t, j)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{string(billing.Customers)}, j.Import.Datasets); diff != "" {
		t.Error(diff)
	}
}

// Unpacking a .gz stops when the import is cancelled, and leaves nothing.
func TestCancelWhileUnpackingAGzip(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 2; at++ {
		opened := func() {}
		l := newLine(mem.New(mem.Options{}), buckettest.Objects(&objects.Memory{}, func(op buckettest.Op, done bool) error {
			if op == buckettest.Open && done {
				opened()
			}
			return nil
		}), 400, 1)
		text := bytes.Repeat([]byte(`{"dataset":"customers","external_id":"a"}`+"\n"), 100_000)
		j := l.upTo(t, l.source(t, "S"), " unpack/", input{name: "x.ndjson.gz", body: gzipped(t, text)})
		opens := 0
		opened = func() {
			if opens++; opens == at {
				if _, err := l.Cancel(t.Context(), j.ID); err != nil {
					t.Error(err)
				}
				l.pass(time.Second)
			}
		}
		if err := l.Handle(t.Context(), l.queue[0]); err != nil {
			t.Fatal(err)
		}
		if opened = func() {}; opens != 2 { // its first bytes, and the file itself
			t.Errorf("%d objects were read", opens)
		}
		if j = l.finished(t, j.ID); j.Status != job.Cancelled {
			t.Fatalf("%s: %s", j.Status, j.Error)
		}
		if names, err := l.objects.Names(t.Context(), j.Prefix()); err != nil || len(names) > 0 {
			t.Errorf("%v are left, %v", names, err)
		}
	}
}
