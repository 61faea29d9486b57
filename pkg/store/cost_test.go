package store_test

import (
	"math"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

func TestItemSize(t *testing.T) {
	t.Parallel()
	const key = 2 + 1 + 2 + 2 // pk p sk ss
	for name, c := range map[string]struct {
		attrs *store.Builder
		want  int
	}{
		"key alone": {store.NewBuilder(), key},
		"text":      {store.NewBuilder().Str("ab", "é"), key + 2 + 2},
		"bytes":     {store.NewBuilder().Bytes("a", make([]byte, 9)), key + 10},
		"bool":      {store.NewBuilder().Bool("a", true), key + 2},
		"list":      {store.NewBuilder().List("a", []string{"x", ""}), key + 1 + 3 + 2 + 1},
		"zero":      {store.NewBuilder().IntAlways("a", 0), key + 1 + 1},
		"12":        {store.NewBuilder().Int("a", 12), key + 1 + 2},
		"123":       {store.NewBuilder().Int("a", 123), key + 1 + 3},
		"1200":      {store.NewBuilder().Int("a", 1200), key + 1 + 2},
		"-12":       {store.NewBuilder().Int("a", -12), key + 1 + 3},
		"least":     {store.NewBuilder().Int("a", math.MinInt64), key + 1 + 10 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := store.Item{Key: store.Key{PK: "p", SK: "ss"}, Attrs: c.attrs.Attrs()}
			if got := it.Size(); got != c.want {
				t.Errorf("size %d, want %d", got, c.want)
			}
		})
	}
}

func TestCosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want store.Cost }{
		"put of nearly nothing":   {store.WriteCost(0, 5), store.Cost{WriteMilli: 1000}},
		"put of 1 KB":             {store.WriteCost(0, 1024), store.Cost{WriteMilli: 1000}},
		"put of a byte more":      {store.WriteCost(0, 1025), store.Cost{WriteMilli: 2000}},
		"put over something huge": {store.WriteCost(5000, 10), store.Cost{WriteMilli: 5000}},
		"delete of nothing":       {store.WriteCost(0, 0), store.Cost{WriteMilli: 1000}},
		"in a transaction":        {store.WriteCost(0, 1025).InTransaction(), store.Cost{WriteMilli: 4000}},
		"read of nothing":         {store.ReadCost(0), store.Cost{ReadMilli: 1000}},
		"read of 4 KB":            {store.ReadCost(4096), store.Cost{ReadMilli: 1000}},
		"read of a byte more":     {store.ReadCost(4097), store.Cost{ReadMilli: 2000}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
	if got := store.MilliUnits(0.5); got != 500 {
		t.Errorf("half a unit is %d", got)
	}
}

func TestChecksRefuseWhatAnEngineCouldNotHold(t *testing.T) {
	t.Parallel()
	good := store.Key{PK: "p", SK: "s"}
	for name, c := range map[string]struct {
		w    store.Write
		kind fault.Kind
	}{
		"no partition key":    {store.Write{Item: store.Item{Key: store.Key{SK: "s"}}}, fault.Internal},
		"no sort key":         {store.Write{Item: store.Item{Key: store.Key{PK: "p"}}}, fault.Internal},
		"NUL":                 {store.Write{Item: store.Item{Key: store.Key{PK: "p\x00", SK: "s"}}, Delete: true}, fault.Internal},
		"DEL":                 {store.Write{Item: store.Item{Key: store.Key{PK: "p", SK: "s\x7f"}}}, fault.Internal},
		"umlaut":              {store.Write{Item: store.Item{Key: store.Key{PK: "ä", SK: "s"}}}, fault.Internal},
		"long sort key":       {store.Write{Item: store.Item{Key: store.Key{PK: "p", SK: strings.Repeat("s", 1024)}}}, fault.Internal},
		"malformed":           {store.Write{Item: store.Item{Key: good, Attrs: store.Attrs("\x09")}}, fault.Internal},
		"not UTF-8":           {put(good, store.NewBuilder().Str("a", "\xff")), fault.Internal},
		"not UTF-8 in a list": {put(good, store.NewBuilder().List("a", []string{"ok", "\xff"})), fault.Internal},
		"not UTF-8 in a name": {put(good, store.NewBuilder().Str("\xff", "a")), fault.Internal},
		"no name":             {put(good, store.NewBuilder().Str("", "a")), fault.Internal},
		"called pk":           {put(good, store.NewBuilder().Str("pk", "a")), fault.Internal},
		"too large":           {put(good, store.NewBuilder().Bytes("a", make([]byte, store.MaxItemBytes))), fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := store.CheckWrites([]store.Write{c.w}, 1)
			if err == nil || fault.KindOf(err) != c.kind {
				t.Errorf("got %v, want %v", err, c.kind)
			}
		})
	}
	largest := make([]byte, store.MaxItemBytes-(2+1+2+1)-1)
	ok := []store.Write{put(good, store.NewBuilder().Bytes("a", largest))}
	if err := store.CheckWrites(ok, 1); err != nil {
		t.Errorf("the largest item is refused: %v", err)
	}
	if err := store.CheckWrites(ok, 0); err == nil {
		t.Error("a batch above the limit is taken")
	}
	if err := store.CheckKeys([]store.Key{good, good}, 1); err == nil {
		t.Error("keys above the limit are taken")
	}
}

func put(k store.Key, b *store.Builder) store.Write {
	return store.Write{Item: store.Item{Key: k, Attrs: b.Attrs()}}
}

func TestQueryRange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q        store.Query
		from, to string
		ok       bool
	}{
		"all":               {store.Query{}, "", "", true},
		"bounded":           {store.Query{From: "b", To: "d"}, "b", "d", true},
		"empty":             {store.Query{From: "b", To: "b"}, "b", "b", false},
		"after":             {store.Query{From: "b", To: "d", After: "c"}, "c ", "d", true},
		"after before from": {store.Query{From: "b", To: "d", After: "a"}, "b", "d", true},
		"after the end":     {store.Query{From: "b", To: "d", After: "e"}, "e ", "d", false},
		"reverse":           {store.Query{From: "b", To: "d", After: "c", Reverse: true}, "b", "c", true},
		"reverse unbounded": {store.Query{After: "c", Reverse: true}, "", "c", true},
		"reverse behind":    {store.Query{To: "d", After: "x", Reverse: true}, "", "d", true},
		"reverse done":      {store.Query{From: "b", After: "b", Reverse: true}, "b", "b", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.q.PK = "p"
			from, to, ok, err := c.q.Range()
			if from != c.from || to != c.to || ok != c.ok || err != nil {
				t.Errorf("got %q %q %v %v", from, to, ok, err)
			}
		})
	}
	for _, q := range []store.Query{{}, {PK: "p", From: "\xff"}, {PK: "p", Limit: -1}, {PK: "p", To: "\x00"}} {
		if _, _, _, err := q.Range(); fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
