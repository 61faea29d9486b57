package trigger

import (
	"bytes"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxAnswer is the largest body, in bytes, of a function's answer: 6 MB, less some room for
// headers.
const maxAnswer = 6<<20 - 64<<10

// textTooLarge replaces the body of an answer that does not fit. Its status, 413, does not make
// clients try again.
const textTooLarge = `{"code":413,"message":"The answer is larger than 6 MB. Ask for smaller pages.","param":null}`

// HTTP serves the requests of an HTTP API (payload format 2.0) with a handler. If the stage has a
// name, it is removed from the path. Answers are not streamed: an answer that is too large for a
// function becomes a 413. An answer of 4 MB always fits.
func HTTP(h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w := &answer{header: http.Header{}}
		r, err := request(ctx, event)
		if err != nil {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return w.event(), nil //nolint:nilerr // the client caused the error, and is told
		}
		h.ServeHTTP(w, r)
		if w.size() > maxAnswer {
			w = &answer{header: http.Header{}}
			w.header.Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = w.Write([]byte(textTooLarge)) // into memory
		}
		if r.Method == http.MethodHead {
			w.body.Reset()
		}
		return w.event(), nil
	}
}

func request(ctx context.Context, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, err
		}
	}
	about := event.RequestContext
	target := address(event)
	r, err := http.NewRequestWithContext(ctx, about.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range event.Headers { // several of one name arrive joined by commas
		r.Header.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	r.URL, r.RequestURI = target, target.RequestURI()
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host") // a server has it in Host only
	if r.Host == "" {
		r.Host = about.DomainName
	}
	r.RemoteAddr = net.JoinHostPort(about.HTTP.SourceIP, "0")
	return r, nil
}

// address returns path and query as the client wrote them. Some gateways decode the path: if it is
// not a valid encoding, it is taken as decoded.
func address(event events.APIGatewayV2HTTPRequest) *url.URL {
	raw := event.RawPath
	if stage := event.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(raw, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			raw = rest
		}
	}
	if !strings.HasPrefix(raw, "/") {
		raw = "/" + raw
	}
	u := &url.URL{Path: raw, RawQuery: event.RawQueryString}
	if decoded, err := url.PathUnescape(raw); err == nil {
		u.Path, u.RawPath = decoded, raw // net/url ignores RawPath unless it is an encoding of Path
	}
	return u
}

// answer is the http.ResponseWriter of one request.
type answer struct {
	header http.Header
	sent   http.Header // the headers at the time at which the status was written
	status int
	body   bytes.Buffer
}

// Header returns the headers to be sent.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader sets the status once. Informational statuses are not passed on.
func (w *answer) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

// Write adds to the body. It fails for statuses that have no body.
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(p)
}

// isText tells whether the body is sent as text: it is valid UTF-8, and in JSON it is not longer
// than as base64.
func (w *answer) isText() bool {
	return utf8.Valid(w.body.Bytes()) && w.escaped() <= base64.StdEncoding.EncodedLen(w.body.Len())
}

// size returns how many bytes the body takes in the answer.
func (w *answer) size() int {
	if w.isText() {
		return w.escaped()
	}
	return base64.StdEncoding.EncodedLen(w.body.Len())
}

// escaped returns the length of the body as text in JSON, as encoding/json writes it.
func (w *answer) escaped() (n int) {
	for _, c := range w.body.Bytes() {
		switch {
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t', c == '\b', c == '\f':
			n += 2
		case c < ' ', c == '<', c == '>', c == '&':
			n += 6
		case c == 0xe2: // may begin U+2028 or U+2029, which are escaped, too
			n += 4
		default:
			n++
		}
	}
	return n
}

func (w *answer) event() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	if w.sent.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	out := events.APIGatewayV2HTTPResponse{
		StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent.Values("Set-Cookie"), Body: w.body.String(),
	}
	w.sent.Del("Set-Cookie") // several of them cannot be joined, so they have a field of their own
	w.sent.Del("Connection") // the connection belongs to API Gateway
	for name, values := range w.sent {
		out.Headers[name] = strings.Join(values, ", ")
	}
	if !w.isText() {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out
}
