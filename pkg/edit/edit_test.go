package edit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

type world struct {
	t   *testing.T
	st  *store.Store
	e   *edit.Edit
	dir *store.Directory
	sp  store.Space
}

func newWorld(t *testing.T) *world { t.Helper(); return newWorldOn(t, mem.Options{}) }

// newWorldOn makes one source on a table that may be a bad one.
func newWorldOn(t *testing.T, opt mem.Options) *world {
	t.Helper()
	st := store.New(mem.New(opt))
	w := &world{t: t, st: st, e: edit.New(st, time.Now)}
	w.source("Acme")
	w.sp = w.dir.Sources[0].Space()
	return w
}

// source adds a source.
func (w *world) source(name string) store.Source {
	w.t.Helper()
	w.until(func() (err error) {
		w.dir, err = w.st.ChangeDirectory(w.t.Context(), func(d *store.Directory) ([]table.Write, error) {
			if _, ok := d.ByName(name); ok {
				return nil, nil
			}
			_, err := d.Add("ds_"+name, name, "CSV", time.Unix(0, 0))
			return nil, err
		})
		return err
	})
	s, _ := w.dir.ByName(name)
	return s
}

// until does it again as long as the table's answer does not come.
func (w *world) until(do func() error) {
	w.t.Helper()
	for range 100 {
		err := do()
		if !fault.Is(err, fault.Unavailable) {
			must(w.t, err)
			return
		}
	}
	w.t.Fatal("no answer came")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func (w *world) customer(n int, manual int64) edit.Customer {
	h := w.dir.Hasher().External(store.KindCustomer, fmt.Sprint(n))
	return edit.Of(w.sp, h, table.NewBuilder().Int(store.AttrManual, manual).Attrs())
}

func (w *world) load(c edit.Customer) edit.Edits {
	w.t.Helper()
	found, err := w.st.Lookup(w.t.Context(), edit.Keys(w.dir.Sources[0], c.H)...)
	must(w.t, err)
	edits, err := edit.Read(w.dir, found, w.sp, c.H)
	must(w.t, err)
	return edits
}

func TestTags(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	c := w.customer(1, 0)
	for _, x := range []struct {
		do   func(tags ...string) ([]string, error)
		tags []string
		want []string
	}{
		{w.add(c), []string{"vip", " north ", "vip"}, []string{"vip", "north"}},
		{w.add(c), []string{"north", "a b"}, []string{"vip", "north", "a b"}},
		{w.remove(c), []string{"vip", "none"}, []string{"north", "a b"}},
		{w.remove(c), []string{"north", "a b"}, []string{}},
		{w.add(c), []string{"again"}, []string{"again"}},
	} {
		got, err := x.do(x.tags...)
		must(t, err)
		if !slices.Equal(x.want, got) || !slices.Equal(x.want, w.load(c).Tags) {
			t.Fatalf("%v gives %v, stored %v, want %v", x.tags, got, w.load(c).Tags, x.want)
		}
	}
	for _, bad := range []string{"", "  ", strings.Repeat("ä", 256), "\xff"} {
		if _, err := w.e.AddTags(ctx, c, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("tag %q: %v", bad, err)
		}
	}
	var many []string
	for i := range edit.MaxTags {
		many = append(many, fmt.Sprint(i))
	}
	if _, err := w.e.AddTags(ctx, c, many...); !fault.Is(err, fault.Invalid) {
		t.Errorf("more than the most tags: %v", err)
	}
}

func (w *world) add(c edit.Customer) func(...string) ([]string, error) {
	return func(tags ...string) ([]string, error) { return w.e.AddTags(w.t.Context(), c, tags...) }
}

func (w *world) remove(c edit.Customer) func(...string) ([]string, error) {
	return func(tags ...string) ([]string, error) { return w.e.RemoveTags(w.t.Context(), c, tags...) }
}

func TestWithNothingLeftTheItemGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.customer(1, 0)
	_, err := w.e.AddTags(t.Context(), c, "x")
	must(t, err)
	_, err = w.e.RemoveTags(t.Context(), c, "x")
	must(t, err)
	_, err = w.e.Remove(t.Context(), c, "none")
	must(t, err)
	items, err := w.st.Get(t.Context(), edit.Keys(w.dir.Sources[0], c.H)...)
	must(t, err)
	same(t, "items", 0, len(items))
}

func TestTheSameAgainWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.customer(1, 0)
	for range 2 {
		_, err := w.e.AddTags(t.Context(), c, "x")
		must(t, err)
		_, err = w.e.Set(t.Context(), c, map[string]edit.Value{"pro": {Type: edit.Boolean, Text: "true"}})
		must(t, err)
		before, err := w.st.Lookup(t.Context(), edit.Keys(w.dir.Sources[0], c.H)...)
		must(t, err)
		spent := w.st.Spent().WriteMilli
		_, err = w.e.AddTags(t.Context(), c, "x")
		must(t, err)
		_, err = w.e.RemoveTags(t.Context(), c, "y")
		must(t, err)
		_, err = w.e.Set(t.Context(), c, map[string]edit.Value{"pro": {Type: edit.Boolean, Text: "true"}})
		must(t, err)
		after, err := w.st.Lookup(t.Context(), edit.Keys(w.dir.Sources[0], c.H)...)
		must(t, err)
		same(t, "items", before, after)
		same(t, "write cost", spent, w.st.Spent().WriteMilli)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	c := w.customer(1, 0)
	value := func(typ edit.Type, raw any) edit.Value {
		t.Helper()
		v, err := edit.NewValue(typ, raw, "crm")
		must(t, err)
		return v
	}
	all, err := w.e.Set(ctx, c, map[string]edit.Value{
		"channel": value(edit.String, "web"), "age": value(edit.Integer, json.Number("8")),
		"rate": value(edit.Decimal, json.Number("1.50")), "pro": value(edit.Boolean, "TRUE"),
		"since": value(edit.Timestamp, "2016-01-31"),
	})
	must(t, err)
	same(t, "answer", all, w.load(c).Attributes)
	same(t, "as JSON", map[string]any{
		"channel": "web", "age": json.Number("8"), "rate": json.Number("1.5"), "pro": true, "since": "2016-01-31T00:00:00.000Z",
	}, w.load(c).Custom())

	_, err = w.e.Put(ctx, c, map[string]edit.Untyped{
		"age": {Value: "9"}, "new": {Value: json.Number("3")}, "part": {Value: 2.5}, "yes": {Value: false, Source: "x"}, "text": {Value: "t"},
	})
	must(t, err)
	got := w.load(c).Attributes
	same(t, "types", []edit.Type{edit.Integer, edit.Integer, edit.Decimal, edit.Boolean, edit.String},
		[]edit.Type{got["age"].Type, got["new"].Type, got["part"].Type, got["yes"].Type, got["text"].Type})
	same(t, "age", "9", got["age"].Text)
	_, err = w.e.Put(ctx, c, map[string]edit.Untyped{"age": {Value: "old"}})
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("a text for an integer: %v", err)
	}
	left, err := w.e.Remove(ctx, c, "age", "new", "part", "yes", "text", "none")
	must(t, err)
	same(t, "left", 4, len(left))
	same(t, "stored", left, w.load(c).Attributes)
	if _, err := w.e.Set(ctx, c, map[string]edit.Value{" ": value(edit.String, "")}); err == nil {
		t.Fatal("an attribute without a name")
	}
}

func TestValuesThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		typ edit.Type
		raw any
	}{
		{edit.Integer, "x"},
		{edit.Integer, "1.5"},
		{edit.Integer, "9223372036854775808"},
		{edit.Decimal, "NaN"},
		{edit.Decimal, "1e999"},
		{edit.Boolean, "maybe"},
		{edit.Timestamp, "2016-02-30"},
		{edit.String, strings.Repeat("x", 256)},
		{edit.String, nil},
		{edit.String, []any{"x"}},
		{"Money", "1"},
	} {
		if v, err := edit.NewValue(x.typ, x.raw, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s %v: %v, %v", x.typ, x.raw, v, err)
		}
	}
	if _, err := edit.ParseType("Money"); err == nil {
		t.Error("an unknown type")
	}
	if typ, err := edit.ParseType("Decimal"); err != nil || typ != edit.Decimal {
		t.Error(typ, err)
	}
}

func TestEditsAtOnceDoNotGetLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.customer(1, 0)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err1 := w.e.AddTags(t.Context(), c, fmt.Sprint(i))
			_, err2 := w.e.Put(t.Context(), c, map[string]edit.Untyped{fmt.Sprint(i): {Value: int64(i)}})
			if err := errors.Join(err1, err2); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := w.load(c)
	same(t, "tags", 20, len(got.Tags))
	same(t, "attributes", 20, len(got.Attributes))
}

func TestTagsOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []edit.Customer
	for i := range 120 {
		c := w.customer(i, 0)
		all = append(all, c)
		if i%2 == 0 {
			_, err := w.e.AddTags(t.Context(), c, fmt.Sprint(i))
			must(t, err)
		}
	}
	for i, c := range all {
		if got := w.load(c).Tags; (len(got) == 1 && got[0] == fmt.Sprint(i)) != (i%2 == 0) {
			t.Fatalf("customer %d has tags %v", i, got)
		}
	}
}

// The edits of a manual customer are invisible with it, and a customer of the
// same id that is made afterwards begins without them.
func TestEditsOfManualCustomersGoWithThem(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	old, plain := w.customer(1, w.dir.ManualEpoch), w.customer(2, 0)
	for _, c := range []edit.Customer{old, plain} {
		_, err := w.e.AddTags(ctx, c, "old")
		must(t, err)
		_, err = w.e.Put(ctx, c, map[string]edit.Untyped{"k": {Value: "v"}})
		must(t, err)
	}
	same(t, "tags", []string{"old"}, w.load(old).Tags)
	var err error
	w.dir, err = w.st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) { d.ManualEpoch++; return nil, nil })
	must(t, err)
	same(t, "edits of the erased one", edit.Edits{}, w.load(old))
	same(t, "tags of the other", []string{"old"}, w.load(plain).Tags)
	again := w.customer(1, w.dir.ManualEpoch)
	_, err = w.e.AddTags(ctx, again, "new")
	must(t, err)
	all, err := w.e.Put(ctx, again, map[string]edit.Untyped{"n": {Value: "v"}})
	must(t, err)
	same(t, "attributes", 1, len(all))
	same(t, "tags of the one made again", []string{"new"}, w.load(again).Tags)
	items, err := w.st.Get(ctx, edit.Keys(w.dir.Sources[0], again.H)...)
	must(t, err)
	for _, it := range items {
		if m, _ := it.Attrs.Int(store.AttrManual); m != w.dir.ManualEpoch {
			t.Fatalf("an edit of a manual customer carries epoch %d", m)
		}
	}
}
