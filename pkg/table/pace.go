package table

import (
	"sync"
	"sync/atomic"
	"time"
)

// How throttling is watched before a limit is cut.
const (
	tick     = 10 * time.Millisecond  // how often a writer that must wait looks again
	watchFor = 100 * time.Millisecond // a watch takes at least so long,
	watchNum = 4                      // and at least so many answers,
	watchMax = 2 * time.Second        // unless they take longer than this

	firstEvidence = 3   // answers with refusals that a first limit needs; a cut of a known limit needs one
	culpritShare  = 0.9 // if so much of what was refused is of one partition key, that key is cut, not the table
)

// How many calls may be in flight, and buckets remembered.
const (
	firstCalls = 4    // calls in flight at first,
	callsEvery = 32   // and after how many calls there may be one more
	manyKeys   = 4096 // from so many buckets on, unused ones are dropped
)

// pacer keeps writes at the rate that the table takes. All copies of a Table share one. It has a
// [bucket] for the table and one for every partition key. No bucket has a limit before the engine
// throttles; with an engine that never does, each write pays for one look at on.
//
// No setting tells it the table's limits, and processes that share a table do not talk to each
// other: each learns its share from what it is refused.
//
// Its time comes from the timers of waiting writers (see advance). It stands still while no writer
// waits, when it does not matter.
type pacer struct {
	on    atomic.Bool   // something was refused
	calls chan struct{} // one for each call in flight, and for each that may not be made yet
	made  atomic.Int64

	mu    sync.Mutex
	now   time.Time
	turn  uint64 // goes up with every cut and pause: tells calls made before it from calls after
	table bucket
	keys  map[string]*bucket
	watch *watch
}

// watch is what is counted between the first refusal and the decision.
type watch struct {
	since   time.Time
	answers int
	all     tally
	keys    map[*bucket]*tally
}

// tally counts units taken and refused, and the answers that refused any.
type tally struct {
	taken, refused float64
	answers        int
}

func (t *tally) add(u tally) {
	t.taken += u.taken
	t.refused += u.refused
	if u.refused > 0 {
		t.answers++
	}
}

func newPacer(limits Limits) *pacer {
	p := &pacer{calls: make(chan struct{}, max(1, limits.Parallel)), keys: map[string]*bucket{}}
	p.table.price = 1
	for range limits.Parallel - firstCalls {
		p.calls <- struct{}{}
	}
	return p
}

// enter begins a call. It waits while as many are in flight as may be.
func (p *pacer) enter() { p.calls <- struct{}{} }

// leave ends a call. After every callsEvery calls one more may be in flight, up to the engine's
// Parallel: so a process that joins others at a busy table finds out before many writes are
// refused.
func (p *pacer) leave() {
	<-p.calls
	if n := p.made.Add(1); n%callsEvery == 0 && n/callsEvery <= int64(cap(p.calls)-firstCalls) {
		<-p.calls
	}
}

// bucket returns the bucket of a partition key.
func (p *pacer) bucket(pk string) *bucket {
	b := p.keys[pk]
	if b == nil {
		if len(p.keys) >= manyKeys {
			p.forget()
		}
		b = &bucket{at: p.now, price: p.table.price}
		p.keys[pk] = b
	}
	return b
}

// forget drops buckets that were not used lately: partition keys come and go with epochs.
func (p *pacer) forget() {
	for pk, b := range p.keys {
		if p.now.Sub(b.at) > time.Minute {
			delete(p.keys, pk)
		}
	}
}

// advance sets the time, and decides about a watch that has lasted long enough.
func (p *pacer) advance(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gap := now.Sub(p.now)
	if gap <= 0 {
		return
	}
	p.now = now
	w := p.watch
	switch {
	case w == nil:
	case w.since.IsZero():
		w.since = now
	case gap > watchFor: // no writer kept the time meanwhile, so no rate can be measured
		p.watch = nil
	default:
		p.decide(w, now.Sub(w.since))
	}
}

// decide cuts a limit once the watch has seen enough.
func (p *pacer) decide(w *watch, past time.Duration) {
	if past < watchFor || past < watchMax && w.answers < watchNum {
		return
	}
	b, t := p.culprit(w)
	switch {
	case b.settles(*t):
		p.watch = nil
	case t.sure(b):
		p.watch = nil
		p.turn++
		b.lower(*t, past, p.turn)
	case past >= watchMax:
		p.watch = nil
	}
}

