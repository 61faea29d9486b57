package paypal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/source/paypal"
)

// sections reads docs/systems/paypal.md by its headings.
func sections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/systems/paypal.md")
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
	quoted = regexp.MustCompile("`([a-z0-9_.]+)`")
	nested = regexp.MustCompile("`([a-z_]+\\.[a-z0-9_.]+)`")
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

// Every field of PayPal that the tables name is one that is mapped, and every one that is mapped is named.
func TestDocsHavePayPalsFields(t *testing.T) {
	t.Parallel()
	mapped := map[string]bool{}
	for s, shape := range paypal.Shapes() {
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
	for name := range mapped {
		if !said[name] && !shared(name) {
			t.Errorf("the document does not name %s, which is mapped", name)
		}
	}
}

// shared reports whether a field is there because amounts and cycles have one shape, or is said in words.
func shared(name string) bool {
	return strings.HasSuffix(name, ".currency_code") || strings.HasPrefix(name, "plans.billing_cycles.pricing_scheme") || name == "plans.billing_cycles.total_cycles"
}

func fieldsOf(at string, shape reflect.Type, into map[string]bool) {
	for f := range shape.Fields() {
		name := at + "." + f.Tag.Get("json")
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && strings.HasSuffix(inner.Name(), "Shape") {
			fieldsOf(name, inner, into)
			continue
		}
		into[name] = true
	}
}

// The document lists every code and what becomes of the object, and every setting.
func TestDocsHaveEveryCode(t *testing.T) {
	t.Parallel()
	all := sections(t)
	file, err := parser.ParseFile(token.NewFileSet(), "issue.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(v.Value, `"paypal_`) {
			codes++
			if !strings.Contains(all["What may be wrong"], "| `"+strings.Trim(v.Value, `"`)+"` |") {
				t.Errorf("the document does not list %s", v.Value)
			}
		}
		return true
	})
	if codes < 15 || strings.Count(all["What may be wrong"], "| `paypal_") != codes {
		t.Errorf("%d codes", codes)
	}
	said := names(quoted, all["Settings"])
	for _, name := range (paypal.System{}).Options() {
		if !said[name] {
			t.Errorf("the document does not explain the setting %s", name)
		}
	}
}
