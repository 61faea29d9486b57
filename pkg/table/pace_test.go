package table_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/simtable"
)

// What is asked of the pace: the ceiling is used, and little is sent in vain.
const (
	leastUsed   = 0.95
	mostRetried = 0.03
)

// scene is writers of some processes, at one table with ceilings.
type scene struct {
	table   simtable.Options
	stores  int             // processes
	writers int             // of each
	keys    int             // partition keys of all; a writer has one
	bytes   func(i int) int // of the n-th item's largest attribute
	length  time.Duration
	during  func(*simtable.Table)
}

// ceilings are those of the issue: 1,000 units a second and partition key,
// 4,000 in all, a second's burst, and answers after 5 to 20 ms.
func ceilings() simtable.Options {
	return simtable.Options{
		Key: 1000, Table: 4000, Burst: time.Second, Seed: 1, Now: time.Now,
		MinLatency: 5 * time.Millisecond, MaxLatency: 20 * time.Millisecond,
	}
}

func small(int) int { return 300 }

// mixed is 0.3 to 8 KB.
func mixed(i int) int { return 300 + i*977%7800 }

func scenes() map[string]scene {
	short := ceilings()
	short.Burst = 100 * time.Millisecond
	long := ceilings()
	long.Burst = 20 * time.Second
	const minute = time.Minute
	return map[string]scene{
		"keys=16":             {table: ceilings(), stores: 1, writers: 16, keys: 16, bytes: small, length: minute},
		"keys=16,burst=0.1s":  {table: short, stores: 1, writers: 16, keys: 16, bytes: small, length: minute},
		"keys=16,burst=20s":   {table: long, stores: 1, writers: 16, keys: 16, bytes: small, length: minute},
		"keys=16,KB=0.3-8":    {table: ceilings(), stores: 1, writers: 16, keys: 16, bytes: mixed, length: minute},
		"keys=1":              {table: ceilings(), stores: 1, writers: 1, keys: 1, bytes: small, length: minute},
		"keys=1,writers=4":    {table: ceilings(), stores: 1, writers: 4, keys: 1, bytes: small, length: minute},
		"keys=16,processes=4": {table: ceilings(), stores: 4, writers: 4, keys: 16, bytes: small, length: minute},
	}
}

// crowds are scenes of many processes: their start, when nobody knows anything, counts for more.
func crowds() map[string]scene {
	return map[string]scene{
		"keys=16,processes=4,writers=64": {table: ceilings(), stores: 4, writers: 16, keys: 16, bytes: small, length: 2 * time.Minute},
		"keys=32,processes=16":           {table: ceilings(), stores: 16, writers: 2, keys: 32, bytes: small, length: 2 * time.Minute},
	}
}

// figures are what came of a scene. Seconds holds the counts after each.
type figures struct {
	used, retried float64
	seconds       []simtable.Counts
}

func (f figures) check(t *testing.T) {
	t.Helper()
	t.Logf("%.1f %% of the ceiling used, %.2f %% of writes retried", 100*f.used, 100*f.retried)
	if f.used < leastUsed || f.retried > mostRetried {
		t.Errorf("%.1f %% of the ceiling used, %.2f %% of writes retried", 100*f.used, 100*f.retried)
	}
}

// play lets all writers add as fast as they can, counts, and checks that what
// was flushed is stored. It is to be called in a bubble of synctest.
func (s scene) play(t *testing.T) (f figures) {
	t.Helper()
	engine := mem.New(mem.Options{Limits: table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 32}})
	sim := simtable.New(engine, s.table)
	end := time.Now().Add(s.length)
	var wg sync.WaitGroup
	added := make([]int, s.stores*s.writers)
	for p := range s.stores {
		st := table.New(sim)
		for i := p * s.writers; i < (p+1)*s.writers; i++ {
			wg.Go(func() { added[i] = s.write(t, st, i, end) })
		}
	}
	if s.during != nil {
		wg.Go(func() { s.during(sim) })
	}
	for time.Now().Before(end) {
		time.Sleep(time.Second)
		f.seconds = append(f.seconds, sim.Counts())
	}
	wg.Wait()
	s.stored(t, engine, added)
	ceiling := min(s.table.Table, float64(s.keys)*s.table.Key)
	last := f.seconds[len(f.seconds)-1]
	f.used = (last.Units/ceiling - s.table.Burst.Seconds()) / s.length.Seconds() // what was saved up before is no merit
	f.retried = last.Retried()
	return f
}

// write adds until the end, with a flush now and then, and returns how many.
func (s scene) write(t *testing.T, st *table.Table, id int, end time.Time) (n int) {
	t.Helper()
	w := st.Writer(t.Context())
	for ; time.Now().Before(end); n++ {
		if err := w.Add(s.item(id, n)); err != nil {
			t.Error(err)
			return n
		}
		if n%30_000 == 29_999 {
			flushed(t, st, w, s.item(id, n).Item.Key)
		}
	}
	flushed(t, st, w, s.item(id, n-1).Item.Key)
	return n
}

