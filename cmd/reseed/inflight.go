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

// inflight knows the requests that are being answered: an erase waits for those that may not know of it. Uploads are not among
// them: they take any time, write no rows, and become an import only if no erase has come between.
type inflight struct {
	mu   sync.Mutex
	last int
	open map[int]chan struct{} // closed when the request has ended
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
