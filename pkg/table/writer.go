package table

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"reseed/pkg/fault"
)

// What a Writer holds at most: a batch for every call that may be in flight and
// as many behind; less, if they are large.
const (
	roomBatches = 2
	roomBytes   = 16 << 20
)

// Writer streams writes into the table: calls are in flight while more is
// added, and what the engine leaves undone is sent again, partition key by
// partition key, at the pace the table takes. It is safe for concurrent use.
//
// It needs no closing. It has goroutines only while there is a full batch to
// send, or a Flush waits; the end of its context ends them. No key may be
// added twice between two flushes, for writes have no order.
type Writer struct {
	t    *Table
	ctx  context.Context
	room int // most writes held

	mu      sync.Mutex
	changed sync.Cond // there is room, nothing is held, or it failed
	held    int       // writes added and not durable
	bytes   int       // of those
	waiting int       // of those, writes in no call
	full    [][]Write // batches in order of arrival
	last    []Write   // the one being filled
	spare   [][]Write // to be filled again
	queues  map[string]*queue
	order   []*queue // whose turn it is
	flushes int      // under way
	workers int
	ticking bool
	err     error
}

// queue is the writes of a partition key, once there is a pace to keep.
type queue struct {
	pk     string
	writes []Write
}

// Writer makes a Writer that lives as long as ctx.
func (t *Table) Writer(ctx context.Context) *Writer {
	w := &Writer{t: t, ctx: ctx, room: roomBatches * t.Parallel() * t.BatchSize()}
	w.changed.L = &w.mu
	return w
}

// Add takes writes over, and waits while too much is held. Its error is that of
// any write added so far, and stays.
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

// lend adds a batch that is the caller's, who leaves it alone until Flush.
func (w *Writer) lend(batch []Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.makeRoom() == nil {
		w.full = append(w.full, batch)
		w.hold(batch)
		w.start()
	}
}

// Flush returns when everything added is durable. On an error some may be:
// writing all again is harmless. No call is in flight then any more.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushes++
	if w.workers < w.t.Parallel() && w.ready() {
		w.workers++ // the one who waits is one of them: a small batch needs no goroutine
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

// crowded tells that no more should be held.
func (w *Writer) crowded() bool { return w.held >= w.room || w.bytes >= roomBytes }

func (w *Writer) hold(writes []Write) {
	w.held += len(writes)
	w.waiting += len(writes)
	w.bytes += bytesOf(writes)
}

// bytesOf is about what writes take in memory.
func bytesOf(writes []Write) (n int) {
	for i := range writes {
		it := &writes[i].Item
		n += len(it.PK) + len(it.SK) + len(it.Attrs)
	}
	return n
}

// ready tells whether there is something to send.
func (w *Writer) ready() bool {
	return w.err == nil && w.waiting > 0 && (w.waiting >= w.t.BatchSize() || w.flushes > 0 || w.crowded())
}

// start sees to it that what is ready is sent.
func (w *Writer) start() {
	if w.workers < w.t.Parallel() && w.ready() {
		w.workers++
		go w.work()
	}
	w.pulse()
}

// pulse sees to it that what is ready but may not go yet is looked at again.
func (w *Writer) pulse() {
	if !w.ticking && w.t.pace.on.Load() && w.ready() {
		w.ticking = true
		go w.ticks()
	}
}

// ticks starts what may go by now, as long as anything is ready.
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
		// Uneven, so that no Writer is always the first of several.
		timer.Reset(tick/2 + rand.N(tick)) //nolint:gosec // nothing to guess
	}
}

func (w *Writer) again() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticking = w.ready()
	w.start()
	return w.ticking
}

// work sends batches until none may go.
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

// take is the next batch that may go, and the pacer's turn as it goes. If there
// is none, the worker has ended.
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

// next is the oldest batch.
func (w *Writer) next() (batch []Write) {
	if len(w.full) > 0 {
		batch, w.full = w.full[0], w.full[1:]
	} else {
		batch, w.last = w.last, nil
	}
	return batch
}

// paced is a batch of what the pacer grants, of few partition keys.
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

// settle takes in what became of a batch. Throttling and what was left undone
// are ordinary answers; any other error ends it.
func (w *Writer) settle(batch, left []Write, cost Cost, err error, turn uint64) {
	w.t.add(cost)
	if err != nil {
		if !fault.Is(err, fault.Busy) {
			w.fail(err)
			return
		}
		left = batch
	}
	w.t.spent.again.Add(int64(len(left)))
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

// fail ends it with the first error.
func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
}