// culprit returns the bucket whose limit was exceeded: of the partition key that has nearly all
// refusals, else of the table, since the refusals of a busy table are spread over all keys.
func (p *pacer) culprit(w *watch) (*bucket, *tally) {
	for b, t := range w.keys {
		if t.refused >= culpritShare*w.all.refused && t.sure(b) {
			return b, t
		}
	}
	return &p.table, &w.all
}

// sure reports whether t is reason enough to cut b's limit, or enough to measure a first one.
func (t *tally) sure(b *bucket) bool {
	return t.answers >= firstEvidence && t.taken > 0 || t.answers > 0 && b.rate > 0
}

// grant moves writes that may be sent now from the first queues into a batch of at most size; n is
// how many writes are queued. It returns the batch, how many queues it looked at, and the turn,
// which the caller gives to answer.
func (p *pacer) grant(queues []*queue, n, size int) (batch []Write, seen int, turn uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table.refill(p.now)
	if !p.table.open(min(n, size)) {
		return nil, 0, p.turn
	}
	for _, q := range queues {
		if len(batch) == size || p.table.spent() {
			break
		}
		seen++
		b := p.bucket(q.pk)
		b.refill(p.now)
		if !p.now.Before(b.pauseEnd) && b.open(len(q.writes)) {
			batch = p.move(q, b, batch, size)
		}
	}
	return batch, seen, p.turn
}

// move moves writes from q to batch. A struck key sends one small call at a time. During a watch so
// does every key, unless it or the table has a limit.
func (p *pacer) move(q *queue, b *bucket, batch []Write, size int) []Write {
	most := b.level
	if b.rate == 0 {
		most = float64(size) * MaxItemBytes
	}
	if b.struck || p.watch != nil && b.rate == 0 && p.table.rate == 0 {
		b.pauseEnd = p.now.Add(trial)
		most = min(most, callUnits)
	}
	i := 0
	for ; i < len(q.writes) && len(batch) < size && most > 0 && !p.table.spent(); i++ {
		n := q.writes[i].units() * b.price
		most -= n
		b.level -= n
		p.table.level -= n
		batch = append(batch, q.writes[i])
	}
	q.writes = q.writes[i:]
	return batch
}

// answer learns from the outcome of a batch: left was refused, the rest was taken at that cost.
// launched is the turn at which grant made the batch.
func (p *pacer) answer(batch, left []Write, cost Cost, launched uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(left) > 0 {
		p.on.Store(true)
		if p.watch == nil {
			p.watch = &watch{keys: map[*bucket]*tally{}}
		}
	}
	keys, all := p.tallies(batch, left)
	billed := 1.0
	if used := cost.WriteUnits(); used > 0 && all.taken > 0 {
		billed = used / all.taken
	}
	p.table.bill(all.taken, billed)
	for b, t := range keys {
		b.bill(t.taken, billed)
		t.taken *= billed
		t.refused *= billed
		if b.judge(*t, launched, p.turn+1, p.now) {
			p.turn++
		}
		if p.watch != nil && launched >= max(b.cutTurn, p.table.cutTurn) {
			p.watch.count(b, *t)
		}
	}
	if p.watch != nil {
		p.watch.answers++
	}
}

// tallies sums up a batch by partition key, and in all.
func (p *pacer) tallies(batch, left []Write) (keys map[*bucket]*tally, all tally) {
	keys = make(map[*bucket]*tally, 1)
	add := func(w *Write, taken, refused float64) {
		b := p.bucket(w.Item.PK)
		if keys[b] == nil {
			keys[b] = &tally{}
		}
		n := w.units() * b.price
		t := tally{taken: taken * n, refused: refused * n}
		keys[b].add(t)
		all.add(t)
	}
	for i := range batch {
		add(&batch[i], 1, 0)
	}
	for i := range left {
		add(&left[i], -1, 1)
	}
	return keys, all
}

// count adds one answer about a partition key.
func (w *watch) count(b *bucket, t tally) {
	t.answers = 0
	w.all.add(t)
	if w.keys[b] == nil {
		w.keys[b] = &tally{}
	}
	w.keys[b].add(t)
}

// units is what the write costs as far as it shows: the cost of an item that it replaces or deletes
// is not known.
func (w *Write) units() float64 { return float64(units(w.Item.Size(), writeUnitBytes)) }
