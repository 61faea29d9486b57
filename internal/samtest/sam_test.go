//go:build sam

package samtest_test

import (
	"testing"

	"reseed/internal/samtest"
)

// TestEveryEventIsAnswered replays events/ against the built functions in containers, one event
// after the other, since there is one bed.
func TestEveryEventIsAnswered(t *testing.T) {
	bed := samtest.Start(t)
	functions := bed.Template.Functions()
	for _, event := range bed.Template.Events(t) {
		t.Run(event.Name, func(t *testing.T) {
			bed.Invoke(t, functions[event.Function].LogicalID, event.Body)
		})
	}
}
