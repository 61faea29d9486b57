package braintreetest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"reseed/internal/sdkjudge"
)

// Judge is Braintree's official client for Node.js: it makes each request of a [World] again, which must be the same, and reads each answer.
type Judge struct{ sdk *sdkjudge.Judge }

// StartJudge starts a judge, which ends with the test. Without the npm package the test is left out.
func StartJudge(t *testing.T) *Judge {
	t.Helper()
	return &Judge{sdkjudge.Start(t, "braintree.js", "braintree")}
}

type question struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Status  int               `json:"status"`
	Type    string            `json:"type"`
	Answer  string            `json:"answer"`
	Parse   bool              `json:"parse"`
}

type verdict struct {
	Wrong []string       `json:"wrong"`
	Read  map[string]any `json:"read"`
}

// judge reports what is wrong with a request and its answer.
func (j *Judge) judge(r *http.Request, body []byte, status int, answer []byte) error {
	headers := map[string]string{}
	for name := range r.Header {
		headers[name] = r.Header.Get(name)
	}
	var v verdict
	q := question{Method: r.Method, Path: r.URL.RequestURI(), Headers: headers, Body: string(body), Status: status, Type: contentType, Answer: string(answer)}
	if err := j.sdk.Ask(q, &v); err != nil {
		return err
	}
	if len(v.Wrong) > 0 {
		return fmt.Errorf("%s %s: %s", r.Method, r.URL.Path, strings.Join(v.Wrong, "; "))
	}
	return nil
}

// Parse returns an answer as the client's parser reads it.
func (j *Judge) Parse(answer []byte) (map[string]any, error) {
	var v verdict
	q := question{Path: "/merchants/m/parse", Headers: map[string]string{"Authorization": "Basic YTpi"}, Status: http.StatusOK, Type: contentType, Answer: string(answer), Parse: true}
	err := j.sdk.Ask(q, &v)
	if err == nil && len(v.Wrong) > 0 {
		err = fmt.Errorf("%s", strings.Join(v.Wrong, "; "))
	}
	return v.Read, err
}
