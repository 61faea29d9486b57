package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// An erase waits for requests that may write, but not for an upload, which may never end.
func TestAnEraseWaitsForNoUpload(t *testing.T) {
	t.Parallel()
	for path, waits := range map[string]bool{
		"/v1/data_sources/ds_1/imports": false,
		"/v1/customers":                 true,
		"/v1/imports/1/apply":           true,
	} {
		f := newInflight()
		begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		h := f.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(begun); <-end }))
		go func() {
			defer close(ended)
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil))
		}()
		<-begun
		stopped := errors.New("stopped waiting")
		ctx, stop := context.WithCancelCause(t.Context())
		if waits {
			stop(stopped)
		}
		if err := f.quiet(ctx); errors.Is(err, stopped) != waits {
			t.Errorf("%s: %v", path, err)
		}
		stop(nil)
		close(end)
		<-ended
	}
}

// Imports make way only while several requests come within a short time, not for one now and then.
func TestRequestsComeThick(t *testing.T) {
	t.Parallel()
	f := newInflight()
	for n := range 2 * several {
		if f.thick(time.Now()) != (n >= several) {
			t.Errorf("after %d requests at once: %t", n, n < several)
		}
		f.begin()()
	}
	if f.thick(time.Now().Add(thick)) {
		t.Error("a while later they still come thick")
	}
}
