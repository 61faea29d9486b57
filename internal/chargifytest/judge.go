package chargifytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"reseed/internal/sdkjudge"
	"reseed/internal/standin"
)

// Judge is the official client of Maxio Advanced Billing for Node.js: it makes each request of a [World] again, which must be the
// same, and reads each answer.
type Judge struct{ sdk *sdkjudge.Judge }

// StartJudge starts a judge, which ends with the test. Without the npm package the test is left out.
func StartJudge(t *testing.T) *Judge {
	t.Helper()
	return &Judge{sdkjudge.Start(t, "chargify.js", "@maxio-com/advanced-billing-sdk")}
}

type question struct {
	Method        string `json:"method"`
	Path          string `json:"path"`
	Host          string `json:"host"`
	Authorization string `json:"authorization"`
	Status        int    `json:"status"`
	Answer        string `json:"answer"`
}

// judge reports what is wrong with a request and its answer.
func (j *Judge) judge(r *http.Request, _ []byte, a standin.Answer) error {
	return j.Judge(hostOf(r), r.URL.RequestURI(), r.Header.Get("Authorization"), a.Status, string(a.Body))
}

// Judge reports what is wrong with a GET request and its answer.
func (j *Judge) Judge(host, path, authorization string, status int, answer string) error {
	var v struct {
		Wrong []string `json:"wrong"`
	}
	if err := j.sdk.Ask(question{Method: http.MethodGet, Path: path, Host: host, Authorization: authorization, Status: status, Answer: answer}, &v); err != nil {
		return err
	}
	if len(v.Wrong) > 0 {
		return fmt.Errorf("%s: %s", path, strings.Join(v.Wrong, "; "))
	}
	return nil
}

// hostOf is the host that a request is for. One that came over a loopback address is for the usual one.
func hostOf(r *http.Request) string {
	if host := r.URL.Host; strings.HasSuffix(host, ".com") {
		return host
	}
	return Subdomain + ".chargify.com"
}
