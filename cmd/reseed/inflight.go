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

// longestRequest is how long a request may go on with what it has read of the directory.
const longestRequest = 30 * time.Second

// inflight knows the requests that are being answered: an erase waits for those that may not know of it, and imports make way
// for them. Uploads are not among them: they take any time, write no rows, and become an import only if no erase has come between.
type inflight struct {
	mu   sync.Mutex
	last int
	open map[int]chan struct{} // closed when the request has ended

	begun [several]time.Time // when the latest ones began, in turn
}

// Requests come thick when several came within such a time. One now and then, as of a command that looks how far an import is, is none.
const (
	several = 4
	thick   = 100 * time.Millisecond
)

// aside is how long a worker of an import stays away from the processor.
const aside = time.Millisecond

// makeWay lets requests be answered, if they come thick. A worker is a loop that never waits: while as many as there are
// processors are at work, nobody would look for up to 10 ms whether a request has come.
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

// quiet returns when every request has ended that was being answered when it was called.
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
