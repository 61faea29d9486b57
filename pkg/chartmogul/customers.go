package chartmogul

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/store"
)

// member reads one source customer by its public id, merged or not: directory, record and edits in one batch get.
func (c *call) member(id string) (account, *edit.Member, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return account{}, nil, absent(whatCustomer)
	}
	a, found, err := c.read(func(d *store.Directory) []store.Key {
		if src, ok := d.ByTag(tag); ok {
			return append(edit.Keys(src, h), src.Space().Customer(h))
		}
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	m, err := edit.ReadMember(a.Directory, found, edit.Ref{Tag: tag, H: h})
	if err == nil && m == nil {
		err = absent(whatCustomer)
	}
	return a, m, err
}

// customer reads the customer of a public id with what was merged into it. One that was merged away is not there.
func (c *call) customer(id string) (account, customerRow, error) {
	a, m, err := c.member(id)
	if err != nil {
		return a, customerRow{}, err
	}
	groups, err := c.groups(a, m)
	if err != nil {
		return a, customerRow{}, err
	}
	g := groups[m.Ref]
	if g == nil || g[0].Ref != m.Ref {
		return a, customerRow{}, absent(whatCustomer)
	}
	return a, rowOf(g), nil
}

// groups are what members show as. Only of those that were ever merged is more read.
func (c *call) groups(a account, members ...*edit.Member) (map[edit.Ref]edit.Group, error) {
	out := map[edit.Ref]edit.Group{}
	var linked []edit.Ref
	for _, m := range members {
		if m.Linked() {
			linked = append(linked, m.Ref)
		} else {
			out[m.Ref] = edit.Group{m}
		}
	}
	if len(linked) == 0 {
		return out, nil
	}
	more, err := c.Edits.Groups(c.Context(), a.Directory, linked...)
	maps.Copy(out, more)
	return out, err
}

// getCustomer is GET /customers/:uuid.
func getCustomer(c *call) (reply, error) {
	_, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: c.customerWire(row)}, nil
}

// shown is a customer at its place in a list: that of its first member there.
type shown struct {
	group edit.Group
	at    edit.Ref
}

func (s shown) position() position { return placeOf(s.at) }

func placeOf(r edit.Ref) position { return position{kind: atCustomer, tag: r.Tag, h: r.H} }

// listCustomers is GET /customers: source after source, in the order of the ids.
func listCustomers(c *call) (reply, error) {
	p, err := c.paging(atCustomer)
	if err != nil {
		return reply{}, err
	}
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	sources := c.sources(a)
	var page []shown
	var tail paged
	switch ext := c.param("external_id"); {
	case !newLead(c.param("status")): // nobody is anything else yet
		page, tail = cut(p, page, shown.position, everything)
	case ext != "":
		page, err = c.customersByExternalID(a, sources, ext, p)
		page, tail = cut(p, page, shown.position, everything)
	default:
		page, tail, err = c.customerPage(a, sources, p)
	}
	return reply{status: http.StatusOK, body: c.customerList(page, p, tail)}, err
}

// customerPage is a page of all customers of the sources, with their edits.
func (c *call) customerPage(a account, sources []store.Source, p paging) ([]shown, paged, error) {
	var page []shown
	for after, more := p.after, true; more && len(page) <= p.size; {
		want := p.size + 1 - len(page)
		members, err := c.walkCustomers(a, sources, after, want)
		if err != nil {
			return nil, paged{}, err
		}
		part, err := c.show(a, sources, members)
		if err != nil {
			return nil, paged{}, err
		}
		page = append(page, part...)
		if more = len(members) == want; more {
			last := placeOf(members[want-1].Ref)
			after = &last
		}
	}
	page, tail := cut(p, page, shown.position, func(s shown) float64 { return share(sources, s.at.Tag, s.at.H) })
	var rest []*edit.Member
	for _, s := range page {
		if !s.group[0].Source.Merges {
			rest = append(rest, s.group[0])
		}
	}
	return page, tail, c.overlay(a, rest)
}

// show leaves each customer once among members that follow each other in a list. Members of sources that know
// no merges come without their edits.
func (c *call) show(a account, sources []store.Source, members []*edit.Member) ([]shown, error) {
	var merging []*edit.Member
	for _, m := range members {
		if m.Source.Merges {
			merging = append(merging, m)
		}
	}
	if err := c.overlay(a, merging); err != nil {
		return nil, err
	}
	groups, err := c.groups(a, members...)
	if err != nil {
		return nil, err
	}
	var out []shown
	for _, m := range members {
		if g := groups[m.Ref]; g != nil && first(g, sources) == m.Ref {
			out = append(out, shown{g, m.Ref})
		}
	}
	return out, nil
}

