package importer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"reseed/pkg/billing"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// reads imports files with settings, and returns the ended job.
func (l *line) reads(t tester, src store.Source, s source.Settings, remember bool, inputs ...input) *job.Job {
	t.Helper()
	j, err := l.Submit(t.Context(), importer.Request{
		Source: src, Origin: job.ByFile, Files: l.put(t.Context(), t, inputs), Options: importer.Options{Settings: s, Remember: remember},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.finished(t, j.ID)
}

// clean reports whether a job is done and has rejected nothing.
func isClean(j *job.Job) bool { return j.Status == job.Done && j.Rejects == 0 }

// fieldsOf are the stored fields of all records of a source, one text for each, sorted.
func (l *line) fieldsOf(t tester, src store.Source) (out []string) {
	t.Helper()
	for k, attrs := range l.dump(t, src) {
		if store.RecordAt(k.SK) == nil {
			continue
		}
		fields := decoded(table.Attrs(attrs))
		for name := range fields {
			if strings.HasPrefix(name, "_") || name == "customer" || name == "invoice" {
				delete(fields, name)
			}
		}
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}

func western(text string) []byte {
	out, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return []byte(out)
}

const shop = "External ID,Name\nk1,Jörg Müller\nk2,Änne Groß\n"

// A kept encoding holds for files however they are packed, and neither for those that say otherwise
// nor for other datasets.
func TestAKeptEncoding(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	if j := l.run(t, src, input{name: "a.csv", body: western(shop)}); j.Status != job.Failed {
		t.Fatalf("without a setting it is %s", j.Status)
	}
	if j := l.reads(t, src, source.Settings{Encoding: "windows-1252"}, true, input{name: "a.csv", body: western(shop)}); !isClean(j) {
		t.Fatalf("%s: %s, %d rejects", j.Status, j.Error, j.Rejects)
	}
	want := l.dump(t, src)
	for name, in := range map[string]input{
		"plain":                      {name: "b.csv", body: western(shop)},
		"of a dataset that is named": {name: "b.csv", dataset: "customers", body: western(shop)},
		".gz":                        {name: "b.csv.gz", body: gzipped(t, western(shop))},
		"in a ZIP":                   {name: "b.zip", body: zipOf(t, input{name: "b.csv", body: western(shop)})},
		"marked as UTF-8":            {name: "b.csv", body: []byte("\ufeff" + shop)},
		"marked as UTF-8 in a ZIP":   {name: "b.zip", body: zipOf(t, input{name: "b.csv", body: []byte("\ufeff" + shop)})},
		"UTF-8 without a mark":       {name: "b.csv", body: []byte(shop)},
		"NDJSON":                     {name: "b.ndjson", dataset: "customers", body: []byte(`{"external_id":"k1","name":"Jörg Müller"}`)},
	} {
		j := l.run(t, src, in)
		if !isClean(j) || j.Datasets["customers"].Unchanged != j.Datasets["customers"].Read {
			t.Errorf("%s: %s %v %s", name, j.Status, j.Datasets, j.Error)
		}
		said := strings.Contains(strings.Join(j.Notes, "\n"), "read with --encoding windows-1252, which the data source keeps for customers")
		if other := strings.Contains(name, "UTF-8") || name == "NDJSON"; said == other {
			t.Errorf("%s: the notes are %v", name, j.Notes)
		}
	}
	if diff := cmp.Diff(want, l.dump(t, src)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
	plans := input{name: "plans.csv", body: western("Name,Interval count,Interval unit\nGroß,1,month\nGrün,1,month\n")}
	if j := l.run(t, src, plans); j.Status != job.Failed || strings.Contains(j.Error, "keeps") {
		t.Errorf("plans: %s %s", j.Status, j.Error)
	}
}

// A file in UTF-8 stays so, whether or not a character lies across the end of what is looked at.
func TestAKeptEncodingAndALongFile(t *testing.T) {
	t.Parallel()
	for shift := range 3 {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
		src := l.source(t, "S")
		if _, err := l.ChangeReadings(t.Context(), src.Tag, func(r *source.Readings) error {
			r.Keep(billing.Customers, source.Settings{Encoding: "windows-1252"})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		text := "External ID,Name\nk" + strings.Repeat("1", shift+1) + ",Ö\n"
		for i := range 600 {
			text += fmt.Sprintf("l%d,%s\n", i, strings.Repeat("ß", 100))
		}
		for _, in := range []input{{name: "b.csv", body: []byte(text)}, {name: "b.csv.gz", body: gzipped(t, []byte(text))}} {
			if j := l.run(t, src, in); !isClean(j) || !strings.Contains(l.fieldsOf(t, src)[0]+l.fieldsOf(t, src)[600], `"Ö"`) {
				t.Errorf("%s: %s %s %s", in.name, j.Status, j.Error, l.fieldsOf(t, src)[0])
			}
		}
	}
}

// Each setting makes a file right that is only different, and is kept: the next file needs none.
func TestEachSetting(t *testing.T) {
	t.Parallel()
	const event = "Customer external ID;Subscription external ID;Event Type;Date;Effective Date;Plan external ID;Currency;Amount in Cents\n"
	for name, tt := range map[string]struct {
		settings source.Settings
		file     string
		want     string // in what is stored
	}{
		"encoding":    {source.Settings{Encoding: "windows-1252"}, string(western(shop)), `"name":"Jörg Müller"`},
		"delimiter":   {source.Settings{Delimiter: "^"}, "External ID^Name\nk1^Ann\n", `{"external_id":"k1","name":"Ann"}`},
		"skip lines":  {source.Settings{SkipLines: 12}, strings.Repeat("a report,of ours\n", 12) + "External ID,Name\nk1,Ann\n", `{"external_id":"k1","name":"Ann"}`},
		"map":         {source.Settings{Map: []string{"Kundennr=External ID", "=DE=Country"}}, "Kundennr,Name\nk1,Ann\n", `{"country":"DE","external_id":"k1","name":"Ann"}`},
		"date format": {source.Settings{DateFormat: "DD.MM.YYYY"}, "External ID,Lead created at\nk1,03.04.2024\n", `{"external_id":"k1","lead_created_at":1712102400000}`},
		"amounts":     {source.Settings{Amounts: source.AmountsUnits}, event + "k1;s1;subscription_start;2024-04-03;2024-04-03;gold;EUR;12.50\n", `"amount_in_cents":1250`},
		"amounts of lines": {
			source.Settings{Amounts: source.AmountsUnits, Decimal: source.DecimalComma},
			"Invoice external ID;External ID;Type;Amount in cents\ni1;l1;one_time;12,50\n", `"amount_in_cents":1250,"external_id":"l1"`,
		},
		"decimal": {
			source.Settings{Amounts: source.AmountsUnits, Decimal: source.DecimalComma},
			event + "k1;s1;subscription_start;2024-04-03;2024-04-03;gold;KWD;12,505\n", `"amount_in_cents":12505`,
		},
		"ids": {source.Settings{IDs: source.IDsVerbatim}, "External ID,Name\n1.23457E+11,Ann\n", `{"external_id":"1.23457E+11","name":"Ann"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
			src := l.source(t, "S")
			l.done(t, src, input{name: "k.csv", body: []byte("External ID\nk1\n")},
				input{name: "i.csv", body: []byte("Customer external ID,Invoice external ID,Invoiced date,Currency\nk1,i1,2024-04-03,EUR\n")}, input{name: "p.csv", body: []byte("Name,Interval count,Interval unit,Plan ID\nGold,1,month,gold\n")})
			file := input{name: "a.csv", body: []byte(tt.file)}
			if j := l.run(t, src, file); isClean(j) {
				t.Errorf("it needs no setting: %v", l.fieldsOf(t, src))
			}
			if j := l.reads(t, src, tt.settings, true, file); !isClean(j) {
				t.Fatalf("with it: %s %s %v", j.Status, j.Error, l.rejects(t, j))
			}
			if got := strings.Join(l.fieldsOf(t, src), "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("stored is\n%s\nwithout %s", got, tt.want)
			}
			if j := l.run(t, src, file); !isClean(j) || totalOf(j).Unchanged != totalOf(j).Read || !strings.Contains(strings.Join(j.Notes, "\n"), "read with "+tt.settings.String()+", which") {
				t.Errorf("kept: %s %v %s %q", j.Status, j.Datasets, j.Error, j.Notes)
			}
		})
	}
}

// The dataset of a header row that does not tell it is known once an import of such a file is done.
func TestADatasetThatWasSaidIsRemembered(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	file := input{name: "a.csv", body: []byte("Product,External ID,Price\nGold,k1,12\n")}
	if j := l.run(t, src, file); j.Status != job.Failed {
		t.Fatalf("%s %v", j.Status, j.Notes)
	}
	named := file
	named.dataset = "customers"
	if j := l.run(t, src, named); !isClean(j) {
		t.Fatalf("%s %s", j.Status, j.Error)
	}
	file.body = []byte("External ID,Price,Product\nk1,12,Gold\nk2,13,Gold\n")
	if j := l.run(t, src, file); !isClean(j) || j.Datasets["customers"].Read != 2 {
		t.Errorf("%s %s", j.Status, j.Error)
	}
	other := l.source(t, "T")
	if j := l.run(t, other, file); j.Status != job.Failed {
		t.Errorf("another source: %s", j.Status)
	}
}

func totalOf(j *job.Job) (sum job.Counts) {
	for _, c := range j.Datasets {
		sum = sum.Add(c)
	}
	return sum
}

// Two datasets of one source have settings of their own, and a file of a dataset that only one of
// them recognises is read with those.
func TestDatasetsHaveSettingsOfTheirOwn(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	plans, err := charmap.Windows1251.NewEncoder().String("Name,Interval count,Interval unit\nОбычный,1,month\nГодовой,1,year\n")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]input{"customers": {name: "a.csv", body: western(shop)}, "plans": {name: "p.csv", body: []byte(plans)}}
	for ds, encoding := range map[string]string{"customers": "windows-1252", "plans": "windows-1251"} {
		if j := l.reads(t, src, source.Settings{Encoding: encoding}, true, files[ds]); !isClean(j) {
			t.Fatalf("%s: %s %s", ds, j.Status, j.Error)
		}
	}
	j := l.run(t, src, files["customers"], files["plans"])
	if !isClean(j) || j.Datasets["customers"].Unchanged != 2 || j.Datasets["plans"].Unchanged != 2 {
		t.Errorf("%s %v %s", j.Status, j.Datasets, j.Error)
	}
}

// Wherever an import that is to remember is killed, it ends as it does undisturbed, and the source
// keeps the same.
func TestRememberingIsKilledAnywhere(t *testing.T) {
	t.Parallel()
	before := genesis(t)
	act := func(opt mem.Options, trouble trouble) (out string, calls int) {
		before.run(t, opt, [2]int64{100, 1}, func(t tester, w *world) {
			w.trouble = trouble
			files := w.quiet.put(t.Context(), t, []input{{name: "a.csv", body: western(shop)}})
			w.do(t, func(p *process) error {
				_, err := p.Submit(t.Context(), importer.Request{
					Source: w.src, Origin: job.ByFile, Once: "once", Files: files,
					Options: importer.Options{Settings: source.Settings{Encoding: "windows-1252"}, Remember: true},
				})
				return err
			})
			w.settle(t)
			j := w.latest(t, always)
			kept, err := w.quiet.Readings(t.Context(), w.src.Tag)
			if err != nil {
				t.Fatal(err)
			}
			out, calls = fmt.Sprint(j.Status, j.Error, j.Datasets, j.Notes, kept.Kept, w.quiet.fieldsOf(t, w.src)), int(w.calls.Load())
		})
		return out, calls
	}
	want, calls := act(mem.Options{}, func(*process, int, string, bool) error { return nil })
	if !strings.Contains(want, "customers --encoding windows-1252") || !strings.Contains(want, "Jörg Müller") {
		t.Fatal(want)
	}
	for n := 1; n <= calls; n++ {
		got, _ := act(mem.Options{}, func(p *process, call int, _ string, done bool) error {
			if call != n || done != (n%2 == 0) {
				return nil
			}
			p.dead.Store(n%3 > 0)
			return errCut()
		})
		if got != want {
			t.Fatalf("call %d of %d:\n%s\nwant\n%s", n, calls, got, want)
		}
	}
}

// What a source keeps is read once, when an import begins to read.
func TestAPlanIsAppliedWithWhatItWasPlannedWith(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	keep := func(s source.Settings) {
		if _, err := l.ChangeReadings(t.Context(), src.Tag, func(r *source.Readings) error { r.Keep(billing.Customers, s); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	keep(source.Settings{Encoding: "windows-1252"})
	plan := l.plan(t, src, input{name: "a.csv", body: western(shop)})
	keep(source.Settings{Encoding: "windows-1251"})
	if j := l.applied(t, plan); !isClean(j) || !strings.Contains(strings.Join(l.fieldsOf(t, src), " "), "Jörg Müller") {
		t.Errorf("%s %s %v", j.Status, j.Error, l.fieldsOf(t, src))
	}
	keep(source.Settings{})
	if kept, err := l.Readings(t.Context(), src.Tag); err != nil || len(kept.Kept) > 0 {
		t.Errorf("%v %v", kept, err)
	}
}

// The golden file is the promise that what sources keep stays readable. It is written once.
func TestReadingsGolden(t *testing.T) {
	t.Parallel()
	it, err := importer.EncodeReadings(0x1f, source.Readings{
		Kept: []source.Kept{{Dataset: billing.Invoices, Settings: source.Settings{
			Encoding: "windows-1252", Delimiter: "tab", SkipLines: 2, Map: []string{"Nr=Invoice external ID", "=EUR=Currency"},
			DateFormat: "DD.MM.YYYY", Amounts: source.AmountsUnits, Decimal: source.DecimalComma, IDs: source.IDsVerbatim,
		}}},
		Headers: []source.Header{{Digest: "00ff", Dataset: billing.Customers}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/readings.golden")
	if got := fmt.Sprintf("%s %s %s\n", it.PK, it.SK, it.Attrs.Str("body")); err != nil || got != string(want) {
		t.Errorf("%v\n%s", err, got)
	}
}
