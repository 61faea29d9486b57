package main

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Each network may try wrongKeyBurst wrong keys at once, and then one each second. The answers to
// more wrong keys wait, up to wrongKeyWait.
const (
	wrongKeyBurst    = 10
	wrongKeyWait     = 5 * time.Second
	wrongKeyNetworks = 4096 // that are remembered
)

// wrongKeys slows requests with wrong keys down. A right key from the same network never waits.
type wrongKeys struct {
	mu   sync.Mutex
	from map[netip.Prefix]*rate.Limiter
}

func newWrongKeys() *wrongKeys { return &wrongKeys{from: map[netip.Prefix]*rate.Limiter{}} }

// asked is called for each request, with whether its key is right. It makes a wrong one wait.
func (k *wrongKeys) asked(r *http.Request, right bool) {
	if right {
		recognised(r)
		return
	}
	wait := k.limiter(r.RemoteAddr).Reserve()
	d := wait.Delay()
	if d > wrongKeyWait {
		wait.Cancel()
		d = wrongKeyWait/2 + rand.N(wrongKeyWait/2) //nolint:gosec // only so that not all are answered at the same moment
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// limiter returns the limiter of an address's network. If there are too many, any one is forgotten:
// after some seconds without a wrong key it would be as good as a new one.
func (k *wrongKeys) limiter(address string) *rate.Limiter {
	from := networkOf(address)
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.from[from]
	if l == nil {
		for old := range k.from {
			if len(k.from) < wrongKeyNetworks {
				break
			}
			delete(k.from, old)
		}
		l = rate.NewLimiter(rate.Every(time.Second), wrongKeyBurst)
		k.from[from] = l
	}
	return l
}

// networkOf is the network that counts as one client: an IPv4 address, or a /64 of IPv6, which a
// provider gives to one customer. All texts that are no addresses count as one client.
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
