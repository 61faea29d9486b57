package table

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// How a limit is cut. There is a lower bound to cuts in a row: if a table refuses at any rate, a
// slower pace does not help.
const (
	cutTo     = 0.9         // a cut sets the limit to this share of the ceiling
	cutLeast  = 0.5         // one cut lowers the ceiling at most to this share of the limit,
	runLeast  = 0.125       // and cuts in a row at most to this share
	leastRate = 10.0        // units a second: no lower ceiling, since pauses work better there
	settling  = time.Second // for so long after a cut, a few refusals are still due to the rate before it
)

// How a limit grows again: ever slower up to the ceiling, then ever faster, by a tenth after
// probing and by eight tenths after twice as long.
const (
	recovery = 4 * time.Second // from a cut back to the ceiling
	probing  = 2 * time.Second
)

// How a bucket is used.
const (
	slack     = 100 * time.Millisecond // unused capacity is kept for so long: a late tick wastes nothing
	callUnits = 25.0                   // a call waits for so many units,
	callTime  = 50 * time.Millisecond  // or for the units that come in this time, if they are fewer
	trial     = time.Second            // a key that sends one call at a time sends the next after this, if no answer comes
	learning  = 0.6                    // weight of the newest bill in the expected price
)

// bucket is a token bucket, in write units. It learns its limit; at first it has none.
type bucket struct {
	rate    float64       // the limit in units a second; 0 means none
	ceiling float64       // the most that the table takes, as found at the last cut
	age     time.Duration // time since that cut during which the limit was felt
	felt    bool          // the limit held a call back since the last refill
	level   float64       // units that may be sent now; a debt if negative
	at      time.Time     // of the last refill
	cutTurn uint64        // turn of the last cut
	top     float64       // the limit before the last cuts in a row
	price   float64       // units billed for one expected: what a delete costs shows only afterwards

	// Partition keys only. Nothing is sent before pauseEnd. A struck key sends one call at a time,
	// until the engine takes at least half of one.
	pauseEnd  time.Time
	pauseTurn uint64 // turn of the last pause
	struck    bool
	wait      *backoff.ExponentialBackOff
}

// refill brings the bucket up to now. The limit grows only while it is felt: a rate that was never
// tried may not be possible.
func (b *bucket) refill(now time.Time) {
	past := now.Sub(b.at)
	if past <= 0 {
		return
	}
	b.at = now
	if b.rate == 0 {
		return
	}
	b.level = min(b.level+b.rate*past.Seconds(), b.rate*slack.Seconds()+b.call())
	if b.felt {
		b.felt = false
		b.age += min(past, 2*tick)
		b.rate = b.limit()
	}
}

// limit returns the limit at the bucket's age. Like CUBIC's window (RFC 9438) it follows a cubic
// curve that is flat at the ceiling, where the table's limit most likely still is.
func (b *bucket) limit() float64 {
	x := float64(b.age - recovery)
	if x < 0 {
		x /= float64(recovery)
	} else {
		x /= float64(probing)
	}
	return b.ceiling * (1 + (1-cutTo)*x*x*x)
}

// lower cuts the limit to somewhat less than the table took. A first limit is measured: t is what
// was taken and refused in the time past.
func (b *bucket) lower(t tally, past time.Duration, turn uint64) {
	was := b.ceiling
	if b.rate == 0 {
		b.ceiling, b.level = t.taken/past.Seconds(), 0
	} else {
		b.ceiling = b.rate * max(cutLeast, t.taken/(t.taken+t.refused))
	}
	if b.rate == 0 || b.age >= settling {
		b.top = max(b.rate, b.ceiling)
	}
	if b.ceiling < was { // another process may want a share: give some up at once, as CUBIC does
		b.ceiling *= (1 + cutTo) / 2
	}
	b.ceiling = max(b.ceiling, b.top*runLeast, leastRate)
	b.age, b.felt = 0, false
	b.rate = b.limit()
	b.level = min(b.level, 0)
	b.cutTurn = turn
}

// settles reports whether the refusals in t may still be due to the rate before the last cut: a
// table that has used up its capacity goes on refusing for a while.
func (b *bucket) settles(t tally) bool {
	return b.rate > 0 && b.age < settling && t.refused < (1-cutTo)*(t.taken+t.refused)
}

// call returns how many units a call waits for.
func (b *bucket) call() float64 { return min(callUnits, max(1, b.rate*callTime.Seconds())) }

// open reports whether a call of at most n writes may be sent.
func (b *bucket) open(n int) bool {
	if b.rate == 0 || b.level >= min(b.call(), float64(n)) {
		return true
	}
	b.felt = true
	return false
}

// spent reports whether nothing more may be sent.
func (b *bucket) spent() bool { return b.rate > 0 && b.level <= 0 }

// bill charges what a call cost beyond the expected units, and adapts the price. billed is the
// units billed for one expected.
func (b *bucket) bill(expected, billed float64) {
	if expected <= 0 {
		return
	}
	b.level -= expected * (billed - 1)
	b.price += learning * b.price * (billed - 1)
}

// judge pauses a partition key of which more was refused than taken, for longer each time in a row,
// and reports whether it did. It ignores an answer to a call from before the last pause, which says
// nothing new.
func (b *bucket) judge(t tally, launched, turn uint64, now time.Time) bool {
	if launched < b.pauseTurn {
		return false
	}
	if t.refused <= t.taken {
		if b.struck {
			b.wait.Reset()
		}
		b.struck, b.pauseEnd = false, time.Time{}
		return false
	}
	if b.wait == nil {
		b.wait = newBackoff()
	}
	b.pauseEnd, b.pauseTurn, b.struck = now.Add(b.wait.NextBackOff()), turn, true
	return true
}
