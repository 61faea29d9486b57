package recurly_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/source/recurly"
)

// sections reads docs/systems/recurly.md by its headings.
func sections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/systems/recurly.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, s := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(s, "\n")
		all[title] = body
	}
	return all
}

var (
	quoted = regexp.MustCompile("`([a-z_.]+)`")
	nested = regexp.MustCompile("`([a-z_]+\\.[a-z_.]+)`")
)

func names(re *regexp.Regexp, text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all[m[1]] = true
	}
	return all
}

// The tables say of each field of a record where it comes from, or that it is left out.
func TestDocsHaveEveryField(t *testing.T) {
	t.Parallel()
	all := sections(t)
	for title, ds := range map[string]billing.Dataset{
		"Plans": billing.Plans, "Customers": billing.Customers, "Invoices": billing.Invoices, "Line items": billing.LineItems,
		"Transactions": billing.Transactions, "Subscription events": billing.Events,
	} {
		said := names(quoted, all[title])
		for _, f := range billing.FieldsOf(ds) {
			if !said[f.Name] {
				t.Errorf("%s says nothing of %s", title, f.Name)
			}
		}
	}
}

// Every field of Recurly that the tables name is one that is mapped, and every one that is mapped is named.
func TestDocsHaveRecurlysFields(t *testing.T) {
	t.Parallel()
	mapped := map[string]bool{}
	for s, shape := range recurly.Shapes() {
		fieldsOf(string(s), reflect.TypeOf(shape), mapped)
	}
	text := ""
	for _, s := range sections(t) {
		text += s
	}
	said := names(nested, text)
	for name := range said {
		if !mapped[name] {
			t.Errorf("the document names %s, which is not mapped", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mapped)) {
		if !said[name] && !plumbing(name) {
			t.Errorf("the document does not name %s, which is mapped", name)
		}
	}
}

// plumbing reports whether a field leads from one object to another, or is said in words.
func plumbing(name string) bool {
	_, field, _ := strings.Cut(name, ".")
	switch field {
	case "id", "currency", "account.code", "line_items", "transactions":
		return true
	}
	return false
}

func fieldsOf(at string, shape reflect.Type, into map[string]bool) {
	for f := range shape.Fields() {
		name := at + "." + f.Tag.Get("json")
		if inner := elem(f.Type); inner.Kind() == reflect.Struct && !recurly.IsValue(inner) {
			fieldsOf(name, inner, into)
			continue
		}
		into[name] = true
	}
}

// elem is what a pointer points to, or a list holds.
func elem(t reflect.Type) reflect.Type {
	for (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) && !recurly.IsValue(t) {
		t = t.Elem()
	}
	return t
}

// The document lists every code and whether it rejects, and every setting that Recurly has and no other.
func TestDocsHaveEveryCode(t *testing.T) {
	t.Parallel()
	all := sections(t)
	file, err := parser.ParseFile(token.NewFileSet(), "issue.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Comment == nil {
			return true
		}
		kind, _, _ := strings.Cut(strings.TrimSpace(v.Comment.Text()), ":")
		code, _ := v.Values[0].(*ast.BasicLit)
		codes++
		if row := "| `" + strings.Trim(code.Value, `"`) + "` | " + strings.TrimSuffix(kind, "s") + " |"; !strings.Contains(all["What may be wrong"], row) {
			t.Errorf("the document does not say %s", row)
		}
		return true
	})
	if codes < 15 || strings.Count(all["What may be wrong"], "| `recurly_") != codes {
		t.Errorf("%d codes", codes)
	}
	said := names(quoted, firstColumn(all["Settings"]))
	for _, option := range (recurly.System{}).Options() {
		if !said[option] {
			t.Errorf("the document does not explain the setting %s", option)
		}
		delete(said, option)
	}
	if len(said) > 0 {
		t.Errorf("the document explains settings that there are not: %v", said)
	}
}

func firstColumn(table string) (column string) {
	for row := range strings.Lines(table) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			column += cells[1] + "\n"
		}
	}
	return column
}
