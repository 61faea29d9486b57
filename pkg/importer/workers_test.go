package importer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reseed/internal/effort"
	"reseed/pkg/job"
	"reseed/pkg/table/mem"
)

// slow makes every call of the table take a random time, so that processes meet in ever new places.
func slow(seed uint64, most time.Duration) trouble {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 3))
	return func(_ *process, _ int, _ string, done bool) error {
		if !done {
			mu.Lock()
			d := time.Duration(rnd.Int64N(int64(most)))
			mu.Unlock()
			time.Sleep(d)
		}
		return nil
	}
}

// Three processes work at the same time, and each gets every message.
func TestManyWorkersAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		seeds := effort.Some(5)
		if soak(t) {
			seeds = 300
		}
		for seed := range uint64(seeds) {
			b.disturbed(t, fmt.Sprintf("seed %d", seed), mem.Options{Limits: quick(false)}, func(t tester, w *world) {
				w.trouble = slow(seed, 5*time.Second)
				w.team = []*process{w.troubled(), w.troubled()}
			})
		}
		t.Logf("%d cases", seeds)
	})
}

// One process loses the table in the middle of a call, so another one gets its lease. The call
// takes effect within the lifetime of a request. The process itself comes back much later, and
// still believes that it holds the lease.
func TestAWorkerThatIsCutOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		b.withLate(t, late{by: job.RequestLifetime, gone: 70 * time.Second}, late{by: job.RequestLifetime, gone: 10 * time.Minute}, late{gone: 10 * time.Minute})
	})
}

// A process that stood still in the middle of a write may write when others have long been in the
// next phase. No lease can prevent that. If no rows are removed, it does no harm.
func TestAWorkerThatStoodStill(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		if b.removes {
			t.Skip("rows are removed and put back")
		}
		b.withLate(t, late{by: 70 * time.Second, frozen: true}, late{by: 10 * time.Minute, frozen: true}, late{by: 10 * time.Minute})
	})
}

// withLate runs the story with a helper that is late at one call, for each call in turn.
func (b begun) withLate(t *testing.T, kinds ...late) {
	t.Helper()
	step, cases := 1+b.calls/15, 0
	if soak(t) {
		step = 1
	}
	for n := range effort.Cases(t.Name(), b.calls, step) {
		for _, kind := range kinds {
			b.disturbed(t, fmt.Sprintf("%+v in call %d of %d", kind, n, b.calls), mem.Options{Limits: quick(false)}, func(t tester, w *world) {
				l := &absence{late: kind, at: int64(n), back: make(chan struct{})}
				w.trouble, w.tidy = l.behind, false
				w.team = []*process{w.start(l.trouble)}
			})
			cases++
		}
	}
	t.Logf("%d cases", cases)
}

// late is how a process comes too late: one call takes effect after some time, and no other call of
// it gets through for longer. Those calls fail, or wait if the process stands still.
type late struct {
	by, gone time.Duration
	frozen   bool
}

type absence struct {
	late
	at    int64 // number of the call
	calls atomic.Int64
	away  atomic.Bool
	back  chan struct{}
}

func (l *absence) trouble(_ *process, _ string, done bool) error {
	if l.away.Load() {
		if l.frozen {
			<-l.back
		}
		select {
		case <-l.back:
		default:
			return errCut()
		}
	}
	if !done && l.calls.Add(1) == l.at {
		l.away.Store(true)
		time.AfterFunc(max(l.by, l.gone), func() { close(l.back) })
		time.Sleep(l.by)
	}
	return nil
}

// behind slows other processes down until the late one is away.
func (l *absence) behind(_ *process, _ int, _ string, done bool) error {
	if !done && !l.away.Load() {
		time.Sleep(5 * time.Second)
	}
	return nil
}

// The deadline is one second after the message, or at any other time. The next worker goes on.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b begun) {
		t.Helper()
		for seed := range uint64(effort.Some(8)) {
			b.disturbed(t, fmt.Sprintf("seed %d", seed), mem.Options{Limits: quick(seed%2 == 0)}, func(t tester, w *world) {
				w.trouble = slow(seed, time.Second)
				w.deadline = deadlines(seed)
			})
		}
	})
}

// deadlines are short at first; later there is time enough.
func deadlines(seed uint64) func(context.Context) (context.Context, context.CancelFunc) {
	rnd := rand.New(rand.NewPCG(seed, 4))
	n := 0
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		d := []time.Duration{time.Second, time.Second, 9 * time.Second, 12 * time.Second, 20 * time.Second}[rnd.IntN(5)]
		if n++; n > 150 {
			d = 15 * time.Minute
		}
		return context.WithTimeout(ctx, d)
	}
}
