//nolint:thelper // subtests are no helpers: a failure is to name its own line
package tabletest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// everyType is items whose values are at the edges of what can be stored.
func everyType() []table.Item {
	b := table.NewBuilder
	raw := func(v table.Value) *table.Builder { return b().Raw("v", v) }
	attrs := []*table.Builder{
		b(),
		b().Str("s", "plain"),
		b().Str("s", "Zoë ÅÄÖ 漢字 🧾 \u0301 \U0010ffff"),
		b().Str("s", "\x00\t\n\r\"\\/<&>\u2028"),
		b().Str("s", strings.Repeat("é", 10_000)),
		b().IntAlways("n", 0), b().Int("n", 1), b().Int("n", -1), b().Int("n", 1_000_000),
		b().Int("n", 10), b().Int("n", 12), b().Int("n", 120), b().Int("n", 123), b().Int("n", 1230), b().Int("n", -12300),
		b().Int("n", 1_763_890_000_000),
		b().Int("n", math.MaxInt64), b().Int("n", math.MinInt64), b().Int("n", 1<<53+1),
		b().Bool("b", true),
		b().Bytes("x", []byte{0}), b().Bytes("x", []byte{0xff, 0x00, 0xfe, '=', '+'}),
		b().List("l", []string{"one"}), b().List("l", []string{"", "", "ö", "z", "a", "a"}),
		raw(table.Value{Type: table.String, Raw: []byte{}}),
		raw(table.Value{Type: table.Bytes, Raw: []byte{}}),
		raw(table.ListValue(nil)), raw(table.BoolValue(false)), raw(table.IntValue(0)),
		b().Int("_at", 1).Int("_up", 2).Int("_m", 3).Str("name", "status").Str("Name", "x").Str("ü", "y").
			Str("a.b", "z").Str("#p", "q").Str(":p", "r").Bool("size", true).List("values", []string{"l"}).
			Bytes("key", []byte("k")).Str(strings.Repeat("n", 255), "long name"),
	}
	var items []table.Item
	for i, a := range attrs {
		items = append(items, table.Item{Key: table.Key{PK: "types", SK: fmt.Sprintf("%03d", i)}, Attrs: a.Attrs()})
	}
	largest := table.Item{Key: table.Key{PK: "types", SK: "max"}}
	largest.Attrs = b().Bytes("x", make([]byte, table.MaxItemBytes-largest.Size()-1)).Attrs()
	return append(items, largest)
}

func roundTrip(t *testing.T, d table.Driver) {
	items := everyType()
	var keys []table.Key
	for _, it := range items {
		write(t, d, put(it.Key, it.Attrs))
		keys = append(keys, it.Key)
	}
	got, _ := get(t, d, keys...)
	sameItems(t, "got", got, items)
	got, _, _ = query(t, d, table.Query{PK: "types"})
	sameItems(t, "queried", got, items)
	for _, it := range items[:len(items)-1] { // through the other way of writing
		it.PK = "transacted"
		if _, err := transact(t, d, put(it.Key, it.Attrs)); err != nil {
			t.Fatal(err)
		}
		got, _ := get(t, d, it.Key)
		sameItems(t, "transacted", got, []table.Item{it})
	}
}

func replaces(t *testing.T, d table.Driver) {
	k := table.Key{PK: "p", SK: "s"}
	write(t, d, put(k, table.NewBuilder().Str("old", "1").Str("both", "1").Attrs()))
	write(t, d, put(k, text("both", "2")))
	state{k: text("both", "2")}.holds(t, d)
	if _, err := transact(t, d, put(k, text("new", "3"))); err != nil {
		t.Fatal(err)
	}
	state{k: text("new", "3")}.holds(t, d)
}

func many(t *testing.T, d table.Driver) {
	const n = 230 // more than a batch of any call of DynamoDB
	want := state{}
	var writes []table.Write
	var keys []table.Key
	for i := range n {
		k := table.Key{PK: fmt.Sprintf("p%d", i%7), SK: fmt.Sprintf("s%03d", i)}
		writes = append(writes, put(k, number("n", int64(i))))
		keys = append(keys, k, table.Key{PK: k.PK, SK: k.SK + "-absent"})
		want.write(writes[i])
	}
	slices.Reverse(writes) // an order is no one's duty
	write(t, d, writes...)
	want.holds(t, d)
	items, _ := get(t, d, keys...)
	if len(items) != n {
		t.Errorf("got %d items, want %d", len(items), n)
	}
	for _, it := range items {
		if string(want[it.Key]) != string(it.Attrs) {
			t.Errorf("got %s", show(it))
		}
	}
}

