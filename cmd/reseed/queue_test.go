package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// desk is a queue whose messages take a second each, on a virtual clock.
type desk struct {
	*queue
	mu    sync.Mutex
	begun []string
}

func newDesk(t *testing.T, most, workers int) *desk {
	t.Helper()
	d := &desk{}
	d.queue = newQueue(func(_ context.Context, m any) error {
		d.mu.Lock()
		d.begun = append(d.begun, fmt.Sprint(m))
		d.mu.Unlock()
		time.Sleep(time.Second)
		return nil
	}, most, slog.New(slog.DiscardHandler))
	d.start(t, workers)
	return d
}

// start starts more workers.
func (d *desk) start(t *testing.T, workers int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() { stop(); d.wait() })
	for range workers {
		d.run(ctx)
	}
}

// taken lists the messages that were begun since the last call, in the order of their names.
func (d *desk) taken() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.begun
	d.begun = nil
	slices.Sort(out)
	return out
}

func (d *desk) send(source string, n int) {
	for i := range n {
		d.add(source, fmt.Sprintf("%s%d", source, i))
	}
}

// One source has more messages than workers, and another one comes later: it does not wait for a
// single message of the first.
func TestNoSourceTakesAllWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 2, 3)
		d.send("a", 100)
		for second, want := range [][]string{{"a0", "a1"}, {"a2", "a3"}} {
			if diff := cmp.Diff(want, d.taken()); diff != "" {
				t.Fatalf("second %d: -want +got\n%s", second, diff)
			}
			time.Sleep(time.Second)
		}
		d.taken()
		d.send("b", 2)
		if diff := cmp.Diff([]string{"b0"}, d.taken()); diff != "" {
			t.Fatalf("b comes: -want +got\n%s", diff)
		}
		time.Sleep(time.Second)
		if got := d.taken(); !slices.Contains(got, "b1") || len(got) != 3 {
			t.Fatalf("b goes on: %v", got)
		}
	})
}

// Sources take turns: the one with the fewest workers first, then the one whose turn is the longest
// ago.
func TestSourcesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1, 0)
		for _, s := range []string{"a", "b", "c", "d"} {
			d.send(s, 2)
		}
		d.start(t, 2) // now, so that all sources wait when the first one is chosen
		for _, want := range [][]string{{"a0", "b0"}, {"c0", "d0"}, {"a1", "b1"}, {"c1", "d1"}} {
			if diff := cmp.Diff(want, d.taken()); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			time.Sleep(time.Second)
		}
		if got := d.taken(); len(got) > 0 || len(d.lines) > 0 {
			t.Errorf("%v taken, %d sources remembered, with nothing left to do", got, len(d.lines))
		}
	})
}

// A message that waits already is not added again; one that fails is tried again a second later.
func TestAMessageComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails, done := 1, 0
		q := newQueue(func(context.Context, any) error {
			if fails--; fails >= 0 {
				return errors.New("not now")
			}
			done++
			return nil
		}, 1, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		for range 3 {
			q.add("a", "m")
		}
		q.run(ctx)
		time.Sleep(again + time.Millisecond)
		synctest.Wait()
		stop()
		q.wait()
		if done != 1 {
			t.Errorf("done %d times", done)
		}
	})
}
