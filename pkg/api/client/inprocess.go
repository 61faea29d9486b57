package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// InProcess is a transport to a handler in the same process. Bodies are streamed both ways.
type InProcess struct{ Handler http.Handler }

type callerKey struct{}

// WithCaller adds the network address of the person for whom requests are made. The handler of
// [InProcess] finds it in http.Request.RemoteAddr.
func WithCaller(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, callerKey{}, address)
}

// RoundTrip serves one request.
func (t InProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	body, out := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: out, started: make(chan int, 1)}
	served := req.Clone(req.Context()) // a transport must not change its request
	if served.Body == nil {
		served.Body = http.NoBody
	}
	served.RemoteAddr, _ = req.Context().Value(callerKey{}).(string)
	go func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				panic(v) //nolint:forbidigo // only a fault of a handler that recovers from its own
			}
			_ = out.CloseWithError(io.ErrUnexpectedEOF) // no effect if it is closed already
		}()
		t.Handler.ServeHTTP(w, served)
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
		return len(p), nil // the reader does not want the rest
	}
	return n, err
}
