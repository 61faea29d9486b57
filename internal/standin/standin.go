// Package standin is what stand-ins for billing systems share: an [http.RoundTripper] that notes requests, asks a judge about each request and
// its answer, and makes the n-th call go wrong.
package standin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Answer is what a system answers.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Fault is what is wrong with an answer.
type Fault struct {
	Status int         // 0: the right one
	Header http.Header // such as Retry-After
	Body   string      // empty: the right one; with a Status that is not 200: none
	Cut    bool        // half of the right body arrives
	Change func(body []byte) []byte
	Lost   bool // no answer at all
}

// Wire leads to a system. It is safe for concurrent use. Answer and Judge are called for one request at a time.
type Wire struct {
	Answer func(r *http.Request, body []byte) Answer
	Judge  func(r *http.Request, body []byte, a Answer) error // of the right answer, before a fault

	mu       sync.Mutex
	calls    []string
	faults   map[int]Fault
	hooks    map[int]func()
	verdicts []error
}

// RoundTrip answers a request.
func (w *Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	n, hook, fault, faulty := w.call(r, body)
	if hook != nil {
		hook()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.Answer(r, body)
	if err := w.Judge(r, body, a); err != nil {
		w.verdicts = append(w.verdicts, fmt.Errorf("call %d: %w", n, err))
	}
	if faulty {
		return fault.apply(r, n, a)
	}
	return respond(r, n, a, bytes.NewReader(a.Body)), nil
}

// call notes a request, and returns its number and what is to happen with it.
func (w *Wire) call(r *http.Request, body []byte) (n int, hook func(), f Fault, faulty bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, spell(r, body))
	n = len(w.calls)
	f, faulty = w.faults[n]
	return n, w.hooks[n], f, faulty
}

// spell writes a request: a path and query for a GET, else also method and body.
func spell(r *http.Request, body []byte) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	return r.Method + " " + r.URL.RequestURI() + " " + string(body)
}

func (f Fault) apply(r *http.Request, n int, a Answer) (*http.Response, error) {
	if f.Lost {
		return nil, errors.New("connection reset")
	}
	if f.Status != 0 && f.Status != http.StatusOK {
		a.Status, a.Body = f.Status, nil
	}
	if f.Body != "" {
		a.Body = []byte(f.Body)
	}
	if f.Change != nil {
		a.Body = f.Change(a.Body)
	}
	header := maps.Clone(a.Header)
	maps.Copy(header, f.Header)
	a.Header = header
	var rest io.Reader = bytes.NewReader(a.Body)
	if f.Cut {
		rest = io.MultiReader(bytes.NewReader(a.Body[:len(a.Body)/2]), broken{})
	}
	return respond(r, n, a, rest), nil
}

type broken struct{}

// Read fails as a connection that is lost does.
func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func respond(r *http.Request, n int, a Answer, body io.Reader) *http.Response {
	header := http.Header{"Request-Id": {"req_" + strconv.Itoa(n)}}
	maps.Copy(header, a.Header)
	return &http.Response{StatusCode: a.Status, Header: header, Body: io.NopCloser(body), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// FailAt makes the n-th call fail, counted from 1.
func (w *Wire) FailAt(n int, f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.faults == nil {
		w.faults = map[int]Fault{}
	}
	w.faults[n] = f
}

// Before runs a function before the n-th call, counted from 1.
func (w *Wire) Before(n int, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hooks == nil {
		w.hooks = map[int]func(){}
	}
	w.hooks[n] = do
}

// Requests returns what was asked so far.
func (w *Wire) Requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// Judged returns what the judge has found.
func (w *Wire) Judged() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.verdicts)
}
