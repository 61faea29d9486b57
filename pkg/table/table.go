package table

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
)

// Table is a Driver with what every caller needs on top: it cuts work into calls, sends again what
// the engine left undone, and sums up the consumed capacity.
type Table struct {
	d      Driver
	limits Limits
	pace   *pacer // shared with the copies that Metered makes
	spent  *meter
}

// meter sums what was consumed, in thousandths of a unit, and counts the writes sent again.
type meter struct{ write, read, retried atomic.Int64 }

// New wraps a driver.
func New(d Driver) *Table {
	limits := d.Limits()
	return &Table{d: d, limits: limits, pace: newPacer(limits), spent: &meter{}}
}

// Metered returns the same table with a sum of its own, for one job or request.
func (t *Table) Metered() *Table {
	return &Table{d: t.d, limits: t.limits, pace: t.pace, spent: &meter{}}
}

// Spent returns the capacity consumed through this Table so far.
func (t *Table) Spent() Cost { return Cost{t.spent.write.Load(), t.spent.read.Load()} }

// Retried returns how many writes were sent again, because the engine left them undone or throttled
// the call.
func (t *Table) Retried() int64 { return t.spent.retried.Load() }

// Exclusive reports whether this process alone owns the table.
func (t *Table) Exclusive() bool { return t.limits.Exclusive }

// Close closes the driver.
func (t *Table) Close() error { return t.d.Close() }

func (t *Table) add(c Cost) {
	t.spent.write.Add(c.WriteMilli)
	t.spent.read.Add(c.ReadMilli)
}

// retry calls f until it is done, and waits longer after each call without progress. Work left
// undone and throttling (fault.Busy) are ordinary answers. Any other error ends it, and so does the
// end of ctx.
func retry(ctx context.Context, f func() (progress, done bool, err error)) error {
	wait := newBackoff()
	for {
		progress, done, err := f()
		switch {
		case err != nil && !fault.Is(err, fault.Busy):
			return err
		case err == nil && done:
			return nil
		case err == nil && progress:
			wait.Reset()
		}
		if err := pause(ctx, wait.NextBackOff()); err != nil {
			return err
		}
	}
}

func newBackoff() *backoff.ExponentialBackOff {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 20*time.Millisecond, 5*time.Second
	return wait
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return Stopped(ctx)
	case <-timer.C:
		return nil
	}
}

// Stopped returns the error of a call whose context ended while it waited for the table.
func Stopped(ctx context.Context) error {
	return fault.Wrap(ctx.Err(), fault.Unavailable, "stopped", "stopped while waiting for the table")
}

// Get returns the items that exist, in any order. There may be any number of keys; a key given
// twice is read once.
func (t *Table) Get(ctx context.Context, keys ...Key) ([]Item, error) {
	keys = distinct(keys)
	var (
		mu    sync.Mutex
		found []Item
	)
	err := t.chunked(ctx, len(keys), t.limits.Get, func(ctx context.Context, from, to int) error {
		left := keys[from:to]
		return retry(ctx, func() (bool, bool, error) {
			items, rest, cost, err := t.d.Get(ctx, left)
			t.add(cost)
			if err != nil {
				return false, false, err
			}
			mu.Lock()
			found = append(found, items...)
			mu.Unlock()
			progress := len(rest) < len(left)
			left = rest
			return progress, len(rest) == 0, nil
		})
	})
	return found, err
}

// Lookup is [Table.Get] that returns a map.
func (t *Table) Lookup(ctx context.Context, keys ...Key) (map[Key]Attrs, error) {
	items, err := t.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	m := make(map[Key]Attrs, len(items))
	for _, it := range items {
		m[it.Key] = it.Attrs
	}
	return m, nil
}

func distinct(keys []Key) []Key {
	if len(keys) < 2 {
		return keys
	}
	seen := make(map[Key]bool, len(keys))
	out := make([]Key, 0, len(keys))
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// chunked calls f for consecutive chunks of at most size, as many at once as the engine's limits
// advise.
func (t *Table) chunked(ctx context.Context, n, size int, f func(ctx context.Context, from, to int) error) error {
	if n <= size {
		if n == 0 {
			return nil
		}
		return f(ctx, 0, n)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, t.limits.Parallel))
	for from := 0; from < n; from += size {
		to := min(n, from+size)
		g.Go(func() error { return f(ctx, from, to) })
	}
	return g.Wait()
}

// Page reads one page. It waits while the engine throttles.
func (t *Table) Page(ctx context.Context, q Query) (Page, error) {
	var page Page
	err := retry(ctx, func() (bool, bool, error) {
		p, err := t.d.Query(ctx, q)
		t.add(p.Cost)
		page = p
		return err == nil, err == nil, err
	})
	return page, err
}