// first is the member that comes first in a list of the customers of some sources.
func first(g edit.Group, sources []store.Source) edit.Ref {
	var refs []edit.Ref
	for _, m := range g {
		if slices.ContainsFunc(sources, func(s store.Source) bool { return s.Tag == m.Tag }) {
			refs = append(refs, m.Ref)
		}
	}
	return slices.MinFunc(refs, inOrder)
}

// inOrder is the order of lists: by source, then by identity.
func inOrder(x, y edit.Ref) int {
	switch {
	case x == y:
		return 0
	case placeOf(x).before(placeOf(y)):
		return -1
	}
	return 1
}

func (c *call) customerList(page []shown, p paging, tail paged) customerList {
	l := customerList{
		Entries: c.customerWires(page), CurrentPage: tail.CurrentPage, TotalPages: tail.TotalPages,
		HasMore: tail.HasMore, Cursor: tail.Cursor,
	}
	if p.after == nil {
		l.PerPage, l.Page = &p.size, tail.CurrentPage
	}
	return l
}

// newLead tells whether a status filter (New_Lead, "new lead" …) lets the one status pass that there is.
func newLead(filter string) bool {
	return filter == "" || strings.EqualFold(strings.ReplaceAll(filter, "_", " "), statusNewLead)
}

// walkCustomers reads so many source customers behind a place, without their edits.
func (c *call) walkCustomers(a account, sources []store.Source, after *position, want int) ([]*edit.Member, error) {
	spans := sharded(sources, after, store.Space.CustomersIn, store.Space.Customer)
	return gather(c.Context(), spans, want, func(ctx context.Context, sp span, want int) ([]*edit.Member, error) {
		var members []*edit.Member
		sp.query.Limit = want
		for item, err := range c.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			h, ok := store.TrailingH(item.SK)
			if !ok || !a.customerVisible(sp.src.Tag, h, item.Attrs) {
				continue
			}
			members = append(members, &edit.Member{Ref: edit.Ref{Tag: sp.src.Tag, H: h}, Source: sp.src, Attrs: item.Attrs})
			if len(members) == want {
				break
			}
		}
		return members, nil
	})
}

// customersByExternalID asks each source for the one key that can hold it.
func (c *call) customersByExternalID(a account, sources []store.Source, ext string, p paging) ([]shown, error) {
	h := a.hash.CustomerH(ext)
	refs := make([]edit.Ref, len(sources))
	for i, src := range sources {
		refs[i] = edit.Ref{Tag: src.Tag, H: h}
	}
	return c.customersAt(a, refs, p, func(*edit.Member) bool { return true })
}

// customersAt reads the customers that have members at the given places, as far as is likes those and they are behind
// the cursor. Each is there once, where its first member is.
func (c *call) customersAt(a account, refs []edit.Ref, p paging, is func(*edit.Member) bool) ([]shown, error) {
	groups, err := c.Edits.Groups(c.Context(), a.Directory, refs...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(refs, inOrder)
	seen := map[edit.Ref]bool{}
	var out []shown
	for _, r := range refs {
		g := groups[r]
		if g == nil || seen[g[0].Ref] || !is(g.Member(r)) {
			continue
		}
		seen[g[0].Ref] = true
		if p.after == nil || p.after.before(placeOf(r)) {
			out = append(out, shown{g, r})
		}
	}
	return out, nil
}

// overlay lays the edits over customers in the order of a list: one query for each shard
// that they touch, since edits have the same order as their customers.
func (c *call) overlay(a account, members []*edit.Member) error {
	var runs [][]*edit.Member
	for from := 0; from < len(members); {
		to, sp := from+1, members[from].Source.Space()
		for to < len(members) && members[to].Tag == members[from].Tag && sp.ShardOf(members[to].H) == sp.ShardOf(members[from].H) {
			to++
		}
		runs = append(runs, members[from:to])
		from = to
	}
	_, err := each(c.Context(), runs, func(ctx context.Context, run []*edit.Member) (struct{}, error) {
		return struct{}{}, c.overlayRun(ctx, a, run)
	})
	return err
}

func (c *call) overlayRun(ctx context.Context, a account, run []*edit.Member) error {
	sp := run[0].Source.Space()
	items, err := c.items(ctx, sp.EditsBetween(run[0].H, run[len(run)-1].H))
	if err != nil {
		return err
	}
	found := byKey(items)
	for _, m := range run {
		if m.Edits, err = edit.Read(a.Directory, found, sp, m.H); err != nil {
			return err
		}
	}
	return nil
}
