package billing_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/billing"
)

// update rewrites the tables of the document.
var update = flag.Bool("update", false, "rewrite the tables of docs/FORMATS.md")

const formats = "../../docs/FORMATS.md"

// TestFormatsDocument holds the tables of docs/FORMATS.md to the code. What stands around them is
// written by hand.
func TestFormatsDocument(t *testing.T) {
	t.Parallel()
	old, err := os.ReadFile(formats)
	if err != nil {
		t.Fatal(err)
	}
	now := string(old)
	for _, ds := range billing.Order() {
		begin, end := fmt.Sprintf("<!-- %s -->\n", ds), "<!-- end -->"
		before, rest, ok := strings.Cut(now, begin)
		_, after, ended := strings.Cut(rest, end)
		if !ok || !ended {
			t.Fatalf("there is no place for %s", ds)
		}
		now = before + begin + tableOf(ds) + end + after
	}
	if now == string(old) {
		return
	}
	if !*update {
		t.Fatal("docs/FORMATS.md is not what the code says; go test ./pkg/billing -run Formats -update, then read it again")
	}
	if err := os.WriteFile(formats, []byte(now), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tableOf(ds billing.Dataset) string {
	var b strings.Builder
	b.WriteString("| CSV column | NDJSON field | holds |\n|---|---|---|\n")
	for _, f := range billing.FieldsOf(ds) {
		column, holds := "`"+f.Column+"`", f.Is
		if f.Column == "" {
			column = "–"
		}
		if f.Is == "word" {
			holds = "`" + strings.Join(billing.Words(ds, f.Name), "`, `") + "`"
		}
		if f.Required {
			holds += "; required"
		}
		_, _ = fmt.Fprintf(&b, "| %s | `%s` | %s |\n", column, f.Name, holds)
	}
	return b.String()
}

// set judges a full record of a dataset, but for one field.
func set(ds billing.Dataset, field billing.Field, value string) *billing.Problem {
	fields, err := billing.NewFields(ds)
	if err != nil {
		return &billing.Problem{Code: err.Error()}
	}
	fields.Begin()
	for _, f := range billing.FieldsOf(ds) {
		cell := good()[ds][f.Column]
		if f.Name == field.Name {
			cell = value
		}
		if p := fields.Set(f.Name, typeOf(f), cell); p != nil {
			return p
		}
	}
	_, problem := fields.Record(now())
	return problem
}

func typeOf(f billing.Field) billing.ValueType {
	switch f.Is {
	case "cents", "integer":
		return billing.Number
	case "truth":
		return billing.Truth
	case "attributes":
		return billing.Object
	}
	return billing.Text
}

// wordsOf are the words that a field takes, as it says itself to one that it does not.
func wordsOf(ds billing.Dataset, f billing.Field) []string {
	p := set(ds, f, "no such word")
	_, list, _ := strings.Cut(p.Message, "it must be ")
	return strings.Split(strings.ReplaceAll(strings.TrimSuffix(list, "."), " or ", ", "), ", ")
}

// The words that a field is said to take are those that it says itself.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, ds := range billing.Order() {
		for _, f := range billing.FieldsOf(ds) {
			if words := billing.Words(ds, f.Name); f.Is != "word" && words != nil || f.Is == "word" && !slices.Equal(words, wordsOf(ds, f)) {
				t.Errorf("%s, %s: %q", ds, f.Name, words)
			}
		}
	}
}

// Each field holds what it says that it holds: it refuses a value that is none of that, by the code
// for it, and names itself.
func TestFieldsHoldWhatTheySay(t *testing.T) {
	t.Parallel()
	for is, wrong := range map[string]struct{ value, code string }{
		"text": {strings.Repeat("x", billing.MaxText+1), billing.CodeTooLong}, "note": {strings.Repeat("x", billing.MaxNote+1), billing.CodeTooLong},
		"id": {"a\u200bb", billing.CodeBadCharacter}, "email": {"nowhere", billing.CodeBadEmail}, "country": {"Atlantis", billing.CodeUnknownCountry},
		"currency": {"XYZ", billing.CodeUnknownCurrency}, "time": {"31.12.2025", billing.CodeNotADate}, "cents": {"1.5", billing.CodeNotCents},
		"integer": {"1.5", billing.CodeNotAnInteger}, "truth": {"perhaps", billing.CodeNotABoolean}, "word": {"no such word", billing.CodeUnknownValue},
		"attributes": {"[]", billing.CodeBadAttributes},
	} {
		found := 0
		for _, ds := range billing.Order() {
			for _, f := range billing.FieldsOf(ds) {
				if f.Is == is {
					found++
					holds(t, ds, f, wrong.value, wrong.code)
				}
			}
		}
		if found == 0 {
			t.Errorf("no field is %s", is)
		}
	}
}

