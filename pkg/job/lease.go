package job

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"reseed/pkg/fault"
)

// Lease is a claimed task that renews itself until it is completed or released.
type Lease struct {
	ledger *Ledger
	ctx    context.Context //nolint:containedctx // it is what the lease is: the time in which its holder may write
	cancel context.CancelCauseFunc
	stop   chan struct{}
	once   sync.Once
	ended  sync.WaitGroup

	turn chan struct{} // held by who is at the task; not a mutex, since it is held while the table is asked
	task Task
}

// errLost is why the context of a lost lease ends.
func errLost() error {
	return fault.New(fault.Busy, "lease_lost", "the lease on this task was lost")
}

// Keep renews a claimed task from now on. Its holder writes under
// Lease.Context only, and must end with Complete or Release.
func (l *Ledger) Keep(ctx context.Context, t Task) *Lease {
	ls := &Lease{ledger: l, task: t, stop: make(chan struct{}), turn: make(chan struct{}, 1)}
	ls.ctx, ls.cancel = context.WithCancelCause(ctx)
	ls.ended.Go(ls.renew)
	return ls
}

// Context ends with its parent, or when the lease is lost or might be.
func (ls *Lease) Context() context.Context { return ls.ctx }

func (ls *Lease) renew() {
	alive := ls.ledger.now()
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	for {
		select {
		case <-ls.stop:
			return
		case <-ls.ctx.Done():
			return
		case <-t.C:
		}
		asked := ls.ledger.now()
		err := ls.with(func(t Task) (Task, error) { return ls.beat(t) })
		switch {
		case err == nil:
			alive = asked
		case fault.Is(err, fault.Conflict), ls.ledger.now().Sub(alive) >= LeaseLength-RequestLifetime-renewEvery:
			ls.cancel(errLost())
			return
		}
	}
}

// beat is one renewal, given up early enough for the next.
func (ls *Lease) beat(t Task) (Task, error) {
	ctx, cancel := context.WithTimeout(ls.ctx, renewEvery)
	defer cancel()
	return ls.ledger.Renew(ctx, t)
}

func (ls *Lease) with(f func(Task) (Task, error)) error {
	ls.turn <- struct{}{}
	defer func() { <-ls.turn }()
	t, err := f(ls.task)
	ls.task = t
	return err
}

// Task is the task as it was last stored.
func (ls *Lease) Task() Task {
	ls.turn <- struct{}{}
	defer func() { <-ls.turn }()
	return ls.task
}

// Save keeps what is known so far.
func (ls *Lease) Save(result json.RawMessage) error {
	return ls.with(func(t Task) (Task, error) { return ls.ledger.Save(ls.ctx, t, result) })
}

// Complete ends the task with its result.
func (ls *Lease) Complete(result json.RawMessage) error {
	ls.halt()
	defer ls.cancel(nil)
	return ls.ledger.Complete(ls.ctx, ls.Task(), result)
}

// Release gives the undone task back. It works on an ended context too, for a
// moment: who stops at a deadline should not make the next one wait.
func (ls *Lease) Release() error {
	ls.halt()
	defer ls.cancel(nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ls.ctx), time.Second)
	defer cancel()
	return ls.ledger.Release(ctx, ls.Task())
}

func (ls *Lease) halt() {
	ls.once.Do(func() { close(ls.stop) })
	ls.ended.Wait()
}