func flushed(t *testing.T, st *table.Table, w *table.Writer, last table.Key) {
	t.Helper()
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	if found, err := st.Get(t.Context(), last); err != nil || len(found) != 1 {
		t.Errorf("flushed, but not stored: %v %v", last, err)
	}
}

func (s scene) item(id, n int) table.Write {
	k := table.Key{PK: fmt.Sprintf("p%02d", id%s.keys), SK: fmt.Sprintf("%02d#%08d", id, n)}
	return put(k, table.NewBuilder().IntAlways("n", int64(n)).Str("x", strings.Repeat("x", s.bytes(n))))
}

// stored checks that every writer's items are there, each as it was written, and nothing else.
func (s scene) stored(t *testing.T, d table.Driver, added []int) {
	t.Helper()
	found := make([]int, len(added))
	for pk := range s.keys {
		for it, err := range table.New(d).Items(t.Context(), table.Query{PK: fmt.Sprintf("p%02d", pk)}) {
			var id, n int
			if _, scan := fmt.Sscanf(it.SK, "%d#%d", &id, &n); err != nil || scan != nil {
				t.Fatal(err, scan)
			}
			if v, ok := it.Attrs.Int("n"); !ok || v != int64(n) {
				t.Fatalf("%v holds %d", it.Key, v)
			}
			found[id]++
		}
	}
	if !slices.Equal(found, added) {
		t.Errorf("stored %d, added %d", found, added)
	}
}

// TestPace is the bar: nearly all of the ceiling, little in vain, nothing lost.
func TestPace(t *testing.T) {
	t.Parallel()
	for name, s := range scenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { s.play(t).check(t) })
		})
	}
}

func TestPaceFollowsTheCeiling(t *testing.T) {
	t.Parallel()
	s := scenes()["keys=16"]
	s.length = 100 * time.Second
	s.during = func(sim *simtable.Table) {
		time.Sleep(30 * time.Second)
		sim.SetCeilings(1000, 2000)
		time.Sleep(30 * time.Second)
		sim.SetCeilings(1000, 8000)
	}
	synctest.Test(t, func(t *testing.T) {
		f := s.play(t)
		if f.retried > mostRetried {
			t.Errorf("%.2f %% of writes retried", 100*f.retried)
		}
		const settled = 15 // seconds after a change
		for _, phase := range []struct {
			from, to int
			ceiling  float64
		}{{0, 30, 4000}, {30, 60, 2000}, {60, 100, 8000}} {
			from := phase.from + settled
			got := f.seconds[phase.to-1].Sub(f.seconds[from-1]).Units / float64(phase.to-from) / phase.ceiling
			t.Logf("ceiling %.0f: %.1f %% used from the %dth second on", phase.ceiling, 100*got, settled)
			if got < leastUsed {
				t.Errorf("ceiling %.0f: %.1f %% used", phase.ceiling, 100*got)
			}
		}
	})
}

// An erase knows the keys alone: what a delete costs, it learns from the bill.
func TestPaceOfDeletes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := mem.New(mem.Options{})
		const n, units = 60_000, 4 // a minute, as the other scenes
		var gone []table.Write
		fill := table.New(engine).Writer(t.Context())
		for i := range n {
			k := table.Key{PK: fmt.Sprintf("p%d", i%16), SK: fmt.Sprintf("%08d", i)}
			if err := fill.Add(put(k, table.NewBuilder().Str("x", strings.Repeat("x", 3300)))); err != nil {
				t.Fatal(err)
			}
			gone = append(gone, table.Write{Item: table.Item{Key: k}, Delete: true})
		}
		if err := fill.Flush(); err != nil {
			t.Fatal(err)
		}
		opt := ceilings()
		sim := simtable.New(engine, opt)
		start := time.Now()
		if err := table.New(sim).Write(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		c := sim.Counts()
		if c.Units != units*n {
			t.Errorf("%.0f units, not %d a delete", c.Units, units)
		}
		figures{used: (c.Units/opt.Table - opt.Burst.Seconds()) / time.Since(start).Seconds(), retried: c.Retried()}.check(t)
	})
}

