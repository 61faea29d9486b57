package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"reseed/pkg/fault"
)

// queue hands messages to workers. It need not be durable: the job ledger knows what is left to do,
// and the tick sends it again. Sources take turns. One source has at most `most` workers at the
// same time, so with one worker more than that no source waits for all tasks of another.
type queue struct {
	do    func(context.Context, any) error
	most  int // workers of one source
	log   *slog.Logger
	mu    sync.Mutex
	lines []*sourceLine // with messages or workers; the one whose turn was longest ago comes first
	more  chan struct{}
	wg    sync.WaitGroup
}

// sourceLine is what waits for one source.
type sourceLine struct {
	source  string
	waiting []any
	busy    int // workers that do a message of it
}

// again is how long a message waits after an error that may pass.
const again = time.Second

func newQueue(do func(context.Context, any) error, most int, log *slog.Logger) *queue {
	return &queue{do: do, most: most, log: log, more: make(chan struct{}, 1)}
}

// add adds a message, unless the same one waits already.
func (q *queue) add(source string, m any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.line(source)
	if slices.Contains(l.waiting, m) {
		return
	}
	l.waiting = append(l.waiting, m)
	q.signal()
}

func (q *queue) line(source string) *sourceLine {
	for _, l := range q.lines {
		if l.source == source {
			return l
		}
	}
	l := &sourceLine{source: source}
	q.lines = append(q.lines, l)
	return l
}

func (q *queue) signal() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take takes the first message of the source that has the fewest workers; among several such
// sources, of the one whose turn was longest ago. l is nil if no source has a message and room for
// a worker. After the message the worker has to call leave.
func (q *queue) take() (l *sourceLine, m any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.lines {
		if len(o.waiting) > 0 && o.busy < q.most && (l == nil || o.busy < l.busy) {
			l = o
		}
	}
	if l == nil {
		return nil, nil
	}
	m, l.waiting = l.waiting[0], l.waiting[1:]
	l.busy++
	q.lines = append(slices.DeleteFunc(q.lines, func(o *sourceLine) bool { return o == l }), l)
	q.signal() // another worker may find more
	return l, m
}

func (q *queue) leave(l *sourceLine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.busy--
	if l.busy == 0 && len(l.waiting) == 0 {
		q.lines = slices.DeleteFunc(q.lines, func(o *sourceLine) bool { return o == l })
	}
	q.signal()
}

// run starts one worker.
func (q *queue) run(ctx context.Context) {
	q.wg.Go(func() {
		for {
			l, m := q.take()
			if l == nil {
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
			q.handle(ctx, l.source, m)
			q.leave(l)
		}
	})
}

func (q *queue) handle(ctx context.Context, source string, m any) {
	err := q.do(ctx, m)
	if err == nil || ctx.Err() != nil {
		return
	}
	if !fault.Is(err, fault.Busy) {
		q.log.Error("a job's step failed and is tried again", "error", err.Error())
	}
	time.AfterFunc(again, func() { q.add(source, m) })
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
