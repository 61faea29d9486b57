package edit

import (
	"context"
	"maps"
	"slices"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// MaxMerged is the largest number of source customers that can be merged into one.
const MaxMerged = 90

// Member is a source customer with its edits.
type Member struct {
	Ref
	Source store.Source
	Attrs  table.Attrs // as imported
	Edits  Edits
}

func (m *Member) target() target { return m.Customer().target(store.EditMerge) }

// Linked reports whether the member has links. Its group may still have no other member, if those
// are invisible.
func (m *Member) Linked() bool { return m.Edits.Merge.linked() }

// Shown returns the member's record with the changed fields laid over it.
func (m *Member) Shown() table.Attrs { return m.Edits.Row.Over(m.Attrs) }

// Attributes returns the member's custom attributes: what people have given it, laid over what was
// imported.
func (m *Member) Attributes() map[string]Value {
	all := importedAttributes(m.Attrs)
	if len(all) == 0 {
		return m.Edits.Attributes
	}
	maps.Copy(all, m.Edits.Attributes)
	return all
}

// Customer returns the member as the target of edits.
func (m *Member) Customer() Customer { return Of(m.Source.Space(), m.H, m.Attrs) }

// Group lists the source customers that people see as one: a tree of merges in depth-first order,
// so the root comes first, and each member is followed by those that were merged into it.
type Group []*Member

// Member returns the member of that name; nil if the group has no such member.
func (g Group) Member(r Ref) *Member {
	for _, m := range g {
		if m.Ref == r {
			return m
		}
	}
	return nil
}

// Tags lists the tags of all members, in the order of the group, each once.
func (g Group) Tags() []string {
	if len(g) == 1 {
		return g[0].Edits.Tags
	}
	var all []string
	has := map[string]bool{}
	for _, m := range g {
		for _, t := range m.Edits.Tags {
			if !has[t] {
				has[t] = true
				all = append(all, t)
			}
		}
	}
	return all
}

// Attributes returns the custom attributes of all members. If several have the same name, the first
// member in the group wins.
func (g Group) Attributes() map[string]Value {
	if len(g) == 1 {
		return g[0].Attributes()
	}
	all := map[string]Value{}
	for _, m := range slices.Backward(g) {
		maps.Copy(all, m.Attributes())
	}
	return all
}

// loader reads customers on demand, each once.
type loader struct {
	e     *Edit
	d     *store.Directory
	known map[Ref]*Member // nil: not visible
}

// load reads customers with their edits. In known, those that are not visible are nil.
func (l *loader) load(ctx context.Context, refs []Ref) error {
	var keys []table.Key
	var asked []Ref
	for _, r := range refs {
		if _, ok := l.known[r]; ok {
			continue
		}
		l.known[r] = nil
		src, ok := l.d.ByTag(r.Tag)
		if !ok {
			continue
		}
		asked = append(asked, r)
		keys = append(append(keys, Keys(src, r.H)...), src.Space().Customer(r.H))
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := l.e.st.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	for _, r := range asked {
		if l.known[r], err = ReadMember(l.d, found, r); err != nil {
			return err
		}
	}
	return nil
}

// ReadMember takes a customer from what a batch get found under its key and its [Keys]; nil if it
// is not visible.
func ReadMember(d *store.Directory, found map[table.Key]table.Attrs, r Ref) (*Member, error) {
	src, ok := d.ByTag(r.Tag)
	var attrs table.Attrs
	if ok {
		attrs, ok = found[src.Space().Customer(r.H)]
	}
	if !ok || d.HidesCustomer(r.Tag, r.H, attrs) {
		return nil, nil //nolint:nilnil // not visible is an answer, not an error
	}
	edits, err := Read(d, found, src.Space(), r.H)
	return &Member{r, src, attrs, edits}, err
}

// into returns the customer that r is merged into, if both are visible. Both must have been loaded.
func (l *loader) into(r Ref) (Ref, bool) {
	m := l.known[r]
	if m == nil || m.Edits.Merge.Into == nil {
		return Ref{}, false
	}
	up := l.known[*m.Edits.Merge.Into]
	if up == nil || !slices.Contains(up.Edits.Merge.From, r) {
		return Ref{}, false
	}
	return up.Ref, true
}

// climb loads refs and everything above them in the trees of merges.
func (l *loader) climb(ctx context.Context, refs []Ref) error {
	for next := refs; len(next) > 0; {
		if err := l.load(ctx, next); err != nil {
			return err
		}
		var above []Ref
		for _, r := range next {
			if m := l.known[r]; m != nil && m.Edits.Merge.Into != nil {
				if _, ok := l.known[*m.Edits.Merge.Into]; !ok {
					above = append(above, *m.Edits.Merge.Into)
				}
			}
		}
		next = above
	}
	return nil
}

// root returns the root of the tree that r is in. Everything above r must have been loaded. It is
// false if the loaded links form a cycle. The table never has one; but customers are read one after
// another, and links may change in between.
func (l *loader) root(r Ref) (Ref, bool) {
	for range l.known { // a tree has at most that many levels
		up, ok := l.into(r)
		if !ok {
			return r, true
		}
		r = up
	}
	return r, false
}

// descend loads everything below refs, which must be visible.
func (l *loader) descend(ctx context.Context, refs []Ref) error {
	for next := refs; len(next) > 0; {
		var below, linked []Ref
		for _, r := range next {
			below = append(below, l.known[r].Edits.Merge.From...)
		}
		if err := l.load(ctx, below); err != nil {
			return err
		}
		for _, r := range next {
			linked = append(linked, l.children(r)...)
		}
		next = linked
	}
	return nil
}

// children lists the customers that are merged into r. They must have been loaded.
func (l *loader) children(r Ref) []Ref {
	return slices.DeleteFunc(slices.Clone(l.known[r].Edits.Merge.From), func(child Ref) bool {
		up, linked := l.into(child)
		return !linked || up != r
	})
}

// group lists the tree under a root. Everything below it must have been loaded.
func (l *loader) group(root Ref) Group {
	var g Group
	var walk func(Ref)
	walk = func(r Ref) {
		g = append(g, l.known[r])
		for _, child := range l.children(r) {
			walk(child)
		}
	}
	walk(root)
	return g
}

// Groups reads the group that each of refs shows as. A customer that is not visible has no group.
// Two refs in one tree have equal groups.
func (e *Edit) Groups(ctx context.Context, d *store.Directory, refs ...Ref) (map[Ref]Group, error) {
	return e.groups(ctx, &loader{e, d, map[Ref]*Member{}}, refs)
}

func (e *Edit) groups(ctx context.Context, l *loader, refs []Ref) (map[Ref]Group, error) {
	for {
		if err := l.climb(ctx, refs); err != nil {
			return nil, err
		}
		roots, ok := l.roots(refs)
		if !ok {
			clear(l.known) // links have changed while they were read: read them again
			continue
		}
		if err := l.descend(ctx, slices.Collect(maps.Values(roots))); err != nil {
			return nil, err
		}
		out := make(map[Ref]Group, len(roots))
		for r, root := range roots {
			out[r] = l.group(root)
		}
		return out, nil
	}
}

// roots returns the roots of the visible refs; false if the loaded links form a cycle.
func (l *loader) roots(refs []Ref) (map[Ref]Ref, bool) {
	roots := map[Ref]Ref{}
	for _, r := range refs {
		if l.known[r] == nil {
			continue
		}
		root, ok := l.root(r)
		if !ok {
			return nil, false
		}
		roots[r] = root
	}
	return roots, true
}