// A partition key that is asked for more than it takes holds up no other.
func TestAHotKeyHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opt := ceilings()
		sim := simtable.New(mem.New(mem.Options{}), opt)
		st := table.New(sim)
		ctx, cancel := context.WithCancel(t.Context())
		hot := scene{keys: 1, bytes: small}
		var wg sync.WaitGroup
		wg.Go(func() {
			w := st.Writer(ctx)
			for n := 0; w.Add(hot.item(0, n)) == nil; n++ { // until it is cancelled
			}
			_ = w.Flush()
		})
		time.Sleep(10 * time.Second)
		w := st.Writer(t.Context())
		cold := scene{keys: 100, bytes: small}
		for n := range 400 {
			start := time.Now()
			for i := range 25 {
				if err := w.Add(cold.item(1+i%5, 100*n+i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Errorf("batch %d took %v", n, took)
			}
			time.Sleep(100 * time.Millisecond)
		}
		cancel()
		wg.Wait()
	})
}

// Processes that share a table do not talk, and each gets a fair share all the
// same, whoever was there first. How fair it is varies from time to time: the second best of three counts.
func TestPaceIsShared(t *testing.T) {
	t.Parallel()
	var shares []float64
	for range 3 {
		shares = append(shares, smallerShare(t))
	}
	t.Logf("the smaller share: %.2f", shares)
	if slices.Sort(shares); shares[1] < 0.25 {
		t.Errorf("the smaller share is %.2f", shares)
	}
}

// smallerShare is that of two processes of which the second begins to write 20 s after the first, in 30 s a while later.
func smallerShare(t *testing.T) (share float64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := simtable.New(mem.New(mem.Options{}), ceilings())
		s := scene{keys: 8, bytes: small}
		end := time.Now().Add(90 * time.Second)
		var added [2]atomic.Int64
		var wg sync.WaitGroup
		for p := range added {
			st := table.New(sim)
			for i := range 4 {
				wg.Go(func() {
					time.Sleep(time.Duration(p) * 20 * time.Second)
					w := st.Writer(t.Context())
					for n := 0; time.Now().Before(end); n++ {
						if err := w.Add(s.item(4*p+i, n)); err != nil {
							t.Error(err)
							return
						}
						added[p].Add(1)
					}
				})
			}
		}
		time.Sleep(60 * time.Second)
		first, second := added[0].Load(), added[1].Load()
		time.Sleep(30 * time.Second)
		first, second = added[0].Load()-first, added[1].Load()-second
		share = float64(min(first, second)) / float64(first+second)
		wg.Wait()
	})
	return share
}

// TestPaceInBadTimes has failing calls, lost answers and a table that takes
// nothing for a while. Whoever writes does so again from the last flush.
func TestPaceInBadTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opt := ceilings()
		opt.Fail, opt.Lose = 0.002, 0.002
		engine := mem.New(mem.Options{})
		sim := simtable.New(engine, opt)
		st := table.New(sim)
		s := scene{keys: 8, bytes: small}
		const n, chunk = 20_000, 1000
		added := make([]int, s.keys)
		var wg sync.WaitGroup
		done := make(chan struct{})
		failed := make([]int, s.keys)
		for id := range s.keys {
			wg.Go(func() {
				for added[id] < n {
					if err := s.chunk(t, st, id, added[id], chunk); err == nil {
						added[id] += chunk
					} else if failed[id]++; !fault.Is(err, fault.Unavailable) {
						t.Error(err)
						return
					}
				}
			})
		}
		var weather sync.WaitGroup
		weather.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(7 * time.Second):
				}
				sim.SetCeilings(0, 0)
				time.Sleep(500 * time.Millisecond)
				sim.SetCeilings(opt.Key, opt.Table)
			}
		})
		wg.Wait()
		close(done)
		weather.Wait() // it may be asleep
		s.stored(t, engine, added)
		sum := 0
		for _, f := range failed {
			sum += f
		}
		t.Logf("%d chunks written again, %+v", sum, sim.Counts())
		if sum == 0 {
			t.Error("nothing failed: nothing was tested")
		}
	})
}

func (s scene) chunk(t *testing.T, st *table.Table, id, from, n int) error {
	t.Helper()
	w := st.Writer(t.Context())
	for i := range n {
		if w.Add(s.item(id, from+i)) != nil {
			break // Flush tells
		}
	}
	return w.Flush()
}

// BenchmarkPace tells the figures of the scenes, in virtual time: an op is one
// scene, and how long it takes says nothing.
func BenchmarkPace(b *testing.B) {
	all := scenes()
	maps.Copy(all, crowds())
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			var f figures
			for b.Loop() {
				// Only a test has virtual time.
				ok := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
					Name: b.Name(), F: func(t *testing.T) {
						t.Helper()
						synctest.Test(t, func(t *testing.T) { f = all[name].play(t) })
					},
				}})
				if !ok {
					b.Fatal("writes were lost")
				}
			}
			b.ReportMetric(100*f.used, "%used")
			b.ReportMetric(100*f.retried, "%retried")
			b.ReportMetric(0, "ns/op")
		})
	}
}
