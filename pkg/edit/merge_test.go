package edit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// person stores a customer and returns its name.
func (w *world) person(src store.Source, ext string, manual int64) edit.Ref {
	w.t.Helper()
	w.record(src.Space(), &billing.Customer{ExternalID: ext}, manual)
	return edit.Ref{Tag: src.Tag, H: w.dir.Hasher().CustomerH(ext)}
}

func (w *world) merge(from, into edit.Ref) {
	w.t.Helper()
	must(w.t, w.e.Merge(w.t.Context(), from, into, "me"))
	w.look()
}

// look reads the directory again.
func (w *world) look() {
	w.t.Helper()
	w.until(func() (err error) { w.dir, err = w.st.Directory(w.t.Context()); return err })
}

// groups returns the group that each of refs shows as.
func (w *world) groups(refs ...edit.Ref) map[edit.Ref][]edit.Ref {
	w.t.Helper()
	out := map[edit.Ref][]edit.Ref{}
	w.until(func() error {
		all, err := w.e.Groups(w.t.Context(), w.dir, refs...)
		for r, g := range all {
			out[r] = nil
			for _, m := range g {
				out[r] = append(out[r], m.Ref)
			}
		}
		return err
	})
	return out
}

func code(err error) string { return fault.CodeOf(err) }

func TestMerge(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	first, second := w.source("Acme"), w.source("Other")
	a, b, c, d := w.person(first, "a", 0), w.person(second, "b", 0), w.person(first, "c", 0), w.person(second, "d", 0)
	nobody := edit.Ref{Tag: first.Tag, H: store.H{1}}
	if first.Merges || second.Merges {
		t.Fatal("sources begin without merges")
	}
	w.merge(a, b)
	w.merge(c, d)
	w.merge(d, a) // merges the whole groups of d and a
	for _, s := range w.dir.Sources {
		same(t, "Merges of "+s.Name, true, s.Merges)
	}
	all := []edit.Ref{b, a, d, c}
	for _, r := range all {
		same(t, "group", all, w.groups(r)[r])
	}
	for _, x := range []struct {
		err  error
		code string
	}{
		{w.e.Merge(ctx, c, b, "me"), "merge_into_itself"},
		{w.e.Merge(ctx, c, c, "me"), "merge_into_itself"},
		{w.e.Merge(ctx, nobody, b, "me"), "customer_not_found"},
		{w.e.Merge(ctx, c, nobody, "me"), "customer_not_found"},
		{w.e.Unmerge(ctx, b, b), "unmerge_root"},
		{w.e.Unmerge(ctx, nobody, b), "customer_not_found"},
		{w.e.Unmerge(ctx, b, nobody), "customer_not_found"},
		{w.e.Unmerge(ctx, w.person(first, "e", 0), b), "not_merged"},
	} {
		same(t, "code", x.code, code(x.err))
	}
	must(t, w.e.Unmerge(ctx, d, b))
	same(t, "groups", map[edit.Ref][]edit.Ref{a: {b, a}, b: {b, a}, c: {d, c}, d: {d, c}}, w.groups(all...))
	must(t, w.e.Unmerge(ctx, a, b))
	must(t, w.e.Unmerge(ctx, c, d))
	same(t, "groups", map[edit.Ref][]edit.Ref{a: {a}, b: {b}, c: {c}, d: {d}}, w.groups(all...))
	for _, sp := range []store.Space{first.Space(), second.Space()} {
		for shard := range sp.Shards {
			for it, err := range w.st.Items(ctx, sp.EditsIn(shard)) {
				t.Errorf("%s, %v is left", it.SK, err)
			}
		}
	}
}

func TestTagsAndAttributesOfAGroup(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a, b := w.person(w.dir.Sources[0], "a", 0), w.person(w.dir.Sources[0], "b", 0)
	for i, r := range []edit.Ref{a, b} {
		c := edit.Customer{Space: w.sp, H: r.H, Author: "me"}
		_, err := w.e.AddTags(ctx, c, "both", fmt.Sprint(i))
		must(t, err)
		_, err = w.e.Put(ctx, c, map[string]edit.Untyped{"both": {Value: int64(i)}, fmt.Sprint(i): {Value: "x"}})
		must(t, err)
	}
	w.merge(a, b)
	all, err := w.e.Groups(ctx, w.dir, a)
	must(t, err)
	g := all[a]
	same(t, "tags", []string{"both", "1", "0"}, g.Tags())
	same(t, "attributes", 3, len(g.Attributes()))
	same(t, "attribute of the root", "1", g.Attributes()["both"].Text)
	same(t, "member", true, g.Member(a) == g[1] && g.Member(b) == g[0] && g.Member(edit.Ref{}) == nil)
}

func TestTooManyMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []edit.Ref
	for i := range edit.MaxMerged + 1 {
		all = append(all, w.person(w.dir.Sources[0], fmt.Sprint(i), 0))
	}
	for i := 1; i < edit.MaxMerged; i++ {
		w.merge(all[i-1], all[i]) // a tree as deep as possible
	}
	err := w.e.Merge(t.Context(), all[edit.MaxMerged], all[0], "me")
	same(t, "code", "too_many_merged", code(err))
	same(t, "members", edit.MaxMerged, len(w.groups(all[0])[all[0]]))
}

func TestTwoOppositeMergesAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		w := newWorld(t)
		a, b := w.person(w.dir.Sources[0], "a", 0), w.person(w.source("Other"), "b", 0)
		errs := make([]error, 2)
		var wg sync.WaitGroup
		wg.Go(func() { errs[0] = w.e.Merge(t.Context(), a, b, "one") })
		wg.Go(func() { errs[1] = w.e.Merge(t.Context(), b, a, "two") })
		wg.Wait()
		w.look()
		want := []edit.Ref{a, b}
		if errs[0] == nil {
			want = []edit.Ref{b, a}
		}
		if got := []string{code(errs[0]), code(errs[1])}; got[0] == got[1] || code(errors.Join(errs...)) != "merge_into_itself" {
			t.Fatalf("two opposite merges: %v", got)
		}
		same(t, "group", want, w.groups(a)[a])
	}
}

// Customers are read one after another, and links may change in between. A read ends all the same.
func TestLinksThatChangeWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	src := w.dir.Sources[0]
	x, y, a, b := w.person(src, "x", 0), w.person(src, "y", 0), w.person(src, "a", 0), w.person(src, "b", 0)
	link := func(r edit.Ref, l edit.Link) {
		body, err := json.Marshal(l)
		must(t, err)
		it := table.Item{Key: src.Space().CustomerEdit(r.H, store.EditMerge), Attrs: table.NewBuilder().Bytes("link", body).Attrs()}
		must(t, w.st.Write(t.Context(), []table.Write{{Item: it}}))
	}
	must(t, w.e.Merge(t.Context(), a, x, "me")) // the source has merges
	w.look()
	link(x, edit.Link{From: []edit.Ref{a}})
	link(y, edit.Link{From: []edit.Ref{b}})
	link(a, edit.Link{Into: &x, From: []edit.Ref{b}})
	link(b, edit.Link{Into: &y, From: []edit.Ref{a}})
	same(t, "group of b", []edit.Ref{y, b}, w.groups(b)[b])
	same(t, "group of x", []edit.Ref{x, a}, w.groups(x)[x])
}

func TestManyMergesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []edit.Ref
	for _, name := range []string{"Acme", "Other"} {
		src := w.source(name)
		for i := range 4 {
			all = append(all, w.person(src, fmt.Sprint(i), 0))
		}
	}
	var wg sync.WaitGroup
	for id := range 6 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(id), 1))
			for range 15 {
				a, b := all[rnd.IntN(len(all))], all[rnd.IntN(len(all))]
				err := w.e.Merge(t.Context(), a, b, fmt.Sprint(id))
				if rnd.IntN(3) == 0 {
					err = w.e.Unmerge(t.Context(), a, b)
				}
				if err != nil && !fault.Is(err, fault.Invalid) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.look()
	seen := 0
	for r, g := range w.groups(all...) {
		if !slices.Contains(g, r) {
			t.Errorf("%v shows as %v", r, g)
		}
		if g[0] == r {
			seen += len(g)
		}
	}
	same(t, "customers in groups", len(all), seen)
}

func TestMergesWhoseAnswersAreLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOn(t, mem.Options{Seed: 5, Lost: 0.2, Busy: 0.1, Partial: 0.2})
		a, b, c := w.person(w.dir.Sources[0], "a", 0), w.person(w.dir.Sources[0], "b", 0), w.person(w.dir.Sources[0], "c", 0)
		again := func(do func() error, done string) {
			w.until(func() error {
				if err := do(); err != nil && code(err) != done {
					return err
				}
				return nil
			})
		}
		for range 3 {
			again(func() error { return w.e.Merge(t.Context(), a, b, "me") }, "merge_into_itself")
			again(func() error { return w.e.Merge(t.Context(), b, c, "me") }, "merge_into_itself")
			w.look()
			same(t, "group", []edit.Ref{c, b, a}, w.groups(a)[a])
			again(func() error { return w.e.Unmerge(t.Context(), b, c) }, "not_merged")
			same(t, "group", []edit.Ref{b, a}, w.groups(a)[a])
			again(func() error { return w.e.Unmerge(t.Context(), a, b) }, "not_merged")
			same(t, "group", []edit.Ref{a}, w.groups(a)[a])
		}
	})
}

// A customer that is invisible while others are merged must not close a cycle when it comes back.
func TestNoCycles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	src := w.dir.Sources[0]
	a, b, c := w.person(src, "a", 0), w.person(src, "b", 0), w.person(src, "c", 0)
	w.merge(a, b)
	w.merge(b, c)
	must(t, w.st.Write(t.Context(), []table.Write{{Item: table.Item{Key: w.sp.Customer(b.H)}, Delete: true}}))
	same(t, "without b", map[edit.Ref][]edit.Ref{a: {a}, c: {c}}, w.groups(a, b, c))
	w.merge(c, a)
	w.person(src, "b", 0)
	same(t, "group", []edit.Ref{a, c, b}, w.groups(b)[b])
}

// family is a simple model of what merges should result in, while customers come and go.
type family struct {
	*world
	ext    map[edit.Ref]string
	record map[edit.Ref]int64 // manual epochs of the stored customers
	buried map[edit.Ref]bool
	into   map[edit.Ref]edit.Ref
	from   map[edit.Ref][]edit.Ref
	manual map[edit.Ref]int64 // manual epochs of the merge edits
}

func (f *family) visible(r edit.Ref) bool {
	m, ok := f.record[r]
	_, there := f.dir.ByTag(r.Tag)
	return ok && there && !f.buried[r] && (m == 0 || m >= f.dir.ManualEpoch)
}

func (f *family) up(r edit.Ref) (edit.Ref, bool) {
	p, ok := f.into[r]
	return p, ok && f.visible(r) && f.visible(p) && slices.Contains(f.from[p], r)
}

func (f *family) root(t *rapid.T, r edit.Ref) edit.Ref {
	for range f.ext {
		p, ok := f.up(r)
		if !ok {
			return r
		}
		r = p
	}
	t.Fatal("the links form a cycle")
	return r
}

func (f *family) tree(r edit.Ref) []edit.Ref {
	out := []edit.Ref{r}
	for _, child := range f.from[r] {
		if p, ok := f.up(child); ok && p == r {
			out = append(out, f.tree(child)...)
		}
	}
	return out
}

func (f *family) untie(r edit.Ref) {
	if p, ok := f.into[r]; ok && f.visible(p) {
		f.from[p] = slices.DeleteFunc(slices.Clone(f.from[p]), func(x edit.Ref) bool { return x == r })
		f.manual[p] = f.record[p]
	}
	delete(f.into, r)
	f.manual[r] = f.record[r]
}

