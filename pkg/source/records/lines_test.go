package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
	"reseed/pkg/source/records"
	"reseed/pkg/source/sourcetest"
)

// told reads lines and describes each as "line dataset id" or "line dataset code column".
func told(t *testing.T, text string, given billing.Dataset) []string {
	t.Helper()
	out := []string{}
	rows, err := records.Format{}.Open(io.NopCloser(strings.NewReader(text)), source.Shape{Dataset: given}, source.Place{}, sourcetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		rec, p := rows.Record()
		what := ""
		switch r := rec.(type) {
		case *billing.Customer:
			what = r.ExternalID + " " + r.Name
		case *billing.Plan:
			what = fmt.Sprint(r.ExternalID, " ", r.IntervalCount)
		}
		if p != nil {
			what = p.Code + " " + p.Column
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s", row.Line, row.Dataset, what)))
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := map[string]struct{ line, want string }{
		"plain":                  {`{"dataset":"customers","external_id":"c","name":"Ann"}`, "1 customers c Ann"},
		"any order, spaces":      {` { "name" : "Ann" , "external_id":"c", "dataset" : "customers" } `, "1 customers c Ann"},
		"CRLF":                   {"{\"dataset\":\"customers\",\"external_id\":\"c\"}\r\n", "1 customers c"},
		"blank lines":            {"\n \t\r\n{\"dataset\":\"customers\",\"external_id\":\"c\"}\n\n", "3 customers c"},
		"null is not given":      {`{"dataset":"customers","external_id":"c","name":null,"email":null}`, "1 customers c"},
		"null where required":    {`{"dataset":"customers","external_id":null}`, "1 customers required external_id"},
		"blank where required":   {`{"dataset":"customers","external_id":"  "}`, "1 customers required external_id"},
		"trimmed as CSV is":      {`{"dataset":"customers","external_id":" c\u00a0","name":"\tAnn "}`, "1 customers c Ann"},
		"escapes":                {`{"dataset":"customers","external_id":"c","name":"\"\\\/\u00e9\ud83d\ude00\u0041"}`, `1 customers c "\/é😀A`},
		"escaped name":           {`{"dataset":"customers","external\u005fid":"c"}`, "1 customers c"},
		"escaped dataset":        {`{"data\u0073et":"custom\u0065rs","external_id":"c"}`, "1 customers c"},
		"numbers":                {`{"dataset":"plans","external_id":"p","name":"P","interval_count":6,"interval_unit":"month"}`, "1 plans p 6"},
		"number as text":         {`{"dataset":"plans","name":"P","interval_count":"6","interval_unit":"month"}`, "1 plans wrong_type interval_count"},
		"text as number":         {`{"dataset":"customers","external_id":7}`, "1 customers wrong_type external_id"},
		"truth as text":          {`{"dataset":"transactions","exclude_tax_on_refund":"true"}`, "1 transactions wrong_type exclude_tax_on_refund"},
		"list":                   {`{"dataset":"customers","external_id":["c"]}`, "1 customers wrong_type external_id"},
		"object":                 {`{"dataset":"customers","external_id":{"a":1}}`, "1 customers wrong_type external_id"},
		"fraction":               {`{"dataset":"plans","name":"P","interval_count":6.0,"interval_unit":"month"}`, "1 plans not_an_integer interval_count"},
		"exponent":               {`{"dataset":"transactions","invoice_external_id":"i","type":"payment","result":"successful","date":"2020-01-01","amount_in_cents":1e3}`, "1 transactions not_a_number_of_cents amount_in_cents"},
		"large number":           {`{"dataset":"transactions","invoice_external_id":"i","type":"payment","result":"successful","date":"2020-01-01","amount_in_cents":99999999999999999999}`, "1 transactions out_of_range amount_in_cents"},
		"unknown field":          {`{"dataset":"customers","external_id":"c","nom":"x"}`, "1 customers unknown_field nom"},
		"field of another":       {`{"dataset":"customers","external_id":"c","interval_unit":"day"}`, "1 customers unknown_field interval_unit"},
		"column of CSV":          {`{"dataset":"customers","External ID":"c"}`, "1 customers unknown_field External ID"},
		"field like an e-mail":   {`{"dataset":"customers","a@b.c":"c"}`, "1 customers unknown_field"},
		"twice":                  {`{"dataset":"customers","external_id":"c","external_id":"c"}`, "1 customers duplicate_field external_id"},
		"twice, null":            {`{"dataset":"customers","external_id":null,"external_id":"c"}`, "1 customers duplicate_field external_id"},
		"dataset twice":          {`{"dataset":"customers","external_id":"c","dataset":"customers"}`, "1 customers duplicate_field dataset"},
		"rejected before":        {`{"dataset":"customers","external_id":"c","_reject":{"line":1,"why":[{"a":null}]}}`, "1 customers c"},
		"rejected twice before":  {`{"_reject":1,"dataset":"customers","external_id":"c","_reject":"x"}`, "1 customers c"},
		"a line that was none":   {`{"_line":"x","_reject":{}}`, "1  bad_json _line"},
		"no dataset":             {`{"external_id":"c"}`, "1  no_dataset dataset"},
		"unknown dataset":        {`{"dataset":"custmers","external_id":"c"}`, "1  unknown_dataset dataset"},
		"case matters":           {`{"dataset":"Customers","external_id":"c"}`, "1  unknown_dataset dataset"},
		"dataset is no text":     {`{"dataset":1,"external_id":"c"}`, "1  wrong_type dataset"},
		"empty object":           {`{}`, "1  no_dataset dataset"},
		"list of records":        {`[{"dataset":"customers","external_id":"c"}]`, "1  bad_json"},
		"no object":              {`"customers"`, "1  bad_json"},
		"cut":                    {`{"dataset":"customers","external_id":"c"`, "1 customers bad_json"},
		"cut in a text":          {`{"dataset":"customers","external_id":"c`, "1 customers bad_json"},
		"cut in an escape":       {`{"dataset":"customers","external_id":"c\`, "1 customers bad_json"},
		"cut behind a name":      {`{"dataset":"customers","external_id"`, "1 customers bad_json"},
		"cut behind a colon":     {`{"dataset":"customers","external_id":`, "1 customers bad_json"},
		"comma behind the last":  {`{"dataset":"customers","external_id":"c",}`, "1 customers bad_json"},
		"no comma":               {`{"dataset":"customers" "external_id":"c"}`, "1 customers bad_json"},
		"two on a line":          {`{"dataset":"customers","external_id":"c"}{"dataset":"customers","external_id":"d"}`, "1 customers bad_json"},
		"comment":                {`{"dataset":"customers","external_id":"c"} // x`, "1 customers bad_json"},
		"single quotes":          {`{'dataset':'customers'}`, "1  bad_json"},
		"NaN":                    {`{"dataset":"plans","interval_count":NaN}`, "1 plans bad_json"},
		"leading zero":           {`{"dataset":"plans","interval_count":06}`, "1 plans bad_json"},
		"plus":                   {`{"dataset":"plans","interval_count":+6}`, "1 plans bad_json"},
		"bare point":             {`{"dataset":"plans","interval_count":6.}`, "1 plans bad_json"},
		"bad escape":             {`{"dataset":"customers","external_id":"\x41"}`, "1 customers bad_json"},
		"bad unicode escape":     {`{"dataset":"customers","external_id":"\u00g1"}`, "1 customers bad_json"},
		"half a character":       {`{"dataset":"customers","external_id":"c","name":"\ud83d"}`, "1 customers bad_json"},
		"half, then another":     {`{"dataset":"customers","external_id":"c","name":"\ud83d\u0041"}`, "1 customers bad_json"},
		"lower half":             {`{"dataset":"customers","external_id":"c","name":"\ude00"}`, "1 customers bad_json"},
		"raw tab":                {"{\"dataset\":\"customers\",\"external_id\":\"c\td\"}", "1 customers bad_json"},
		"escaped NUL":            {`{"dataset":"customers","external_id":"c","name":"a\u0000b"}`, "1 customers bad_character name"},
		"invisible in an id":     {`{"dataset":"customers","external_id":"c\u200b"}`, "1 customers bad_character external_id"},
		"not UTF-8":              {"{\"dataset\":\"customers\",\"external_id\":\"c\",\"name\":\"\xff\"}", "1 customers bad_encoding"},
		"mark within":            {"\n\ufeff{\"dataset\":\"customers\",\"external_id\":\"c\"}", "2  bad_json"},
		"deep, ignored":          {`{"dataset":"customers","external_id":"c","_reject":` + deep(16) + `}`, "1 customers c"},
		"too deep":               {`{"dataset":"customers","external_id":"c","_reject":` + deep(17) + `}`, "1 customers too_deep"},
		"far too deep":           {`{"dataset":"customers","external_id":"c","_reject":` + strings.Repeat("[", 200_000), "1 customers too_deep"},
		"bad in what is ignored": {`{"dataset":"customers","external_id":"c","_reject":{"a":1,}}`, "1 customers bad_json"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{test.want}, told(t, test.line, "")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A line that names no dataset is of the given dataset. A line that names another one is of that.
func TestGivenDataset(t *testing.T) {
	t.Parallel()
	text := `{"external_id":"c"}
{"dataset":"plans","external_id":"p","name":"P","interval_count":1,"interval_unit":"day"}
{"dataset":"custmers","external_id":"c"}
nonsense
`
	want := []string{"1 customers c", "2 plans p 1", "3 customers unknown_dataset dataset", "4 customers bad_json"}
	if diff := cmp.Diff(want, told(t, text, billing.Customers)); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		"":                                   "empty_file",
		"\n\n":                               "empty_file",
		"[\n{\"dataset\":\"customers\"}\n]":  source.CodeNotATable,
		"{\n  \"dataset\": \"customers\"\n}": source.CodeNotATable,
		"x\n{\"dataset\":\"customers\"}\n":   "", // one of the lines is a record
		`{"external_id":"c"}`:                "no_records",
		"\xff\xfe{\x00":                      "bad_encoding",
		"{\x00\"\x00":                        "bad_encoding",
	} {
		_, err := records.Format{}.Scan(t.Context(), strings.NewReader(text), source.Hint{}, 1, func(source.Piece) error { return nil })
		if fault.CodeOf(err) != code && (code != "" || err != nil) {
			t.Errorf("%q: %v, want %q", text, err, code)
		}
	}
}

// Each piece lists the datasets of its lines.
func TestPiecesKnowTheirDatasets(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`{"dataset":"plans","x":1}`+"\n", 3) + "{}\n" + `{"external_id":"c","dataset":"customers"}` + "\n"
	var got []string
	_, err := records.Format{}.Scan(t.Context(), strings.NewReader(text), source.Hint{}, 60, func(p source.Piece) error {
		got = append(got, fmt.Sprint(p.Line, p.Offset, p.Length, p.Datasets))
		return nil
	})
	if diff := cmp.Diff([]string{"1 0 78 [plans]", "4 78 45 [ customers]"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// A rejects file also holds lines that are not JSON.
func TestRejectsOfLinesThatAreNoJSON(t *testing.T) {
	t.Parallel()
	text := "{\"dataset\":\"customers\",\"external_id\":\"c\"}\nnon \"sense\" \\ <\xff>\n{\"dataset\":\"customers\" }\n{}\n"
	rows, err := records.Format{}.Open(io.NopCloser(strings.NewReader(text)), source.Shape{}, source.Place{}, sourcetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for range 4 {
		row, err := rows.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, p := rows.Record(); p != nil {
			out = rows.AppendReject(out, source.Reject{File: "f", Line: row.Line, Column: "External ID", Code: p.Code, Reason: "Why."})
		}
	}
	want := `{"_line":"non \"sense\" \\ <�>","_reject":{"file":"f","line":2,"field":"External ID","code":"bad_encoding","reason":"Why."}}
{"dataset":"customers","_reject":{"file":"f","line":3,"field":"external_id","code":"required","reason":"Why."}}
{"_reject":{"file":"f","line":4,"field":"External ID","code":"no_dataset","reason":"Why."}}
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
}

// FuzzLine compares with encoding/json: a line that it refuses is refused, and an object that is
// accepted has the members that it reads.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{`{"dataset":"customers","external_id":"c","name":"\u00e9\ud83d\ude00"}`, `{"dataset":"plans","interval_count":-0.5e+1}`, `{"a":[{"b":[]},1,true,null]}`, "{\"dataset\":\"customers\",\"external_id\":\"\\ud800\"}", `{"x":1e700}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\n", " ")
		rows, err := records.Format{}.Open(io.NopCloser(strings.NewReader(text)), source.Shape{Dataset: billing.Customers}, source.Place{}, sourcetest.Now())
		if err != nil {
			t.Fatal(err)
		}
		row, err := rows.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || row.Length != int64(len(text)) {
			t.Fatal(row, err)
		}
		compare(t, text, rows)
		reject := rows.AppendReject(nil, source.Reject{File: "f", Line: 1, Code: "x"})
		if !json.Valid(reject) || strings.Count(string(reject), "\n") != 1 {
			t.Errorf("%q is given back as %q", text, reject)
		}
	})
}

func compare(t *testing.T, text string, rows source.Rows) {
	t.Helper()
	rec, p := rows.Record()
	if (rec == nil) == (p == nil) {
		t.Fatalf("%v, %+v", rec, p)
	}
	var theirs map[string]json.RawMessage // not any: 1e700 is JSON, but no float64
	wrong := json.Unmarshal([]byte(strings.TrimSuffix(text, "\r")), &theirs) != nil
	if syntax := p != nil && (p.Code == source.CodeBadJSON && p.Column == "" || slices.Contains([]string{source.CodeBadEncoding, source.CodeTooDeep, source.CodeRecordTooLong}, p.Code)); wrong && !syntax {
		t.Errorf("%q is no JSON, but %+v", text, p)
	}
	if c, ok := rec.(*billing.Customer); ok {
		var name string
		if raw := theirs["name"]; raw != nil && json.Unmarshal(raw, &name) != nil || strings.TrimSpace(name) != c.Name {
			t.Errorf("%q: %q, want %q", text, c.Name, name)
		}
	}
}
