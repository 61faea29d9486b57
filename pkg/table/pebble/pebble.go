package pebble

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// The engine's limits. From batches of 4,000 on, syncing the log takes no noticeable share of the
// time (BenchmarkSortedBatches).
const (
	maxGet      = 1000
	maxWrite    = 4000
	maxTransact = 100
	stripes     = 64
	// unitsASecond is about what an import reaches on two cores (docs/BENCHMARKS.md).
	unitsASecond = 200_000
)

// Driver is a [table.Driver] in a folder.
type Driver struct {
	db      *pebble.DB
	lock    *pebble.Lock
	folder  folder
	refused refused

	life   sync.RWMutex // every call holds it for reading, Close for writing
	closed bool

	seed    maphash.Seed
	writing [stripes]sync.Mutex // by hash of the partition key; held from reading an item to replacing it
}

var (
	_ table.Driver       = (*Driver)(nil)
	_ table.RangeDeleter = (*Driver)(nil)
	_ table.Purger       = (*Driver)(nil)
	_ table.Checkpointer = (*Driver)(nil)
)

// Limits implements [table.Driver]. They are large: no call waits for a network, only for the sync
// of the log.
func (d *Driver) Limits() table.Limits {
	return table.Limits{Get: maxGet, Write: maxWrite, Transact: maxTransact, Parallel: 4, UnitsASecond: unitsASecond, Exclusive: true}
}

// Close waits for calls under way, and releases the folder.
func (d *Driver) Close() error {
	d.life.Lock()
	defer d.life.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	if err := errors.Join(d.db.Close(), d.lock.Close()); err != nil {
		return broken(err)
	}
	return nil
}

// enter keeps the engine open until leave is called.
func (d *Driver) enter(ctx context.Context) (leave func(), err error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	d.life.RLock()
	if d.closed {
		d.life.RUnlock()
		return nil, fault.New(fault.Unavailable, "store_closed", "the store is closed")
	}
	return d.life.RUnlock, nil
}

func cancelled(ctx context.Context) error {
	return fault.Wrap(ctx.Err(), fault.Unavailable, "store_cancelled", "the call was cancelled")
}

func broken(err error) error {
	return fault.Wrap(err, fault.Internal, "store_engine", "the embedded table failed")
}

// Get implements [table.Driver]. left is always empty.
func (d *Driver) Get(ctx context.Context, keys []table.Key) (items []table.Item, left []table.Key, cost table.Cost, err error) {
	if err := table.CheckKeys(keys, maxGet); err != nil {
		return nil, nil, cost, err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return nil, nil, cost, err
	}
	defer leave()
	sorted := slices.SortedFunc(slices.Values(keys), table.Key.Compare) // neighbours share blocks
	if twice(len(sorted), func(i int) table.Key { return sorted[i] }) {
		return nil, nil, cost, errTwice()
	}
	items = make([]table.Item, 0, len(keys))
	var name []byte
	for _, k := range sorted {
		name = appendKey(name[:0], k)
		attrs, found, err := d.read(name)
		if err != nil {
			return nil, nil, table.Cost{}, err
		}
		it := table.Item{Key: k, Attrs: attrs}
		if !found {
			cost = cost.Add(table.ReadCost(0))
			continue
		}
		items = append(items, it)
		cost = cost.Add(table.ReadCost(it.Size()))
	}
	return items, nil, cost, nil
}

// read returns a copy of the attributes stored under a key (see appendKey).
func (d *Driver) read(name []byte) (attrs table.Attrs, found bool, err error) {
	value, closer, err := d.db.Get(name)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, broken(err)
	}
	attrs = append(attrs, value...)
	if err := closer.Close(); err != nil {
		return nil, false, broken(err)
	}
	return attrs, true, nil
}

// Query implements [table.Driver].
func (d *Driver) Query(ctx context.Context, q table.Query) (table.Page, error) {
	from, to, some, err := q.Range()
	if err != nil || !some {
		return table.Page{}, err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return table.Page{}, err
	}
	defer leave()
	lower := appendKey(nil, table.Key{PK: q.PK, SK: from})
	upper := appendKey(nil, table.Key{PK: q.PK, SK: to})
	if to == "" {
		upper[len(upper)-1]++ // the end of the partition
	}
	iter, err := d.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return table.Page{}, broken(err)
	}
	page := collect(iter, q)
	if err := iter.Close(); err != nil { // returns every error of the iterator
		return table.Page{}, broken(err)
	}
	return page, nil
}

