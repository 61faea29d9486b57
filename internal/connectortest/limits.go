package connectortest

import (
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/source/remote"
)

// limits: the requests of a reader never exceed what its system allows, whether one pull is answered at once or many are answered slowly;
// and they come to 95 % of it at least, so that nothing else than the limits holds a pull back.
func limits(t *testing.T, c Case) {
	t.Helper()
	for name, tt := range map[string]struct {
		pulls   int
		latency time.Duration
	}{
		"one pull, answered at once":              {1, 0},
		"pulls at the same time, answered soon":   {20, 200 * time.Millisecond},
		"pulls at the same time, answered slowly": {20, 2 * time.Second},
	} {
		allowed := perSecond(c.Limits, tt.latency)
		if math.IsInf(allowed, 1) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				t.Helper()
				toOurTime()
				w := c.New(t, time.Now())
				w.Fill(1, time.Second)
				counted := &counted{World: w, latency: tt.latency}
				span := max(10*time.Second, time.Duration(40*float64(time.Second)/allowed))
				c.readFor(t, counted, tt.pulls, span)
				counted.within(t, c.Limits)
				share := float64(counted.before(span)) / (allowed * span.Seconds())
				if t.Logf("%.1f %% of the %.1f requests a second that are allowed", 100*share, allowed); share < .95 || share > 1 {
					t.Errorf("%d requests in %v", counted.before(span), span)
				}
			})
		})
	}
}

// perSecond is how many requests a second limits allow, if each is answered after a while.
func perSecond(l remote.Limits, latency time.Duration) float64 {
	allowed := math.Inf(1)
	if l.PerSecond > 0 {
		allowed = l.PerSecond
	}
	if l.InFlight > 0 {
		allowed = min(allowed, float64(l.InFlight)/latency.Seconds())
	}
	return allowed
}

// readFor reads a world again and again with one reader, in several pulls at the same time.
func (c Case) readFor(t *testing.T, w World, pulls int, span time.Duration) {
	t.Helper()
	r, begin := c.reader(t, w), time.Now()
	var all sync.WaitGroup
	for range pulls {
		all.Go(func() {
			for at := r.Begin(begin.AddDate(1, 0, 0), ""); time.Since(begin) < span; {
				p, err := r.Page(t.Context(), at)
				if err != nil {
					t.Error(err)
					return
				}
				if at = p.Next; p.Done {
					at = r.Begin(begin.AddDate(1, 0, 0), "")
				}
			}
		})
	}
	all.Wait()
}

// counted is a world that answers after a while, and counts.
type counted struct {
	World

	latency time.Duration

	mu        sync.Mutex
	starts    []time.Time
	now, most int
}

// RoundTrip answers late.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count(1)
	defer c.count(-1)
	time.Sleep(c.latency)
	return c.World.RoundTrip(r)
}

func (c *counted) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.starts = append(c.starts, time.Now())
	}
	c.now += n
	c.most = max(c.most, c.now)
}

// within checks that limits were kept, in each span of time.
func (c *counted) within(t *testing.T, l remote.Limits) {
	t.Helper()
	if l.InFlight > 0 && c.most > l.InFlight {
		t.Errorf("%d requests at the same time", c.most)
	}
	for i, at := range c.starts {
		if l.PerSecond == 0 {
			break
		}
		for _, n := range []int{1, max(1, int(l.PerSecond))} { // spread evenly, and in each second
			if took := at.Sub(c.starts[max(0, i-n)]); i >= n && took.Seconds()*l.PerSecond < float64(n) {
				t.Fatalf("%d requests within %v", n+1, took)
			}
		}
	}
}

// before is how many requests were made in the first so and so long.
func (c *counted) before(span time.Duration) (n int) {
	for _, at := range c.starts {
		if at.Sub(c.starts[0]) < span {
			n++
		}
	}
	return n
}
