package trigger_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"reseed/pkg/trigger"
)

func get(path string) events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath = "2.0", path
	e.RequestContext.Stage = "$default"
	e.RequestContext.HTTP.Method = http.MethodGet
	e.RequestContext.HTTP.SourceIP = "203.0.113.7"
	e.RequestContext.DomainName = "api.example.com"
	return e
}

func serve(t *testing.T, e events.APIGatewayV2HTTPRequest, h http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	answer, err := trigger.HTTP(h)(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestRequestArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	e := get("/v1/customers/a%2Fb%20c")
	e.RequestContext.HTTP.Method = http.MethodPost
	e.RawQueryString = "a=1&a=2&b=%2F+x"
	e.Headers = map[string]string{"host": "reseed.example", "accept": "text/html,*/*", "content-type": "application/json"}
	e.Cookies = []string{"s=1", "t=2"}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte{0xff, 0, 'x'}), true
	serve(t, e, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got := []any{
			r.Method, r.URL.Path, r.URL.EscapedPath(), r.RequestURI, r.URL.Query()["a"], r.URL.Query().Get("b"), r.Host,
			r.Header.Get("Host"), r.Header.Get("Accept"), r.Header.Get("Content-Type"), len(r.Cookies()), r.RemoteAddr,
			string(body), err, r.ContentLength,
		}
		want := []any{
			"POST", "/v1/customers/a/b c", "/v1/customers/a%2Fb%20c", "/v1/customers/a%2Fb%20c?a=1&a=2&b=%2F+x",
			[]string{"1", "2"},
			"/ x",
			"reseed.example", "", "text/html,*/*", "application/json", 2, "203.0.113.7:0", "\xff\x00x", nil, int64(3),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ raw, stage, path, uri string }{
		"plain":             {"/v1/ping", "$default", "/v1/ping", "/v1/ping"},
		"empty":             {"", "$default", "/", "/"},
		"named stage":       {"/prod/v1/ping", "prod", "/v1/ping", "/v1/ping"},
		"stage alone":       {"/prod", "prod", "/", "/"},
		"not the stage":     {"/product", "prod", "/product", "/product"},
		"decoded by then":   {"/a b/ü", "$default", "/a b/ü", "/a%20b/%C3%BC"},
		"a lone percent":    {"/100%", "$default", "/100%", "/100%25"},
		"double slash":      {"//evil.example/x", "$default", "//evil.example/x", "//evil.example/x"},
		"question mark":     {"/a?b", "$default", "/a?b", "/a%3Fb"},
		"encoded backslash": {`/a%5Cb`, "$default", `/a\b`, "/a%5Cb"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := get(tt.raw)
			e.RequestContext.Stage = tt.stage
			serve(t, e, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != tt.path || r.RequestURI != tt.uri {
					t.Errorf("path %q, URI %q; want %q, %q", r.URL.Path, r.RequestURI, tt.path, tt.uri)
				}
			})
		})
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	badBody := get("/")
	badBody.Body, badBody.IsBase64Encoded = "%%%", true
	badMethod := get("/")
	badMethod.RequestContext.HTTP.Method = "GET /"
	for _, e := range []events.APIGatewayV2HTTPRequest{badBody, badMethod} {
		answer := serve(t, e, func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler http.HandlerFunc
		want    events.APIGatewayV2HTTPResponse
	}{
		"text": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusCreated)
				w.Header().Set("Too-Late", "x")
				_, _ = io.WriteString(w, `{"a":`)
				_, _ = io.WriteString(w, `"ü"}`)
			},
			events.APIGatewayV2HTTPResponse{StatusCode: 201, Body: `{"a":"ü"}`, Headers: map[string]string{"Content-Type": "application/json"}},
		},
		"binary": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0x1f, 0x8b, 0xff}) },
			events.APIGatewayV2HTTPResponse{
				StatusCode: 200, Body: "H4v/", IsBase64Encoded: true,
				Headers: map[string]string{"Content-Type": "application/octet-stream"},
			},
		},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}}},
		"no content": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNoContent)
				if _, err := w.Write([]byte("x")); err == nil {
					t.Error("a body was taken")
				}
			},
			events.APIGatewayV2HTTPResponse{StatusCode: 204, Headers: map[string]string{}},
		},
		"cookies and repeated headers": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
				http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
				w.Header().Add("Vary", "Accept")
				w.Header().Add("Vary", "Cookie")
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusSeeOther)
				w.WriteHeader(http.StatusOK)
			},
			events.APIGatewayV2HTTPResponse{
				StatusCode: 303, Cookies: []string{"a=1", "b=2"}, Headers: map[string]string{"Vary": "Accept, Cookie"},
			},
		},
		"too large": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Secret", "x")
				_, _ = io.WriteString(w, strings.Repeat("x", 6<<20))
			},
			events.APIGatewayV2HTTPResponse{
				StatusCode: 413, Body: `{"code":413,"message":"The answer is larger than 6 MB. Ask for smaller pages.","param":null}`,
				Headers: map[string]string{"Content-Type": "application/json"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, serve(t, get("/"), tt.handler)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	e := get("/")
	e.RequestContext.HTTP.Method = http.MethodHead
	answer := serve(t, e, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") })
	if answer.Body != "" || answer.StatusCode != http.StatusOK {
		t.Errorf("%+v", answer)
	}
}

func TestLargestAnswerFitsIntoSixMegabytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("x", 6<<20-65<<10), strings.Repeat("\"\n", 9<<18-64<<9), strings.Repeat("\xff", 9<<19-64<<10),
		strings.Repeat("<\\\u2028\x01", 4<<20/6), // 4 MB of characters that take more room in JSON
	} {
		answer := serve(t, get("/"), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		whole, err := json.Marshal(answer)
		if err != nil || answer.StatusCode != http.StatusOK || len(whole) > 6<<20 {
			t.Errorf("%v, status %d, %d bytes", err, answer.StatusCode, len(whole))
		}
	}
}

// A handler that ends its connection does not end the connection of API Gateway.
func TestConnectionHeaderIsNotPassedOn(t *testing.T) {
	t.Parallel()
	answer := serve(t, get("/"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusUnauthorized)
	})
	if answer.Headers["Connection"] != "" || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("%+v", answer)
	}
}