// Items walks a whole range, page after page. It doubles q.Limit with each page: a caller that
// wants a few more visible records may first have to pass over thousands of hidden ones.
func (t *Table) Items(ctx context.Context, q Query) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			page, err := t.Page(ctx, q)
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, it := range page.Items {
				if !yield(it, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
			q.Limit = min(2*q.Limit, maxLimit)
		}
	}
}

// maxLimit ends the doubling; a page never holds so many items.
const maxLimit = 1 << 20

// Scan reads one page of the whole table (see [Driver]). It waits while the engine throttles.
func (t *Table) Scan(ctx context.Context, after Key, limit int) (Scanned, error) {
	var page Scanned
	err := retry(ctx, func() (bool, bool, error) {
		p, err := t.d.Scan(ctx, after, limit)
		t.add(p.Cost)
		page = p
		return err == nil, err == nil, err
	})
	return page, err
}

// Write puts and deletes any number of items, each on its own, and returns when all are durable.
// No key may occur twice. After an error some items may have been written; it does no harm to write
// all of them again.
func (t *Table) Write(ctx context.Context, batch []Write) error {
	w := t.Writer(ctx)
	for chunk := range slices.Chunk(batch, t.BatchSize()) {
		w.lend(chunk)
	}
	return w.Flush()
}

// BatchSize returns how many writes fit into one call.
func (t *Table) BatchSize() int { return t.limits.Write }

// TransactSize returns how many writes one Transact may hold.
func (t *Table) TransactSize() int { return t.limits.Transact }

// Parallel returns how many calls are worth having in flight at once.
func (t *Table) Parallel() int { return max(1, t.limits.Parallel) }

// UnitsASecond returns how many write units a second the table is expected to take.
func (t *Table) UnitsASecond() int { return max(1, t.limits.UnitsASecond) }

// maxTransactBytes is the most that the items of one transaction may count together: DynamoDB takes
// 4 MB.
const maxTransactBytes = 4_000_000

// Transactions cuts writes, in their order, into as few transactions as possible: each has at most
// [Table.TransactSize] writes of 4 MB together.
func (t *Table) Transactions(writes []Write) (list [][]Write) {
	from, bytes := 0, 0
	for i := range writes {
		n := writes[i].Item.Size()
		if i > from && (i-from == t.TransactSize() || bytes+n > maxTransactBytes) {
			list, from, bytes = append(list, writes[from:i:i]), i, 0
		}
		bytes += n
	}
	if from < len(writes) {
		list = append(list, writes[from:])
	}
	return list
}

// Transact does a few conditional writes, all or none: at most [Table.TransactSize], of 4 MB
// together. A failed condition is fault.Conflict. It may also mean that an earlier try of the same
// call succeeded and its answer was lost.
func (t *Table) Transact(ctx context.Context, writes ...Write) error {
	bytes := 0
	for i := range writes {
		bytes += writes[i].Item.Size()
	}
	if bytes > maxTransactBytes {
		return fault.Newf(fault.Internal, "store_transaction", "a transaction of %d bytes, more than %d", bytes, maxTransactBytes)
	}
	return retry(ctx, func() (bool, bool, error) {
		cost, err := t.d.Transact(ctx, writes)
		t.add(cost)
		return err == nil, err == nil, err
	})
}

// DropsRanges reports whether the engine can delete a whole partition at once.
func (t *Table) DropsRanges() bool { _, ok := t.d.(RangeDeleter); return ok }

// DeleteRange deletes a whole partition at once. Call it only if [Table.DropsRanges].
func (t *Table) DeleteRange(ctx context.Context, pk string) error {
	rd, ok := t.d.(RangeDeleter)
	if !ok {
		return fault.New(fault.Internal, "store_range", "this engine can't drop a partition at once")
	}
	return rd.DeleteRange(ctx, pk)
}

// Purge returns when what was deleted from the partitions has left the disk (see [Purger]). An
// engine that keeps no files of its own has nothing to do.
func (t *Table) Purge(ctx context.Context, pks ...string) error {
	p, ok := t.d.(Purger)
	if !ok || len(pks) == 0 {
		return nil
	}
	return p.Purge(ctx, pks)
}

// Checkpoint puts the table into a folder (see [Checkpointer]). If the engine can't, the error is
// fault.Invalid.
func (t *Table) Checkpoint(ctx context.Context, dir string) error {
	c, ok := t.d.(Checkpointer)
	if !ok {
		return fault.New(fault.Invalid, "store_no_checkpoint", "this engine has no files that can be copied")
	}
	return c.Checkpoint(ctx, dir)
}
