package storetest

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// Run runs the suite. open gives an empty table of its own to each subtest,
// and closes it with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Driver) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, store.Driver)
	}{
		{"round trip of every type", roundTrip},
		{"a put replaces the whole item", replaces},
		{"many items", many},
		{"memory is not shared", noAlias},
		{"query by every bound", queryBounds},
		{"query of more than one engine page", queryLarge},
		{"sizes on pages of keys", querySizes},
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
		{"tombstones", tombstones},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

// again repeats a call while the engine is busy, giving up when it never ends.
func again(t *testing.T, call func() error) error {
	t.Helper()
	const enough = 10_000
	for range enough {
		if err := call(); err == nil || fault.KindOf(err) != fault.Busy {
			return err
		}
		runtime.Gosched()
	}
	t.Error("the engine is busy for ever")
	return nil
}

// write sends writes in batches until nothing is left.
func write(t *testing.T, d store.Driver, writes ...store.Write) (total store.Cost) {
	t.Helper()
	for len(writes) > 0 {
		n := min(len(writes), d.Limits().Write)
		batch := writes[:n:n]
		var left []store.Write
		var cost store.Cost
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
func get(t *testing.T, d store.Driver, keys ...store.Key) (items []store.Item, total store.Cost) {
	t.Helper()
	for len(keys) > 0 {
		n := min(len(keys), d.Limits().Get)
		batch := keys[:n:n]
		var found []store.Item
		var left []store.Key
		var cost store.Cost
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
	slices.SortFunc(items, func(a, b store.Item) int { return a.Compare(b.Key) })
	return items, total
}

// query reads all pages of a query, and checks what holds for each.
func query(t *testing.T, d store.Driver, q store.Query) (items []store.Item, pages int, total store.Cost) {
	t.Helper()
	for {
		var page store.Page
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

func transact(t *testing.T, d store.Driver, writes ...store.Write) (cost store.Cost, err error) {
	t.Helper()
	err = again(t, func() (err error) {
		cost, err = d.Transact(t.Context(), writes)
		return err
	})
	if err != nil && cost != (store.Cost{}) {
		t.Errorf("a failed transaction tells a cost: %+v", cost)
	}
	return cost, err
}

func put(k store.Key, attrs store.Attrs) store.Write {
	return store.Write{Item: store.Item{Key: k, Attrs: attrs}}
}

func remove(k store.Key) store.Write {
	return store.Write{Item: store.Item{Key: k}, Delete: true}
}

func (s state) write(w store.Write) {
	if w.Delete {
		delete(s, w.Item.Key)
	} else {
		s[w.Item.Key] = w.Item.Attrs
	}
}

// state is what a table should hold.
type state map[store.Key]store.Attrs

// holds checks that the table holds exactly s in the partitions of s and of more.
func (s state) holds(t *testing.T, d store.Driver, more ...string) {
	t.Helper()
	want := map[string][]string{}
	for _, pk := range more {
		want[pk] = nil
	}
	for k, attrs := range s {
		want[k.PK] = append(want[k.PK], show(store.Item{Key: k, Attrs: attrs}))
	}
	for pk, items := range want {
		slices.Sort(items)
		stored, _, _ := query(t, d, store.Query{PK: pk})
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

func show(it store.Item) string {
	attrs := string(it.Attrs)
	if len(attrs) > 200 {
		attrs = fmt.Sprintf("%s… %d bytes", attrs[:200], len(attrs))
	}
	return fmt.Sprintf("%s|%s|%s", it.PK, it.SK, attrs)
}

func text(name, value string) store.Attrs { return store.NewBuilder().Str(name, value).Attrs() }

func number(name string, n int64) store.Attrs { return store.NewBuilder().IntAlways(name, n).Attrs() }

func sameItems(t *testing.T, what string, got, want []store.Item) {
	t.Helper()
	order := func(a, b store.Item) int { return cmp.Compare(show(a), show(b)) }
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
