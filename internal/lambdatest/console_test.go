package lambdatest_test

import (
	"testing"
	"time"

	"reseed/internal/browsertest"
)

// TestConsoleOfTheFunction: a real browser goes through the console as it is deployed, while messages
// are delivered.
func TestConsoleOfTheFunction(t *testing.T) {
	t.Parallel()
	browser := browsertest.Find(t)
	bed := newBed(t)
	front := bed.Front(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		browser.Run(t, "lambda.js", front.URL, "local", "")
	}()
	for {
		select {
		case <-ended:
			return
		case <-time.After(20 * time.Millisecond):
			bed.Work(t)
		}
	}
}
