package tabletest

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Run runs the suite. open returns an empty table for one subtest and closes it with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) table.Driver) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, table.Driver)
	}{
		{"round trip of every type", roundTrip},
		{"a put replaces the whole item", replaces},
		{"many items", many},
		{"memory is not shared", noAlias},
		{"query by every bound", queryBounds},
		{"query of more than one engine page", queryLarge},
		{"sizes on pages of keys", querySizes},
		{"scan of everything", scans},
		{"scan of more than one engine page", scanLarge},
		{"delete", deletes},
		{"a partition and its prefix-named neighbours", neighbours},
		{"keys of every printable byte", keyBytes},
		{"what is refused", refusals},
		{"empty calls", emptyCalls},
		{"conditions", conditions},
		{"transactions are all or none", transactions},
		{"one of many conditional writers wins", oneWins},
		{"counting by comparing and swapping", counting},
		{"a cancelled context changes nothing", cancelled},
		{"reads see the write before", readAfterWrite},
		{"costs of writes", writeCosts},
		{"costs of reads", readCosts},
		{"costs of transactions", transactCosts},
		{"range delete", rangeDelete},
		{"purge", purge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

// again repeats a call while the engine is busy, but not for ever.
func again(t *testing.T, call func() error) error {
	t.Helper()
	const enough = 10_000
	for range enough {
		if err := call(); !fault.Is(err, fault.Busy) {
			return err
		}
		runtime.Gosched()
	}
	t.Error("the engine is busy for ever")
	return nil
}

// write sends writes in batches until nothing is left.
func write(t *testing.T, d table.Driver, writes ...table.Write) (total table.Cost) {
	t.Helper()
	for len(writes) > 0 {
		n := min(len(writes), d.Limits().Write)
		batch := writes[:n:n]
		var left []table.Write
		var cost table.Cost
		err := again(t, func() (err error) {
			left, cost, err = d.Write(t.Context(), batch)
			return err
		})
		if err != nil {
			t.Fatalf("write: %v", err)
		}
		total = total.Add(cost)
		writes = append(slices.Clone(left), writes[n:]...)
	}
	return total
}

// get reads keys until none is left. The items come in key order.
func get(t *testing.T, d table.Driver, keys ...table.Key) (items []table.Item, total table.Cost) {
	t.Helper()
	for len(keys) > 0 {
		n := min(len(keys), d.Limits().Get)
		batch := keys[:n:n]
		var found []table.Item
		var left []table.Key
		var cost table.Cost
		err := again(t, func() (err error) {
			found, left, cost, err = d.Get(t.Context(), batch)
			return err
		})
		if err != nil {
			t.Fatalf("get: %v", err)
		}
		total = total.Add(cost)
		items = append(items, found...)
		keys = append(slices.Clone(left), keys[n:]...)
	}
	slices.SortFunc(items, func(a, b table.Item) int { return a.Compare(b.Key) })
	return items, total
}

// query reads all pages of a query, and checks what must hold for each page.
func query(t *testing.T, d table.Driver, q table.Query) (items []table.Item, pages int, total table.Cost) {
	t.Helper()
	for {
		var page table.Page
		err := again(t, func() (err error) {
			page, err = d.Query(t.Context(), q)
			return err
		})
		if err != nil {
			t.Fatalf("query %+v: %v", q, err)
		}
		pages++
		items = append(items, page.Items...)
		total = total.Add(page.Cost)
		if q.Limit > 0 && len(page.Items) > q.Limit {
			t.Fatalf("query %+v: %d items on a page", q, len(page.Items))
		}
		if page.Next == "" {
			return items, pages, total
		}
		if len(page.Items) == 0 || page.Next != page.Items[len(page.Items)-1].SK {
			t.Fatalf("query %+v: next is %q, not the last key of the page", q, page.Next)
		}
		q.After = page.Next
	}
}

func transact(t *testing.T, d table.Driver, writes ...table.Write) (cost table.Cost, err error) {
	t.Helper()
	err = again(t, func() (err error) {
		cost, err = d.Transact(t.Context(), writes)
		return err
	})
	if err != nil && cost != (table.Cost{}) {
		t.Errorf("a failed transaction tells a cost: %+v", cost)
	}
	return cost, err
}

func put(k table.Key, attrs table.Attrs) table.Write {
	return table.Write{Item: table.Item{Key: k, Attrs: attrs}}
}

func remove(k table.Key) table.Write {
	return table.Write{Item: table.Item{Key: k}, Delete: true}
}

func (s state) write(w table.Write) {
	if w.Delete {
		delete(s, w.Item.Key)
	} else {
		s[w.Item.Key] = w.Item.Attrs
	}
}

// state is what a table should hold.
type state map[table.Key]table.Attrs

// holds checks that the table holds exactly s in the partitions of s and of more.
func (s state) holds(t *testing.T, d table.Driver, more ...string) {
	t.Helper()
	want := map[string][]string{}
	for _, pk := range more {
		want[pk] = nil
	}
	for k, attrs := range s {
		want[k.PK] = append(want[k.PK], show(table.Item{Key: k, Attrs: attrs}))
	}
	for pk, items := range want {
		slices.Sort(items)
		stored, _, _ := query(t, d, table.Query{PK: pk})
		got := make([]string, len(stored))
		for i, it := range stored {
			got[i] = show(it)
		}
		slices.Sort(got)
		if !slices.Equal(got, items) {
			t.Errorf("partition %q holds\n%q\nwant\n%q", pk, got, items)
		}
	}
}

func show(it table.Item) string {
	attrs := string(it.Attrs)
	if len(attrs) > 200 {
		attrs = fmt.Sprintf("%s… %d bytes", attrs[:200], len(attrs))
	}
	return fmt.Sprintf("%s|%s|%s", it.PK, it.SK, attrs)
}

func text(name, value string) table.Attrs { return table.NewBuilder().Str(name, value).Attrs() }

func number(name string, n int64) table.Attrs { return table.NewBuilder().IntAlways(name, n).Attrs() }

func sameItems(t *testing.T, what string, got, want []table.Item) {
	t.Helper()
	order := func(a, b table.Item) int { return cmp.Compare(show(a), show(b)) }
	got, want = slices.SortedFunc(slices.Values(got), order), slices.SortedFunc(slices.Values(want), order)
	if len(got) != len(want) {
		t.Errorf("%s: %d items, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i].Key != want[i].Key || string(got[i].Attrs) != string(want[i].Attrs) {
			t.Errorf("%s:\ngot  %q\nwant %q", what, show(got[i]), show(want[i]))
		}
	}
}
