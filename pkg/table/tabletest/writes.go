//nolint:thelper // subtests are no helpers: a failure is to name its own line
package tabletest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// conditions tries every condition on every state of the stored item, alone
// and in a transaction, on a put and on a delete.
func conditions(t *testing.T, d table.Driver) {
	states := map[string]*table.Builder{
		"absent": nil, "without": table.NewBuilder().Str("other", "x"),
		"4": table.NewBuilder().Int("v", 4), "5": table.NewBuilder().Int("v", 5), "6": table.NewBuilder().Int("v", 6),
		"-7": table.NewBuilder().Int("v", -7), "0": table.NewBuilder().IntAlways("v", 0),
		"text": table.NewBuilder().Str("v", "5"),
	}
	var conds []table.Cond
	for _, n := range []int64{-10, 0, 5} {
		for op := table.Always; op <= table.Less; op++ {
			conds = append(conds, table.Cond{Op: op, Attr: "v", N: n})
		}
	}
	for name, stored := range states {
		for i, cond := range conds {
			for shape := range 4 {
				c := conditionCase{table.Key{PK: "p-" + name, SK: fmt.Sprintf("%d-%d", i, shape)}, stored, cond, shape&1 != 0, shape&2 != 0}
				c.check(t, d)
			}
		}
	}
}

type conditionCase struct {
	key    table.Key
	stored *table.Builder
	cond   table.Cond
	delete bool
	inTwo  bool
}

func (c conditionCase) check(t *testing.T, d table.Driver) {
	t.Helper()
	var before table.Attrs
	if c.stored != nil {
		before = c.stored.Attrs()
		write(t, d, put(c.key, before))
	}
	w := put(c.key, text("done", "yes"))
	if c.delete {
		w = remove(c.key)
	}
	w.If = c.cond
	writes := []table.Write{w}
	if c.inTwo {
		writes = append(writes, put(table.Key{PK: c.key.PK + "-companion", SK: c.key.SK}, nil))
	}
	_, err := transact(t, d, writes...)
	holds := c.cond.Holds(before, c.stored != nil)
	if holds && err != nil || !holds && !fault.Is(err, fault.Conflict) {
		t.Errorf("%+v on %q: %v", c.cond, before, err)
	}
	want, there := before, c.stored != nil
	if holds {
		want, there = w.Item.Attrs, !c.delete
	}
	items, _ := get(t, d, c.key)
	if len(items) > 0 != there || there && string(items[0].Attrs) != string(want) {
		t.Errorf("%+v on %q: now %v", c.cond, before, items)
	}
	if c.inTwo {
		companions, _ := get(t, d, writes[1].Item.Key)
		if len(companions) > 0 != holds {
			t.Errorf("%+v on %q: the companion is there: %v", c.cond, before, len(companions) > 0)
		}
	}
}

func transactions(t *testing.T, d table.Driver) {
	key := func(pk, sk string) table.Key { return table.Key{PK: pk, SK: sk} }
	want := state{}
	for _, w := range []table.Write{
		put(key("a", "counter"), number("v", 1)), put(key("b", "gone"), text("x", "1")),
		put(key("a", "bystander"), text("x", "2")), put(key("b", "bystander"), text("x", "3")),
	} {
		write(t, d, w)
		want.write(w)
	}
	writes := []table.Write{
		put(key("a", "counter"), number("v", 2)), remove(key("b", "gone")),
		put(key("c", "new"), text("x", "4")), put(key("a", "new"), text("x", "5")),
	}
	for failing := range writes { // whichever of them it is, none is written
		try := append([]table.Write(nil), writes...)
		try[failing].If = table.Cond{Op: table.Equals, Attr: "v", N: 99}
		if _, err := transact(t, d, try...); !fault.Is(err, fault.Conflict) {
			t.Errorf("write %d of 4 fails: %v", failing, err)
		}
		want.holds(t, d, "c")
	}
	writes[0].If = table.Cond{Op: table.Equals, Attr: "v", N: 1}
	writes[2].If = table.Cond{Op: table.Absent}
	if _, err := transact(t, d, writes...); err != nil {
		t.Fatal(err)
	}
	for _, w := range writes {
		want.write(w)
	}
	want.holds(t, d, "c")
	largest(t, d)
}

// largest does a transaction of as many writes as there may be.
func largest(t *testing.T, d table.Driver) {
	t.Helper()
	want := state{}
	var writes []table.Write
	for i := range d.Limits().Transact {
		w := put(table.Key{PK: fmt.Sprintf("l%d", i%3), SK: fmt.Sprintf("%03d", i)}, number("n", int64(i)))
		w.If.Op = table.Absent
		writes = append(writes, w)
		want.write(w)
	}
	if _, err := transact(t, d, writes...); err != nil {
		t.Fatal(err)
	}
	want.holds(t, d)
	if _, err := transact(t, d, writes...); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same once more: %v", err)
	}
}

