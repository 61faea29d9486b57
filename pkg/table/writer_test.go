package table_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// hooked is an engine whose Write is the test's.
type hooked struct {
	table.Driver
	limits table.Limits
	write  func(ctx context.Context, batch []table.Write) ([]table.Write, error)
}

func (h hooked) Limits() table.Limits { return h.limits }

func (h hooked) Write(ctx context.Context, batch []table.Write) ([]table.Write, table.Cost, error) {
	left, err := h.write(ctx, batch)
	return left, table.Cost{}, err
}

func limits(write, parallel int) table.Limits {
	return table.Limits{Get: 100, Write: write, Transact: 100, Parallel: parallel}
}

func numbered(n int) table.Write {
	return put(table.Key{PK: fmt.Sprintf("p%d", n%7), SK: fmt.Sprintf("%06d", n)}, table.NewBuilder().IntAlways("n", int64(n)))
}

// Whatever is left undone, refused, or in the way of a full batch, all is stored when Flush says so.
func TestWriterWritesAll(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]mem.Options{
		"perfect": {},
		"partial": {Seed: 1, Partial: 0.4},
		"busy":    {Seed: 2, Busy: 0.3},
		"both":    {Seed: 3, Busy: 0.2, Partial: 0.3, Limits: limits(10, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := mem.New(opt)
				st := table.New(d)
				w := st.Writer(t.Context())
				added := 0
				for _, n := range []int{0, 1, 24, 25, 26, 49, 50, 51, 1000} {
					for range n {
						if err := w.Add(numbered(added)); err != nil {
							t.Fatal(err)
						}
						added++
					}
					if err := w.Flush(); err != nil {
						t.Fatal(err)
					}
					if got := count(t, d); got != added {
						t.Fatalf("%d stored, %d flushed", got, added)
					}
				}
				if again := st.Retried(); (again > 0) != (opt.Busy+opt.Partial > 0) {
					t.Errorf("%d writes retried", again)
				}
			})
		})
	}
}

// count is how many numbered items the engine holds.
func count(t *testing.T, d table.Driver) (n int) {
	t.Helper()
	for pk := range 7 {
		for _, err := range table.New(d).Items(t.Context(), table.Query{PK: fmt.Sprintf("p%d", pk), KeysOnly: true}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	return n
}

func TestWriterTakesFromManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := mem.New(mem.Options{Partial: 0.1})
		w := table.New(d).Writer(t.Context())
		var wg sync.WaitGroup
		for id := range 8 {
			wg.Go(func() {
				for n := range 500 {
					if err := w.Add(numbered(500*id + n)); err != nil {
						t.Error(err)
					}
					if n == 250 {
						if err := w.Flush(); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 4000 {
			t.Errorf("%d stored", n)
		}
	})
}

// An error is told by every later call, and no call is in flight when Flush has told it.
func TestWriterErrorStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := fault.New(fault.Unavailable, "store_unavailable", "broken")
		var calls, flying atomic.Int64
		d := hooked{limits: limits(10, 4), write: func(context.Context, []table.Write) ([]table.Write, error) {
			n := calls.Add(1)
			flying.Add(1)
			defer flying.Add(-1)
			time.Sleep(time.Duration(n) * time.Second)
			if n == 2 {
				return nil, broken
			}
			return nil, nil
		}}
		w := table.New(d).Writer(t.Context())
		n := 0
		for ; w.Add(numbered(n)) == nil; n++ {
			if n > 1000 {
				t.Fatal("the error is not told")
			}
		}
		if err := w.Flush(); !errors.Is(err, broken) || flying.Load() != 0 {
			t.Errorf("%v, with %d calls in flight", err, flying.Load())
		}
		made := calls.Load()
		if err := w.Add(numbered(n)); !errors.Is(err, broken) {
			t.Error(err)
		}
		if err := w.Flush(); !errors.Is(err, broken) || calls.Load() != made {
			t.Errorf("%v, after %d more calls", err, calls.Load()-made)
		}
	})
}

// A slow call is no barrier: the others go on, and so does who adds.
func TestWriterHasNoBarrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls, most, flying atomic.Int64
		d := hooked{limits: limits(10, 4), write: func(context.Context, []table.Write) ([]table.Write, error) {
			most.Store(max(most.Load(), flying.Add(1)))
			defer flying.Add(-1)
			if calls.Add(1) == 1 {
				time.Sleep(time.Hour)
			}
			time.Sleep(time.Second)
			return nil, nil
		}}
		w := table.New(d).Writer(t.Context())
		start := time.Now()
		for n := range 3000 {
			if err := w.Add(numbered(n)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > 100*time.Second {
			t.Errorf("300 calls of a second, three at a time, took %v", took)
		}
		if err := w.Flush(); err != nil || time.Since(start) < time.Hour {
			t.Errorf("flushed after %v, before the slow call: %v", time.Since(start), err)
		}
		if most.Load() != 4 {
			t.Errorf("%d calls in flight at most", most.Load())
		}
	})
}