func (f *family) merge(t *rapid.T, a, b edit.Ref) {
	err := f.e.Merge(f.t.Context(), a, b, "me")
	if !f.visible(a) || !f.visible(b) {
		if code(err) != "customer_not_found" {
			t.Fatalf("a merge with an invisible customer: %v", err)
		}
		return
	}
	a, b = f.root(t, a), f.root(t, b)
	if a == b {
		if code(err) != "merge_into_itself" {
			t.Fatalf("a merge into itself: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	f.untie(a)
	f.untie(b)
	f.into[a] = b
	f.from[b] = append(slices.DeleteFunc(slices.Clone(f.from[b]), func(x edit.Ref) bool { return x == a }), a)
}

func (f *family) unmerge(t *rapid.T, part edit.Ref) {
	if !f.visible(part) {
		return
	}
	root := f.root(t, part)
	err := f.e.Unmerge(f.t.Context(), part, root)
	if root == part {
		if code(err) != "unmerge_root" {
			t.Fatalf("unmerge of a root: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	f.untie(part)
}

// forget removes the links of a customer from the model: its edit is gone or invisible.
func (f *family) forget(r edit.Ref) {
	delete(f.into, r)
	delete(f.from, r)
	delete(f.manual, r)
}

func (f *family) erase(r edit.Ref, edits bool) {
	src, ok := f.dir.ByTag(r.Tag)
	if !ok {
		return
	}
	sp := src.Space()
	gone := []table.Write{{Item: table.Item{Key: sp.Customer(r.H)}, Delete: true}}
	delete(f.record, r)
	if edits {
		gone = append(gone, table.Write{Item: table.Item{Key: sp.CustomerEdit(r.H, store.EditMerge)}, Delete: true})
		f.forget(r)
	}
	must(f.t, f.st.Write(f.t.Context(), gone))
}

func (f *family) make(r edit.Ref, manual bool) {
	src, ok := f.dir.ByTag(r.Tag)
	if _, already := f.record[r]; already || !ok {
		return
	}
	if manual {
		f.record[r] = f.dir.ManualEpoch
	} else {
		f.record[r] = 0
	}
	f.person(src, f.ext[r], f.record[r])
}

func (f *family) directory(change func(*store.Directory)) {
	_, err := f.st.ChangeDirectory(f.t.Context(), func(d *store.Directory) ([]table.Write, error) { change(d); return nil, nil })
	must(f.t, err)
}

func (f *family) bury(r edit.Ref) {
	f.buried[r] = !f.buried[r]
	f.directory(func(d *store.Directory) {
		if job := "erase of " + r.CustomerID(); f.buried[r] {
			d.Hide(job, store.Over(r.Tag, store.KindCustomer, r.H))
		} else {
			d.Reveal(job)
		}
	})
}

func (f *family) eraseManual() {
	f.directory(func(d *store.Directory) { d.ManualEpoch++ })
	f.look()
	for r, m := range f.manual {
		if m != 0 && m < f.dir.ManualEpoch {
			f.forget(r)
		}
	}
	for r, m := range f.record {
		if m != 0 && m < f.dir.ManualEpoch {
			delete(f.record, r) // it can be made again
		}
	}
}

func (f *family) check(t *rapid.T, all []edit.Ref) {
	f.look()
	got := f.groups(all...)
	seen := map[edit.Ref]int{}
	for _, r := range all {
		if !f.visible(r) {
			if got[r] != nil {
				t.Fatalf("%s is invisible, and shows as %v", f.ext[r], got[r])
			}
			continue
		}
		if want := f.tree(f.root(t, r)); !slices.Equal(want, got[r]) {
			t.Fatalf("%s shows as %v, want %v", f.ext[r], got[r], want)
		}
		if got[r][0] == r {
			for _, m := range got[r] {
				seen[m]++
			}
		}
	}
	for _, r := range all {
		if want := map[bool]int{true: 1}[f.visible(r)]; seen[r] != want {
			t.Fatalf("%s is in %d groups, want %d", f.ext[r], seen[r], want)
		}
	}
}

func TestGroupsAreAPartition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		f := &family{
			newWorld(t),
			map[edit.Ref]string{},
			map[edit.Ref]int64{},
			map[edit.Ref]bool{},
			map[edit.Ref]edit.Ref{},
			map[edit.Ref][]edit.Ref{},
			map[edit.Ref]int64{},
		}
		var all []edit.Ref
		for _, name := range []string{"Acme", "Second", "Third"} {
			src := f.source(name)
			for i := range 2 {
				ref := f.person(src, fmt.Sprint(name, i), 0)
				all, f.ext[ref], f.record[ref] = append(all, ref), fmt.Sprint(name, i), 0
			}
		}
		for range rapid.IntRange(1, 100).Draw(r, "steps") {
			a, b := rapid.SampledFrom(all).Draw(r, "a"), rapid.SampledFrom(all).Draw(r, "b")
			switch rapid.IntRange(0, 19).Draw(r, "what") {
			case 0:
				f.erase(a, false)
			case 1:
				f.erase(a, true)
			case 2, 3:
				f.make(a, false)
			case 4, 5:
				f.make(a, true)
			case 6, 7:
				f.bury(a)
			case 8:
				f.eraseManual()
			case 9:
				f.directory(func(d *store.Directory) { d.Remove("ds_Third") })
			case 10, 11, 12:
				f.unmerge(r, a)
			default:
				f.merge(r, a, b)
			}
			f.check(r, all)
		}
	})
}
