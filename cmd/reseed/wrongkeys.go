package main

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An address may try this many wrong keys at once, and one every second; each further answer waits, up to wrongKeyWait.
const (
	wrongKeyBurst  = 10
	wrongKeyWait   = 5 * time.Second
	wrongKeySource = 4096 // addresses that are remembered
)

// wrongKeys keeps those waiting who come with wrong keys. A right key from the same address never waits.
type wrongKeys struct {
	mu   sync.Mutex
	from map[netip.Prefix]*rate.Limiter
}

func newWrongKeys() *wrongKeys { return &wrongKeys{from: map[netip.Prefix]*rate.Limiter{}} }

// asked is told of each request.
func (k *wrongKeys) asked(r *http.Request, right bool) {
	if right {
		recognised(r)
		return
	}
	wait := k.limiter(r.RemoteAddr).Reserve()
	d := wait.Delay()
	if d > wrongKeyWait {
		wait.Cancel()
		d = wrongKeyWait/2 + rand.N(wrongKeyWait/2) //nolint:gosec // only so that not all come at the same moment
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// limiter is that of an address; of IPv6 a whole /64, which one customer of a provider has. When there are too many, any is
// forgotten: it would have been as good as new in some seconds.
func (k *wrongKeys) limiter(address string) *rate.Limiter {
	from := networkOf(address)
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.from[from]
	if l == nil {
		for old := range k.from {
			if len(k.from) < wrongKeySource {
				break
			}
			delete(k.from, old)
		}
		l = rate.NewLimiter(rate.Every(time.Second), wrongKeyBurst)
		k.from[from] = l
	}
	return l
}

// networkOf is the network that counts as one client; all addresses that are none count as one.
func networkOf(address string) netip.Prefix {
	at, _ := netip.ParseAddrPort(address)
	ip := at.Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}