// A Writer holds a batch for each call in flight and as many more, or less if they are large.
func TestWriterIsBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits table.Limits
		bytes  int
		most   int
	}{
		"small": {limits(25, 8), 100, 2 * 8 * 25},
		"large": {limits(4000, 4), 1 << 20, 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				open := make(chan struct{})
				var stored atomic.Int64
				d := hooked{limits: c.limits, write: func(_ context.Context, batch []table.Write) ([]table.Write, error) {
					<-open
					stored.Add(int64(len(batch)))
					return nil, nil
				}}
				w := table.New(d).Writer(t.Context())
				attrs := table.NewBuilder().Str("x", strings.Repeat("x", c.bytes)).Attrs()
				var added atomic.Int64
				go func() {
					for n := range 3 * c.most {
						if err := w.Add(table.Write{Item: table.Item{Key: numbered(n).Item.Key, Attrs: attrs}}); err != nil {
							t.Error(err)
						}
						added.Add(1)
					}
				}()
				synctest.Wait()
				if n := int(added.Load()); n != c.most {
					t.Errorf("%d taken while nothing is written, not %d", n, c.most)
				}
				close(open)
				synctest.Wait()
				if err := w.Flush(); err != nil || stored.Load() != int64(3*c.most) {
					t.Errorf("%d stored: %v", stored.Load(), err)
				}
			})
		})
	}
}

// Nobody need close a Writer: synctest fails if a goroutine is left.
func TestAnAbandonedWriterLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]mem.Options{"perfect": {}, "partial": {Partial: 0.5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := table.New(mem.New(opt)).Writer(context.Background()) // whose end does not come
				for n := range 90 {
					if err := w.Add(numbered(n)); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

// The end of the context ends a wait for the table.
func TestWriterStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := hooked{limits: limits(25, 4), write: func(_ context.Context, batch []table.Write) ([]table.Write, error) {
			return nil, fault.New(fault.Busy, "store_busy", "the table is throttling")
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := table.New(d).Write(ctx, []table.Write{numbered(1)})
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// What a caller gave to Write is the caller's again when it returns.
func TestWriteKeepsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := mem.New(mem.Options{Partial: 0.3, Limits: limits(10, 3)})
		st := table.New(d)
		batch := make([]table.Write, 100)
		for round := range 20 {
			for i := range batch {
				batch[i] = numbered(100*round + i)
			}
			if err := st.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			for i := range batch {
				if want := numbered(100*round + i); batch[i].Item.Key != want.Item.Key {
					t.Fatalf("write %d was changed", i)
				}
			}
		}
		if n := count(t, d); n != 2000 {
			t.Errorf("%d stored", n)
		}
	})
}

// free is an engine that does nothing, as wide as the embedded one: what is left is the Store's own work.
type free struct{ table.Driver }

func (free) Limits() table.Limits { return limits(4000, 4) }

func (free) Write(context.Context, []table.Write) ([]table.Write, table.Cost, error) {
	return nil, table.Cost{}, nil
}

func benchWrites(n int) []table.Write {
	batch := make([]table.Write, n)
	attrs := table.NewBuilder().Str("x", strings.Repeat("x", 280)).Attrs()
	for i := range batch {
		batch[i].Item = table.Item{Key: table.Key{PK: fmt.Sprintf("0001f.c1#%02x", i%16), SK: fmt.Sprintf("c#%08x", i)}, Attrs: attrs}
	}
	return batch
}

func perWrite(b *testing.B, n int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/write")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWrite is one call of Write, of so many writes.
func BenchmarkWrite(b *testing.B) {
	engines := map[string]table.Driver{"free": free{}, "mem": mem.New(mem.Options{Limits: free{}.Limits()})}
	for _, name := range []string{"free", "mem"} {
		for _, n := range []int{1, 100, 16_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				st := table.New(engines[name])
				batch := benchWrites(n)
				for b.Loop() {
					if err := st.Write(b.Context(), batch); err != nil {
						b.Fatal(err)
					}
				}
				perWrite(b, n)
			})
		}
	}
}

// BenchmarkWriter adds a record and a pointer at a time, as an import does.
func BenchmarkWriter(b *testing.B) {
	const n = 200_000
	batch := benchWrites(n)
	engines := map[string]table.Driver{"free": free{}, "mem": mem.New(mem.Options{Limits: free{}.Limits()})}
	for _, name := range []string{"free", "mem"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := table.New(engines[name]).Writer(b.Context())
				for i := 0; i < n; i += 2 {
					if err := w.Add(batch[i : i+2]...); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
			}
			perWrite(b, n)
		})
	}
}
