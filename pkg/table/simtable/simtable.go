package simtable

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Options say how much the table takes and how often it fails. There are no defaults.
type Options struct {
	Key, Table float64       // ceilings, in write units a second
	Burst      time.Duration // unused capacity is kept for so long (DynamoDB: up to 5 minutes)
	// MinLatency and MaxLatency bound how long a call takes.
	MinLatency, MaxLatency time.Duration
	// Fail and Lose are the shares of writing calls (0 to 1) that end with fault.Unavailable:
	// before they are applied, and after.
	Fail, Lose float64
	Seed       uint64
	Now        func() time.Time // must run with the timers of package time
}

// Counts is the outcome of all writes so far.
type Counts struct {
	Calls  int
	Tried  int     // writes that were sent
	Undone int     // how many of them were left undone or refused for want of capacity
	Units  float64 // consumed
}

// Retried returns the share of the writes sent that came back (0 to 1).
func (c Counts) Retried() float64 { return float64(c.Undone) / float64(max(1, c.Tried)) }

// Sub returns the counts since d was taken.
func (c Counts) Sub(d Counts) Counts {
	return Counts{c.Calls - d.Calls, c.Tried - d.Tried, c.Undone - d.Undone, c.Units - d.Units}
}

// Table is a [table.Driver] that puts ceilings on another one.
type Table struct {
	table.Driver
	opt Options

	mu     sync.Mutex
	rnd    *rand.Rand
	table  bucket
	keys   map[string]*bucket
	counts Counts
}

// New puts ceilings on d. Nothing else may write to d.
func New(d table.Driver, opt Options) *Table {
	rnd := rand.New(rand.NewPCG(opt.Seed, 1)) //nolint:gosec // repeatable on purpose
	t := &Table{Driver: d, opt: opt, rnd: rnd, keys: map[string]*bucket{}}
	t.table = bucket{level: opt.Table * opt.Burst.Seconds(), at: opt.Now()}
	return t
}

// SetCeilings changes what the table takes from now on.
func (t *Table) SetCeilings(key, all float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refill()
	t.opt.Key, t.opt.Table = key, all
}

// Counts returns the outcome of all writes so far.
func (t *Table) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// Write implements [table.Driver].
func (t *Table) Write(ctx context.Context, batch []table.Write) (left []table.Write, cost table.Cost, err error) {
	there, back, fate := t.draw()
	if err := wait(ctx, there); err != nil {
		return nil, cost, err
	}
	if fate < t.opt.Fail {
		return nil, cost, fault.New(fault.Unavailable, "store_unavailable", "the table failed for the moment")
	}
	left, cost, err = t.write(ctx, batch)
	if err := wait(ctx, back); err != nil {
		return nil, table.Cost{}, err
	}
	if err == nil && fate < t.opt.Fail+t.opt.Lose {
		return nil, table.Cost{}, fault.New(fault.Unavailable, "store_timeout", "the table's answer did not come")
	}
	return left, cost, err
}

// Get implements [table.Driver]. Reads take time, but have no ceilings.
func (t *Table) Get(ctx context.Context, keys []table.Key) ([]table.Item, []table.Key, table.Cost, error) {
	if err := t.read(ctx); err != nil {
		return nil, nil, table.Cost{}, err
	}
	return t.Driver.Get(ctx, keys)
}

// Query implements [table.Driver].
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := t.read(ctx); err != nil {
		return table.Page{}, err
	}
	return t.Driver.Query(ctx, q)
}

func (t *Table) read(ctx context.Context) error {
	there, back, _ := t.draw()
	return wait(ctx, there+back)
}

// draw draws how long a call and its answer travel, and a number from 0 to 1 that decides whether
// it fails.
func (t *Table) draw() (there, back time.Duration, fate float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	latency := t.opt.MinLatency + time.Duration(t.rnd.Int64N(int64(t.opt.MaxLatency-t.opt.MinLatency)+1))
	return latency / 2, latency - latency/2, t.rnd.Float64()
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "store_cancelled", "the call was cancelled")
	}
}

func (t *Table) write(ctx context.Context, batch []table.Write) (left []table.Write, cost table.Cost, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stored, err := t.sizes(ctx, batch)
	if err != nil {
		return nil, cost, err
	}
	t.refill()
	t.counts.Calls++
	t.counts.Tried += len(batch)
	var now []table.Write
	for _, i := range t.rnd.Perm(len(batch)) {
		w := batch[i]
		after := 0
		if !w.Delete {
			after = w.Item.Size()
		}
		if t.take(w.Item.PK, table.WriteCost(stored[w.Item.Key], after).WriteUnits()) {
			now = append(now, w)
		} else {
			left = append(left, w)
		}
	}
	t.counts.Undone += len(left)
	if len(now) == 0 && len(left) > 0 {
		return nil, cost, fault.New(fault.Busy, "store_busy", "the table is throttling")
	}
	_, cost, err = t.Driver.Write(ctx, now)
	if err != nil {
		return nil, cost, err
	}
	t.counts.Units += cost.WriteUnits()
	return left, cost, nil
}

// sizes returns the sizes of the items stored under the keys of a batch.
func (t *Table) sizes(ctx context.Context, batch []table.Write) (map[table.Key]int, error) {
	keys := make([]table.Key, len(batch))
	for i := range batch {
		keys[i] = batch[i].Item.Key
	}
	items, _, _, err := t.Driver.Get(ctx, keys)
	if err != nil {
		return nil, err
	}
	sizes := make(map[table.Key]int, len(items))
	for _, it := range items {
		sizes[it.Key] = it.Size()
	}
	return sizes, nil
}

// bucket is a token bucket in write units.
type bucket struct {
	level float64
	at    time.Time
}

// refill brings the bucket up to now; it holds at least one item.
func (b *bucket) refill(now time.Time, rate, burst float64) {
	b.level = min(b.level+rate*now.Sub(b.at).Seconds(), max(rate*burst, table.MaxItemBytes>>10))
	b.at = now
}

func (t *Table) refill() {
	now, burst := t.opt.Now(), t.opt.Burst.Seconds()
	t.table.refill(now, t.opt.Table, burst)
	for _, b := range t.keys {
		b.refill(now, t.opt.Key, burst)
	}
}

// take takes units from both buckets, or from neither if one has too few.
func (t *Table) take(pk string, units float64) bool {
	b := t.keys[pk]
	if b == nil {
		b = &bucket{level: t.opt.Key * t.opt.Burst.Seconds(), at: t.table.at}
		t.keys[pk] = b
	}
	if b.level < units || t.table.level < units {
		return false
	}
	b.level -= units
	t.table.level -= units
	return true
}
