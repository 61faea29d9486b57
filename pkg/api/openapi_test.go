package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"reseed/pkg/api"
)

type object = map[string]any

// openAPI is docs/openapi.yaml. It checks that answers are as described, and remembers which of the
// described answers it has seen.
type openAPI struct {
	root object
	mu   sync.Mutex
	seen map[string]bool // "GET /v1/jobs 200"
}

func loadOpenAPI(tb testing.TB) *openAPI {
	tb.Helper()
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	d := &openAPI{seen: map[string]bool{}}
	if err := yaml.Unmarshal(text, &d.root); err != nil {
		tb.Fatal(err)
	}
	return d
}

// follow resolves a reference. It ignores members beside it, such as a description.
func (d *openAPI) follow(v any) object {
	o, _ := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	var at any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		node, _ := at.(object)
		at = node[part]
	}
	return d.follow(at)
}

func (d *openAPI) paths() object { return d.follow(d.root["paths"]) }

func isMethod(name string) bool { return name != "parameters" }

// operation finds the description of a request. A path with dots in it has none.
func (d *openAPI) operation(method, at string) (template string, op object) {
	if path.Clean(at) != at {
		return "", nil
	}
	for one, item := range d.paths() {
		pattern := "^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(one), "[^/]*") + "$"
		// A path without parameters goes first.
		if regexp.MustCompile(pattern).MatchString(at) && (template == "" || strings.Contains(template, "{")) {
			template, op = one, d.follow(d.follow(item)[strings.ToLower(method)])
		}
	}
	return template, op
}

// check lists what in an answer is not as described. It ignores requests that are not described.
func (d *openAPI) check(method, at string, ans answer) []string {
	template, op := d.operation(method, at)
	if op == nil {
		return nil
	}
	responses := d.follow(op["responses"])
	status := fmt.Sprint(ans.status)
	if _, ok := responses[status]; !ok && ans.status >= 500 {
		status = "5XX"
	}
	response := d.follow(responses[status])
	if response == nil {
		return []string{"status " + status + " is not described"}
	}
	d.mu.Lock()
	d.seen[method+" "+template+" "+status] = true
	d.mu.Unlock()
	return d.checkBody(response, ans)
}

func (d *openAPI) checkBody(response object, ans answer) []string {
	var wrong []string
	for name := range d.follow(response["headers"]) {
		if ans.header.Get(name) == "" {
			wrong = append(wrong, "there is no header "+name)
		}
	}
	content := d.follow(response["content"])
	kind := ans.header.Get("Content-Type")
	if kind == "application/json; charset=utf-8" { // some of ChartMogul's routes name the character set
		kind = "application/json"
	}
	media, ok := content[kind]
	switch {
	case len(content) == 0 && ans.body == "":
		return wrong
	case !ok:
		return append(wrong, fmt.Sprintf("content type %q is not described", kind))
	case kind != "application/json":
		return wrong
	}
	var body any
	if err := json.Unmarshal([]byte(ans.body), &body); err != nil {
		return append(wrong, err.Error())
	}
	return append(wrong, d.fits(d.follow(d.follow(media)["schema"]), body, "")...)
}

