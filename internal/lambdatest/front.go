package lambdatest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Front starts an HTTPS server in front of the function api, as API Gateway is on AWS: each request
// becomes an event in payload format 2.0, and the function's answer becomes the response. A function
// that fails is a 500, as there.
func (b *Bed) Front(tb testing.TB) *httptest.Server {
	tb.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := b.gateway(r)
		if err != nil {
			tb.Errorf("%s %s: %v", r.Method, r.URL, err)
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
			return
		}
		respond(w, answer)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // browsers try the certificate before they are told to trust it
	srv.StartTLS()
	tb.Cleanup(srv.Close)
	return srv
}

// gateway sends a request to the function and returns its answer, with the body as it is.
func (b *Bed) gateway(r *http.Request) (events.APIGatewayV2HTTPResponse, error) {
	var answer events.APIGatewayV2HTTPResponse
	e, err := gatewayEvent(r)
	if err != nil {
		return answer, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return answer, err
	}
	said, err := b.Functions["api"].Invoke(context.WithoutCancel(r.Context()), body) // API Gateway cancels nothing when a client leaves
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(said, &answer); err != nil {
		return answer, err
	}
	if answer.IsBase64Encoded {
		plain, err := base64.StdEncoding.DecodeString(answer.Body)
		if err != nil {
			return answer, err
		}
		answer.Body = string(plain)
	}
	return answer, nil
}

// gatewayEvent is the event that API Gateway makes of a request: names of headers in lower case,
// cookies apart.
func gatewayEvent(r *http.Request) (events.APIGatewayV2HTTPRequest, error) {
	var e events.APIGatewayV2HTTPRequest
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return e, err
	}
	e.Version, e.RawPath, e.RawQueryString = "2.0", r.URL.EscapedPath(), r.URL.RawQuery
	e.Headers = map[string]string{"host": r.Host, "x-forwarded-proto": "https"}
	for name, values := range r.Header {
		if name != "Cookie" {
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	for _, c := range r.Cookies() {
		e.Cookies = append(e.Cookies, c.Name+"="+c.Value)
	}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	e.RequestContext.HTTP.Method, e.RequestContext.Stage = r.Method, "$default"
	e.RequestContext.HTTP.SourceIP, e.RequestContext.DomainName = "127.0.0.1", r.Host
	e.RequestContext.Time = time.Now().UTC().Format(time.RFC3339)
	return e, nil
}

func respond(w http.ResponseWriter, answer events.APIGatewayV2HTTPResponse) {
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	for _, c := range answer.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.WriteString(w, answer.Body) // the client may be gone
}
