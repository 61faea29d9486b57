package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// customers lists what is stored of the customers of a source: external id, company and country.
func (l *line) customers(t *testing.T, src store.Source) (out []string) {
	t.Helper()
	for _, attrs := range l.dump(t, src) {
		if c := store.DecodeCustomer(table.Attrs(attrs)); c.ExternalID != "" {
			out = append(out, strings.TrimRight(c.ExternalID+" "+c.Company+" "+c.Country, " "))
		}
	}
	slices.Sort(out)
	return out
}

func TestTablesAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		customers []string
		rejects   []string // in each line of the rejects
		notes     []string
	}{
		"a06e_concat_nobom.csv":       {customers: []string{"x1 Acme", "x2 Beta"}, notes: []string{"the header row stands again on line 3; it was skipped"}},
		"a07c_ctrlz.csv":              {customers: []string{"x1 Acme"}},
		"a09d_short_rows.csv":         {customers: []string{"x1 Acme GB", "x2 Beta US", "x3 Gamma"}, notes: []string{"Rows (2) have fewer cells"}},
		"a12_smart_quotes.csv":        {customers: []string{"x2 “Beta”"}, rejects: []string{"curly quotes"}, notes: []string{`1 cell of the column "Company" written like “Acme”`}},
		"a12b_space_quote.csv":        {customers: []string{"x1 Acme GB", "x2 Beta, Inc. US"}},
		"a12f_excel_text_formula.csv": {customers: []string{"00123 Acme", "00124 Beta"}, notes: []string{`2 cells of the column "External ID" written like ="00123"`}},
		"r2_rejects.csv":              {rejects: []string{"a character was lost when the file was saved"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fresh(t, 1, 0)
			src := l.source(t, "S")
			j := l.done(t, src, trial(t, name))
			if got := l.customers(t, src); !slices.Equal(got, tt.customers) {
				t.Errorf("customers %q, want %q", got, tt.customers)
			}
			_, rejects, _ := strings.Cut(l.rejects(t, j), "\n")
			if got := strings.SplitAfter(rejects, "\n"); !slices.EqualFunc(got[:len(got)-1], tt.rejects, strings.Contains) {
				t.Errorf("rejects %q, want %q", got, tt.rejects)
			}
			want := make([]string, len(tt.notes))
			for i, note := range tt.notes {
				want[i] = name + ": " + note
			}
			if !slices.EqualFunc(j.Notes, want, strings.HasPrefix) {
				t.Errorf("notes %q, want %q", j.Notes, want)
			}
		})
	}
}

// TestFilesOfTwoKindsJoined refuses such a file, with nothing changed.
func TestFilesOfTwoKindsJoined(t *testing.T) {
	t.Parallel()
	l := fresh(t, 1, 0)
	src := l.source(t, "S")
	body := "External ID,Company\nx1,Acme\nCustomer external ID,First name,Email\nx1,Ann,ann@example.com\n"
	j := l.run(t, src, input{name: "all.csv", body: []byte(body)})
	if j.Status != job.Failed || !strings.HasPrefix(j.Error, "all.csv: line 3 ") || !strings.Contains(j.Error, "one by one") || len(l.dump(t, src)) > 0 {
		t.Errorf("%s: %s", j.Status, j.Error)
	}
}

// TestTextFormulasInRejects corrects what is wrong with rows whose ids are written like ="001": the
// ids come out of the rejects file as they are read in the file itself.
func TestTextFormulasInRejects(t *testing.T) {
	t.Parallel()
	l := fresh(t, 1, 0)
	src := l.source(t, "S")
	var rows strings.Builder
	for i := range 5 {
		_, _ = fmt.Fprintf(&rows, "=\"00%d\",\"=\"\"7\"\"\",nowhere\n", i)
	}
	j := l.done(t, src, input{name: "a.csv", body: []byte("External ID,Zip,Email\n" + rows.String())})
	text := l.rejects(t, j)
	if j.Rejects != 5 || !strings.Contains(text, `"'=""000"""`) {
		t.Fatalf("%d rejects: %s", j.Rejects, text)
	}
	l.done(t, src, input{name: "b.csv", body: []byte(strings.ReplaceAll(text, "nowhere", "a@example.com"))})
	if got := l.customers(t, src); !slices.Equal(got, []string{"000", "001", "002", "003", "004"}) {
		t.Errorf("customers %q", got)
	}
}
