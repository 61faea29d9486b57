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

// Jobs of a source take turns: one holds the lock of the source, the others wait (I7). The lock passes from one job to the
// next in the transaction in which the first one ends. A job that comes to wait writes the lock anew in the transaction that
// stores it, so the holder cannot give the lock back without seeing that the job waits.

// Attributes of a lock.
const (
	attrTurn  = "turn"  // drawn when a job takes the lock: no job gives back what another one has taken
	attrQueue = "queue" // drawn then too, and whenever a job comes to wait; not in locks that older versions took
)

// draw makes a number that nobody else has.
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

// asSeen is the condition that a lock is held as it was read, with nobody else come to wait.
func asSeen(lock table.Attrs) table.Cond {
	attr := attrQueue
	n, ok := lock.Int(attr)
	if !ok {
		attr = attrTurn
		n, _ = lock.Int(attr)
	}
	return table.Cond{Op: table.Equals, Attr: attr, N: n}
}

// Holder is the id of the job that has the lock of a source; empty if it is free, or for tag 0.
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

// Lock takes the lock of one source for a job that visits many. It is false
// while another job has it.
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

// Unlock gives back what Lock took. The job that waits for the source longest starts in the same transaction, and is
// returned: it is to be handed out. It is nil if there is none, or if the lock is another's.
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
		err = l.st.Transact(ctx, writes...)
		if err == nil {
			return next, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if next == nil {
			continue
		}
		if same, err := l.holds(ctx, writes[0].Item); same || err != nil {
			return next, err
		}
	}
}

// place gives a job that begins its place at its source, and the writes of that: it runs if the lock is free, else it waits. It
// returns the lock as it was.
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

// pass gives the writes by which the lock of a source passes to the job that waits for the source longest, which they start.
// The first one is the lock. Without such a job the source is free, and next is nil.
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

// run is the write that starts a waiting job.
func (l *Ledger) run(j *Job) (table.Write, error) {
	j.Status, j.StartedAt = Running, l.now().UTC()
	return l.next(j)
}

// StartWaiting starts what waits for a lock that is free, one job a source. Jobs come to that only beside processes of an older
// version, which start the next job after the one before has ended.
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

// start makes a waiting job a running one, with the lock. It is nil if the
// lock is not free, or somebody else has started the job.
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
		return nil, nil //nolint:nilnil // somebody was faster
	}
	return j, err
}
