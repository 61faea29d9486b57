//nolint:thelper // subtests are no helpers: a failure is to name its own line
package tabletest

import (
	"fmt"
	"testing"

	"reseed/pkg/table"
)

// sized is a write of an item that counts for exactly size bytes.
func sized(k table.Key, size int) table.Write {
	w := put(k, nil)
	if rest := size - w.Item.Size() - len("x"); rest > 0 {
		w.Item.Attrs = table.NewBuilder().Bytes("x", make([]byte, rest)).Attrs()
	}
	return w
}

func written(units int64) table.Cost { return table.Cost{WriteMilli: 1000 * units} }

func readUnits(units int64) table.Cost { return table.Cost{ReadMilli: 1000 * units} }

func same(t *testing.T, what string, got, want table.Cost) {
	t.Helper()
	if got != want {
		t.Errorf("%s costs %+v, want %+v", what, got, want)
	}
}

func writeCosts(t *testing.T, d table.Driver) {
	k := table.Key{PK: "p", SK: "s"}
	same(t, "delete of nothing", write(t, d, remove(k)), written(1))
	same(t, "put of 1 KB", write(t, d, sized(k, 1024)), written(1))
	same(t, "put of a byte more", write(t, d, sized(k, 1025)), written(2))
	same(t, "the same again", write(t, d, sized(k, 1025)), written(2))
	same(t, "put of 10 KB", write(t, d, sized(k, 10<<10)), written(10))
	same(t, "put of little over 10 KB", write(t, d, put(k, nil)), written(10))
	same(t, "put over little", write(t, d, sized(k, 3<<10+1)), written(4))
	same(t, "delete of more than 3 KB", write(t, d, remove(k)), written(4))
	var batch []table.Write
	var want int64
	for i := range 60 {
		batch = append(batch, sized(table.Key{PK: fmt.Sprintf("b%d", i%3), SK: fmt.Sprintf("%02d", i)}, 200*(i+1)))
		want += int64(200*(i+1)+1023) / 1024
	}
	same(t, "60 puts", write(t, d, batch...), written(want))
	same(t, "puts over some of them, and between", write(t, d,
		put(batch[3].Item.Key, nil), put(table.Key{PK: "b0", SK: "03 "}, nil), put(batch[48].Item.Key, nil), // 1, 1, 10
		put(table.Key{PK: "b1", SK: "~"}, nil), put(batch[59].Item.Key, nil)), written(1+1+10+1+12))
	write(t, d, batch[3], batch[48], batch[59])
	for i := range batch {
		batch[i] = remove(batch[i].Item.Key)
	}
	same(t, "60 deletes", write(t, d, batch...), written(want))
	same(t, "60 deletes of nothing", write(t, d, batch...), written(60))
	everyTypeCosts(t, d)
}

// everyTypeCosts fills an item of each type up to a full KB, and to one byte more: this shows that
// the engine counts every size as Item.Size does, to the byte.
func everyTypeCosts(t *testing.T, d table.Driver) {
	t.Helper()
	for _, it := range everyType() {
		size := it.Size()
		if size > 900 {
			continue
		}
		it.PK = "filled"
		b := table.NewBuilder()
		for name, v := range it.Attrs.All() {
			b.Raw(name, v)
		}
		exact := b.Bytes("~", make([]byte, 1024-it.Size()-1)).Attrs()
		same(t, fmt.Sprintf("1 KB of %q", it.Attrs), write(t, d, put(it.Key, exact)), written(1))
		b.Reset()
		for name, v := range it.Attrs.All() {
			b.Raw(name, v)
		}
		more := b.Bytes("~", make([]byte, 1024-it.Size())).Attrs()
		same(t, fmt.Sprintf("a byte more of %q", it.Attrs), write(t, d, put(it.Key, more)), written(2))
	}
}

func readCosts(t *testing.T, d table.Driver) {
	var keys []table.Key
	for i, size := range []int{100, 4096, 4097, 9000} { // 1 + 1 + 2 + 3 units one by one
		keys = append(keys, table.Key{PK: "p", SK: fmt.Sprint(i)})
		write(t, d, sized(keys[i], size))
	}
	_, cost := get(t, d, keys...)
	same(t, "a get", cost, readUnits(7))
	_, cost = get(t, d, table.Key{PK: "p", SK: "absent"}, table.Key{PK: "q", SK: "absent"})
	same(t, "a get of two absent ones", cost, readUnits(2))
	for what, c := range map[string]struct {
		q    table.Query
		want int64
	}{
		"all":               {table.Query{PK: "p"}, 5}, // 17,293 bytes
		"keys only":         {table.Query{PK: "p", KeysOnly: true}, 5},
		"the first two":     {table.Query{PK: "p", To: "2"}, 2}, // 4,196
		"from back":         {table.Query{PK: "p", From: "1", To: "3", Reverse: true}, 3},
		"the one":           {table.Query{PK: "p", From: "1", To: "2"}, 1},
		"nothing in range":  {table.Query{PK: "p", From: "8"}, 1},
		"no partition":      {table.Query{PK: "nobody"}, 1},
		"a range of no key": {table.Query{PK: "p", From: "2", To: "2"}, 0},
	} {
		items, _, cost := query(t, d, c.q)
		same(t, fmt.Sprintf("query of %s (%d items)", what, len(items)), cost, readUnits(c.want))
	}
}

func transactCosts(t *testing.T, d table.Driver) {
	k, l := table.Key{PK: "p", SK: "s"}, table.Key{PK: "q", SK: "s"}
	cost := func(writes ...table.Write) table.Cost {
		t.Helper()
		c, err := transact(t, d, writes...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	same(t, "one write", cost(sized(k, 1025)), written(2))
	same(t, "one over it", cost(put(k, nil)), written(2))
	same(t, "one delete", cost(remove(k)), written(1))
	same(t, "two writes", cost(sized(k, 1025), sized(l, 100)), written(6))
	same(t, "a put over more, a delete", cost(put(k, nil), remove(l)), written(6))
}
