package stripetest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"

	"github.com/lestrrat-go/jsval"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
	"github.com/stripe/stripe-mock/spec"
)

// Judge is stripe-mock, Stripe's own stand-in, in this process: it knows Stripe's OpenAPI document, and judges
// every request and every answer of a [World].
type Judge struct {
	stub       *server.StubServer
	spec       *spec.Spec
	fixtures   *spec.Fixtures
	components *spec.ComponentsForValidation
	routes     []route

	mu         sync.Mutex
	validators map[spec.Path]*jsval.JSVal
	verdicts   map[answer]error // of answers that were judged before
}

// answer is the answer to a request for a path, by its hash.
type answer struct {
	path spec.Path
	hash [sha256.Size]byte
}

type route struct {
	path    spec.Path
	matches *regexp.Regexp
}

// TheJudge returns the one judge of a process: it takes half a second and 70 MB.
//
//nolint:gochecknoglobals // a constant, which only tests that need it build
var TheJudge = sync.OnceValues(newJudge)

func newJudge() (*Judge, error) {
	s, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		return nil, err
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		return nil, err
	}
	stub, err := server.NewStubServer(fixtures, s, false, false)
	if err != nil {
		return nil, err
	}
	j := &Judge{stub: stub, spec: s, fixtures: fixtures, components: spec.GetComponentsForValidation(&s.Components), validators: map[spec.Path]*jsval.JSVal{}, verdicts: map[answer]error{}}
	variable := regexp.MustCompile(`\\\{[^}]*\\\}`)
	for path := range s.Paths {
		expr := "^" + variable.ReplaceAllString(regexp.QuoteMeta(string(path)), "[^/]+") + "$"
		j.routes = append(j.routes, route{path, regexp.MustCompile(expr)})
	}
	return j, nil
}

// Request reports what is wrong with a request.
func (j *Judge) Request(r *http.Request) error {
	w := httptest.NewRecorder()
	j.stub.HandleRequest(w, r.Clone(r.Context()))
	if w.Code != http.StatusOK {
		return fmt.Errorf("stripe-mock answers %d to %s %s: %s", w.Code, r.Method, r.URL.Path, w.Body)
	}
	return nil
}

// Answer reports what is wrong with an answer to a request that is accepted. What it says of an answer it says again of the same one.
func (j *Judge) Answer(r *http.Request, body []byte) error {
	j.mu.Lock()
	at := answer{j.pathOf(r.URL.Path), sha256.Sum256(body)}
	verdict, known := j.verdicts[at]
	j.mu.Unlock()
	if known {
		return verdict
	}
	verdict = j.validate(at.path, body)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.verdicts[at] = verdict
	return verdict
}

func (j *Judge) validate(path spec.Path, body []byte) error {
	v, err := j.validator(path)
	if err != nil {
		return err
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if err := v.Validate(answer); err != nil {
		return fmt.Errorf("the answer to %s is not as Stripe's OpenAPI document says: %w", path, err)
	}
	return nil
}

func (j *Judge) validator(path spec.Path) (*jsval.JSVal, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if v := j.validators[path]; v != nil {
		return v, nil
	}
	get := j.spec.Paths[path]["get"]
	if get == nil {
		return nil, fmt.Errorf("stripe-mock has no GET %s", path)
	}
	v, err := spec.GetValidatorForOpenAPI3Schema(get.Responses["200"].Content["application/json"].Schema, j.components)
	if err != nil {
		return nil, err
	}
	j.validators[path] = v
	return v, nil
}

// pathOf finds the path of the document; that without variables comes first.
func (j *Judge) pathOf(path string) spec.Path {
	if _, ok := j.spec.Paths[spec.Path(path)]; ok {
		return spec.Path(path)
	}
	var best spec.Path
	for _, r := range j.routes {
		if r.matches.MatchString(path) && (best == "" || strings.Count(string(r.path), "{") < strings.Count(string(best), "{")) {
			best = r.path
		}
	}
	return best
}

// Fixture returns stripe-mock's own object of a kind. Its fields may be replaced, but not changed.
func (j *Judge) Fixture(kind string) Fields {
	o, _ := j.fixtures.Resources[spec.ResourceID(kind)].(map[string]any)
	f := Fields{}
	maps.Copy(f, o)
	return f
}

// Fields are the fields of an object.
type Fields map[string]any
