package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"reseed/pkg/fault"
)

// door is how the server that owns a data folder lets other commands in: its
// address and a key of its own, in a file that only its owner may read.
type door struct {
	URL string `json:"url"`
	Key string `json:"key"`
}

func doorFile(data string) string { return filepath.Join(data, "serve.json") }

// patience is how long a command waits for another one that has the data folder.
const patience = 30 * time.Second

// connect finds who serves the data: --url, the server that runs on the data
// folder, or else this process.
func (sh *shell) connect(ctx context.Context) (*client, error) {
	if sh.url != "" {
		key := sh.env["RESEED_API_KEY"]
		if key == "" {
			return nil, usage("--url needs the API key in RESEED_API_KEY")
		}
		return &client{base: strings.TrimSuffix(sh.url, "/"), key: key, http: &http.Client{}, close: noClose}, nil
	}
	for deadline := time.Now().Add(patience); ; {
		if c := throughDoor(ctx, sh.data); c != nil {
			return c, nil
		}
		a, err := openApp(ctx, sh, sh.logger())
		if err == nil {
			return a.client(ctx), nil
		}
		if fault.KindOf(err) != fault.Busy || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func noClose() error { return nil }

// throughDoor is a client of the server that owns the folder; nil if none answers.
func throughDoor(ctx context.Context, data string) *client {
	body, err := os.ReadFile(doorFile(data))
	if err != nil {
		return nil
	}
	var d door
	if json.Unmarshal(body, &d) != nil {
		return nil
	}
	c := &client{base: d.URL, key: d.Key, http: &http.Client{}, close: noClose}
	if c.call(ctx, http.MethodGet, "/v1/ping", nil, nil) != nil {
		return nil
	}
	return c
}

// inProcess lets a client call a handler of its own process, streaming both ways.
type inProcess struct{ handler http.Handler }

// RoundTrip serves one request.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	body, out := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: out, started: make(chan int, 1)}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	go func() {
		t.handler.ServeHTTP(w, req)
		w.WriteHeader(http.StatusOK)
		_ = out.Close()
	}()
	select {
	case status := <-w.started:
		return &http.Response{
			StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: w.header.Clone(), Body: body, ContentLength: -1, Request: req,
		}, nil
	case <-req.Context().Done():
		_ = out.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	}
}

// pipeWriter is a response that is read while it is written.
type pipeWriter struct {
	header  http.Header
	pipe    *io.PipeWriter
	started chan int
	begun   bool
}

// Header is the response's header.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader lets the reader begin.
func (w *pipeWriter) WriteHeader(status int) {
	if !w.begun {
		w.begun = true
		w.started <- status
	}
}

// Write passes the body on.
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.pipe.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(p), nil // nobody wants the rest
	}
	return n, err
}
