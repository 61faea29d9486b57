package chartmogul

import (
	"context"
	"net/http"
	"time"
)

// bodiesAtOnce is how many bytes of JSON bodies are in memory at any one time, over all requests. What it
// takes to work on one is a multiple of it.
const bodiesAtOnce = 4 * MaxBody

// patienceForRoom is how long a request waits for others to give room free before it is told to come again.
const patienceForRoom = 5 * time.Second

// takeRoom makes room for the request's body until the request ends. One of unknown length counts as the longest.
func (c *call) takeRoom() error {
	n := min(c.limit, bodiesAtOnce)
	if c.ContentLength >= 0 {
		n = min(c.ContentLength, n)
	}
	ctx, cancel := context.WithTimeout(c.Context(), patienceForRoom)
	defer cancel()
	if err := c.bodies.Acquire(ctx, n); err != nil {
		f := failA(http.StatusServiceUnavailable, "", textCrowded)
		f.retryAfter = retrySeconds
		return f
	}
	c.room += n
	return nil
}
