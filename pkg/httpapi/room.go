package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// bodiesAtOnce is how many bytes of JSON bodies may be in memory at any one time, over all
// requests. A request needs a multiple of its body's size while it is worked on.
const bodiesAtOnce = 4 * MaxBody

// smallBody is the size up to which a body is not counted: over all connections such bodies have
// 32 MB at most.
const smallBody = 16 << 10

// uploadsAtOnce is how many uploads are received at any one time. Each needs an open file and some
// buffers.
const uploadsAtOnce = 50

// patienceForRoom is how long a request waits for room before it is answered with 503.
const patienceForRoom = 5 * time.Second

// takeRoom waits for room for the request's body, and keeps it until the request ends. A body of
// unknown length counts as one of MaxBody bytes.
func (c *Call) takeRoom() error {
	n := int64(MaxBody)
	if c.ContentLength >= 0 {
		n = min(c.ContentLength, n)
	}
	if n <= smallBody {
		return nil
	}
	return c.take(c.server.bodies, n)
}

// Upload is the body of a request that goes straight into files: at most as many bytes as its route
// allows.
func (c *Call) Upload() (io.ReadCloser, error) {
	if err := c.take(c.server.uploads, 1); err != nil {
		return nil, err
	}
	return http.MaxBytesReader(c.w, c.Body, c.limit), nil
}

// take waits for n of a limit, and keeps them until the request ends. After patienceForRoom it
// returns a 503.
func (c *Call) take(from *semaphore.Weighted, n int64) error {
	ctx, cancel := context.WithTimeout(c.Context(), patienceForRoom)
	defer cancel()
	if err := from.Acquire(ctx, n); err != nil {
		f := Problem(http.StatusServiceUnavailable, "", textCrowded)
		f.RetryAfter = retrySeconds
		return f
	}
	c.atEnd = append(c.atEnd, func() { from.Release(n) })
	return nil
}

// end releases what the request has taken.
func (c *Call) end() {
	for _, f := range c.atEnd {
		f()
	}
}
