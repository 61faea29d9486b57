package importer_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// ground imports what rows of these tests refer to.
func (l *line) ground(t *testing.T, name string) store.Source {
	t.Helper()
	src := l.source(t, name)
	l.done(t, src, input{name: "k.csv", body: []byte("External ID\nk1\n")},
		input{name: "i.csv", body: []byte("Customer external ID,Invoice external ID,Invoiced date,Currency\nk1,i1,2024-04-03,EUR\n")})
	return src
}

// Corrected rejects go in as the rows beside them did, although the import is told nothing, whatever
// the source keeps by then, and in pieces of any size.
func TestRejectsTellHowTheyWereRead(t *testing.T) {
	t.Parallel()
	const lines, units = "Invoice external ID,External ID,Type,Amount in cents\n", "i1,l1,one_time,200\n"
	verbatim := source.Settings{IDs: source.IDsVerbatim}
	for name, tt := range map[string]struct {
		settings  source.Settings
		keeps     source.Settings // what the source keeps when the rejects come back
		file      string
		dataset   string
		wrong, by string // of the file, and of its correction
		note      string // about the rejects file; empty: nothing about settings
	}{
		"amounts": {
			settings: source.Settings{Amounts: source.AmountsUnits}, file: lines + units + "i1,l2,one_tim,200\ni1,l3,one_tim,300\n", wrong: "one_tim,", by: "one_time,",
			note: "read with --amounts units, as the rejects file says",
		},
		"cents, where units are kept": {
			keeps: source.Settings{Amounts: source.AmountsUnits}, file: lines + units + "i1,l2,one_tim,200\n", wrong: "one_tim,", by: "one_time,",
		},
		"decimal": {
			settings: source.Settings{Amounts: source.AmountsUnits, Decimal: source.DecimalComma}, keeps: source.Settings{DateFormat: "DD.MM.YYYY"},
			file: strings.ReplaceAll(lines+"i1,l1,one_time,!\ni1,l2,one_tim,!\n", "!", `"250,50"`), wrong: "one_tim,", by: "one_time,",
			note: "read with --amounts units --decimal comma, as the rejects file says",
		},
		"date format": {
			settings: source.Settings{DateFormat: "DD.MM.YYYY"}, keeps: source.Settings{DateFormat: "MM.DD.YYYY"}, file: "External ID,Lead created at\na,03.04.2024\nb,03.04.20x4\n", wrong: "20x4", by: "2024",
			note: "read with --date-format DD.MM.YYYY, as the rejects file says",
		},
		"ids":                        {settings: verbatim, file: "External ID,Country\n1.23457E+11,DE\n1.23458E+11,ZZ\n", wrong: "ZZ", by: "DE", note: "read with --ids verbatim, as the rejects file says"},
		"map":                        {settings: source.Settings{Map: []string{"Nr=External ID", "Staat=Country", "=Ann=Name"}}, file: "Nr,Staat\na,DE\nb,ZZ\n", wrong: "ZZ", by: "DE", note: `read with --map "Nr=External ID" --map "Staat=Country" --map "=Ann=Name", as the rejects file says`},
		"a dataset":                  {dataset: "customers", file: "Product,External ID,Price,Country\nGold,a,1,DE\nGold,b,2,ZZ\n", wrong: "ZZ", by: "DE", note: "taken as customers, as the rejects file says"},
		"map of a name with a comma": {settings: source.Settings{Map: []string{"a, b=External ID"}}, file: "a, b;Country\na;DE\nb;ZZ\n", wrong: "ZZ", by: "DE", note: `read with --map "a, b=External ID", as the rejects file says`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pieceBytes := range []int64{0, 40} {
				l := newLine(mem.New(mem.Options{}), objects.Mem(), pieceBytes, 0)
				src, want := l.ground(t, "S"), l.ground(t, "T")
				file := input{"a.csv", tt.dataset, []byte(tt.file)}
				first := l.reads(t, src, tt.settings, false, file)
				if first.Status != job.Done || first.Rejects == 0 {
					t.Fatalf("%s %s %d", first.Status, first.Error, first.Rejects)
				}
				if !tt.keeps.IsZero() {
					l.keep(t, src, first.Import.Files[0].Dataset, tt.keeps)
				}
				rejects := l.rejectFiles(t, first)[0].body
				second := l.run(t, src, input{name: "rejects.csv", body: bytes.ReplaceAll(rejects, []byte(tt.wrong), []byte(tt.by))})
				if !isClean(second) {
					t.Fatalf("%s %s %s", second.Status, second.Error, l.rejects(t, second))
				}
				if !strings.Contains(strings.Join(second.Notes, "\n"), tt.note) || tt.note == "" && strings.Contains(strings.Join(second.Notes, "\n"), "read with") {
					t.Errorf("%q", second.Notes)
				}
				file.body = bytes.ReplaceAll(file.body, []byte(tt.wrong), []byte(tt.by))
				l.reads(t, want, tt.settings, false, file)
				if diff := cmp.Diff(l.fieldsOf(t, want), l.fieldsOf(t, src)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// keep makes a source keep settings.
func (l *line) keep(t *testing.T, src store.Source, dataset string, s source.Settings) {
	t.Helper()
	if _, err := l.ChangeReadings(t.Context(), src.Tag, func(r *source.Readings) error { r.Keep(billing.Dataset(dataset), s); return nil }); err != nil {
		t.Fatal(err)
	}
}

// What an import is told beats the rejects file, which beats what the source keeps.
func TestAnImportBeatsItsRejectsFile(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.ground(t, "S")
	l.keep(t, src, "customers", source.Settings{IDs: source.IDsVerbatim})
	rejects := l.rejectFiles(t, l.reads(t, src, source.Settings{IDs: source.IDsChecked}, false, input{name: "a.csv", body: []byte("External ID,Name\n1.23457E+11,A\n")}))
	for _, tt := range []struct {
		ids     string
		rejects int64
		note    string
	}{
		{"", 1, "read with --ids checked, as the rejects file says"}, {source.IDsVerbatim, 0, "read with --ids verbatim"},
	} {
		j := l.reads(t, src, source.Settings{IDs: tt.ids}, false, rejects...)
		if j.Rejects != tt.rejects || !slices.Contains(j.Notes, rejects[0].name+": "+tt.note) {
			t.Errorf("--ids %q: %d rejected, %q", tt.ids, j.Rejects, j.Notes)
		}
	}
}

// Rejects of two imports in one file: those that were read otherwise than the first one stay out,
// and keep what tells how they were read.
func TestRejectsThatWerePutTogether(t *testing.T) {
	t.Parallel()
	const head, body = "Invoice external ID,External ID,Type,Amount in cents\n", "i1,%s,one_tim,200\n"
	for _, pieceBytes := range []int64{0, 40} {
		l := newLine(mem.New(mem.Options{}), objects.Mem(), pieceBytes, 0)
		src := l.ground(t, "S")
		rejectsOf := func(id string, s source.Settings) string {
			return l.rejects(t, l.reads(t, src, s, false, input{name: "a.csv", body: fmt.Appendf(nil, head+body, id)}))
		}
		units, cents := rejectsOf("u", source.Settings{Amounts: source.AmountsUnits}), rejectsOf("c", source.Settings{})
		_, centsRow, _ := strings.Cut(cents, "\n")
		next := input{name: "rejects.csv", body: []byte(strings.ReplaceAll(units+centsRow, "one_tim,", "one_time,"))}
		for _, want := range []string{`"amount_in_cents":20000,"external_id":"u"`, `"amount_in_cents":200,"external_id":"c"`} {
			j := l.run(t, src, next)
			if got := strings.Join(l.fieldsOf(t, src), "\n"); !strings.Contains(got, want) {
				t.Fatalf("%s %s: %s", j.Status, j.Error, got)
			}
			if next.body = []byte(l.rejects(t, j)); j.Rejects > 0 && !strings.Contains(string(next.body), source.CodeMixedRejects) {
				t.Errorf("%s", next.body)
			}
		}
		if len(next.body) > 0 {
			t.Errorf("left is %s", next.body)
		}
	}
}

// Rejects go in as they are only once they are corrected, in whichever way a tool has spelled their
// columns, and whichever of these are left.
func TestRespeltRejects(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
	src := l.source(t, "S")
	first := l.done(t, src, input{name: "a.csv", body: []byte("External ID,Name\nx1,Acme,more\n")})
	rows := records(t, l.rejects(t, first))
	for name, test := range map[string]func(row []string) []string{
		"snake case":       func(row []string) []string { return row },
		"only the row":     func(row []string) []string { return row[:3] },
		"without the code": func(row []string) []string { return append(row[:6:6], row[7:]...) },
		"in another order": func(row []string) []string { return append(row[2:len(row):len(row)], row[:2]...) },
	} {
		head := test(slices.Clone(rows[0]))
		for i := range head {
			head[i] = strings.ReplaceAll(strings.ToLower(head[i]), " ", "_")
		}
		var b bytes.Buffer
		_ = csv.NewWriter(&b).WriteAll([][]string{head, test(rows[1])})
		if j := l.run(t, src, input{name: "a.csv", body: b.Bytes()}); j.Status != job.Done || j.Rejects != 1 {
			t.Errorf("%s: %s %s, %d rejected", name, j.Status, j.Error, j.Rejects)
		}
	}
}
