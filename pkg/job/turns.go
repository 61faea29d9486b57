package job

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Jobs of a source take turns: one holds the lock of the source, the others wait (I7). The lock
// passes from one job to the next in the transaction that ends the first one. A job that has to
// wait writes the lock again, with a new number, in the transaction that stores the job. So the
// holder cannot release the lock without noticing that the job waits.

// Attributes of a lock.
const (
	// attrTurn holds a new random number whenever a job takes the lock, so that no job can release
	// the lock of another.
	attrTurn = "turn"
	// attrQueue holds a new random number then too, and whenever a job begins to wait. Locks of
	// older versions lack it.
	attrQueue = "queue"
)

// draw returns a random number, which is unique in practice.
func draw() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}

func lockItem(tag store.Tag, holder string, turn int64) table.Item {
	attrs := table.NewBuilder().Str(attrJob, holder).IntAlways(attrTurn, turn).IntAlways(attrQueue, draw()).Attrs()
	return table.Item{Key: store.LockKey(tag), Attrs: attrs}
}

func takeLock(tag store.Tag, holder string) table.Write {
	return table.Write{Item: lockItem(tag, holder, draw()), If: table.Cond{Op: table.Absent}}
}

// asSeen returns the condition that a lock is held as it was read, and no further job has begun to
// wait.
func asSeen(lock table.Attrs) table.Cond {
	attr := attrQueue
	n, ok := lock.Int(attr)
	if !ok {
		attr = attrTurn
		n, _ = lock.Int(attr)
	}
	return table.Cond{Op: table.Equals, Attr: attr, N: n}
}

// Holder returns the id of the job that holds the lock of a source; empty if the lock is free, and
// for tag 0.
func (l *Ledger) Holder(ctx context.Context, tag store.Tag) (string, error) {
	lock, err := l.lock(ctx, tag)
	return lock.Str(attrJob), err
}

// lock reads the lock of a source; nil if it is free.
func (l *Ledger) lock(ctx context.Context, tag store.Tag) (table.Attrs, error) {
	if tag == 0 {
		return nil, nil
	}
	items, err := l.st.Get(ctx, store.LockKey(tag))
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0].Attrs, nil
}

// Lock takes the lock of one source for a job that visits several sources. It returns false while
// another job holds the lock.
func (l *Ledger) Lock(ctx context.Context, tag store.Tag, id string) (bool, error) {
	holder, err := l.Holder(ctx, tag)
	if err != nil || holder != "" {
		return holder == id, err
	}
	err = l.st.Transact(ctx, takeLock(tag, id))
	if !fault.Is(err, fault.Conflict) {
		return err == nil, err
	}
	holder, err = l.Holder(ctx, tag)
	return holder == id, err
}

// Unlock releases a lock that Lock took. The job that has waited for the source longest starts in
// the same transaction. Unlock returns that job, which the caller sends to the workers; nil if no
// job waits, or if another job holds the lock.
func (l *Ledger) Unlock(ctx context.Context, tag store.Tag, id string) (*Job, error) {
	for {
		lock, err := l.lock(ctx, tag)
		if err != nil || lock.Str(attrJob) != id {
			return nil, err
		}
		next, writes, err := l.pass(ctx, tag, lock)
		if err != nil {
			return nil, err
		}
		switch done, err := l.commit(ctx, writes[0].Item, writes...); {
		case err != nil:
			return nil, err
		case done:
			return next, nil
		}
	}
}

// place decides whether a job that begins can run: it does if the lock of its source is free, else
// it waits. It returns the writes for that, and the lock as it was.
func (l *Ledger) place(ctx context.Context, j *Job) (lock table.Attrs, writes []table.Write, err error) {
	if lock, err = l.lock(ctx, j.Tag); err != nil {
		return nil, nil, err
	}
	if lock != nil {
		j.Status, j.StartedAt = Waiting, time.Time{}
		turn, _ := lock.Int(attrTurn)
		return lock, []table.Write{{Item: lockItem(j.Tag, lock.Str(attrJob), turn), If: asSeen(lock)}}, nil
	}
	j.Status, j.StartedAt = Running, l.now().UTC()
	if j.Tag != 0 {
		writes = []table.Write{takeLock(j.Tag, j.ID)}
	}
	return nil, writes, nil
}

// pass returns the writes that pass the lock of a source to the job that has waited longest, and
// start that job. The first write is the lock. If no job waits, the lock is released, and next is
// nil.
func (l *Ledger) pass(ctx context.Context, tag store.Tag, lock table.Attrs) (next *Job, writes []table.Write, err error) {
	open, err := l.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, j := range open {
		if j.Tag == tag && j.Status == Waiting {
			run, err := l.run(j)
			return j, []table.Write{{Item: lockItem(tag, j.ID, draw()), If: asSeen(lock)}, run}, err
		}
	}
	return nil, []table.Write{{Item: table.Item{Key: store.LockKey(tag)}, Delete: true, If: asSeen(lock)}}, nil
}

// run returns the write that starts a waiting job.
func (l *Ledger) run(j *Job) (table.Write, error) {
	j.Status, j.StartedAt = Running, l.now().UTC()
	return l.next(j)
}

// StartWaiting starts jobs that wait although the lock of their source is free, one for each
// source. That happens only while processes of an older version run, which start the next job in a
// second transaction.
func (l *Ledger) StartWaiting(ctx context.Context) ([]*Job, error) {
	open, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	var started []*Job
	seen := map[store.Tag]bool{}
	for _, j := range open {
		if j.Status != Waiting || seen[j.Tag] {
			continue
		}
		seen[j.Tag] = true
		s, err := l.start(ctx, j)
		if err != nil {
			return started, err
		}
		if s != nil {
			started = append(started, s)
		}
	}
	return started, nil
}

// start takes the lock for a waiting job and starts it. It returns nil if the lock is not free, or
// if another process has started the job.
func (l *Ledger) start(ctx context.Context, j *Job) (*Job, error) {
	holder, err := l.Holder(ctx, j.Tag)
	if err != nil || holder != "" {
		return nil, err
	}
	run, err := l.run(j)
	if err != nil {
		return nil, err
	}
	err = l.st.Transact(ctx, takeLock(j.Tag, j.ID), run)
	if fault.Is(err, fault.Conflict) {
		return nil, nil //nolint:nilnil // another process was faster
	}
	return j, err
}
