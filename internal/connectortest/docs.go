package connectortest

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
	"reseed/pkg/source/system"
)

// Document is what the page of a system in docs/systems is held to. The test runs in the folder of the system's package.
type Document struct {
	System system.System
	Shapes map[system.Stream]any // the types into which objects are decoded; a struct in them has fields of its own if its name ends in Shape, or it has none
	// Inner says that the page may name a field that has fields of its own.
	Inner bool
	// Unsaid reports whether a field need not be named: it leads from one object to another, or is said in words.
	Unsaid func(name string) bool
	Same   map[string]string // by stream: the stream under whose name the page lists its fields, too
	Codes  int               // how many codes of issues there are at least
}

// Documented checks that the page says of each field of a record where it comes from, or that it is left out; that it
// names the fields of the system that are mapped, and no others; and that it lists every code of issues with what becomes of
// the object, and every setting.
func Documented(t *testing.T, d Document) {
	t.Helper()
	all := d.sections(t)
	recordsSaid(t, all)
	d.fieldsSaid(t, all)
	d.codesSaid(t, all["What may be wrong"])
	d.settingsSaid(t, all["Settings"])
}

// sections reads the page by its headings.
func (d Document) sections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/systems/" + strings.ToLower(d.System.Name()) + ".md")
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

// quoted finds every name that the page writes in backquotes; nested finds only names with a point, which are fields of objects.
var (
	quoted = regexp.MustCompile("`([a-z0-9_.]+)`")
	nested = regexp.MustCompile("`([a-z_]+\\.[a-z0-9_.]+)`")
)

func namesIn(re *regexp.Regexp, text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		all[m[1]] = true
	}
	return all
}

func recordsSaid(t *testing.T, all map[string]string) {
	t.Helper()
	for title, ds := range map[string]billing.Dataset{
		"Plans": billing.Plans, "Customers": billing.Customers, "Invoices": billing.Invoices, "Line items": billing.LineItems,
		"Transactions": billing.Transactions, "Subscription events": billing.Events,
	} {
		said := namesIn(quoted, all[title])
		for _, f := range billing.FieldsOf(ds) {
			if !said[f.Name] {
				t.Errorf("%s says nothing of %s", title, f.Name)
			}
		}
	}
}

func (d Document) fieldsSaid(t *testing.T, all map[string]string) {
	t.Helper()
	mapped, said := d.Fields(), namesIn(nested, strings.Join(slices.Collect(maps.Values(all)), ""))
	for name := range said {
		inner := slices.ContainsFunc(mapped, func(m string) bool { return strings.HasPrefix(m, name+".") })
		if !slices.Contains(mapped, name) && (!d.Inner || !inner) {
			t.Errorf("the document names %s, which is not mapped", name)
		}
	}
	for _, name := range mapped {
		if !said[name] && !said[d.sameAs(name)] && !d.Unsaid(name) {
			t.Errorf("the document does not name %s, which is mapped", name)
		}
	}
}

// sameAs is the name under which the page may have a field, too.
func (d Document) sameAs(name string) string {
	stream, field, _ := strings.Cut(name, ".")
	return d.Same[stream] + "." + field
}

// Fields lists the fields that are mapped, by their paths: stream.field or stream.field.field.
func (d Document) Fields() []string {
	all := map[string]bool{}
	for s, shape := range d.Shapes {
		fieldsOf(string(s), reflect.TypeOf(shape), all)
	}
	return slices.Sorted(maps.Keys(all))
}

func fieldsOf(at string, shape reflect.Type, into map[string]bool) {
	for f := range shape.Fields() {
		name, inner := at, f.Type
		if !f.Anonymous {
			name += "." + f.Tag.Get("json")
		}
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && (inner.Name() == "" || strings.HasSuffix(inner.Name(), "Shape")) {
			fieldsOf(name, inner, into)
			continue
		}
		into[name] = true
	}
}

// codesSaid holds the table of codes to the constants of issue.go, whose comments begin with "rejects" or "note".
func (d Document) codesSaid(t *testing.T, table string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "issue.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	prefix, codes := strings.ToLower(d.System.Name())+"_", 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) == 0 {
			return true
		}
		code, ok := v.Values[0].(*ast.BasicLit)
		if !ok || !strings.HasPrefix(code.Value, `"`+prefix) {
			return true
		}
		codes++
		kind, _, _ := strings.Cut(strings.TrimSpace(v.Comment.Text()), ":")
		if row := "| `" + strings.Trim(code.Value, `"`) + "` | " + strings.TrimSuffix(kind, "s") + " |"; !strings.Contains(table, row) {
			t.Errorf("the document does not say %s", row)
		}
		return true
	})
	if codes < d.Codes || strings.Count(table, "| `"+prefix) != codes {
		t.Errorf("%d codes", codes)
	}
}

// settingsSaid holds the first column of the table of settings to those that the system has.
func (d Document) settingsSaid(t *testing.T, table string) {
	t.Helper()
	said := namesIn(quoted, firstColumn(table))
	for _, option := range d.System.Options() {
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
