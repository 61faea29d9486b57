package lambdatest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// prefix begins the paths of the Runtime API.
const prefix = "/2018-06-01/runtime/"

// Function is a running function: one process, which takes one event at a time.
type Function struct {
	Timeout time.Duration // of one invocation

	events  chan event
	ended   chan struct{} // closed when the process has ended
	mu      sync.Mutex    // held during an invocation
	waiting answers
	output  output
	count   int
	stop    context.CancelFunc
	api     *httptest.Server
}

type event struct {
	id       string
	body     []byte
	deadline time.Time
}

// answer is the function's answer to an event.
type answer struct {
	body   []byte
	failed bool
}

// answers holds the channels on which answers are awaited, by request id.
type answers struct {
	sync.Mutex
	of map[string]chan answer
}

// FunctionError is the answer of a function that failed.
type FunctionError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// Error returns type and message.
func (f *FunctionError) Error() string { return f.Type + ": " + f.Message }

// Start starts a binary with this environment and nothing else. It is stopped when the test ends.
func Start(tb testing.TB, binary string, environ []string, timeout time.Duration) *Function {
	tb.Helper()
	f := &Function{Timeout: timeout, events: make(chan event), ended: make(chan struct{}), waiting: answers{of: map[string]chan answer{}}}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	f.api = httptest.NewServer(f.serve(ctx))
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(f.api.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=test",
		"AWS_LAMBDA_LOG_FORMAT=JSON",
	}, environ...)
	cmd.Stdout, cmd.Stderr = &f.output, &f.output
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(f.ended)
		_ = cmd.Wait() // it is killed at the end; if it ends before, its output says why
	}()
	tb.Cleanup(func() {
		f.Stop()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", binary, f.output.String())
		}
	})
	return f
}

// Stop kills the process, as AWS does when it no longer needs it.
func (f *Function) Stop() {
	f.stop()
	<-f.ended
	f.api.Close()
}

// Invoke sends the function an event and returns its answer. If the function failed, the error is a
// [*FunctionError].
func (f *Function) Invoke(ctx context.Context, body []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	e := event{id: "request-" + strconv.Itoa(f.count), body: body, deadline: time.Now().Add(f.Timeout)}
	said := f.waiting.await(e.id)
	select {
	case f.events <- e:
	case <-f.ended:
		return nil, fmt.Errorf("the function ended: %s", f.output.String())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-said:
		return a.result()
	case <-f.ended:
		return nil, fmt.Errorf("the function ended: %s", f.output.String())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a answer) result() ([]byte, error) {
	if !a.failed {
		return a.body, nil
	}
	var failure FunctionError
	if err := json.Unmarshal(a.body, &failure); err != nil {
		return nil, fmt.Errorf("an error that is not JSON: %q", a.body)
	}
	return nil, &failure
}

// Output returns what the function has logged.
func (f *Function) Output() string { return f.output.String() }

// serve serves the Runtime API to one function.
func (f *Function) serve(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+prefix+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e := <-f.events:
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", e.id)
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:test")
			h.Set("Content-Type", "application/json")
			_, _ = w.Write(e.body)
		case <-r.Context().Done():
		case <-ctx.Done():
		}
	})
	mux.HandleFunc("POST "+prefix+"invocation/{id}/{outcome}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			f.waiting.deliver(r.PathValue("id"), answer{body, r.PathValue("outcome") == "error"})
		}
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("POST "+prefix+"init/error", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(&f.output, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// await returns the channel on which the answer to a request will come.
func (a *answers) await(id string) <-chan answer {
	a.Lock()
	defer a.Unlock()
	said := make(chan answer, 1)
	a.of[id] = said
	return said
}

// deliver sends the first answer to a request to its channel, and drops others.
func (a *answers) deliver(id string, first answer) {
	a.Lock()
	defer a.Unlock()
	if said := a.of[id]; said != nil {
		said <- first
		delete(a.of, id)
	}
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String returns all that was written.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
