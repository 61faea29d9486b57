package store_test

import (
	"slices"
	"strings"
	"testing"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

func TestTheListOfKindsIsSound(t *testing.T) {
	t.Parallel()
	known, letters := map[store.Kind]bool{}, map[string]bool{}
	for _, p := range store.PointerKinds() {
		letters[p.SK] = true
	}
	stage := 0
	for _, k := range store.Kinds() {
		switch {
		case k.Of != "" && !known[k.Of], k.Stage < stage:
			t.Errorf("%s come before what they depend on", k.Dataset)
		case k.Append == nil || k.Decode == nil || k.Locate == nil:
			t.Errorf("%s have no codec", k.Dataset)
		case store.KindFor(k.Dataset) != k, store.KindNamed(k.Kind) != k, k.ID != "" && store.KindOfID(k.ID) != k:
			t.Errorf("%s are not found", k.Dataset)
		case letters[k.SK]:
			t.Errorf("%s have the letter of others", k.Dataset)
		case k.Of != "":
			belongsWell(t, k)
		}
		known[k.Kind], letters[k.SK], stage = true, true, k.Stage
	}
	for _, ds := range billing.Order() {
		if store.KindFor(ds) == nil {
			t.Errorf("%s become nothing", ds)
		}
	}
}

// belongsWell checks that a kind which has a parent lies where walks visit it.
func belongsWell(t *testing.T, k *store.RecordKind) {
	t.Helper()
	parent := k.Parent()
	switch {
	case parent == nil || parent.Kind != k.Of || k.OfAttr == "" || parent.Called == "":
		t.Errorf("%s do not say what they belong to", k.Dataset)
	case !k.Part && k.Of != store.KindCustomer, k.Part && parent.Under():
		t.Errorf("%s belong to records that no walk visits", k.Dataset)
	case k.Part && (parent.Stage != k.Stage || parent.Place != k.Place):
		t.Errorf("%s are not in the partition of the records that they are parts of", k.Dataset)
	}
}

// The facts of a kind agree with its keys and its content.
func TestKindsAgreeWithTheirRecords(t *testing.T) {
	t.Parallel()
	sp := store.Space{Tag: 0x1f, Epochs: store.Epochs{Customers: 1, Data: 2, Edits: 3}, Shards: 16}
	parts := sp.Partitions()
	for _, s := range samples() {
		k := store.KindFor(s.record.Dataset())
		at := k.Locate(hasher, s.record)
		a := table.Attrs(k.Append(nil, s.record))
		switch {
		case store.RecordAt(at.SK) != k || store.PointerAt(at.SK) != nil:
			t.Errorf("%s: %s is of another kind", s.name, at.SK)
		case k.CameWith(a) != s.record.Dataset():
			t.Errorf("%s came with %s", s.name, k.CameWith(a))
		case parts.Of(at.SK) != sp.Key(at.SK).PK || sp.Key(at.SK).PK == "":
			t.Errorf("%s lies in %q and in %q", s.name, parts.Of(at.SK), sp.Key(at.SK).PK)
		case at.About != "" && !k.LooksUp():
			t.Errorf("%s asks about %s, and does not look up", s.name, at.About)
		}
		want := ""
		if of := k.Parent(); k.Under() {
			want = of.SK + hasher.External(of.Kind, a.Str(k.OfAttr)).String()
		}
		if parent := store.ParentSK(at.SK); parent != want {
			t.Errorf("%s lies under %q, want %q", s.name, parent, want)
		}
		pointersAgree(t, s.name, at.SK, a)
		for name, v := range a.All() {
			if isTime := slices.Contains(k.Times, name); isTime != store.IsTime(name) || isTime && v.Type != table.Int {
				t.Errorf("%s: is %s a time?", s.name, name)
			}
		}
	}
}

func pointersAgree(t *testing.T, name, sk string, a table.Attrs) {
	t.Helper()
	pointers := store.PointersOf(hasher, sk, a)
	if n := store.PointerCount(sk, a); len(pointers) != n {
		t.Errorf("%s has %d pointers, counted %d", name, len(pointers), n)
	}
	for _, p := range pointers {
		if store.PointerAt(p.SK) == nil || store.PlaceOf(p.SK) == store.Nowhere {
			t.Errorf("%s has a pointer %s of no kind", name, p.SK)
		}
	}
}

// A sort key that this version does not know has no partition: nothing is written under it, and it
// is not taken for another kind.
func TestUnknownSortKeysAreRefused(t *testing.T) {
	t.Parallel()
	h := strings.Repeat("0", 2*store.HashLen)
	sp := store.Space{Tag: 1, Epochs: store.Epochs{Customers: 1, Data: 1, Edits: 1}, Shards: 16}
	st := store.New(mem.New(mem.Options{}))
	for _, sk := range []string{"z#" + h, "q#" + h + "#" + h, "c" + h, "", "é#" + h} {
		if store.RecordAt(sk) != nil || store.PointerAt(sk) != nil || store.PlaceOf(sk) != store.Nowhere || store.ParentSK(sk) != "" {
			t.Errorf("%q is taken for something", sk)
		}
		key := sp.Key(sk)
		if key.PK != "" || sp.Partitions().Of(sk) != "" {
			t.Errorf("%q lies in %q", sk, key.PK)
		}
		if err := st.Write(t.Context(), []table.Write{{Item: table.Item{Key: key}}}); fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("a write of %q answers %v", sk, err)
		}
		if _, ok := sp.Edited(sk + store.EditFields); ok {
			t.Errorf("%q has edits", sk)
		}
	}
	if store.RecordAt(store.SKInvoice+h+"#z#"+h) != nil {
		t.Error("an unknown part is taken for something")
	}
}

// What billing reads as an amount is an amount of the kind, and the first one is summed up.
func TestAmountsOfKinds(t *testing.T) {
	t.Parallel()
	for _, k := range store.Kinds() {
		var want, got []string
		for _, f := range billing.FieldsOf(k.Dataset) {
			if f.Is == "cents" {
				want = append(want, f.Name)
			}
		}
		for _, a := range k.Amounts {
			got = append(got, a.Attr)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || (k.Sum == nil) != (len(got) == 0) {
			t.Errorf("amounts of %s are %v, want %v", k.Dataset, got, want)
		}
	}
}
