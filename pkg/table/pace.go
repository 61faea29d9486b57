package table

import (
	"sync"
	"sync/atomic"
	"time"
)

// How throttling is watched, and how many calls are made.
const (
	tick     = 10 * time.Millisecond  // how often one who must wait looks again
	watchFor = 100 * time.Millisecond // how long it is watched before a limit is cut,
	watchNum = 4                      // and how many answers are,
	watchMax = 2 * time.Second        // unless they take longer than this
	evidence = 3                      // refusing answers it takes for a first limit; a known one is cut at the first
	culprit  = 0.9                    // share of all that was refused which makes it one partition key's matter

	firstCalls = 4    // calls that may be in flight at first,
	callsEvery = 32   // and after how many there may be one more
	manyKeys   = 4096 // so many buckets are worth looking for unused ones
)

// pacer keeps writes at the rate the table takes. All copies of a Store share
// one. It has a [bucket] for the table and one for every partition key; none
// has a limit before the engine throttles, and engines that never do pay for
// one look at on.
//
// Nobody tells it the ceilings, and processes that share a table do not talk:
// each learns its share from what it is refused.
//
// Time is what the timers of those who wait say (advance). So it stands still
// when nobody waits, which is when it does not matter.
type pacer struct {
	on    atomic.Bool   // something was refused
	calls chan struct{} // one for each call in flight
	made  atomic.Int64

	mu    sync.Mutex
	now   time.Time
	turn  uint64 // goes up with every cut and pause: calls from before are told from those after
	table bucket
	keys  map[string]*bucket
	watch *watch
}

// watch is what is counted from the first refusal to the decision.
type watch struct {
	since   time.Time
	answers int
	all     tally
	keys    map[*bucket]*tally
}

// tally is units taken and refused, and the answers that refused any.
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
	p.table.dear = 1
	for range limits.Parallel - firstCalls {
		p.calls <- struct{}{}
	}
	return p
}

// enter waits for a call to end, if as many are in flight as may be.
func (p *pacer) enter() { p.calls <- struct{}{} }

// leave ends a call. Now and then there may be one more from then on, up to as
// many as are worth having: a process that joins others at a full table finds
// that out before it has sent much in vain.
func (p *pacer) leave() {
	<-p.calls
	if n := p.made.Add(1); n%callsEvery == 0 && n/callsEvery <= int64(cap(p.calls)-firstCalls) {
		<-p.calls
	}
}

// bucket is that of a partition key.
func (p *pacer) bucket(pk string) *bucket {
	b := p.keys[pk]
	if b == nil {
		if len(p.keys) >= manyKeys {
			p.forget()
		}
		b = &bucket{at: p.now, dear: p.table.dear}
		p.keys[pk] = b
	}
	return b
}

// forget drops what was not used lately: partition keys come and go with epochs.
func (p *pacer) forget() {
	for pk, b := range p.keys {
		if p.now.Sub(b.at) > time.Minute {
			delete(p.keys, pk)
		}
	}
}

// advance sets the time, and decides what was watched long enough.
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
	case gap > watchFor: // nobody knows how long it took
		p.watch = nil
	default:
		p.decide(w, now.Sub(w.since))
	}
}

// decide cuts the limit of what was asked for too much, once enough was seen.
func (p *pacer) decide(w *watch, past time.Duration) {
	if past < watchFor || past < watchMax && w.answers < watchNum {
		return
	}
	b, t := p.short(w)
	switch {
	case b.settling(*t):
		p.watch = nil
	case t.sure(b):
		p.watch = nil
		p.turn++
		b.lower(*t, past, p.turn)
	case past >= watchMax:
		p.watch = nil
	}
}

// short is the bucket of the partition key that was refused nearly all. Else it
// is the table's: what a full table refuses is spread over all keys.
func (p *pacer) short(w *watch) (*bucket, *tally) {
	for b, t := range w.keys {
		if t.refused >= culprit*w.all.refused && t.sure(b) {
			return b, t
		}
	}
	return &p.table, &w.all
}

// sure tells whether t is reason enough to cut b's limit, and tells a first one.
func (t *tally) sure(b *bucket) bool {
	return t.answers >= evidence && t.taken > 0 || t.answers > 0 && b.rate > 0
}

// grant takes what may go now from the first queues into a batch of at most
// size writes. It returns how many queues it looked at, and the turn to be given to answer.
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
		if !p.now.Before(b.paused) && b.open(len(q.writes)) {
			batch = p.move(q, b, batch, size)
		}
	}
	return batch, seen, p.turn
}

// move takes writes from q to batch. While a partition key is looked into
// without a limit of any kind it gets one small call at a time.
func (p *pacer) move(q *queue, b *bucket, batch []Write, size int) []Write {
	most := b.level
	if b.rate == 0 {
		most = float64(size) * MaxItemBytes
	}
	if b.struck || p.watch != nil && b.rate == 0 && p.table.rate == 0 {
		b.paused = p.now.Add(trial)
		most = min(most, callUnits)
	}
	i := 0
	for ; i < len(q.writes) && len(batch) < size && most > 0 && !p.table.spent(); i++ {
		n := q.writes[i].units() * b.dear
		most -= n
		b.level -= n
		p.table.level -= n
		batch = append(batch, q.writes[i])
	}
	q.writes = q.writes[i:]
	return batch
}

// answer learns from what became of a batch: left was refused, the rest was
// taken at that cost. launched is the turn when it went.
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
		if p.watch != nil && launched >= max(b.cut, p.table.cut) {
			p.watch.count(b, *t)
		}
	}
	if p.watch != nil {
		p.watch.answers++
	}
}

// tallies sums a batch by partition key, and in all.
func (p *pacer) tallies(batch, left []Write) (keys map[*bucket]*tally, all tally) {
	keys = make(map[*bucket]*tally, 1)
	add := func(w *Write, taken, refused float64) {
		b := p.bucket(w.Item.PK)
		if keys[b] == nil {
			keys[b] = &tally{}
		}
		n := w.units() * b.dear
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

// count adds what became of one call, once the time runs.
func (w *watch) count(b *bucket, t tally) {
	t.answers = 0
	w.all.add(t)
	if w.keys[b] == nil {
		w.keys[b] = &tally{}
	}
	w.keys[b].add(t)
}

// units is what a write will cost, as far as it tells.
func (w *Write) units() float64 { return float64(units(w.Item.Size(), writeUnitBytes)) }
