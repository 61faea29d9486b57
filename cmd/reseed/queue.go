package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"reseed/pkg/fault"
)

// queue hands messages to workers. It holds nothing that matters: the job
// ledger knows what is left to do, and the ticker hands it out again.
type queue struct {
	do   func(context.Context, any) error
	log  *slog.Logger
	mu   sync.Mutex
	list []any
	more chan struct{}
	wg   sync.WaitGroup
}

// again is how long a message waits after an error that may pass.
const again = time.Second

func newQueue(do func(context.Context, any) error, log *slog.Logger) *queue {
	return &queue{do: do, log: log, more: make(chan struct{}, 1)}
}

// add puts a message in, unless the same one is waiting already.
func (q *queue) add(m any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if slices.Contains(q.list, m) {
		return
	}
	q.list = append(q.list, m)
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) take() (any, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return nil, false
	}
	m := q.list[0]
	q.list = q.list[1:]
	if len(q.list) > 0 {
		q.signal()
	}
	return m, true
}

// run starts one worker.
func (q *queue) run(ctx context.Context) {
	q.wg.Go(func() {
		for {
			m, ok := q.take()
			if !ok {
				select {
				case <-ctx.Done():
					return
				case <-q.more:
				}
				continue
			}
			if ctx.Err() != nil {
				return
			}
			q.handle(ctx, m)
		}
	})
}

func (q *queue) handle(ctx context.Context, m any) {
	err := q.do(ctx, m)
	if err == nil || ctx.Err() != nil {
		return
	}
	if fault.KindOf(err) != fault.Busy {
		q.log.Error("a job's step failed and is tried again", "error", err.Error())
	}
	time.AfterFunc(again, func() { q.add(m) })
}

// every calls f at once and then at each interval.
func (q *queue) every(ctx context.Context, d time.Duration, f func(context.Context) error) {
	q.wg.Go(func() {
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				q.log.Error("the ticker failed", "error", err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	})
}

// wait returns when all workers have ended.
func (q *queue) wait() { q.wg.Wait() }
