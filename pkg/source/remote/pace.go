package remote

import (
	"math"
	"sync"
	"time"
)

// Limits is how fast a system may be asked. A zero means that there is no such limit.
type Limits struct {
	PerSecond float64 // requests a second, evenly spread: so another process that goes on with a pull asks for one more at most
	InFlight  int     // requests at the same time
}

// slowest is the smallest share of PerSecond to which refusals slow requests down.
const slowest = 1. / 16

// pace tells each request when its turn is. A refusal halves the rate; each success wins back a fiftieth
// of the limit.
type pace struct {
	limits Limits

	mu   sync.Mutex
	rate float64   // requests a second now
	next time.Time // no request starts before
}

func newPace(l Limits) *pace { return &pace{limits: l, rate: l.PerSecond} }

// turn takes the next turn, and returns how long to wait for it.
func (p *pace) turn(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now
	if p.next.After(at) {
		at = p.next
	}
	p.next = at
	if p.rate > 0 {
		p.next = at.Add(time.Duration(math.Ceil(float64(time.Second) / p.rate)))
	}
	return at.Sub(now)
}

// refused slows down, and holds all requests back for a while.
func (p *pace) refused(now time.Time, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = max(p.rate/2, p.limits.PerSecond*slowest)
	if until := now.Add(pause); until.After(p.next) {
		p.next = until
	}
}

func (p *pace) succeeded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = min(p.rate+p.limits.PerSecond/50, p.limits.PerSecond)
}
