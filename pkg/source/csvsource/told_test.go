package csvsource_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/source"
	"reseed/pkg/source/csvsource"
	"reseed/pkg/source/sourcetest"
)

// codesOf reads a table from its beginning, and returns the code of each row.
func codesOf(t *testing.T, text string, hint source.Hint) (s source.Shape, codes []string) {
	t.Helper()
	var pieces []source.Piece
	s, err := csvsource.Format{}.Scan(t.Context(), strings.NewReader(text), hint, 1, func(p source.Piece) error { pieces = append(pieces, p); return nil })
	if err != nil {
		t.Fatalf("%.300q: %v", text, err)
	}
	for _, p := range pieces {
		rows, err := csvsource.Format{}.Open(io.NopCloser(strings.NewReader(text[p.Offset:p.Offset+p.Length])), s, p.Place, sourcetest.Now())
		if err != nil {
			t.Fatal(err)
		}
		for {
			_, err := rows.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			code := ""
			if _, p := rows.Record(); p != nil {
				code = p.Code
			}
			codes = append(codes, code)
		}
	}
	return s, codes
}

// The first row that can be read and tells how it was read tells it for the file; rows that differ
// are rejected, in pieces of a single row as well.
func TestRejectsFilesTell(t *testing.T) {
	t.Parallel()
	const head = "External ID,Name,Reject row,Reject settings\n"
	const customers, verbatim = `"{""dataset"":""customers""}"`, `"{""dataset"":""customers"",""ids"":""verbatim""}"`
	wide := `,,"` + strings.Repeat("x", source.MaxRecord-200) + `",` + verbatim + "\n"
	for name, tt := range map[string]struct {
		text  string
		hint  source.Hint
		told  string
		ids   string
		codes []string
	}{
		"all alike":              {head + "a,A,," + verbatim + "\n1.23457E+11,B,," + verbatim + "\n", source.Hint{}, `{"dataset":"customers","ids":"verbatim"}`, "verbatim", []string{"", ""}},
		"spelled otherwise":      {head + "a,A,," + customers + "\nb,B,,\" { \"\"dataset\"\" : \"\"customers\"\" }\"\n", source.Hint{}, `{"dataset":"customers"}`, "", []string{"", ""}},
		"two kinds":              {head + "a,A,," + customers + "\nb,B,," + verbatim + "\nc,C,," + customers + "\n", source.Hint{}, `{"dataset":"customers"}`, "", []string{"", source.CodeMixedRejects, ""}},
		"rows that were added":   {head + "a,A,,\nb,B,," + verbatim + "\nc,C\n", source.Hint{}, `{"dataset":"customers","ids":"verbatim"}`, "verbatim", []string{source.CodeMixedRejects, "", source.CodeMixedRejects}},
		"a first row with fault": {head + "\n\"a\"A,,\nb,B,," + verbatim + "\n", source.Hint{}, `{"dataset":"customers","ids":"verbatim"}`, "verbatim", []string{source.CodeBadQuote, ""}},
		"a first row that is long": {
			head + wide + "b,B,," + verbatim + "\n",
			source.Hint{Kept: source.Kept{Dataset: billing.Customers, Settings: source.Settings{Amounts: "units"}}},
			`{"dataset":"customers","ids":"verbatim"}`, "verbatim",
			[]string{source.CodeNotCorrected, ""},
		},
		"nothing":              {head + "a,A,,\nb,B,,\n", source.Hint{Kept: source.Kept{Settings: source.Settings{IDs: "verbatim"}}}, "", "verbatim", []string{"", ""}},
		"no JSON":              {head + "a,A,,x\nb,B,,{\n", source.Hint{}, "", "", []string{"", ""}},
		"settings that aren't": {head + "a,A,,\"{\"\"dataset\"\":\"\"customers\"\",\"\"ids\"\":\"\"odd\"\"}\"\n", source.Hint{}, "", "", []string{""}},
		"no dataset":           {head + "a,A,,\"{\"\"dataset\"\":\"\"pets\"\"}\"\n", source.Hint{}, "", "", []string{""}},
		"kept":                 {head + "1.23457E+11,A,," + customers + "\n", source.Hint{Kept: source.Kept{Dataset: billing.Contacts, Settings: source.Settings{IDs: "verbatim"}}}, `{"dataset":"customers"}`, "", []string{billing.CodeDamagedID}},
		"given":                {head + "1.23457E+11,A,," + customers + "\n", source.Hint{Settings: source.Settings{IDs: "verbatim"}}, `{"dataset":"customers"}`, "verbatim", []string{""}},
	} {
		s, codes := codesOf(t, tt.text, tt.hint)
		if s.Told != tt.told || s.Dataset != billing.Customers || s.Settings.IDs != tt.ids || s.Settings.Amounts != "" || !slices.Equal(codes, tt.codes) {
			t.Errorf("%s: told is %s; %s, %s, %q", name, s.Told, s.Dataset, s.Settings, codes)
		}
	}
}
