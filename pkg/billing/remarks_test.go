package billing_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
)

func TestUnusualCells(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cell, id string
		verbatim bool
		remarks  billing.Remarks
	}{
		"text as a formula":           {cell: `="00123"`, id: "00123", remarks: billing.Remarks{{Code: "text_formula", Column: "External ID", Count: 1}, {Code: "zeros_5", Column: "External ID", Count: 1}}},
		"text as a formula, spaces":   {cell: ` ="00123 " `, id: "00123", remarks: billing.Remarks{{Code: "text_formula", Column: "External ID", Count: 1}, {Code: "zeros_5", Column: "External ID", Count: 1}}},
		"text with quotes":            {cell: `="a""b"`, id: `a"b`, remarks: billing.Remarks{{Code: "text_formula", Column: "External ID", Count: 1}}},
		"text as a formula, verbatim": {cell: `="00123"`, id: `="00123"`, verbatim: true},
		"another formula":             {cell: `="a"&"b"`, id: `="a"&"b"`},
		"a formula without an end":    {cell: `="`, id: `="`},
		"an equals sign":              {cell: `=1`, id: `=1`},
		"an apostrophe":               {cell: `'00123`, id: `'00123`, remarks: billing.Remarks{{Code: "leading_apostrophe", Column: "External ID", Count: 1}}},
		"an apostrophe of a name":     {cell: `'t1`, id: `'t1`},
		"an apostrophe alone":         {cell: `'`, id: `'`},
		"curly quotes":                {cell: `“x1”`, id: `“x1”`, remarks: billing.Remarks{{Code: "curly_quotes", Column: "External ID", Count: 1}}},
		"low and high quotes":         {cell: `„x1“`, id: `„x1“`, remarks: billing.Remarks{{Code: "curly_quotes", Column: "External ID", Count: 1}}},
		"guillemets":                  {cell: `«x1»`, id: `«x1»`, remarks: billing.Remarks{{Code: "curly_quotes", Column: "External ID", Count: 1}}},
		"a curly quote within":        {cell: `«x1» Ltd`, id: `«x1» Ltd`},
		"nothing unusual":             {cell: `x1`, id: `x1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := billing.NewLayout(billing.Customers, []string{"External ID", "Segment"}, billing.Values{VerbatimIDs: tt.verbatim})
			if err != nil {
				t.Fatal(err)
			}
			rec, problem := l.Record([]string{tt.cell, tt.cell}, now())
			if problem != nil {
				t.Fatal(problem)
			}
			if got := rec.(*billing.Customer).ExternalID; got != tt.id { //nolint:forcetypeassert // of this layout
				t.Errorf("id %q, want %q", got, tt.id)
			}
			if diff := cmp.Diff(tt.remarks, l.Remarks()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSentencesOfRemarks(t *testing.T) {
	t.Parallel()
	var remarks billing.Remarks
	remarks.Add("text_formula", "External ID", 2)
	remarks.Add("curly_quotes", "Company", 1)
	remarks.Add("of a later version", "Company", 1)
	remarks.Add("text_formula", "External ID", 3)
	got := remarks.Sentences()
	if len(got) != 2 || !strings.HasPrefix(got[0], `Cells (1) of the column "Company"`) || !strings.Contains(got[0], "curly") ||
		!strings.HasPrefix(got[1], `Cells (5) of the column "External ID"`) || !strings.Contains(got[1], "--ids verbatim") {
		t.Errorf("%q", got)
	}
}