func oneWins(t *testing.T, d table.Driver) {
	const rounds, writers = 8, 12
	for round := range rounds {
		lock := table.Key{PK: "p", SK: "lock"}
		cond := table.Cond{Op: table.AbsentOrLess, Attr: "v", N: int64(round + 1)}
		var wins atomic.Int64
		var winner atomic.Int64
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() {
				w := put(lock, table.NewBuilder().IntAlways("by", int64(i)).IntAlways("v", int64(round+1)).Attrs())
				w.If = cond
				writes := []table.Write{w}
				if round%2 == 1 {
					writes = append(writes, put(table.Key{PK: "q", SK: fmt.Sprintf("%d-%d", round, i)}, nil))
				}
				_, err := transact(t, d, writes...)
				switch {
				case err == nil:
					wins.Add(1)
					winner.Store(int64(i))
				case !fault.Is(err, fault.Conflict):
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		group.Wait()
		items, _ := get(t, d, lock)
		if wins.Load() != 1 || len(items) != 1 {
			t.Fatalf("round %d: %d of %d won", round, wins.Load(), writers)
		}
		if by, _ := items[0].Attrs.Int("by"); by != winner.Load() {
			t.Errorf("round %d: %d was told it won, %d is stored", round, winner.Load(), by)
		}
	}
	if items, _, _ := query(t, d, table.Query{PK: "q"}); len(items) != rounds/2 {
		t.Errorf("the losers left %d companions", len(items)-rounds/2)
	}
}

// counting is a counter that several raise by reading it and writing one more
// on condition: no step is lost.
func counting(t *testing.T, d table.Driver) {
	const writers, steps = 6, 10
	k := table.Key{PK: "p", SK: "counter"}
	write(t, d, put(k, number("v", 0)))
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for done := 0; done < steps && !t.Failed(); {
				items, _, _, err := d.Get(t.Context(), []table.Key{k})
				if err != nil && !fault.Is(err, fault.Busy) {
					t.Errorf("get: %v", err)
				}
				if len(items) == 0 {
					continue
				}
				n, _ := items[0].Attrs.Int("v")
				w := put(k, number("v", n+1))
				w.If = table.Cond{Op: table.Equals, Attr: "v", N: n}
				switch _, err := transact(t, d, w); {
				case err == nil:
					done++
				case !fault.Is(err, fault.Conflict):
					t.Errorf("transact: %v", err)
				}
			}
		})
	}
	group.Wait()
	state{k: number("v", writers*steps)}.holds(t, d)
}

func cancelled(t *testing.T, d table.Driver) {
	k := table.Key{PK: "p", SK: "s"}
	write(t, d, put(k, text("x", "1")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := func(what string, err error) {
		t.Helper()
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, err := d.Write(ctx, []table.Write{put(k, text("x", "2")), put(table.Key{PK: "p", SK: "t"}, nil)})
	ended("write", err)
	_, _, err = d.Write(ctx, []table.Write{remove(k)})
	ended("delete", err)
	_, err = d.Transact(ctx, []table.Write{put(k, text("x", "3"))})
	ended("conditional write", err)
	_, err = d.Transact(ctx, []table.Write{remove(k), put(table.Key{PK: "p", SK: "t"}, nil)})
	ended("transaction", err)
	_, _, _, err = d.Get(ctx, []table.Key{k})
	ended("get", err)
	_, err = d.Query(ctx, table.Query{PK: "p"})
	ended("query", err)
	if r, ok := d.(table.RangeDeleter); ok {
		ended("range delete", r.DeleteRange(ctx, "p"))
	}
	if p, ok := d.(table.Purger); ok {
		ended("purge", p.Purge(ctx, []string{"p"}))
	}
	state{k: text("x", "1")}.holds(t, d)
}

// readAfterWrite lets several write and read at once, each in its own
// partition: every read sees the write before it.
func readAfterWrite(t *testing.T, d table.Driver) {
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			pk := fmt.Sprintf("p%d", i)
			for n := range 15 {
				if err := writeThenRead(t, d, table.Key{PK: pk, SK: fmt.Sprintf("%d", n%4)}, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func writeThenRead(t *testing.T, d table.Driver, k table.Key, n int) error {
	t.Helper()
	batch, there := []table.Write{put(k, number("n", int64(n)))}, true
	if n%5 == 4 {
		batch, there = []table.Write{remove(k)}, false
	}
	for len(batch) > 0 {
		err := again(t, func() error {
			left, _, err := d.Write(t.Context(), batch)
			if err == nil {
				batch = left
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	var page table.Page
	err := again(t, func() (err error) {
		page, err = d.Query(t.Context(), table.Query{PK: k.PK, From: k.SK, To: k.SK + " "})
		return err
	})
	if err != nil {
		return err
	}
	if len(page.Items) > 0 != there || there && string(page.Items[0].Attrs) != string(number("n", int64(n))) {
		return fmt.Errorf("write %d of %v is not seen: %v", n, k, page.Items)
	}
	return nil
}