// collect walks one page. An error stops the iterator, whose Close then returns it.
func collect(iter *pebble.Iterator, q table.Query) table.Page {
	first, next := iter.First, iter.Next
	if q.Reverse {
		first, next = iter.Last, iter.Prev
	}
	page := pager{pk: q.PK, keysOnly: q.KeysOnly}
	if !q.KeysOnly {
		room := min(q.Limit, maxRoom)
		page.items, page.ends, page.names = make([]table.Item, 0, room), make([]int, 0, room), make([]byte, 0, room*nameLength)
	}
	for more := first(); more; {
		page.add(iter.Key()[len(q.PK)+1:], iter.Value())
		more = next()
		if more && (page.count == q.Limit || page.bytes >= table.PageBytes) {
			return page.page(true)
		}
	}
	return page.page(false)
}

// Scan implements [table.Driver]. The partitions come in the order of their keys.
func (d *Driver) Scan(ctx context.Context, after table.Key, limit int) (table.Scanned, error) {
	if err := table.CheckScan(after, limit); err != nil {
		return table.Scanned{}, err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return table.Scanned{}, err
	}
	defer leave()
	lower := appendKey(nil, after)
	if after.SK != "" {
		lower = append(lower, 0) // the least key above it
	}
	iter, err := d.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: lower})
	if err != nil {
		return table.Scanned{}, broken(err)
	}
	page := scan(iter, limit)
	if err := iter.Close(); err != nil { // returns every error of the iterator
		return table.Scanned{}, broken(err)
	}
	return page, nil
}

// scan walks one page. An error stops the iterator, whose Close then returns it.
func scan(iter *pebble.Iterator, limit int) (page table.Scanned) {
	var mem arena
	size, pk := 0, ""
	for more := iter.First(); more; more = iter.Next() {
		if n := len(page.Items); n > 0 && (n == limit || size >= table.PageBytes) {
			page.Next = page.Items[n-1].Key
			break
		}
		key := string(iter.Key())
		at := strings.IndexByte(key, 0)
		if key[:at] != pk { // the items of a partition share the text
			pk = key[:at]
		}
		it := table.Item{Key: table.Key{PK: pk, SK: key[at+1:]}, Attrs: mem.keep(iter.Value())}
		size += it.Size()
		page.Items = append(page.Items, it)
	}
	page.Cost = table.ReadCost(size)
	return page
}

// How much memory is allocated for a page at first.
const (
	maxRoom    = 256 // items
	nameLength = 32  // about the bytes of a sort key
)

// pager collects a page.
type pager struct {
	pk           string
	keysOnly     bool
	count, bytes int

	items []table.Item
	mem   arena
	// The sort keys are one text at first: a plan of an erase counts millions.
	names []byte
	ends  []int
	sizes []int
}

func (p *pager) add(sk, attrs []byte) {
	it := table.Item{Key: table.Key{PK: p.pk}, Attrs: attrs}
	size := it.Size() + len(sk)
	p.count++
	p.bytes += size
	p.names = append(p.names, sk...)
	p.ends = append(p.ends, len(p.names))
	if p.keysOnly {
		p.sizes = append(p.sizes, size)
		return
	}
	it.Attrs = p.mem.keep(attrs)
	p.items = append(p.items, it)
}

func (p *pager) page(more bool) table.Page {
	p.cutNames()
	page := table.Page{Items: p.items, Sizes: p.sizes, Cost: table.ReadCost(p.bytes)}
	if more {
		page.Next = p.items[p.count-1].SK
	}
	return page
}

// cutNames gives the items their keys.
func (p *pager) cutNames() {
	names := string(p.names)
	if p.keysOnly {
		p.items = make([]table.Item, p.count)
	}
	start := 0
	for i, end := range p.ends {
		p.items[i].Key = table.Key{PK: p.pk, SK: names[start:end]}
		start = end
	}
}

// arena copies small values into larger blocks: one allocation serves about a hundred items. A
// block is much smaller than a page, so an item that is kept does not keep a whole page in memory.
type arena []byte

const arenaBytes = 32 << 10

func (a *arena) keep(b []byte) []byte {
	if cap(*a)-len(*a) < len(b) {
		*a = make([]byte, 0, max(arenaBytes, len(b)))
	}
	start := len(*a)
	*a = append(*a, b...)
	return (*a)[start:len(*a):len(*a)]
}

