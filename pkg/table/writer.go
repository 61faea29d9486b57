package table

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"reseed/pkg/fault"
)

// How much a Writer holds: two batches for every call that may be in flight (one in the call, one
// behind it), but not much more than roomBytes.
const (
	roomBatches = 2
	roomBytes   = 16 << 20
)

// Writer streams writes into the table: calls are in flight while more writes are added, and what
// the engine leaves undone is sent again, partition key by partition key, at the pace that the
// table takes. It is safe for concurrent use.
//
// It needs no closing. It has goroutines only while there is a full batch to send or a Flush waits;
// the end of its context ends them. No key may be added twice between two flushes, since writes
// have no order.
type Writer struct {
	t    *Table
	ctx  context.Context
	room int // most writes held

	mu      sync.Mutex
	changed sync.Cond // there is room, nothing is held, or the Writer has failed
	held    int       // writes added and not durable yet
	bytes   int       // their size
	waiting int       // how many of them are in no call
	full    [][]Write // batches in order of arrival
	last    []Write   // the batch being filled
	spare   [][]Write // empty batches to fill again
	queues  map[string]*queue
	order   []*queue // the next one first
	flushes int      // how many are under way
	workers int
	ticking bool
	err     error
}

// queue holds the writes of one partition key. Writes are queued only once there is a pace to keep.
type queue struct {
	pk     string
	writes []Write
}

// Writer returns a [Writer] that lives as long as ctx.
func (t *Table) Writer(ctx context.Context) *Writer {
	w := &Writer{t: t, ctx: ctx, room: roomBatches * t.Parallel() * t.BatchSize()}
	w.changed.L = &w.mu
	return w
}

// Add adds writes. It waits while the Writer holds too much. The error may be about any write added
// so far; all later calls return it too.
func (w *Writer) Add(writes ...Write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range writes {
		if err := w.makeRoom(); err != nil {
			return err
		}
		if n := len(w.spare); w.last == nil && n > 0 {
			w.last, w.spare = w.spare[n-1], w.spare[:n-1]
		}
		w.last = append(w.last, writes[i])
		w.hold(writes[i : i+1])
		if len(w.last) == w.t.BatchSize() {
			w.full, w.last = append(w.full, w.last), nil
			w.start()
		}
	}
	return nil
}

// lend adds the caller's own slice as a batch. The caller must not change it before Flush returns.
func (w *Writer) lend(batch []Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.makeRoom() == nil {
		w.full = append(w.full, batch)
		w.hold(batch)
		w.start()
	}
}

// Flush returns when everything added is durable. After an error some writes may be durable; it
// does no harm to write all of them again. In either case no call is in flight any more.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushes++
	if w.workers < w.t.Parallel() && w.ready() {
		w.workers++ // the caller works too: a small batch needs no goroutine
		w.mu.Unlock()
		w.work()
		w.mu.Lock()
	}
	w.pulse()
	for w.err == nil && w.held > 0 || w.err != nil && w.workers > 0 {
		w.changed.Wait()
	}
	w.flushes--
	return w.err
}

func (w *Writer) makeRoom() error {
	if w.crowded() {
		w.start()
	}
	for w.err == nil && w.crowded() {
		w.changed.Wait()
	}
	return w.err
}

// crowded reports whether the Writer should take no more.
func (w *Writer) crowded() bool { return w.held >= w.room || w.bytes >= roomBytes }

func (w *Writer) hold(writes []Write) {
	w.held += len(writes)
	w.waiting += len(writes)
	w.bytes += bytesOf(writes)
}

// bytesOf returns about how much memory writes take.
func bytesOf(writes []Write) (n int) {
	for i := range writes {
		it := &writes[i].Item
		n += len(it.PK) + len(it.SK) + len(it.Attrs)
	}
	return n
}

// ready reports whether there is something to send.
func (w *Writer) ready() bool {
	return w.err == nil && w.waiting > 0 && (w.waiting >= w.t.BatchSize() || w.flushes > 0 || w.crowded())
}

