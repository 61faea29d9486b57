package edit

import (
	"context"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Imports bring merges back as they were: a link leads to the customer that it led to, even if that
// one is merged into another one. People merge roots only.

// Verdict says what becomes of a merge that an import brings.
type Verdict string

// The verdicts.
const (
	Fits       Verdict = ""           // it can be made
	Made       Verdict = "made"       // it is there already
	Other      Verdict = "other"      // the customer is merged into another one, which stays so
	OtherAdded Verdict = "otheradded" // so it is by a merge that was added
	Cycle      Verdict = "cycle"      // the other customer is merged into this one
	TooMany    Verdict = "toomany"    // the two would have too many members
)

// Forest is the trees of merges, as they are stored and as merges that are added make them.
type Forest struct {
	l     *loader
	added map[Ref]Ref
	sizes map[Ref]int // of the trees of the roots that were looked at
}

// NewForest returns the forest of a state of the account.
func (e *Edit) NewForest(d *store.Directory) *Forest {
	return &Forest{&loader{e, d, map[Ref]*Member{}}, map[Ref]Ref{}, map[Ref]int{}}
}

// Load reads the trees of customers. Those that are not visible are trees of their own.
func (f *Forest) Load(ctx context.Context, refs ...Ref) error {
	_, err := f.l.e.groups(ctx, f.l, refs)
	return err
}

// Visible tells whether a customer that was loaded is stored and visible.
func (f *Forest) Visible(r Ref) bool { return f.l.known[r] != nil }

// ExternalID returns the external id of a customer that was loaded; empty if it is not visible.
func (f *Forest) ExternalID(r Ref) string {
	if m := f.l.known[r]; m != nil {
		return m.Attrs.Str("external_id")
	}
	return ""
}

// Into returns the customer that one is merged into.
func (f *Forest) Into(r Ref) (Ref, bool) {
	if up, ok := f.added[r]; ok {
		return up, true
	}
	return f.l.into(r)
}

// Mark returns who made the merge of a loaded customer into another one, and when.
func (f *Forest) Mark(r Ref) Mark {
	if m := f.l.known[r]; m != nil {
		return m.Edits.Merge.Mark
	}
	return Mark{}
}

func (f *Forest) root(r Ref) Ref {
	for {
		up, ok := f.Into(r)
		if !ok {
			return r
		}
		r = up
	}
}

func (f *Forest) size(root Ref) int {
	n, known := f.sizes[root]
	if !known {
		n = 1
		if f.Visible(root) {
			n = len(f.l.group(root))
		}
		f.sizes[root] = n
	}
	return n
}

// Add adds a merge if it fits. Both customers must have been loaded.
func (f *Forest) Add(child, parent Ref) Verdict {
	if up, ok := f.Into(child); ok && up == parent {
		return Made
	} else if ok {
		if _, added := f.added[child]; added {
			return OtherAdded
		}
		return Other
	}
	root := f.root(parent)
	switch {
	case root == child:
		return Cycle
	case f.size(child)+f.size(root) > MaxMerged:
		return TooMany
	}
	f.sizes[root] += f.sizes[child]
	f.added[child] = parent
	return Fits
}

// RestoreMerge makes a merge that an import brings, unless it does not fit any more.
func (e *Edit) RestoreMerge(ctx context.Context, p Part) error {
	return e.relink(ctx, func(l *loader, _ bool) ([]table.Write, error) {
		f := &Forest{l, map[Ref]Ref{}, map[Ref]int{}}
		if err := f.Load(ctx, p.Child, p.Parent); err != nil {
			return nil, err
		}
		if !f.Visible(p.Child) || !f.Visible(p.Parent) || f.Add(p.Child, p.Parent) != Fits {
			return nil, errLinked
		}
		root := f.root(p.Parent)
		return e.tieBelow(ctx, l, l.known[p.Child], l.known[p.Parent], l.known[root], p.Mark)
	})
}

// RemoveMerge takes a merge back that an import has brought, if it is still as it was.
func (e *Edit) RemoveMerge(ctx context.Context, p Part) error {
	return e.relink(ctx, func(l *loader, _ bool) ([]table.Write, error) {
		if err := l.load(ctx, []Ref{p.Child, p.Parent}); err != nil {
			return nil, err
		}
		m := l.known[p.Child]
		if m == nil || m.Edits.Merge.Into == nil || *m.Edits.Merge.Into != p.Parent || m.Edits.Merge.Mark != p.Mark {
			return nil, errLinked
		}
		c := &changes{l: l, links: map[Ref]Link{}}
		c.untie(p.Child)
		return c.writes(ctx)
	})
}

// Merged is a merge that a customer has a part in, and the customer at its other end.
type Merged struct {
	Part

	Other *Member
}

// Merges lists, for each of some customers, its merge into another customer, and the merges of customers
// of other sources into it. A merge whose other end is not visible is not listed; lost counts those
// of each customer.
func (e *Edit) Merges(ctx context.Context, d *store.Directory, customers []Ref) (merges map[Ref][]Merged, lost map[Ref]int, err error) {
	l := &loader{e, d, map[Ref]*Member{}}
	refs := customers
	for range 3 { // the customers, those at the other ends, and those that were merged into the same ones
		if err := l.load(ctx, refs); err != nil {
			return nil, nil, err
		}
		var next []Ref
		for _, r := range refs {
			if m := l.known[r]; m != nil {
				next = append(next, m.Edits.Merge.From...)
				if m.Edits.Merge.Into != nil {
					next = append(next, *m.Edits.Merge.Into)
				}
			}
		}
		refs = next
	}
	merges, lost = map[Ref][]Merged{}, map[Ref]int{}
	for _, r := range customers {
		m := l.known[r]
		if m == nil {
			continue
		}
		if up, ok := l.into(r); ok {
			merges[r] = append(merges[r], Merged{l.merge(r, up), l.known[up]})
		} else if m.Edits.Merge.Into != nil {
			lost[r]++
		}
		for _, child := range l.children(r) {
			if child.Tag != r.Tag {
				merges[r] = append(merges[r], Merged{l.merge(child, r), l.known[child]})
			}
		}
	}
	return merges, lost, nil
}

// merge returns a link as a part.
func (l *loader) merge(child, parent Ref) Part {
	return Part{
		Kind: PartMerge, Mark: l.known[child].Edits.Merge.Mark, Child: child, Parent: parent,
		Place: int64(slices.Index(l.children(parent), child) + 1),
	}
}

// Write writes changes of different edits in transactions of their own. One that loses against
// another writer is decided again.
func (e *Edit) Write(ctx context.Context, d *store.Directory, changes []*Change) error {
	for _, ch := range changes {
		for {
			writes, err := e.Writes(ctx, d, ch)
			if err == nil && len(writes) > 0 {
				err = e.st.Transact(ctx, writes...)
			}
			if fault.Is(err, fault.Conflict) {
				continue
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}
