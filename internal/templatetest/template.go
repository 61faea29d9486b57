package templatetest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// Template is template.yaml. Intrinsic functions are maps with one entry, as in their long form:
// !Ref X is {"Ref": "X"}.
type Template struct {
	Root string // the folder of the repository
	all  map[string]any
}

// Function is one function of the template. Globals gives the settings that it does not have itself.
type Function struct {
	LogicalID string
	Folder    string // name of its folder in functions/
	Timeout   time.Duration
	Memory    int // MB
	Variables map[string]any
	Triggers  map[string]map[string]any // properties by type: S3, SQS, …
	Rights    []Right
}

// Right is one statement of the function's policies.
type Right struct {
	Sid       string
	Actions   []string
	Resources []any
	Condition any
}

// Load reads the template of the repository that the test belongs to.
func Load(tb testing.TB) *Template {
	tb.Helper()
	root, err := os.Getwd()
	for ; err == nil; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			tb.Fatal("no go.mod above the working directory")
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		tb.Fatal(err)
	}
	return &Template{root, Map(plain(tb, doc.Content[0]))}
}

// Text returns a value of the template as text: the value itself, or the default of the parameter
// that it refers to. ok is false if it is neither.
func (t *Template) Text(v any) (text string, ok bool) {
	if text, ok = v.(string); ok {
		return text, true
	}
	ref, _ := Map(v)["Ref"].(string)
	value, ok := Map(Map(t.all["Parameters"])[ref])["Default"]
	return fmt.Sprint(value), ok
}

// plain converts a node to maps, lists, strings, numbers and booleans.
func plain(tb testing.TB, n *yaml.Node) any {
	tb.Helper()
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		name := strings.TrimPrefix(tag, "!")
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		bare := *n
		bare.Tag = ""
		if n.Kind == yaml.ScalarNode {
			bare.Tag = "!!str"
		}
		return map[string]any{name: plain(tb, &bare)}
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(tb, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = plain(tb, c)
		}
		return list
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			tb.Fatal(err)
		}
		return v
	case yaml.DocumentNode, yaml.AliasNode:
	}
	tb.Fatalf("line %d of the template: CloudFormation has no aliases", n.Line)
	return nil
}

// Map returns v if it is a map, else an empty one.
func Map(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// List returns v if it is a list, else a list of v alone; nil if v is nil.
func List(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// Resources returns the properties of the resources of a type, by logical id.
func (t *Template) Resources(kind string) map[string]map[string]any {
	found := map[string]map[string]any{}
	for id, r := range Map(t.all["Resources"]) {
		if Map(r)["Type"] == kind {
			found[id] = Map(Map(r)["Properties"])
		}
	}
	return found
}

// Functions returns the functions by folder.
func (t *Template) Functions() map[string]Function {
	globals := Map(Map(t.all["Globals"])["Function"])
	found := map[string]Function{}
	for id, own := range t.Resources("AWS::Serverless::Function") {
		code, _ := own["CodeUri"].(string)
		f := Function{
			LogicalID: id, Folder: filepath.Base(code), Triggers: map[string]map[string]any{}, Variables: map[string]any{},
			Timeout: time.Duration(number(first(own["Timeout"], globals["Timeout"]))) * time.Second,
			Memory:  number(first(own["MemorySize"], globals["MemorySize"])),
		}
		for _, at := range []map[string]any{globals, own} {
			maps.Copy(f.Variables, Map(Map(at["Environment"])["Variables"]))
		}
		for _, e := range Map(own["Events"]) {
			kind, _ := Map(e)["Type"].(string)
			f.Triggers[kind] = Map(Map(e)["Properties"])
		}
		for _, p := range List(own["Policies"]) {
			for _, s := range List(Map(p)["Statement"]) {
				f.Rights = append(f.Rights, right(Map(s)))
			}
		}
		found[f.Folder] = f
	}
	return found
}

func first(values ...any) any {
	i := slices.IndexFunc(values, func(v any) bool { return v != nil })
	if i < 0 {
		return nil
	}
	return values[i]
}

func number(v any) int {
	n, _ := v.(int)
	return n
}

func right(s map[string]any) Right {
	r := Right{Sid: fmt.Sprint(s["Sid"]), Resources: List(s["Resource"]), Condition: s["Condition"]}
	for _, a := range List(s["Action"]) {
		r.Actions = append(r.Actions, fmt.Sprint(a))
	}
	return r
}

// Folders returns the names of the folders of functions/.
func (t *Template) Folders(tb testing.TB) []string {
	tb.Helper()
	mains, err := filepath.Glob(filepath.Join(t.Root, "functions", "*", "main.go"))
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for _, m := range mains {
		names = append(names, filepath.Base(filepath.Dir(m)))
	}
	return names
}

// Event is one file of events/: <function>.<case>.json.
type Event struct {
	Name     string // of the file, without .json
	Function string // folder of the function
	Body     []byte
}

// Events reads all files of events/, in the order of their names.
func (t *Template) Events(tb testing.TB) []Event {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(t.Root, "events", "*"))
	if err != nil {
		tb.Fatal(err)
	}
	var found []Event
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		name, ok := strings.CutSuffix(filepath.Base(f), ".json")
		function, kind, ok2 := strings.Cut(name, ".")
		if !ok || !ok2 || kind == "" {
			tb.Errorf("events/%s is not called <function>.<case>.json", filepath.Base(f))
		}
		found = append(found, Event{name, function, body})
	}
	return found
}