// fits lists what in a value does not fit a schema. It knows the part of JSON Schema that the
// document uses. Members that are not described are wrong, unless additionalProperties allows them.
func (d *openAPI) fits(schema object, v any, at string) (wrong []string) {
	if !ofType(schema["type"], v) {
		return []string{fmt.Sprintf("%s is %v, not of type %v", at, v, schema["type"])}
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		wrong = append(wrong, fmt.Sprintf("%s is %v, none of %v", at, v, enum))
	}
	switch v := v.(type) {
	case float64:
		if v < limit(schema, "minimum", math.Inf(-1)) || v > limit(schema, "maximum", math.Inf(1)) {
			wrong = append(wrong, fmt.Sprintf("%s is %v, which is too little or too much", at, v))
		}
	case string:
		if _, err := time.Parse(time.RFC3339, v); schema["format"] == "date-time" && err != nil {
			wrong = append(wrong, fmt.Sprintf("%s is %q, no time", at, v))
		}
	case []any:
		if float64(len(v)) < limit(schema, "minItems", 0) {
			wrong = append(wrong, at+" has too few members")
		}
		for i, member := range v {
			wrong = append(wrong, d.fits(d.follow(schema["items"]), member, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case object:
		wrong = append(wrong, d.fitsObject(schema, v, at)...)
	}
	return wrong
}

func (d *openAPI) fitsObject(schema, v object, at string) (wrong []string) {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[fmt.Sprint(name)]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s.%v is missing", at, name))
		}
	}
	properties := d.follow(schema["properties"])
	others, open := schema["additionalProperties"]
	for name, member := range v {
		described, ok := properties[name]
		switch {
		case ok:
			wrong = append(wrong, d.fits(d.follow(described), member, at+"."+name)...)
		case open:
			wrong = append(wrong, d.fits(d.follow(others), member, at+"."+name)...)
		default:
			wrong = append(wrong, at+"."+name+" is not described")
		}
	}
	return wrong
}

// ofType reports whether a value has a type, or one of several; nil allows every type.
func ofType(kind, v any) bool {
	if kinds, ok := kind.([]any); ok {
		return slices.ContainsFunc(kinds, func(k any) bool { return ofType(k, v) })
	}
	is := typeOf(v)
	return kind == nil || kind == is || kind == "number" && is == "integer"
}

func typeOf(v any) string {
	switch v := v.(type) {
	case bool:
		return "boolean"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case object:
		return "object"
	}
	return "null"
}

// limit is a limit of a schema, or a default.
func limit(schema object, name string, otherwise float64) float64 {
	if n, ok := schema[name].(int); ok {
		return float64(n)
	}
	return otherwise
}

// described lists every described operation, and every answer.
func (d *openAPI) described() (operations map[string][]string, answers []string) {
	operations = map[string][]string{}
	for at, item := range d.paths() {
		for method, op := range d.follow(item) {
			if !isMethod(method) {
				continue
			}
			method = strings.ToUpper(method)
			operations[at] = append(operations[at], method)
			for status := range d.follow(d.follow(op)["responses"]) {
				answers = append(answers, method+" "+at+" "+status)
			}
		}
	}
	return operations, answers
}

func TestOpenAPIDescribesOwnRoutesAndNoOthers(t *testing.T) {
	t.Parallel()
	want := api.OwnPaths()
	for route, methods := range api.TheirPaths() {
		for _, of := range []string{"/v1/invoices", "/v1/import/invoices/", "/v1/line_items", "/v1/transactions", "/v1/data_sources/{uuid}/invoices/"} {
			if strings.HasPrefix(route, of) {
				want[route] = methods
			}
		}
	}
	// ChartMogul's routes that lead to ours, and that show processing_status.
	want["/v1/data_sources"] = []string{http.MethodGet}
	want["/v1/data_sources/{uuid}"] = []string{http.MethodGet}
	// ChartMogul's routes that always make edits.
	want["/v1/customers/{uuid}"] = []string{http.MethodPatch}
	want["/v1/customers/merges"] = []string{http.MethodPost}
	want["/v1/customers/unmerges"] = []string{http.MethodPost}
	want["/v1/plans/{uuid}"] = []string{http.MethodPatch}
	got, _ := loadOpenAPI(t).described()
	for _, methods := range []map[string][]string{want, got} {
		for at := range methods {
			slices.Sort(methods[at])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("served (-) and described (+) differ:\n%s", diff)
	}
}

// each calls f for every object of the document below v, with its place, but not for examples.
func (d *openAPI) each(v any, at string, f func(o object, at string)) {
	switch v := v.(type) {
	case []any:
		for i, member := range v {
			d.each(member, fmt.Sprintf("%s/%d", at, i), f)
		}
	case object:
		f(v, at)
		for name, member := range v {
			if name != "example" {
				d.each(member, at+"/"+name, f)
			}
		}
	}
}

// TestOpenAPIReferences: every reference leads somewhere, and everything in components is used.
func TestOpenAPIReferences(t *testing.T) {
	t.Parallel()
	d := loadOpenAPI(t)
	used := map[string]bool{}
	d.each(d.root, "", func(o object, at string) {
		ref, ok := o["$ref"].(string)
		if used[ref] = true; ok && d.follow(o) == nil {
			t.Errorf("%s: %s leads nowhere", at, ref)
		}
	})
	for kind, list := range d.follow(d.root["components"]) {
		for name := range d.follow(list) {
			if ref := "#/components/" + kind + "/" + name; kind != "securitySchemes" && !used[ref] {
				t.Errorf("%s is not used", ref)
			}
		}
	}
}

func TestOpenAPIExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	d, examples := loadOpenAPI(t), 0
	d.each(d.root, "", func(o object, at string) {
		example, ok := o["example"]
		if !ok {
			return
		}
		examples++
		for _, wrong := range d.fits(d.follow(o["schema"]), viaJSON(t, example), at) {
			t.Error(wrong)
		}
	})
	if examples < 10 {
		t.Errorf("only %d examples", examples)
	}
}

func TestOpenAPIDescribesThePathParameters(t *testing.T) {
	t.Parallel()
	d := loadOpenAPI(t)
	for at, item := range d.paths() {
		for method, op := range d.follow(item) {
			if !isMethod(method) {
				continue
			}
			got := slices.Concat(d.inPath(d.follow(item)), d.inPath(d.follow(op)))
			if want := regexp.MustCompile(`\{[a-z]+\}`).FindAllString(at, -1); !slices.Equal(got, want) {
				t.Errorf("%s %s: path parameters %v, want %v", method, at, got, want)
			}
		}
	}
}

// inPath lists the path parameters of an operation or a path in the form {name}.
func (d *openAPI) inPath(o object) (names []string) {
	parameters, _ := o["parameters"].([]any)
	for _, p := range parameters {
		if p := d.follow(p); p["in"] == "path" {
			names = append(names, fmt.Sprintf("{%v}", p["name"]))
		}
	}
	return names
}

// viaJSON is a value of YAML with the types that JSON would give it.
func viaJSON(tb testing.TB, v any) (out any) {
	tb.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestTheCheckOfAnswersFindsWhatIsWrong: the check of answers does not just pass everything.
func TestTheCheckOfAnswersFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := loadOpenAPI(t)
	header := http.Header{"Content-Type": {"application/json"}}
	const job = `{"id":"1","kind":"import","status":"done","created_at":"2026-11-23T12:00:00Z","progress":{"bytes_done":0,"bytes_total":0,"rows_done":0,"items_done":0},"rejects":0,"cost":{"write_milli":0,"read_milli":0}}`
	if wrong := d.check("GET", "/v1/jobs/x", answer{200, header, job}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for what, ans := range map[string]answer{
		"status":     {418, header, job},
		"type":       {200, header, strings.Replace(job, `"rejects":0`, `"rejects":"0"`, 1)},
		"integer":    {200, header, strings.Replace(job, `"rejects":0`, `"rejects":0.5`, 1)},
		"enum":       {200, header, strings.Replace(job, `"done"`, `"over"`, 1)},
		"time":       {200, header, strings.Replace(job, `12:00:00Z`, `noon`, 1)},
		"missing":    {200, header, strings.Replace(job, `"rejects":0,`, ``, 1)},
		"unknown":    {200, header, strings.Replace(job, `"rejects":0`, `"rejects":0,"tag":1`, 1)},
		"nested":     {200, header, strings.Replace(job, `"items_done":0`, `"items_done":true`, 1)},
		"null":       {200, header, strings.Replace(job, `"rejects":0`, `"rejects":null`, 1)},
		"no JSON":    {200, header, job[1:]},
		"media type": {200, http.Header{"Content-Type": {"text/html"}}, job},
		"error":      {404, header, `{"code":404,"message":"x","param":null}`},
	} {
		if len(d.check("GET", "/v1/jobs/x", ans)) == 0 {
			t.Errorf("wrong %s passes", what)
		}
	}
	if len(d.check("GET", "/v1/imports/x/rejects", answer{status: 303, header: http.Header{}})) == 0 {
		t.Error("a redirect to nowhere passes")
	}
	if !maps.Equal(d.seen, map[string]bool{"GET /v1/jobs/{id} 200": true, "GET /v1/jobs/{id} 404": true, "GET /v1/imports/{id}/rejects 303": true}) {
		t.Errorf("seen: %v", d.seen)
	}
}
