package table_test

import (
	"math"
	"strings"
	"testing"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

func TestItemSize(t *testing.T) {
	t.Parallel()
	const key = 2 + 1 + 2 + 2 // pk p sk ss
	for name, c := range map[string]struct {
		attrs *table.Builder
		want  int
	}{
		"key alone": {table.NewBuilder(), key},
		"text":      {table.NewBuilder().Str("ab", "é"), key + 2 + 2},
		"bytes":     {table.NewBuilder().Bytes("a", make([]byte, 9)), key + 10},
		"bool":      {table.NewBuilder().Bool("a", true), key + 2},
		"list":      {table.NewBuilder().List("a", []string{"x", ""}), key + 1 + 3 + 2 + 1},
		"zero":      {table.NewBuilder().IntAlways("a", 0), key + 1 + 1},
		"12":        {table.NewBuilder().Int("a", 12), key + 1 + 2},
		"123":       {table.NewBuilder().Int("a", 123), key + 1 + 3},
		"1200":      {table.NewBuilder().Int("a", 1200), key + 1 + 2},
		"-12":       {table.NewBuilder().Int("a", -12), key + 1 + 3},
		"least":     {table.NewBuilder().Int("a", math.MinInt64), key + 1 + 10 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := table.Item{Key: table.Key{PK: "p", SK: "ss"}, Attrs: c.attrs.Attrs()}
			if got := it.Size(); got != c.want {
				t.Errorf("size %d, want %d", got, c.want)
			}
		})
	}
}

func TestCosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want table.Cost }{
		"put of nearly nothing":   {table.WriteCost(0, 5), table.Cost{WriteMilli: 1000}},
		"put of 1 KB":             {table.WriteCost(0, 1024), table.Cost{WriteMilli: 1000}},
		"put of a byte more":      {table.WriteCost(0, 1025), table.Cost{WriteMilli: 2000}},
		"put over something huge": {table.WriteCost(5000, 10), table.Cost{WriteMilli: 5000}},
		"delete of nothing":       {table.WriteCost(0, 0), table.Cost{WriteMilli: 1000}},
		"in a transaction":        {table.WriteCost(0, 1025).InTransaction(), table.Cost{WriteMilli: 4000}},
		"read of nothing":         {table.ReadCost(0), table.Cost{ReadMilli: 1000}},
		"read of 4 KB":            {table.ReadCost(4096), table.Cost{ReadMilli: 1000}},
		"read of a byte more":     {table.ReadCost(4097), table.Cost{ReadMilli: 2000}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
	if got := table.MilliUnits(0.5); got != 500 {
		t.Errorf("half a unit is %d", got)
	}
}

func TestChecksRefuseWhatAnEngineCouldNotHold(t *testing.T) {
	t.Parallel()
	good := table.Key{PK: "p", SK: "s"}
	for name, c := range map[string]struct {
		w    table.Write
		kind fault.Kind
	}{
		"no partition key":    {table.Write{Item: table.Item{Key: table.Key{SK: "s"}}}, fault.Internal},
		"no sort key":         {table.Write{Item: table.Item{Key: table.Key{PK: "p"}}}, fault.Internal},
		"NUL":                 {table.Write{Item: table.Item{Key: table.Key{PK: "p\x00", SK: "s"}}, Delete: true}, fault.Internal},
		"DEL":                 {table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: "s\x7f"}}}, fault.Internal},
		"umlaut":              {table.Write{Item: table.Item{Key: table.Key{PK: "ä", SK: "s"}}}, fault.Internal},
		"long sort key":       {table.Write{Item: table.Item{Key: table.Key{PK: "p", SK: strings.Repeat("s", 1024)}}}, fault.Internal},
		"malformed":           {table.Write{Item: table.Item{Key: good, Attrs: table.Attrs("\x09")}}, fault.Internal},
		"not UTF-8":           {put(good, table.NewBuilder().Str("a", "\xff")), fault.Internal},
		"not UTF-8 in a list": {put(good, table.NewBuilder().List("a", []string{"ok", "\xff"})), fault.Internal},
		"not UTF-8 in a name": {put(good, table.NewBuilder().Str("\xff", "a")), fault.Internal},
		"no name":             {put(good, table.NewBuilder().Str("", "a")), fault.Internal},
		"called pk":           {put(good, table.NewBuilder().Str("pk", "a")), fault.Internal},
		"too large":           {put(good, table.NewBuilder().Bytes("a", make([]byte, table.MaxItemBytes))), fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := table.CheckWrites([]table.Write{c.w}, 1)
			if !fault.Is(err, c.kind) {
				t.Errorf("got %v, want %v", err, c.kind)
			}
		})
	}
	largest := make([]byte, table.MaxItemBytes-(2+1+2+1)-1)
	ok := []table.Write{put(good, table.NewBuilder().Bytes("a", largest))}
	if err := table.CheckWrites(ok, 1); err != nil {
		t.Errorf("the largest item is refused: %v", err)
	}
	if err := table.CheckWrites(ok, 0); err == nil {
		t.Error("a batch above the limit is taken")
	}
	if err := table.CheckKeys([]table.Key{good, good}, 1); err == nil {
		t.Error("keys above the limit are taken")
	}
}

func put(k table.Key, b *table.Builder) table.Write {
	return table.Write{Item: table.Item{Key: k, Attrs: b.Attrs()}}
}

func TestQueryRange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q        table.Query
		from, to string
		ok       bool
	}{
		"all":               {table.Query{}, "", "", true},
		"bounded":           {table.Query{From: "b", To: "d"}, "b", "d", true},
		"empty":             {table.Query{From: "b", To: "b"}, "b", "b", false},
		"after":             {table.Query{From: "b", To: "d", After: "c"}, "c ", "d", true},
		"after before from": {table.Query{From: "b", To: "d", After: "a"}, "b", "d", true},
		"after the end":     {table.Query{From: "b", To: "d", After: "e"}, "e ", "d", false},
		"reverse":           {table.Query{From: "b", To: "d", After: "c", Reverse: true}, "b", "c", true},
		"reverse unbounded": {table.Query{After: "c", Reverse: true}, "", "c", true},
		"reverse behind":    {table.Query{To: "d", After: "x", Reverse: true}, "", "d", true},
		"reverse done":      {table.Query{From: "b", After: "b", Reverse: true}, "b", "b", false},
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
	for _, q := range []table.Query{{}, {PK: "p", From: "\xff"}, {PK: "p", Limit: -1}, {PK: "p", To: "\x00"}} {
		if _, _, _, err := q.Range(); !fault.Is(err, fault.Internal) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