// Write implements [table.Driver]. The batch is one commit: left is always empty, and either all
// writes are durable or none.
func (d *Driver) Write(ctx context.Context, batch []table.Write) (left []table.Write, cost table.Cost, err error) {
	if err := table.CheckWrites(batch, maxWrite); err != nil {
		return nil, cost, err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return nil, cost, err
	}
	defer leave()
	if len(batch) == 0 {
		return nil, cost, nil
	}
	batch = sorted(batch)
	if twice(len(batch), func(i int) table.Key { return batch[i].Item.Key }) {
		return nil, cost, errTwice()
	}
	defer d.hold(batch)()
	if cost, err = d.costOf(batch); err != nil {
		return nil, table.Cost{}, err
	}
	if err := d.commit(batch); err != nil {
		return nil, table.Cost{}, err
	}
	return nil, cost, nil
}

// costOf returns the cost of a sorted batch. If the caller does not know the size of an item that
// is replaced, it finds the item by walking an iterator beside the batch.
func (d *Driver) costOf(batch []table.Write) (cost table.Cost, err error) {
	var walk walker
	for i := range batch {
		w := &batch[i]
		before, after := max(0, w.Replaces), 0
		if w.Replaces == 0 {
			if walk.iter == nil {
				if walk.iter, err = d.db.NewIter(&pebble.IterOptions{LowerBound: appendKey(nil, w.Item.Key)}); err != nil {
					return cost, broken(err)
				}
			}
			before = walk.size(w.Item.Key)
		}
		if !w.Delete {
			after = w.Item.Size()
		}
		cost = cost.Add(table.WriteCost(before, after))
	}
	if walk.iter == nil {
		return cost, nil
	}
	if err := walk.iter.Close(); err != nil { // returns every error of the iterator
		return cost, broken(err)
	}
	return cost, nil
}

// walker finds stored items by keys in ascending order.
type walker struct {
	iter *pebble.Iterator
	at   bool // iter stands at an item
	name []byte
}

// size returns the size of the stored item; 0 if there is none.
func (w *walker) size(k table.Key) int {
	attrs, found := w.find(k)
	if !found {
		return 0
	}
	return table.Item{Key: k, Attrs: attrs}.Size()
}

// find returns the attributes stored under a key. They are valid until the next call.
func (w *walker) find(k table.Key) (attrs table.Attrs, found bool) {
	w.name = appendKey(w.name[:0], k)
	if !w.at || bytes.Compare(w.iter.Key(), w.name) < 0 {
		if w.at = w.iter.SeekGE(w.name); !w.at {
			return nil, false
		}
	}
	if !bytes.Equal(w.iter.Key(), w.name) {
		return nil, false
	}
	return w.iter.Value(), true
}

// commit writes the batch, and returns when it is synced.
func (d *Driver) commit(batch []table.Write) error {
	total := batchHeader
	for i := range batch {
		it := &batch[i].Item
		total += len(it.PK) + len(it.SK) + len(it.Attrs) + recordOverhead
	}
	b := d.db.NewBatchWithSize(total)
	for i := range batch {
		it := &batch[i].Item
		size := len(it.PK) + 1 + len(it.SK)
		var op *pebble.DeferredBatchOp
		if batch[i].Delete {
			op = b.DeleteDeferred(size)
		} else {
			op = b.SetDeferred(size, len(it.Attrs))
			copy(op.Value, it.Attrs)
		}
		appendKey(op.Key[:0], it.Key)
		if err := op.Finish(); err != nil {
			return broken(errors.Join(err, b.Close()))
		}
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return broken(errors.Join(err, b.Close()))
	}
	if err := b.Close(); err != nil {
		return broken(err)
	}
	return nil
}

// What a batch of Pebble holds besides keys and values, in bytes: a header, and with each record a
// kind, two lengths, and the 0x00 in the key.
const (
	batchHeader    = 12
	recordOverhead = 1 + 2 + 3 + 1
)

// Transact implements [table.Driver].
func (d *Driver) Transact(ctx context.Context, writes []table.Write) (cost table.Cost, err error) {
	if err := table.CheckWrites(writes, maxTransact); err != nil {
		return cost, err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return cost, err
	}
	defer leave()
	writes = sorted(writes)
	if twice(len(writes), func(i int) table.Key { return writes[i].Item.Key }) {
		return cost, errTwice()
	}
	defer d.hold(writes)()
	if cost, err = d.admitAll(writes); err != nil || len(writes) == 0 {
		return table.Cost{}, err
	}
	if err := d.commit(writes); err != nil {
		return table.Cost{}, err
	}
	if len(writes) > 1 {
		cost = cost.InTransaction()
	}
	return cost, nil
}

