package google_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reseed/internal/googletest"
)

// discovery is what is needed of one of Google's discovery documents.
type discovery struct {
	ServicePath string
	Parameters  map[string]any
	Resources   map[string]resource
	Schemas     map[string]schema
}

type resource struct {
	Methods   map[string]method
	Resources map[string]resource
}

type method struct {
	ID         string
	HTTPMethod string
	Path       string
	Parameters map[string]parameter
	Response   schema
	Scopes     []string
}

type parameter struct {
	Enum     []string
	Location string
	Repeated bool
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Properties map[string]schema
	Items      *schema
}

// documents reads the discovery documents that ship with Google's packages.
func documents(t *testing.T) map[string]discovery {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]discovery{}
	for name, path := range map[string]string{"sheets": "sheets/v4/sheets-api.json", "drive": "drive/v3/drive-api.json"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), path))
		if err != nil {
			t.Fatal(err)
		}
		var d discovery
		if err := json.Unmarshal(text, &d); err != nil { //nolint:musttag // the names are the same but for the case
			t.Fatal(err)
		}
		out[name] = d
	}
	return out
}

func methods(rs map[string]resource) map[string]method {
	out := map[string]method{}
	for _, r := range rs {
		for _, m := range r.Methods {
			out[m.ID] = m
		}
		maps.Copy(out, methods(r.Resources))
	}
	return out
}

// TestDiscovery: every path, parameter and field of an answer that we and the stand-in use is in
// Google's discovery documents.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	s, c := served(t)
	ctx := t.Context()
	_, err := c.Version(ctx, bookID)
	must(t, err)
	b, err := c.Book(ctx, bookID)
	must(t, err)
	_, err = c.Values(ctx, bookID, spansOf(b))
	must(t, err)
	docs := documents(t)
	seen := map[string]bool{}
	for _, call := range s.Calls() {
		seen[call.ID] = true
		check(t, docs[call.ID[:strings.IndexByte(call.ID, '.')]], call)
	}
	if len(seen) != 3 {
		t.Errorf("only %v were called", seen)
	}
}

func check(t *testing.T, d discovery, call googletest.Call) {
	t.Helper()
	m, ok := methods(d.Resources)[call.ID]
	if !ok {
		t.Errorf("there is no method %s", call.ID)
		return
	}
	if !samePath("/"+d.ServicePath+m.Path, call.Path) {
		t.Errorf("%s is at %s, not at %s", call.ID, m.Path, call.Path)
	}
	for name, values := range call.Query {
		p, own := m.Parameters[name]
		if _, common := d.Parameters[name]; !own && !common {
			t.Errorf("%s has no parameter %s", call.ID, name)
		}
		for _, v := range values {
			if len(p.Enum) > 0 && !slices.Contains(p.Enum, v) {
				t.Errorf("%s of %s is not %s", name, call.ID, v)
			}
		}
		if own && len(values) > 1 && !p.Repeated {
			t.Errorf("%s of %s is given once", name, call.ID)
		}
	}
	var body any
	must(t, json.Unmarshal(call.Body, &body))
	checkFields(t, d, m.Response, body, call.ID)
}

// samePath reports whether a path fits a template such as v4/spreadsheets/{spreadsheetId}.
func samePath(template, path string) bool {
	want, got := strings.Split(strings.ReplaceAll(template, "//", "/"), "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

func checkFields(t *testing.T, d discovery, s schema, v any, at string) {
	t.Helper()
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			field, ok := s.Properties[name]
			if !ok {
				t.Errorf("%s has no field %s", at, name)
				continue
			}
			checkFields(t, d, field, inner, at+"."+name)
		}
	case []any:
		if s.Items == nil {
			if s.Type != "any" {
				t.Errorf("%s is no list", at)
			}
			return
		}
		for _, inner := range v {
			checkFields(t, d, *s.Items, inner, at+"[]")
		}
	}
}