// holds checks that a field is what it says: value is of that kind, but wrong.
func holds(t *testing.T, ds billing.Dataset, f billing.Field, value, code string) {
	t.Helper()
	if f.Name == "event_type" {
		code = billing.CodeUnknownEventType
	}
	if p := set(ds, f, value); p == nil || p.Code != code || p.Column != f.Name || !strings.HasPrefix(p.Message, f.Name+": ") {
		t.Errorf("%s: %s, which is %s: %+v", ds, f.Name, f.Is, p)
	}
	if f.Is == "note" && set(ds, f, value[1:]) != nil {
		t.Errorf("%s: %s is no note", ds, f.Name)
	}
	if p := set(ds, f, ""); f.Required != (p != nil && p.Code == billing.CodeRequired) && !slices.Contains(needed(), f.Name) {
		t.Errorf("%s: %s blank: %+v", ds, f.Name, p)
	}
	if f.Is != "word" {
		return
	}
	for _, w := range wordsOf(ds, f) {
		if p := set(ds, f, w); p != nil && p.Column == f.Name {
			t.Errorf("%s: %s does not take %q: %+v", ds, f.Name, w, p)
		}
	}
}

// needed are the fields that only some records need, as the full ones of this test do.
func needed() []string {
	return []string{"subscription_external_id", "plan_external_id", "service_period_start", "service_period_end", "currency", "amount_in_cents"}
}

// Every field has a name of its own, a column that files may have is found by its name, and both
// make the same record.
func TestFieldsAndColumnsMakeTheSameRecord(t *testing.T) {
	t.Parallel()
	for ds, cells := range good() {
		fields, header, row := spelledOut(t, ds, cells)
		layout, err := billing.NewLayout(ds, header, billing.Values{})
		if err != nil {
			t.Fatal(err)
		}
		byColumns, p := layout.Record(row, now())
		byFields, q := fields.Record(now())
		if diff := cmp.Diff(byColumns, byFields); diff != "" || p != nil || q != nil || !slices.Equal(header, billing.Columns(ds)) {
			t.Errorf("%s: %v, %v, %s", ds, p, q, diff)
		}
	}
	if fieldName(t, billing.Plans, "Nonsense") != "Nonsense" || billing.FieldsOf("nonsense") != nil {
		t.Error("there is something of nothing")
	}
	if _, err := billing.NewFields("nonsense"); err == nil {
		t.Error("there is a dataset called nonsense")
	}
}

// spelledOut writes a row as a record and as the cells below a header row.
func spelledOut(t *testing.T, ds billing.Dataset, cells row) (fields *billing.Fields, header, row []string) {
	t.Helper()
	fields, err := billing.NewFields(ds)
	if err != nil {
		t.Fatal(err)
	}
	fields.Begin()
	seen := map[string]bool{}
	for _, f := range billing.FieldsOf(ds) {
		if f.Name == "" || seen[f.Name] || f.Column != "" && fieldName(t, ds, strings.ToUpper(f.Column)) != f.Name {
			t.Errorf("%s: %+v", ds, f)
		}
		seen[f.Name] = true
		if f.Column == "" {
			continue
		}
		header, row = append(header, f.Column), append(row, cells[f.Column])
		if p := fields.Set(f.Name, typeOf(f), cells[f.Column]); p != nil {
			t.Fatal(p)
		}
	}
	return fields, header, row
}

func fieldName(t *testing.T, ds billing.Dataset, column string) string {
	t.Helper()
	f, err := billing.NewFields(ds)
	if err != nil {
		t.Fatal(err)
	}
	return f.Name(column)
}
