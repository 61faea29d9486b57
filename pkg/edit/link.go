package edit

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// MaxMerged is the most source customers that show as one.
const MaxMerged = 90

// Ref names a source customer, in whatever source.
type Ref struct {
	Tag store.Tag
	H   store.H
}

type refJSON struct {
	Tag store.Tag `json:"tag"`
	H   string    `json:"h"`
}

// MarshalJSON spells the identity in hex.
func (r Ref) MarshalJSON() ([]byte, error) { return json.Marshal(refJSON{r.Tag, r.H.String()}) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Ref) UnmarshalJSON(b []byte) error {
	var j refJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	h, ok := store.ParseH(j.H)
	if !ok {
		return errors.New("this is no identity")
	}
	r.Tag, r.H = j.Tag, h
	return nil
}

// Link is the merge edit of one customer. A link has two ends, and counts while both have it: so one whose other end
// was erased with its edits is no link any more, whatever comes back under the same id.
type Link struct {
	Into *Ref  `json:"into,omitempty"` // the customer that it is merged into
	Mark       // of Into
	From []Ref `json:"from,omitempty"` // customers that were merged into it, in that order
}

func (l Link) linked() bool { return l.Into != nil || len(l.From) > 0 }

// attrLink holds the edit, as JSON.
const attrLink = "link"

func readLink(a table.Attrs) (Link, error) {
	raw, ok := a.Get(attrLink)
	if !ok {
		return Link{}, nil
	}
	var l Link
	if err := json.Unmarshal(raw.Raw, &l); err != nil {
		return Link{}, fault.Wrap(err, fault.Internal, "edit", "read a merge")
	}
	return l, nil
}

// Member is a source customer with its edits.
type Member struct {
	Ref
	Source store.Source
	Attrs  table.Attrs // as imported
	Edits  Edits
}

func (m *Member) item() item { return m.Customer().item(store.EditMerge) }

// Linked tells whether the member was ever merged: it may be part of a group, or not.
func (m *Member) Linked() bool { return m.Edits.Merge.linked() }

// Shown is the member's record with the changed fields laid over it.
func (m *Member) Shown() table.Attrs { return m.Edits.Row.Over(m.Attrs) }

// Customer names the member for an edit of it.
func (m *Member) Customer() Customer { return Of(m.Source.Space(), m.H, m.Attrs) }

// Group is what people see as one customer: the members, the root of the tree of merges first, then whatever was
// merged into it, each followed by what had been merged into that.
type Group []*Member

// Member is the source customer of that name; nil if it is none of the group.
func (g Group) Member(r Ref) *Member {
	for _, m := range g {
		if m.Ref == r {
			return m
		}
	}
	return nil
}

// Tags are those of all members, in the order of the group.
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

// Attributes are the custom attributes of all members; of those of one name that which comes first in the group.
func (g Group) Attributes() map[string]Value {
	if len(g) == 1 {
		return g[0].Edits.Attributes
	}
	all := map[string]Value{}
	for _, m := range slices.Backward(g) {
		maps.Copy(all, m.Edits.Attributes)
	}
	return all
}

// loader reads customers as they are asked for, each once.
type loader struct {
	e     *Edit
	d     *store.Directory
	known map[Ref]*Member // nil: not to be seen
}

// load reads customers with their edits. Those that are not to be seen are nil in known.
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

// ReadMember takes a customer from what a batch get found of its record and its [Keys]; nil if it is not to be seen.
func ReadMember(d *store.Directory, found map[table.Key]table.Attrs, r Ref) (*Member, error) {
	src, ok := d.ByTag(r.Tag)
	var attrs table.Attrs
	if ok {
		attrs, ok = found[src.Space().Customer(r.H)]
	}
	if !ok || d.HidesCustomer(r.Tag, r.H, attrs) {
		return nil, nil //nolint:nilnil // it is not to be seen, and that is an answer
	}
	edits, err := Read(d, found, src.Space(), r.H)
	return &Member{r, src, attrs, edits}, err
}

// into is the customer that r is merged into, if both are to be seen. Both must have been loaded.
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

// climb loads everything above refs.
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

// root is the top of the tree that r is in. Everything above r must have been loaded. It is false if links run in a circle:
// there is none in the table, but customers are read one after the other, and links may change in between.
func (l *loader) root(r Ref) (Ref, bool) {
	for range l.known { // no tree is higher
		up, ok := l.into(r)
		if !ok {
			return r, true
		}
		r = up
	}
	return r, false
}

// descend loads everything below refs, which are to be seen.
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

// children are the customers that are merged into r. They must have been loaded.
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

// Groups reads what each of refs shows as; a customer that is not to be seen has none. The groups of two refs of one
// tree are equal.
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
			clear(l.known) // links have changed: once more
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

// roots are those of refs that are to be seen.
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
