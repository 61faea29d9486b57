package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// longestRequest is how long a request may use what it has read of the directory.
const longestRequest = 30 * time.Second

// inflight knows the requests that are being answered. An erase waits for those that may have read
// the directory before it, and imports make way for them. Uploads are left out: they may take
// hours, write no rows, and become an import only if no erase came in between.
type inflight struct {
	mu   sync.Mutex
	last int
	open map[int]chan struct{} // closed when the request has ended

	begun [several]time.Time // when the latest ones began; a ring
}

// Requests come thick when `several` of them began within `thick`. Single ones do not count, such
// as from a command that asks how far an import is.
const (
	several = 4
	thick   = 100 * time.Millisecond
)

// aside is how long a worker of an import sleeps to make way.
const aside = 100 * time.Microsecond

// makeWay is called by the workers of an import every few milliseconds. If requests come thick it
// sleeps, so that they are answered. Workers never wait for anything: while every processor runs
// one, the Go scheduler may take up to 10 ms to notice a request.
func (f *inflight) makeWay() {
	if f.thick(time.Now()) {
		time.Sleep(aside)
	}
}

func (f *inflight) thick(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Sub(f.begun[f.last%several]) < thick
}

func newInflight() *inflight { return &inflight{open: map[int]chan struct{}{}} }

func (f *inflight) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUpload(r) {
			defer f.begin()()
		}
		h.ServeHTTP(w, r)
	})
}

func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v1/data_sources/") && strings.HasSuffix(r.URL.Path, "/imports")
}

func (f *inflight) begin() (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun[f.last%several] = time.Now()
	f.last++
	id, done := f.last, make(chan struct{})
	f.open[id] = done
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.open, id)
		close(done)
	}
}

// quiet waits until every request has ended that is being answered when it is called, but no longer
// than longestRequest.
func (f *inflight) quiet(ctx context.Context) error {
	f.mu.Lock()
	open := slices.Collect(maps.Values(f.open))
	f.mu.Unlock()
	limit := time.NewTimer(longestRequest)
	defer limit.Stop()
	for _, done := range open {
		select {
		case <-done:
		case <-limit.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
