package mem

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Op is a method of the driver.
type Op string

// The methods that count as calls.
const (
	Get      Op = "get"
	Query    Op = "query"
	Scan     Op = "scan"
	Write    Op = "write"
	Transact Op = "transact"
)

// Options say how often the engine fails. The zero value never fails and has DynamoDB's limits.
type Options struct {
	// Seed makes a run repeatable, if its calls come in the same order.
	Seed uint64
	// Busy is the share of calls (0 to 1) that are refused with fault.Busy.
	Busy float64
	// Lost is the share of calls (0 to 1) that are applied and then fail with fault.Unavailable, as
	// if the answer was lost.
	Lost float64
	// Partial is the share of Get and Write calls (0 to 1) that leave a random part of the batch
	// undone: at least one key or write, at most all.
	Partial float64
	// FailBefore and FailAfter are the numbers of calls that fail with fault.Unavailable before or
	// after they are applied. All methods count together, from 1; 0 means no call.
	FailBefore, FailAfter int
	// Before is called before the n-th call (from 1) is applied, After afterwards. An error that
	// they return is the call's error. They may block, and may call the driver.
	Before, After func(op Op, n int) error
	// Limits replaces DynamoDB's limits (see [New]).
	Limits table.Limits
	// PageBytes replaces table.PageBytes, so that a test need not fill a page.
	PageBytes int
}

// Driver is a [table.Driver] in memory.
type Driver struct {
	opt Options

	mu     sync.Mutex
	rnd    *rand.Rand
	calls  int
	closed bool
	parts  map[string]partition
}

var _ table.Driver = (*Driver)(nil)

// partition holds the items of one partition key in ascending order. It holds pointers, since every
// new item moves those behind it.
type partition []*table.Item

func (p partition) find(sk string) (int, bool) {
	return slices.BinarySearchFunc(p, sk, func(it *table.Item, sk string) int { return cmp.Compare(it.SK, sk) })
}

// New makes an empty table.
func New(opt Options) *Driver {
	if opt.Limits == (table.Limits{}) {
		opt.Limits = table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 8}
	}
	if opt.PageBytes == 0 {
		opt.PageBytes = table.PageBytes
	}
	return &Driver{
		opt:   opt,
		rnd:   rand.New(rand.NewPCG(opt.Seed, 1)), //nolint:gosec // repeatable on purpose
		parts: map[string]partition{},
	}
}

// Clone returns another table with copies of the same items.
func (d *Driver) Clone(opt Options) *Driver {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := New(opt)
	for pk, part := range d.parts {
		for _, it := range part {
			c.parts[pk] = append(c.parts[pk], kept(*it))
		}
	}
	return c
}

// All returns copies of all items, in the order of their keys.
func (d *Driver) All() []table.Item {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []table.Item
	for _, pk := range slices.Sorted(maps.Keys(d.parts)) {
		for _, it := range d.parts[pk] {
			all = append(all, clone(*it, false))
		}
	}
	return all
}

// Limits implements [table.Driver]: DynamoDB's limits unless set otherwise.
func (d *Driver) Limits() table.Limits { return d.opt.Limits }

// Calls returns the number of calls so far, failed ones too.
func (d *Driver) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Close drops all items and makes every later call fail.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed, d.parts = true, nil
	return nil
}

// call does the work of one call under the lock, and lets go wrong what the options say.
func (d *Driver) call(ctx context.Context, op Op, work func() error) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "store_cancelled", "the call was cancelled")
	}
	n, busy, lost := d.draw()
	if d.opt.Before != nil {
		if err := d.opt.Before(op, n); err != nil {
			return err
		}
	}
	if n == d.opt.FailBefore {
		return fault.New(fault.Unavailable, "store_unavailable", "the engine cannot be reached")
	}
	if busy {
		return fault.New(fault.Busy, "store_busy", "the engine is throttling")
	}
	if err := d.apply(work); err != nil {
		return err
	}
	if d.opt.After != nil {
		if err := d.opt.After(op, n); err != nil {
			return err
		}
	}
	if lost || n == d.opt.FailAfter {
		return fault.New(fault.Unavailable, "store_timeout", "the engine's answer did not come")
	}
	return nil
}

func (d *Driver) draw() (n int, busy, lost bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	return d.calls, d.rnd.Float64() < d.opt.Busy, d.rnd.Float64() < d.opt.Lost
}

func (d *Driver) apply(work func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fault.New(fault.Unavailable, "store_closed", "the store is closed")
	}
	return work()
}

