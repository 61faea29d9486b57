package table_test

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reseed/pkg/table"
)

// genValues draws named values of every type.
func genValues() *rapid.Generator[map[string]any] {
	name := rapid.StringN(1, 40, 120)
	value := rapid.OneOf(
		rapid.StringN(0, 200, 600).AsAny(),
		rapid.Int64().AsAny(),
		rapid.SampledFrom([]int64{0, 1, -1, math.MinInt64, math.MaxInt64}).AsAny(),
		rapid.Bool().AsAny(),
		rapid.SliceOfN(rapid.Byte(), 0, 300).AsAny(),
		rapid.SliceOfN(rapid.StringN(0, 20, 60), 0, 10).AsAny(),
	)
	return rapid.MapOfN(name, value, 0, 12)
}

func build(values map[string]any, order []string) table.Attrs {
	b := table.NewBuilder()
	for _, name := range order {
		switch v := values[name].(type) {
		case string:
			b.Str(name, v)
		case int64:
			b.IntAlways(name, v)
		case bool:
			b.Bool(name, v)
		case []byte:
			b.Bytes(name, v)
		case []string:
			b.List(name, v)
		}
	}
	return b.Attrs()
}

// read returns the values that were given to a Builder, without those that it leaves out.
func read(a table.Attrs) map[string]any {
	out := map[string]any{}
	for name, v := range a.All() {
		switch v.Type {
		case table.String:
			out[name] = v.Str()
		case table.Int:
			out[name] = v.Int()
		case table.Bool:
			out[name] = v.Bool()
		case table.Bytes:
			out[name] = bytes.Clone(v.Raw)
		case table.List:
			out[name] = v.List()
		}
	}
	return out
}

func withoutZero(values map[string]any) map[string]any {
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(_ string, value any) bool {
		switch v := value.(type) {
		case string:
			return v == ""
		case bool:
			return !v
		case []byte:
			return len(v) == 0
		case []string:
			return len(v) == 0
		}
		return false
	})
	return out
}

func TestAttrsGiveBackWhatWasBuilt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := genValues().Draw(t, "values")
		names := slices.Sorted(maps.Keys(values))
		a := build(values, names)
		if !a.Valid() {
			t.Fatalf("not valid: %x", a)
		}
		if diff := cmp.Diff(withoutZero(values), read(a)); diff != "" {
			t.Fatal(diff)
		}
		for name, want := range read(a) {
			v, ok := a.Get(name)
			if !ok || read(one(name, v))[name] == nil {
				t.Fatalf("Get(%q) misses %v", name, want)
			}
		}
		if shuffled := build(values, rapid.Permutation(names).Draw(t, "order")); !bytes.Equal(a, shuffled) {
			t.Fatalf("order matters: %x, %x", a, shuffled)
		}
	})
}

func one(name string, v table.Value) table.Attrs { return table.NewBuilder().Raw(name, v).Attrs() }

func TestContentLeavesOutTheStamps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		content := build(map[string]any{"a": "x", "n": int64(3)}, []string{"a", "n"})
		b := table.NewBuilder().Str("a", "x").Int("n", 3)
		stamps := rapid.SliceOfNDistinct(rapid.StringMatching(`_[a-z]{0,4}`), 0, 4, rapid.ID[string]).Draw(t, "stamps")
		for _, s := range stamps {
			b.IntAlways(s, rapid.Int64().Draw(t, "stamp"))
		}
		if got := b.Attrs().Content(); !bytes.Equal(got, content) {
			t.Fatalf("content %x, want %x", got, content)
		}
	})
	if got := table.NewBuilder().Int("_at", 1).Attrs().Content(); len(got) != 0 {
		t.Errorf("content of stamps alone: %x", got)
	}
}

func TestAResetBuilderSharesNothing(t *testing.T) {
	t.Parallel()
	b := table.NewBuilder()
	first := b.Str("z", "1").Str("a", "2").Attrs()
	kept := bytes.Clone(first)
	b.Reset()
	second := b.Str("b", "3").Attrs()
	if !bytes.Equal(first, kept) {
		t.Error("the second item wrote into the first")
	}
	if want := table.NewBuilder().Str("b", "3").Attrs(); !bytes.Equal(second, want) {
		t.Errorf("got %x, want %x", second, want)
	}
}

// The bytes are stored: they can never change.
func TestAttrsGolden(t *testing.T) {
	t.Parallel()
	got := table.NewBuilder().Str("s", "é").IntAlways("n", -2).Bool("b", true).Bytes("x", []byte{0, 255}).
		List("l", []string{"", "ab"}).Int("_at", 1).Attrs()
	want := "\x03_atn\x08\x00\x00\x00\x00\x00\x00\x00\x01" + "\x01bb\x01\x01" + "\x01ll\x04\x00\x02ab" +
		"\x01nn\x08\xff\xff\xff\xff\xff\xff\xff\xfe" + "\x01ss\x02\xc3\xa9" + "\x01xx\x02\x00\xff"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAttrsRefuseMalformed(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"cut in the head":       "\x01a",
		"cut in the value":      "\x01as\x05abc",
		"rest behind the end":   "\x01as\x01xx",
		"descending names":      "\x01bs\x01x\x01as\x01x",
		"the same name twice":   "\x01as\x01x\x01as\x01x",
		"unknown type":          "\x01aq\x01x",
		"integer of four bytes": "\x01an\x04abcd",
		"bool of two":           "\x01ab\x01\x02",
		"list that ends early":  "\x01al\x02\x05a",
		"length of two bytes":   "\x01as\x81\x00x",
		"the same in a list":    "\x01al\x03\x81\x00x",
		"endless length":        "\x01as\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"name of 255, cut":      "\xff" + strings.Repeat("a", 200),
		"name of 255, no value": "\xff" + strings.Repeat("a", 255) + "s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if table.Attrs(raw).Valid() {
				t.Errorf("%q is valid", raw)
			}
		})
	}
	if long := "\xff" + strings.Repeat("a", 255) + "s\x01x"; !table.Attrs(long).Valid() {
		t.Error("a name of 255 bytes is refused")
	}
}

// FuzzAttrs feeds arbitrary bytes: nothing panics, and valid attributes have only one encoding.
func FuzzAttrs(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("\x01as\x01x"))
	f.Add([]byte("\xff" + strings.Repeat("a", 255) + "s\x01x"))
	f.Add([]byte("\x03_atn\x08\x00\x00\x00\x00\x00\x00\x00\x01\x01ll\x04\x00\x02ab"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := table.Attrs(raw)
		b := table.NewBuilder()
		for name, v := range a.All() {
			b.Raw(name, v)
			_, _, _, _ = v.Str(), v.Int(), v.Bool(), v.List()
		}
		_, _, _ = a.Str("a"), a.Content(), a.Size()
		_, _ = a.Int("a")
		if a.Valid() && !bytes.Equal(b.Attrs(), raw) {
			t.Errorf("%q is rebuilt as %q", raw, b.Attrs())
		}
	})
}
