package table

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// How a limit is cut and grows, and how a bucket is used.
const (
	cutTo     = 0.9             // of what was taken while more was refused
	cutLeast  = 0.5             // of itself: no limit is cut to less at once,
	runLeast  = 0.125           // nor by cuts in a row: what a table refuses at any rate, no pace can help
	leastRate = 10.0            // write units a second; below it the pauses do
	settle    = time.Second     // after a cut, small refusals are still about what was before
	recovery  = 4 * time.Second // from a cut back to the ceiling, ever slower;
	probing   = 2 * time.Second // and past the ceiling, ever faster: by a tenth in this time, by eight in twice of it

	slack     = 100 * time.Millisecond // so long unused capacity is kept: a late tick wastes none
	callUnits = 25.0                   // units that are worth a call,
	callTime  = 50 * time.Millisecond  // or what comes in this time, if that is less
	trial     = time.Second            // how long the one call after a pause may take before there is another
	learning  = 0.6                    // weight of the newest bill in what a unit is expected to cost
)

// bucket is a token bucket, in write units, whose limit is learned. It has none at first.
type bucket struct {
	rate    float64       // units a second; 0 is no limit
	ceiling float64       // what was found to be the most at the last cut
	age     time.Duration // of that cut, as far as the limit was felt since
	felt    bool          // somebody was held back since the last refill
	level   float64       // units that may go now; below 0 it is a debt
	at      time.Time     // of the last refill
	cut     uint64        // turn of the last cut
	top     float64       // the limit before the last cuts in a row
	dear    float64       // units billed for one foreseen: a delete costs what it deletes

	// Of partition keys only: nothing goes before paused. While struck, one call
	// goes at a time, until the engine takes one well.
	paused time.Time
	pause  uint64 // turn of the last pause
	struck bool
	wait   *backoff.ExponentialBackOff
}

// refill brings the bucket up to now. The limit grows only while it is felt:
// what nobody tried is not known to be possible.
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

// limit is CUBIC's curve (RFC 9438), with rates in place of windows: flat at
// the ceiling, where the limit most likely still is.
func (b *bucket) limit() float64 {
	x := float64(b.age - recovery)
	if x < 0 {
		x /= float64(recovery)
	} else {
		x /= float64(probing)
	}
	return b.ceiling * (1 + (1-cutTo)*x*x*x)
}

// lower cuts the limit to somewhat less than what was taken. Where there was
// none it is measured: t came in the time past.
func (b *bucket) lower(t tally, past time.Duration, turn uint64) {
	was := b.ceiling
	if b.rate == 0 {
		b.ceiling, b.level = t.taken/past.Seconds(), 0
	} else {
		b.ceiling = b.rate * max(cutLeast, t.taken/(t.taken+t.refused))
	}
	if b.rate == 0 || b.age >= settle {
		b.top = max(b.rate, b.ceiling)
	}
	if b.ceiling < was { // others may want a share: what one held longest is given away first
		b.ceiling *= (1 + cutTo) / 2
	}
	b.ceiling = max(b.ceiling, b.top*runLeast, leastRate)
	b.age, b.felt = 0, false
	b.rate = b.limit()
	b.level = min(b.level, 0)
	b.cut = turn
}

// settling tells whether t is still what the last cut is for: a table that was
// run dry refuses for a while after.
func (b *bucket) settling(t tally) bool {
	return b.rate > 0 && b.age < settle && t.refused < (1-cutTo)*(t.taken+t.refused)
}

// call is how many units are worth a call.
func (b *bucket) call() float64 { return min(callUnits, max(1, b.rate*callTime.Seconds())) }

// open tells whether a call may go, of n writes at most.
func (b *bucket) open(n int) bool {
	if b.rate == 0 || b.level >= min(b.call(), float64(n)) {
		return true
	}
	b.felt = true
	return false
}

// spent tells whether nothing more may go.
func (b *bucket) spent() bool { return b.rate > 0 && b.level <= 0 }

// bill charges what a call cost beyond what was foreseen, and learns from it for the next.
// billed is units billed for one foreseen.
func (b *bucket) bill(foreseen, billed float64) {
	if foreseen <= 0 {
		return
	}
	b.level -= foreseen * (billed - 1)
	b.dear += learning * b.dear * (billed - 1)
}

// judge pauses a partition key that was refused more than it was given, longer
// with each time in a row, and tells whether it did. An answer to a call from
// before the last pause says nothing new.
func (b *bucket) judge(t tally, launched, turn uint64, now time.Time) bool {
	if launched < b.pause {
		return false
	}
	if t.refused <= t.taken {
		if b.struck {
			b.wait.Reset()
		}
		b.struck, b.paused = false, time.Time{}
		return false
	}
	if b.wait == nil {
		b.wait = newBackoff()
	}
	b.paused, b.pause, b.struck = now.Add(b.wait.NextBackOff()), turn, true
	return true
}