// Get implements [table.Driver]. The items come in random order.
func (d *Driver) Get(ctx context.Context, keys []table.Key) (items []table.Item, left []table.Key, cost table.Cost, err error) {
	if err = table.CheckKeys(keys, d.opt.Limits.Get); err == nil {
		err = distinct(keys)
	}
	if err != nil {
		return nil, nil, table.Cost{}, err
	}
	err = d.call(ctx, Get, func() error {
		var now []table.Key
		now, left = split(d, keys)
		for _, k := range now {
			it, found := d.stored(k)
			if found {
				items = append(items, clone(it, false))
				cost = cost.Add(table.ReadCost(it.Size()))
			} else {
				cost = cost.Add(table.ReadCost(0))
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, table.Cost{}, err
	}
	return items, left, cost, nil
}

// Query implements [table.Driver].
func (d *Driver) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	from, to, some, err := q.Range()
	if err != nil {
		return page, err
	}
	err = d.call(ctx, Query, func() error {
		if some {
			page = d.page(q, from, to)
		}
		return nil
	})
	if err != nil {
		return table.Page{}, err
	}
	return page, nil
}

func (d *Driver) page(q table.Query, from, to string) (page table.Page) {
	part := d.parts[q.PK]
	lo, _ := part.find(from)
	hi := len(part)
	if to != "" {
		hi, _ = part.find(to)
	}
	part = part[lo:hi]
	size := 0
	for i := range part {
		it := part[i]
		if q.Reverse {
			it = part[len(part)-1-i]
		}
		size += it.Size()
		page.Items = append(page.Items, clone(*it, q.KeysOnly))
		if (q.Limit > 0 && i+1 == q.Limit || size >= d.opt.PageBytes) && i+1 < len(part) {
			page.Next = it.SK
			break
		}
	}
	page.Cost = table.ReadCost(size)
	return page
}

// Scan implements [table.Driver]. The partitions come in the order of their keys.
func (d *Driver) Scan(ctx context.Context, after table.Key, limit int) (page table.Scanned, err error) {
	if err := table.CheckScan(after, limit); err != nil {
		return page, err
	}
	err = d.call(ctx, Scan, func() error {
		page = d.scan(after, limit)
		return nil
	})
	if err != nil {
		return table.Scanned{}, err
	}
	return page, nil
}

func (d *Driver) scan(after table.Key, limit int) (page table.Scanned) {
	size := 0
	for _, pk := range slices.Sorted(maps.Keys(d.parts)) {
		if pk < after.PK {
			continue
		}
		part := d.parts[pk]
		if pk == after.PK {
			i, _ := part.find(after.SK + " ") // the least key above it
			part = part[i:]
		}
		for _, it := range part {
			if n := len(page.Items); n > 0 && (n == limit || size >= d.opt.PageBytes) {
				page.Next, page.Cost = page.Items[n-1].Key, table.ReadCost(size)
				return page
			}
			size += it.Size()
			page.Items = append(page.Items, clone(*it, false))
		}
	}
	page.Cost = table.ReadCost(size)
	return page
}

// Write implements [table.Driver].
func (d *Driver) Write(ctx context.Context, batch []table.Write) (left []table.Write, cost table.Cost, err error) {
	if err = table.CheckWrites(batch, d.opt.Limits.Write); err == nil {
		err = distinct(keysOf(batch))
	}
	if err != nil {
		return nil, table.Cost{}, err
	}
	err = d.call(ctx, Write, func() error {
		var now []table.Write
		now, left = split(d, batch)
		for _, w := range now {
			cost = cost.Add(d.put(w))
		}
		return nil
	})
	if err != nil {
		return nil, table.Cost{}, err
	}
	return left, cost, nil
}

// Transact implements [table.Driver].
func (d *Driver) Transact(ctx context.Context, writes []table.Write) (cost table.Cost, err error) {
	if err = table.CheckWrites(writes, d.opt.Limits.Transact); err == nil {
		err = distinct(keysOf(writes))
	}
	if err != nil {
		return table.Cost{}, err
	}
	err = d.call(ctx, Transact, func() error {
		for _, w := range writes {
			if it, found := d.stored(w.Item.Key); !w.If.Holds(it.Attrs, found) {
				return fault.New(fault.Conflict, "store_condition", "the stored item is not as expected")
			}
		}
		for _, w := range writes {
			cost = cost.Add(d.put(w))
		}
		return nil
	})
	if err != nil {
		return table.Cost{}, err
	}
	if len(writes) > 1 {
		cost = cost.InTransaction()
	}
	return cost, nil
}

func (d *Driver) stored(k table.Key) (table.Item, bool) {
	part := d.parts[k.PK]
	if i, found := part.find(k.SK); found {
		return *part[i], true
	}
	return table.Item{}, false
}

func (d *Driver) put(w table.Write) table.Cost {
	part := d.parts[w.Item.PK]
	i, found := part.find(w.Item.SK)
	before, after := 0, 0
	if found {
		before = part[i].Size()
	}
	switch {
	case w.Delete && found:
		part = slices.Delete(part, i, i+1)
	case w.Delete:
	case found:
		after = w.Item.Size()
		part[i] = kept(w.Item)
	default:
		after = w.Item.Size()
		part = slices.Insert(part, i, kept(w.Item))
	}
	if len(part) == 0 {
		delete(d.parts, w.Item.PK)
	} else {
		d.parts[w.Item.PK] = part
	}
	return table.WriteCost(before, after)
}

// split leaves a random part of a batch undone now and then. Both parts are new slices in random
// order.
func split[T any](d *Driver, batch []T) (now, left []T) {
	batch = slices.Clone(batch)
	d.rnd.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	if len(batch) == 0 || d.rnd.Float64() >= d.opt.Partial {
		return batch, nil
	}
	n := d.rnd.IntN(len(batch)) // at least one is left
	return batch[:n:n], batch[n:]
}

func kept(it table.Item) *table.Item {
	it = clone(it, false)
	return &it
}

func clone(it table.Item, keyOnly bool) table.Item {
	if keyOnly {
		return table.Item{Key: it.Key}
	}
	return table.Item{Key: it.Key, Attrs: slices.Clone(it.Attrs)}
}

func keysOf(writes []table.Write) []table.Key {
	keys := make([]table.Key, len(writes))
	for i := range writes {
		keys[i] = writes[i].Item.Key
	}
	return keys
}

func distinct(keys []table.Key) error {
	seen := make(map[table.Key]struct{}, len(keys))
	for _, k := range keys {
		seen[k] = struct{}{}
	}
	if len(seen) < len(keys) {
		return fault.New(fault.Internal, "store_twice", "a batch names a key twice")
	}
	return nil
}
