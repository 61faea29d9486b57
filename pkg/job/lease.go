package job

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Lease is a claimed task that renews itself until it is completed or released.
type Lease struct {
	ledger *Ledger
	ctx    context.Context //nolint:containedctx // the lease is this context: the time in which its holder may write
	cancel context.CancelCauseFunc
	stop   chan struct{}
	once   sync.Once
	ended  sync.WaitGroup

	turn chan struct{} // held while the task is stored; not a mutex, since that calls the table
	task Task
}

// ErrHeld says that another worker has a task.
var ErrHeld = errors.New("job: another worker has the task")

// SaveState encodes the state of a task, and keeps it with [Lease.Save] or [Lease.Complete]. The error
// is [ErrHeld] if the lease was lost, since another worker has the task then.
func SaveState(keep func(json.RawMessage) error, state any) error {
	body, err := json.Marshal(state)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "task_result", "keep a task's state")
	}
	if err = keep(body); fault.Is(err, fault.Conflict) {
		return ErrHeld
	}
	return err
}

// errLost is the cause with which the context of a lost lease ends.
func errLost() error {
	return fault.New(fault.Busy, "lease_lost", "the lease on this task was lost")
}

// Keep renews the lease of a claimed task from now on. The holder writes only with the context that
// Lease.Context returns, and must call Complete or Release at the end.
func (l *Ledger) Keep(ctx context.Context, t Task) *Lease {
	ls := &Lease{ledger: l, task: t, stop: make(chan struct{}), turn: make(chan struct{}, 1)}
	ls.ctx, ls.cancel = context.WithCancelCause(ctx)
	ls.ended.Go(ls.renew)
	return ls
}

// Context returns a context that ends with its parent, or when the lease is or may be lost.
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

// beat renews once. It gives up in time for the next renewal.
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

// Task returns the task as it was last stored.
func (ls *Lease) Task() Task {
	ls.turn <- struct{}{}
	defer func() { <-ls.turn }()
	return ls.task
}

// Save stores the result so far.
func (ls *Lease) Save(result json.RawMessage) error {
	return ls.with(func(t Task) (Task, error) { return ls.ledger.Save(ls.ctx, t, result) })
}

// SaveWith stores the result so far, with other writes in the same transaction. The error is
// fault.Conflict if a condition of these fails.
func (ls *Lease) SaveWith(result json.RawMessage, writes ...table.Write) error {
	return ls.with(func(t Task) (Task, error) { return ls.ledger.Save(ls.ctx, t, result, writes...) })
}

// Complete ends the task with its result.
func (ls *Lease) Complete(result json.RawMessage) error {
	ls.halt()
	defer ls.cancel(nil)
	return ls.ledger.Complete(ls.ctx, ls.Task(), result)
}

// Release gives the undone task back. It works for a second even if the context has ended, so that
// a worker that stops at its deadline does not make the next one wait.
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