// walkFrom is the number of writes from which on an iterator walks beside them, since neighbours
// share blocks. Items of fewer writes are looked up one by one, which the filters speed up.
const walkFrom = 10

// admitAll checks the conditions of sorted writes and returns their cost.
func (d *Driver) admitAll(writes []table.Write) (cost table.Cost, err error) {
	var walk walker
	if len(writes) >= walkFrom {
		if walk.iter, err = d.db.NewIter(&pebble.IterOptions{LowerBound: appendKey(nil, writes[0].Item.Key)}); err != nil {
			return cost, broken(err)
		}
		defer func() {
			if closing := walk.iter.Close(); closing != nil { // returns every error of the iterator
				cost, err = table.Cost{}, broken(closing)
			}
		}()
	}
	for i := range writes {
		var attrs table.Attrs
		var found bool
		if walk.iter != nil {
			attrs, found = walk.find(writes[i].Item.Key)
		} else {
			walk.name = appendKey(walk.name[:0], writes[i].Item.Key)
			attrs, found, err = d.read(walk.name)
		}
		if err != nil {
			return table.Cost{}, err
		}
		c, err := admit(&writes[i], attrs, found)
		if err != nil {
			return table.Cost{}, err
		}
		cost = cost.Add(c)
	}
	return cost, nil
}

// admit checks a write's condition and returns its cost.
func admit(w *table.Write, attrs table.Attrs, found bool) (cost table.Cost, err error) {
	if !w.If.Holds(attrs, found) {
		return cost, fault.New(fault.Conflict, "store_condition", "the stored item is not as expected")
	}
	before, after := 0, 0
	if found {
		before = table.Item{Key: w.Item.Key, Attrs: attrs}.Size()
	}
	if !w.Delete {
		after = w.Item.Size()
	}
	return table.WriteCost(before, after), nil
}

// DeleteRange implements [table.RangeDeleter].
func (d *Driver) DeleteRange(ctx context.Context, pk string) error {
	if err := table.CheckKeys([]table.Key{{PK: pk, SK: "-"}}, 1); err != nil {
		return err
	}
	leave, err := d.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	defer d.hold([]table.Write{{Item: table.Item{Key: table.Key{PK: pk}}}})()
	s := spanOf(pk)
	if err := d.db.DeleteRange(s.lower, s.upper, pebble.Sync); err != nil {
		return broken(err)
	}
	return nil
}

// span is a range of stored keys: lower <= key < upper.
type span struct{ lower, upper []byte }

func spanOf(pk string) span {
	lower := appendKey(nil, table.Key{PK: pk})
	upper := slices.Clone(lower)
	upper[len(upper)-1]++
	return span{lower, upper}
}

// hold locks the partitions of a batch and returns a function that unlocks them. It locks in the
// same order for every batch, so that no two wait for each other.
func (d *Driver) hold(batch []table.Write) (free func()) {
	var set uint64
	last := ""
	for i := range batch {
		if pk := batch[i].Item.PK; i == 0 || pk != last {
			set |= 1 << (maphash.String(d.seed, pk) % stripes)
			last = pk
		}
	}
	for s := set; s != 0; s &= s - 1 {
		d.writing[bits.TrailingZeros64(s)].Lock()
	}
	return func() {
		for s := set; s != 0; s &= s - 1 {
			d.writing[bits.TrailingZeros64(s)].Unlock()
		}
	}
}

// sorted returns the batch in key order: a copy, unless it is sorted already.
func sorted(batch []table.Write) []table.Write {
	order := func(a, b table.Write) int { return a.Item.Compare(b.Item.Key) }
	if slices.IsSortedFunc(batch, order) {
		return batch
	}
	batch = slices.Clone(batch)
	slices.SortFunc(batch, order)
	return batch
}

// twice reports whether a key occurs twice in n sorted keys.
func twice(n int, key func(int) table.Key) bool {
	for i := 1; i < n; i++ {
		if key(i) == key(i-1) {
			return true
		}
	}
	return false
}

func errTwice() error {
	return fault.New(fault.Internal, "store_twice", "a batch names a key twice")
}

// appendKey appends a key as the engine stores it. No part of a key contains 0x00: so stored keys
// have the order of keys, and no partition lies within another.
func appendKey(b []byte, k table.Key) []byte {
	b = append(b, k.PK...)
	b = append(b, 0)
	return append(b, k.SK...)
}