// start makes sure that what is ready is sent.
func (w *Writer) start() {
	if w.workers < w.t.Parallel() && w.ready() {
		w.workers++
		go w.work()
	}
	w.pulse()
}

// pulse makes sure that what is ready but held back by the pacer is looked at again.
func (w *Writer) pulse() {
	if !w.ticking && w.t.pace.on.Load() && w.ready() {
		w.ticking = true
		go w.ticks()
	}
}

// ticks sends what the pacer allows by now, again and again as long as anything is ready.
func (w *Writer) ticks() {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for w.again() {
		select {
		case <-w.ctx.Done():
			w.fail(Stopped(w.ctx))
		case now := <-timer.C:
			w.t.pace.advance(now)
		}
		// At random times, so that no Writer is always the first of several.
		timer.Reset(tick/2 + rand.N(tick)) //nolint:gosec // nothing to guess
	}
}

// again starts workers for what is ready, and reports whether anything was.
func (w *Writer) again() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticking = w.ready()
	w.start()
	return w.ticking
}

// work sends batches until no more may be sent.
func (w *Writer) work() {
	for {
		w.t.pace.enter()
		batch, turn := w.take()
		if batch == nil {
			w.t.pace.leave()
			return
		}
		left, cost, err := w.t.d.Write(w.ctx, batch)
		w.t.pace.leave()
		w.settle(batch, left, cost, err, turn)
	}
}

// take returns the next batch that may be sent, and the pacer's turn for it. If there is no such
// batch it counts the worker as ended.
func (w *Writer) take() (batch []Write, turn uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready() {
		if w.t.pace.on.Load() {
			batch, turn = w.paced()
		} else {
			batch = w.next()
		}
	}
	if batch == nil {
		w.workers--
		w.changed.Broadcast()
		w.pulse()
		return nil, 0
	}
	w.waiting -= len(batch)
	w.start()
	return batch, turn
}

// next takes the oldest batch.
func (w *Writer) next() (batch []Write) {
	if len(w.full) > 0 {
		batch, w.full = w.full[0], w.full[1:]
	} else {
		batch, w.last = w.last, nil
	}
	return batch
}

// paced takes a batch of what the pacer grants. It holds few partition keys, and the queues that it
// comes from go to the end.
func (w *Writer) paced() (batch []Write, turn uint64) {
	for len(w.full) > 0 || len(w.last) > 0 {
		w.sort(w.next())
	}
	batch, seen, turn := w.t.pace.grant(w.order, w.waiting, w.t.BatchSize())
	first := w.order[:seen]
	w.order = w.order[seen:]
	for _, q := range first {
		if len(q.writes) > 0 {
			w.order = append(w.order, q)
		} else {
			delete(w.queues, q.pk)
		}
	}
	return batch, turn
}

// sort puts writes into the queues of their partition keys.
func (w *Writer) sort(writes []Write) {
	if w.queues == nil {
		w.queues = map[string]*queue{}
	}
	for _, wr := range writes {
		q := w.queues[wr.Item.PK]
		if q == nil {
			q = &queue{pk: wr.Item.PK}
			w.queues[q.pk] = q
			w.order = append(w.order, q)
		}
		q.writes = append(q.writes, wr)
	}
}

// settle takes in the outcome of a batch. Throttling and writes left undone are ordinary answers;
// any other error ends the Writer.
func (w *Writer) settle(batch, left []Write, cost Cost, err error, turn uint64) {
	w.t.add(cost)
	if err != nil {
		if !fault.Is(err, fault.Busy) {
			w.fail(err)
			return
		}
		left = batch
	}
	w.t.spent.retried.Add(int64(len(left)))
	if len(left) > 0 || w.t.pace.on.Load() {
		w.t.pace.answer(batch, left, cost, turn)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held -= len(batch)
	w.bytes -= bytesOf(batch)
	if len(left) > 0 {
		w.full = append(w.full, left)
		w.hold(left)
	} else if len(batch) == w.t.BatchSize() {
		w.spare = append(w.spare, batch[:0])
	}
	w.changed.Broadcast()
	w.start()
}

// fail ends the Writer with err, unless it has failed before.
func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
}
