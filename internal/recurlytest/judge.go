package recurlytest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"reseed/internal/sdkjudge"
	"reseed/internal/standin"
)

// Judge is Recurly's own description of its API, out of its official npm package, and a validator that others wrote. It judges every
// request and every answer of a [World].
type Judge struct {
	spec *openapi3.T

	mu       sync.Mutex
	verdicts map[[sha256.Size]byte]error // of answers, since the same ones come again and again
}

// patterns of the description are those of JavaScript, between slashes.
var patterns = regexp.MustCompile(`(?m)^(\s+pattern: ")/(.*)/i?"$`)

// the is the one judge of a process: to load the description takes half a second.
//
//nolint:gochecknoglobals // a constant, which only tests that need it load
var the struct {
	sync.Mutex

	judge *Judge
}

// TheJudge returns the one judge of a process. Without the npm package the test is left out.
func TheJudge(t *testing.T) *Judge {
	t.Helper()
	folder := sdkjudge.Package(t, "recurly")
	the.Lock()
	defer the.Unlock()
	if the.judge != nil {
		return the.judge
	}
	text, err := os.ReadFile(filepath.Join(folder, "openapi", "api.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := openapi3.NewLoader().LoadFromData(patterns.ReplaceAll(text, []byte(`$1$2"`)))
	if err != nil {
		t.Fatal(err)
	}
	the.judge = &Judge{spec: spec, verdicts: map[[sha256.Size]byte]error{}}
	return the.judge
}

// judge reports what is wrong with a request or its answer. The description says in words that each list may be asked for with HEAD.
func (j *Judge) judge(r *http.Request, _ []byte, a standin.Answer) error {
	route, parameters := j.route(r)
	if route == nil {
		return fmt.Errorf("the description has no %s %s", r.Method, r.URL.Path)
	}
	if a.Status == http.StatusOK {
		if err := request(r, route, parameters); err != nil {
			return fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
		}
	}
	if r.Method == http.MethodHead {
		if len(a.Body) > 0 || a.Status == http.StatusOK && a.Header.Get(totalRecords) == "" {
			return fmt.Errorf("HEAD %s: the answer has a body, or does not count", r.URL)
		}
		return nil
	}
	sum := sha256.Sum256(append([]byte(route.Path+" "), a.Body...))
	j.mu.Lock()
	defer j.mu.Unlock()
	verdict, known := j.verdicts[sum]
	if !known {
		verdict = j.answer(route, a)
		j.verdicts[sum] = verdict
	}
	if verdict != nil {
		return fmt.Errorf("%s %s: the answer: %w", r.Method, r.URL, verdict)
	}
	return nil
}

// route finds the operation of a request, and the parameters in its path.
func (j *Judge) route(r *http.Request) (*routers.Route, map[string]string) {
	given := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range j.spec.Paths.Map() {
		parts := strings.Split(path, "/")
		operation := item.Get
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			operation = item.GetOperation(r.Method)
		}
		if operation == nil || len(parts) != len(given) {
			continue
		}
		parameters, fits := map[string]string{}, true
		for i, part := range parts {
			if name, ok := strings.CutPrefix(part, "{"); ok {
				parameters[strings.TrimSuffix(name, "}")] = given[i]
			} else if part != given[i] {
				fits = false
			}
		}
		if fits {
			return &routers.Route{Spec: j.spec, Path: path, PathItem: item, Method: r.Method, Operation: operation}, parameters
		}
	}
	return nil, nil
}

// request reports what is wrong with a request that was accepted. What stands behind the next page is Recurly's own matter.
func request(r *http.Request, route *routers.Route, parameters map[string]string) error {
	known := map[string]bool{cursorParameter: true}
	for _, p := range append(route.PathItem.Parameters, route.Operation.Parameters...) {
		known[p.Value.Name] = true
	}
	for name := range r.URL.Query() {
		if !known[name] {
			return fmt.Errorf("the description knows no parameter %s", name)
		}
	}
	if accept := r.Header.Get("Accept"); !strings.HasPrefix(accept, "application/vnd.recurly."+route.Spec.Info.Version) {
		return fmt.Errorf("%s is not the version of the description", accept)
	}
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}

// answer reports what is wrong with an answer.
func (j *Judge) answer(route *routers.Route, a standin.Answer) error {
	var body any
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return err
	}
	response := route.Operation.Responses.Status(a.Status)
	if response == nil {
		response = route.Operation.Responses.Default()
	}
	if a.Status != http.StatusOK { // the description leaves out what Recurly's clients look into
		refusal, _ := body.(map[string]any)
		if body = refusal["error"]; body == nil {
			return errors.New("a refusal without an error")
		}
	}
	schema := response.Value.Content.Get("application/json").Schema
	if err := schema.Value.VisitJSON(body); err != nil {
		if e, ok := errors.AsType[*openapi3.SchemaError](err); ok { // without the schema and the value
			return fmt.Errorf("/%s: %s", strings.Join(e.JSONPointer(), "/"), e.Reason)
		}
		return err
	}
	return unknown(schema.Value, body, "")
}

// unknown reports a field that the description does not have: it allows any.
func unknown(schema *openapi3.Schema, value any, at string) error {
	if list, ok := value.([]any); ok && schema.Items != nil {
		for _, v := range list {
			if err := unknown(schema.Items.Value, v, at+"[]"); err != nil {
				return err
			}
		}
		return nil
	}
	fields := Properties(schema)
	object, ok := value.(map[string]any)
	if !ok || len(fields) == 0 {
		return nil
	}
	for name, v := range object {
		field, ok := fields[name]
		if !ok {
			return fmt.Errorf("the description has no field %s.%s", at, name)
		}
		if err := unknown(field, v, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// Properties are the fields of a schema, and of those that it is made of.
func Properties(schema *openapi3.Schema) map[string]*openapi3.Schema {
	all := map[string]*openapi3.Schema{}
	for _, part := range schema.AllOf {
		maps.Copy(all, Properties(part.Value))
	}
	for name, field := range schema.Properties {
		all[name] = field.Value
	}
	return all
}

// Schema returns the description of a kind of objects, such as Invoice.
func (j *Judge) Schema(name string) *openapi3.Schema { return j.spec.Components.Schemas[name].Value }

// Version is the version of the API that is described.
func (j *Judge) Version() string { return j.spec.Info.Version }
