package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server serves spreadsheets. It is safe for concurrent use.
type Server struct {
	// URL is the endpoint of both APIs, without a slash at the end.
	URL string

	mu     sync.Mutex
	books  map[string]*Spreadsheet
	keys   map[string]*account
	tokens map[string]token
	life   time.Duration
	before func(Call) *Failure
	calls  []Call
}

// Call is one request, as Google's discovery documents name it.
type Call struct {
	Number int    // from 1
	ID     string // of the method, such as sheets.spreadsheets.get; of the token endpoint it is "token"
	Path   string // of the request
	Query  map[string][]string
	Body   json.RawMessage // of the answer
	Status int             // of the answer
}

// Failure is an answer in place of the right one.
type Failure struct {
	Status     int
	Reason     string // such as rateLimitExceeded; may be empty
	RetryAfter string // header; may be empty
	Message    string
}

// Quota is the answer when a quota is used up. Sheets says it with status 429.
func Quota(retryAfter string) *Failure {
	return &Failure{
		Status: http.StatusTooManyRequests, Reason: "rateLimitExceeded", RetryAfter: retryAfter,
		Message: "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service 'sheets.googleapis.com'.",
	}
}

// New makes a server without a listener: [Server.Transport] reaches it. Its URL can be used with that
// transport only, so it works inside a synctest bubble.
func New() *Server {
	return &Server{URL: "http://google.test", books: map[string]*Spreadsheet{}, keys: map[string]*account{}, tokens: map[string]token{}, life: time.Hour}
}

// Serve starts a server on this machine, for the length of a test.
func Serve(tb testing.TB) *Server {
	tb.Helper()
	s, end := Start()
	tb.Cleanup(end)
	return s
}

// Start starts a server on this machine, which runs until end is called.
func Start() (s *Server, end func()) {
	s = New()
	at := httptest.NewServer(s)
	s.URL = at.URL
	return s, at.Close
}

// Add serves a spreadsheet from now on.
func (s *Server) Add(b *Spreadsheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Version == 0 {
		b.Version = 1
	}
	s.books[b.ID] = b
}

// Change lets a test change a spreadsheet, as somebody who edits it: its version rises.
func (s *Server) Change(id string, change func(*Spreadsheet)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(id, change)
}

func (s *Server) change(id string, change func(*Spreadsheet)) {
	change(s.books[id])
	s.books[id].Version++
}

// Before makes the server call f when a request has come, unless it is for a token. If f returns a
// failure, the server answers with that. f may call [Server.Change].
func (s *Server) Before(f func(Call) *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Calls lists the requests so far, without those to the token endpoint.
func (s *Server) Calls() (out []Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.ID != "token" {
			out = append(out, c)
		}
	}
	return out
}

// Tokens is how many access tokens were given out.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// Transport reaches the server without a network.
func (s *Server) Transport() http.RoundTripper { return direct{s} }

type direct struct{ s *Server }

// RoundTrip serves a request at once.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	d.s.ServeHTTP(w, r)
	return w.Result(), nil
}

// ServeHTTP answers as Google does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		s.serveToken(w, r)
		return
	}
	call, answer := route(r)
	if answer == nil {
		write(w, http.StatusNotFound, failureBody(&Failure{Status: http.StatusNotFound, Message: "no such method: " + r.Method + " " + r.URL.Path}))
		return
	}
	s.mu.Lock()
	call.Number = 1
	for _, c := range s.calls {
		if c.ID != "token" {
			call.Number++
		}
	}
	s.calls = append(s.calls, call)
	at := len(s.calls) - 1
	before := s.before
	s.mu.Unlock()
	var failed *Failure
	if before != nil {
		failed = before(call)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var body any
	if failed == nil {
		body, failed = answer(s, s.reader(r))
	}
	if failed == nil {
		body, failed = masked(body, r.URL.Query().Get("fields"))
	}
	status := http.StatusOK
	if failed != nil {
		status, body = failed.Status, failureBody(failed)
		if failed.RetryAfter != "" {
			w.Header().Set("Retry-After", failed.RetryAfter)
		}
	}
	s.calls[at].Status, s.calls[at].Body = status, write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) json.RawMessage {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(fmt.Sprintf("%q", err.Error()))
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
	return text
}

// failureBody is how both APIs report an error.
func failureBody(f *Failure) any {
	status := map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
		500: "INTERNAL", 503: "UNAVAILABLE",
	}[f.Status]
	e := map[string]any{"code": f.Status, "message": f.Message, "status": status}
	if f.Reason != "" {
		e["errors"] = []any{map[string]any{"message": f.Message, "domain": "global", "reason": f.Reason}}
	}
	return map[string]any{"error": e}
}

type answerFunc func(s *Server, reader string) (any, *Failure)

// route finds the method that a request calls.
func route(r *http.Request) (Call, answerFunc) {
	q := r.URL.Query()
	c := Call{Path: r.URL.Path, Query: q}
	if r.Method != http.MethodGet {
		return c, nil
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/drive/v3/files/"); ok && !strings.Contains(rest, "/") {
		c.ID = "drive.files.get"
		return c, func(s *Server, reader string) (any, *Failure) { return s.file(rest, reader) }
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/v4/spreadsheets/")
	if !ok {
		return c, nil
	}
	id, what, more := strings.Cut(rest, "/")
	switch {
	case !more:
		c.ID = "sheets.spreadsheets.get"
		return c, func(s *Server, reader string) (any, *Failure) { return s.spreadsheet(id, reader) }
	case what == "values:batchGet":
		c.ID = "sheets.spreadsheets.values.batchGet"
		return c, func(s *Server, reader string) (any, *Failure) { return s.values(id, reader, q["ranges"], q) }
	case strings.HasPrefix(what, "values/"):
		c.ID = "sheets.spreadsheets.values.get"
		return c, func(s *Server, reader string) (any, *Failure) {
			return s.value(id, reader, strings.TrimPrefix(what, "values/"), q)
		}
	}
	return c, nil
}
