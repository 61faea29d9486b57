package eraser_test

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
	"reseed/pkg/table/simtable"
)

// The limits of a DynamoDB table: 1,000 write units a second for a partition key, 4,000 in all.
const (
	paceItems    = 120_000
	paceTable    = 4000
	burst        = time.Second // of unused units that the table saves up
	leastUsed    = 0.95
	mostUnits    = 1.01 // write units for each item
	mostReading  = 0.15 // read units for each item
	mostSlower   = 1.5  // factor for the 99th percentile of other reads
	readsOfProbe = 2000
)

// A sweep on a table with limits uses nearly all that the table gives, spends hardly more than one
// write unit and 0.15 read units on each item, and does not slow other readers down. The clock is
// virtual, but writers send at random times, and one run in about 150 uses no more than 93 to 95 %:
// the median of three counts.
func TestASweepKeepsThePaceOfItsTable(t *testing.T) {
	t.Parallel()
	used := make([]float64, 3)
	for i := range used {
		synctest.Test(t, func(t *testing.T) { used[i] = sweptShare(t) })
	}
	if slices.Sort(used); used[1] < leastUsed {
		t.Errorf("sweeps use %.3f of what their table gives", used)
	}
}

// sweptShare is the share of the table's write units that a sweep uses.
func sweptShare(t *testing.T) float64 {
	t.Helper()
	memory := mem.New(mem.Options{Limits: table.Limits{Get: 100, Write: 25, Transact: 100, Parallel: 32, UnitsASecond: paceTable}})
	src, _ := filled(t, store.New(memory), paceItems)
	sim := simtable.New(memory, simtable.Options{
		Key: 1000, Table: paceTable, Burst: burst, Seed: 1, Now: time.Now, MinLatency: 5 * time.Millisecond, MaxLatency: 20 * time.Millisecond,
	})
	st := store.New(sim)
	e := eraser.New(eraser.Config{Store: st, Ledger: job.NewLedger(st, time.Now), Objects: objects.Mem(), Now: time.Now})
	j, err := e.Start(t.Context(), eraser.Selection{Kind: eraser.Source, Source: src.UUID}, eraser.Options{})
	must(t, err)
	idle := percentile(t, st, readsOfProbe, nil)
	swept := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(swept)
		if done, err := e.Sweep(t.Context(), j.ID); !done || err != nil {
			t.Errorf("%v, %v", done, err)
		}
	}()
	busy := percentile(t, st, 0, swept)
	<-swept
	took := time.Since(begin).Seconds()
	done, err := job.NewLedger(st, time.Now).Get(t.Context(), j.ID)
	must(t, err)
	used := (paceItems/paceTable - burst.Seconds()) / took // units saved up before the sweep do not count
	writes, reads := done.Cost.WriteUnits()/paceItems, done.Cost.ReadUnits()/paceItems
	t.Logf("%.1f %% of the ceiling, %.4f write and %.4f read units an item, others' reads %v idle and %v meanwhile, %.1f %% of the deletes sent again",
		100*used, writes, reads, idle, busy, 100*sim.Counts().Retried())
	if writes > mostUnits || reads > mostReading || busy.Seconds() > mostSlower*idle.Seconds() {
		t.Error("that is not as it should be")
	}
	if n := done.Erase.Removed["customers"]; n != paceItems {
		t.Errorf("removed %d items", n)
	}
	return used
}

// filled makes a source with n customers of about 300 bytes, evenly spread over its shards, and the
// import that added them.
func filled(t *testing.T, st *store.Store, n int) (src store.Source, imported string) {
	t.Helper()
	d, err := st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_1", "Acme", "CSV", time.Now())
		return nil, err
	})
	must(t, err)
	src = d.Sources[0]
	j := ended(t, job.NewLedger(st, time.Now), src, &job.ImportSpec{Applying: true})
	w := st.Writer(t.Context())
	for i := range n {
		var h store.H
		binary.BigEndian.PutUint64(h[:8], uint64(float64(i)/float64(n)*(1<<63))<<1)
		must(t, w.Add(table.Write{Item: table.Item{Key: src.Space().Customer(h), Attrs: added(attrs(0, "name", strings.Repeat("x", 250)), j.ID)}}))
	}
	must(t, w.Flush())
	return src, j.ID
}

// percentile makes reads one after the other, a number of them or until ctx ends, and returns the
// 99th percentile of their times.
func percentile(t *testing.T, st *store.Store, n int, end <-chan struct{}) time.Duration {
	t.Helper()
	var times []time.Duration
	for len(times) < n || n == 0 {
		select {
		case <-end:
			n = -1
		default:
		}
		begin := time.Now()
		_, err := st.Get(context.WithoutCancel(t.Context()), store.DirectoryKey())
		must(t, err)
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times[len(times)*99/100]
}