func noAlias(t *testing.T, d table.Driver) {
	k := table.Key{PK: "p", SK: "s"}
	attrs := text("a", "abc")
	write(t, d, put(k, attrs), put(table.Key{PK: "p", SK: "t"}, text("b", "def")))
	spoil := func(a table.Attrs) { a[len(a)-1] = 'X' }
	spoil(attrs)
	for range 2 {
		items, _ := get(t, d, k)
		if len(items) != 1 || items[0].Attrs.Str("a") != "abc" {
			t.Fatalf("got %v", items)
		}
		spoil(items[0].Attrs)
		queried, _, _ := query(t, d, table.Query{PK: "p"})
		if len(queried) != 2 || queried[0].Attrs.Str("a") != "abc" {
			t.Fatalf("queried %v", queried)
		}
		spoil(queried[0].Attrs)
		_ = append(queried[0].Attrs, "more than there was, into the neighbour"...)
		if queried[1].Attrs.Str("b") != "def" {
			t.Fatalf("the neighbour is now %q", queried[1].Attrs)
		}
	}
}

func deletes(t *testing.T, d table.Driver) {
	a, b := table.Key{PK: "p", SK: "a"}, table.Key{PK: "p", SK: "b"}
	write(t, d, remove(a))
	write(t, d, put(a, text("x", "1")), put(b, text("x", "2")))
	write(t, d, remove(a))
	state{b: text("x", "2")}.holds(t, d)
	write(t, d, remove(a))
	state{b: text("x", "2")}.holds(t, d)
	if _, err := transact(t, d, remove(a)); err != nil {
		t.Errorf("delete of an absent item: %v", err)
	}
	if items, _ := get(t, d, a); len(items) != 0 {
		t.Errorf("got %v after the delete", items)
	}
	write(t, d, put(a, text("x", "3")), remove(b))
	state{a: text("x", "3")}.holds(t, d)
}

func neighbours(t *testing.T, d table.Driver) {
	want := state{}
	for _, pk := range []string{"x", "x#", "x#1", "x#11", "x#1 ", "x#1#", "x#10", "x#2", "x#1~", "y"} {
		for _, sk := range []string{"a", "1", "~", " "} {
			w := put(table.Key{PK: pk, SK: sk}, text("in", pk))
			write(t, d, w)
			want.write(w)
		}
	}
	items, _, _ := query(t, d, table.Query{PK: "x#1"})
	if len(items) != 4 {
		t.Errorf("queried %d items, want 4", len(items))
	}
	for _, it := range items {
		write(t, d, remove(it.Key))
		want.write(remove(it.Key))
	}
	want.holds(t, d, "x#1")
}

// keyBytes puts every byte a key may hold at its begin, middle and end.
func keyBytes(t *testing.T, d table.Driver) {
	want := state{}
	for c := byte(' '); c <= '~'; c++ {
		s := string([]byte{c})
		for _, k := range []table.Key{{PK: "p", SK: s}, {PK: "p", SK: "a" + s + "b"}, {PK: s, SK: "a" + s}} {
			want[k] = text("of", k.SK)
		}
	}
	want[table.Key{PK: strings.Repeat("p", table.MaxPK), SK: strings.Repeat("s", table.MaxSK)}] = text("a", "long")
	for k, attrs := range want {
		write(t, d, put(k, attrs))
	}
	want.holds(t, d)
	items, _, _ := query(t, d, table.Query{PK: "p"})
	if !slices.IsSortedFunc(items, func(a, b table.Item) int { return strings.Compare(a.SK, b.SK) }) {
		t.Error("not in the order of bytes")
	}
}

