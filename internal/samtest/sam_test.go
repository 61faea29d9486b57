//go:build sam

package samtest_test

import (
	"testing"

	"reseed/internal/samtest"
)

// TestEveryEventIsAnswered replays events/ against the built functions in containers, one after the other:
// there is one bed.
func TestEveryEventIsAnswered(t *testing.T) {
	bed := samtest.Start(t)
	for _, event := range samtest.Events(t, samtest.Root(t)) {
		t.Run(event.Name, func(t *testing.T) {
			bed.Invoke(t, event.Function, event.Body)
		})
	}
}
