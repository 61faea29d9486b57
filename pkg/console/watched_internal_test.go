package console

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/api/wire"
)

// A job that many watch is read once a second, and an error is nobody's answer but of who caused it.
func TestAWatchedJobIsReadOnceASecond(t *testing.T) {
	t.Parallel()
	var w watched
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var reads atomic.Int64
	ask := func(id string) *wire.Job {
		j, err := w.job(id, clock, func() (*wire.Job, error) {
			return &wire.Job{ID: id, Stage: fmt.Sprint(reads.Add(1))}, nil
		})
		if err != nil || j.ID != id {
			t.Errorf("%+v, %v", j, err)
		}
		return j
	}
	for second := range int64(3) {
		var g sync.WaitGroup
		for range 50 {
			g.Go(func() { ask("a") })
		}
		g.Wait()
		if n := reads.Load(); n != second+1 {
			t.Errorf("%d reads in second %d", n, second)
		}
		now = now.Add(time.Second)
	}
	if _, err := w.job("a", clock, func() (*wire.Job, error) { return nil, errors.New("broken") }); err == nil {
		t.Error("the error is lost")
	}
	if j := ask("a"); j.Stage != "4" {
		t.Errorf("after an error: %+v", j)
	}
	if ask("b"); len(w.jobs) != 2 {
		t.Errorf("%d jobs are kept", len(w.jobs))
	}
	now = now.Add(time.Hour)
	if ask("c"); len(w.jobs) != 1 {
		t.Errorf("%d jobs are kept, of which one is watched", len(w.jobs))
	}
}