func refusals(t *testing.T, d table.Driver) {
	ctx := t.Context()
	good := table.Key{PK: "p", SK: "s"}
	refused := func(what string, err error) {
		t.Helper()
		if !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, k := range []table.Key{{}, {PK: "p"}, {SK: "s"}, {PK: "p", SK: "a\x00b"}, {PK: "p\x00", SK: "a"}, {PK: "p", SK: "\x7f"}, {PK: "p", SK: "é"}} {
		_, _, _, err := d.Get(ctx, []table.Key{good, k})
		refused(fmt.Sprintf("get %q", k), err)
		_, _, err = d.Write(ctx, []table.Write{put(good, nil), put(k, nil)})
		refused(fmt.Sprintf("write %q", k), err)
		_, err = d.Transact(ctx, []table.Write{put(good, nil), remove(k)})
		refused(fmt.Sprintf("transact %q", k), err)
	}
	_, err := d.Query(ctx, table.Query{})
	refused("query of no partition", err)
	_, err = d.Query(ctx, table.Query{PK: "p", To: "\xff"})
	refused("query up to 0xff", err)
	_, _, err = d.Write(ctx, []table.Write{put(good, table.Attrs("junk"))})
	refused("malformed attributes", err)
	_, _, err = d.Write(ctx, []table.Write{put(good, text("a", "\xff"))})
	refused("text that is not UTF-8", err)
	_, _, err = d.Write(ctx, []table.Write{put(good, text("pk", "x"))})
	refused("an attribute called pk", err)
	_, err = d.Transact(ctx, []table.Write{put(good, nil), remove(good)})
	refused("a key twice in a transaction", err)
	refused("a key twice in a write", again(t, func() error {
		_, _, err := d.Write(ctx, []table.Write{put(good, nil), put(good, text("a", "b"))})
		return err
	}))
	_, _, err = d.Write(ctx, []table.Write{put(good, table.NewBuilder().Bytes("x", make([]byte, table.MaxItemBytes)).Attrs())})
	if !fault.Is(err, fault.TooLarge) {
		t.Errorf("an item of more than %d bytes: %v", table.MaxItemBytes, err)
	}
	tooMany(t, d, refused)
	state{}.holds(t, d, "p")
}

func tooMany(t *testing.T, d table.Driver, refused func(string, error)) {
	t.Helper()
	writes := make([]table.Write, max(d.Limits().Write, d.Limits().Transact, d.Limits().Get)+1)
	keys := make([]table.Key, len(writes))
	for i := range writes {
		keys[i] = table.Key{PK: "p", SK: fmt.Sprint(i)}
		writes[i] = put(keys[i], nil)
	}
	_, _, _, err := d.Get(t.Context(), keys[:d.Limits().Get+1])
	refused("too many keys", err)
	_, _, err = d.Write(t.Context(), writes[:d.Limits().Write+1])
	refused("too many writes", err)
	_, err = d.Transact(t.Context(), writes[:d.Limits().Transact+1])
	refused("too many writes in a transaction", err)
}

func emptyCalls(t *testing.T, d table.Driver) {
	err := again(t, func() error {
		items, left, cost, err := d.Get(t.Context(), nil)
		if err == nil && (len(items)+len(left) > 0 || cost != table.Cost{}) {
			t.Errorf("get: %v %v %v", items, left, cost)
		}
		return err
	})
	if err != nil {
		t.Errorf("get: %v", err)
	}
	err = again(t, func() error {
		left, cost, err := d.Write(t.Context(), nil)
		if err == nil && (len(left) > 0 || cost != table.Cost{}) {
			t.Errorf("write: %v %v", left, cost)
		}
		return err
	})
	if err != nil {
		t.Errorf("write: %v", err)
	}
	if cost, err := transact(t, d); err != nil || cost != (table.Cost{}) {
		t.Errorf("transact: %v %v", cost, err)
	}
}

func rangeDelete(t *testing.T, d table.Driver) {
	r, ok := d.(table.RangeDeleter)
	if !ok {
		return // an engine may do without
	}
	want := state{}
	for _, pk := range []string{"x", "x#1", "x#11", "x#1 ", "x#2"} {
		for i := range 50 {
			w := put(table.Key{PK: pk, SK: fmt.Sprintf("%02d", i)}, number("n", int64(i)))
			write(t, d, w)
			if pk != "x#1" {
				want.write(w)
			}
		}
	}
	for range 2 {
		if err := r.DeleteRange(t.Context(), "x#1"); err != nil {
			t.Fatal(err)
		}
		want.holds(t, d, "x#1")
	}
	if err := r.DeleteRange(t.Context(), ""); err == nil {
		t.Error("the empty partition key is taken")
	}
	w := put(table.Key{PK: "x#1", SK: "new"}, nil)
	write(t, d, w)
	want.write(w)
	want.holds(t, d)
}

// purge checks that nothing but what is deleted goes. That it has left the disk
// only an engine's own test can tell.
func purge(t *testing.T, d table.Driver) {
	p, ok := d.(table.Purger)
	if !ok {
		return // an engine may do without
	}
	purged := []string{"x#1", "x#2", "x#1", "nobody"}
	want := state{}
	for _, pk := range []string{"x", "x#1", "x#11", "x#2"} {
		for i := range 50 {
			w := put(table.Key{PK: pk, SK: fmt.Sprintf("%02d", i)}, number("n", int64(i)))
			write(t, d, w)
			if i%3 == 0 || pk == "x#2" {
				w = remove(w.Item.Key)
				write(t, d, w)
			}
			want.write(w)
		}
	}
	for range 2 {
		if err := p.Purge(t.Context(), purged); err != nil {
			t.Fatal(err)
		}
		want.holds(t, d, purged...)
	}
	if err := p.Purge(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := p.Purge(t.Context(), []string{"x", ""}); err == nil {
		t.Error("the empty partition key is taken")
	}
	w := put(table.Key{PK: "x#2", SK: "new"}, nil)
	write(t, d, w)
	want.write(w)
	want.holds(t, d)
}
