package edit

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Merge merges the customer that from shows as into the one that into shows as. The error is
// fault.NotFound, code customer_not_found, if one of them is not visible, and fault.Invalid if they
// are one customer already (merge_into_itself) or would have too many members (too_many_merged).
func (e *Edit) Merge(ctx context.Context, from, into Ref, by string) error {
	mark := Mark{by, e.now().UnixMilli()}
	return e.relink(ctx, func(l *loader, again bool) ([]table.Write, error) {
		groups, err := e.groups(ctx, l, []Ref{from, into})
		if err != nil {
			return nil, err
		}
		a, b := groups[from], groups[into]
		switch {
		case a == nil || b == nil:
			return nil, noCustomer()
		case a[0] == b[0] && again && slices.ContainsFunc(a, func(m *Member) bool { return m.Edits.Merge.Mark == mark }):
			return nil, errLinked
		case a[0] == b[0]:
			return nil, &fault.Error{
				Kind: fault.Invalid, Code: "merge_into_itself", Param: "into",
				Message: "the two are one customer already",
			}
		case len(a)+len(b) > MaxMerged:
			return nil, fault.Newf(fault.Invalid, "too_many_merged", "at most %d customers can be merged into one", MaxMerged)
		}
		return e.tie(ctx, l, a[0], b[0], mark)
	})
}

// Unmerge splits a source customer, with all that was merged into it, off the customer that root
// shows as. It shows under its own id again. The error is fault.NotFound, code customer_not_found,
// if one of them is not visible, and fault.Invalid if part does not belong to root (not_merged) or
// is the root itself (unmerge_root).
func (e *Edit) Unmerge(ctx context.Context, part, root Ref) error {
	return e.relink(ctx, func(l *loader, again bool) ([]table.Write, error) {
		groups, err := e.groups(ctx, l, []Ref{part, root})
		if err != nil {
			return nil, err
		}
		a, b := groups[part], groups[root]
		switch {
		case a != nil && a[0].Ref == part && again:
			return nil, errLinked
		case a == nil || b == nil:
			return nil, noCustomer()
		case a[0] != b[0]:
			return nil, &fault.Error{
				Kind: fault.Invalid, Code: "not_merged", Param: "external_id",
				Message: "this customer is not merged into that one",
			}
		case a[0].Ref == part:
			return nil, &fault.Error{
				Kind: fault.Invalid, Code: "unmerge_root", Param: "external_id",
				Message: "this is the customer that the others were merged into; name one of those",
			}
		}
		c := &changes{l: l, links: map[Ref]Link{}}
		c.untie(part)
		return c.writes(ctx)
	})
}

// errLinked ends a change that has nothing to write, because a try before it has made the change.
var errLinked = errors.New("the links are already as wanted")

// relink changes links in the transaction that changes the directory, so that no two changes of
// links overlap. A retry (again) may find that the try before it went through although its answer
// was lost.
func (e *Edit) relink(ctx context.Context, change func(l *loader, again bool) ([]table.Write, error)) error {
	again := false
	for {
		_, err := e.st.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
			writes, err := change(&loader{e, d, map[Ref]*Member{}}, again)
			again = true
			return writes, err
		})
		switch {
		case errors.Is(err, errLinked):
			return nil
		case !fault.Is(err, fault.Conflict):
			return err
		}
	}
}

func noCustomer() error {
	return fault.New(fault.NotFound, "customer_not_found", "there is no such customer")
}

// tie links the root from to the root into. Each may still have a link of its own that does not
// count now, because the other end is not visible. These are removed: they could form a cycle if
// the other ends came back.
func (e *Edit) tie(ctx context.Context, l *loader, from, into *Member, mark Mark) ([]table.Write, error) {
	return e.tieBelow(ctx, l, from, into, into, mark)
}

// tieBelow links the root from to any customer of another tree, of the given root.
func (e *Edit) tieBelow(ctx context.Context, l *loader, from, into, root *Member, mark Mark) ([]table.Write, error) {
	c := &changes{l: l, links: map[Ref]Link{}}
	c.untie(from.Ref)
	c.untie(root.Ref)
	child, parent := c.link(from.Ref), c.link(into.Ref)
	child.Into, child.Mark = &into.Ref, mark
	parent.From = l.inserted(without(parent.From, from.Ref), from.Ref, mark)
	c.links[from.Ref], c.links[into.Ref] = child, parent
	for _, src := range []store.Source{from.Source, into.Source} {
		l.d.SetMerges(src.UUID)
	}
	return c.writes(ctx)
}

// inserted puts a customer into the list of those that were merged into another one, which is in the
// order of time.
func (l *loader) inserted(from []Ref, r Ref, mark Mark) []Ref {
	later := slices.IndexFunc(from, func(x Ref) bool { m := l.known[x]; return m != nil && m.Edits.Merge.At > mark.At })
	if later < 0 {
		later = len(from)
	}
	return slices.Insert(from, later, r)
}

// changes collects changed links until they are written.
type changes struct {
	l     *loader
	links map[Ref]Link
}

func (c *changes) link(r Ref) Link {
	if k, ok := c.links[r]; ok {
		return k
	}
	if m := c.l.known[r]; m != nil {
		return m.Edits.Merge
	}
	return Link{}
}

// untie removes a customer's link: from the customer, and from the other end if that is visible.
func (c *changes) untie(r Ref) {
	child := c.link(r)
	if child.Into == nil {
		return
	}
	if up := *child.Into; c.l.known[up] != nil {
		parent := c.link(up)
		parent.From = without(parent.From, r)
		c.links[up] = parent
	}
	child.Into, child.Mark = nil, Mark{}
	c.links[r] = child
}

func without(refs []Ref, r Ref) []Ref {
	return slices.DeleteFunc(slices.Clone(refs), func(x Ref) bool { return x == r })
}

// writes returns the writes of the changed links.
func (c *changes) writes(ctx context.Context) ([]table.Write, error) {
	var keys []table.Key
	for r := range c.links {
		keys = append(keys, c.l.known[r].target().key)
	}
	found, err := c.l.e.st.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []table.Write
	for r, link := range c.links {
		link.From = c.possible(link.From, r)
		writes, err := c.l.e.changed(c.l.d, c.l.known[r].target(), found, func(_ *Edit, _ table.Attrs, b *table.Builder) (bool, []table.Write, error) {
			body, err := json.Marshal(link)
			if err != nil {
				return false, nil, fault.Wrap(err, fault.Internal, "edit", "write a merge")
			}
			b.Bytes(attrLink, body)
			return link.linked(), nil, nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, writes...)
	}
	return out, nil
}

// possible drops from r's list the customers whose links to r can't count any more. Links to
// absent sources might count again: such a source may be restored, or be gone for good, which can't
// be known here. The latest MaxMerged of them are kept.
func (c *changes) possible(from []Ref, r Ref) []Ref {
	from = slices.DeleteFunc(slices.Clone(from), func(child Ref) bool {
		up := c.link(child).Into
		return c.l.known[child] != nil && (up == nil || *up != r)
	})
	away := -MaxMerged
	for _, child := range from {
		if _, there := c.l.d.ByTag(child.Tag); !there {
			away++
		}
	}
	return slices.DeleteFunc(from, func(child Ref) bool {
		_, there := c.l.d.ByTag(child.Tag)
		if there || away <= 0 {
			return false
		}
		away--
		return true
	})
}
