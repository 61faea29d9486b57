package paypaltest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"reseed/internal/sdkjudge"
	"reseed/internal/standin"
)

// Judge is PayPal's official client for Node.js: it makes each request of a [World] again, which must be the same, and reads each answer.
type Judge struct{ sdk *sdkjudge.Judge }

// StartJudge starts a judge, which ends with the test. Without the npm package the test is left out.
func StartJudge(t *testing.T) *Judge {
	t.Helper()
	return &Judge{sdkjudge.Start(t, "paypal.js", "@paypal/paypal-server-sdk")}
}

func (j *Judge) judge(r *http.Request, body []byte, a standin.Answer) error {
	headers := map[string]string{}
	for name := range r.Header {
		headers[name] = r.Header.Get(name)
	}
	var verdict struct {
		Wrong []string `json:"wrong"`
	}
	if err := j.sdk.Ask(map[string]any{
		"method": r.Method, "path": r.URL.RequestURI(), "headers": headers, "body": string(body), "status": a.Status, "answer": string(a.Body),
	}, &verdict); err != nil {
		return err
	}
	if len(verdict.Wrong) > 0 {
		return fmt.Errorf("%s %s: %s", r.Method, r.URL.Path, strings.Join(verdict.Wrong, "; "))
	}
	return nil
}
