package chartmogul

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

// groups returns the groups of members. It reads more only for members that were ever merged.
func (c *call) groups(a records.Account, members ...*edit.Member) (map[edit.Ref]edit.Group, error) {
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
	more, err := c.groupsOf(a, linked)
	maps.Copy(out, more)
	return out, err
}

// getCustomer is GET /customers/:uuid.
func getCustomer(c *call) (httpapi.Reply, error) {
	_, row, err := c.Records.Customer(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: c.customerWire(row)}, nil
}

// shown is a customer with its place in a list: the place of its first member there.
type shown struct {
	group edit.Group
	at    edit.Ref
}

func (s shown) position() position { return placeOf(s.at) }

func placeOf(r edit.Ref) position { return position{kind: atCustomer, tag: r.Tag, h: r.H} }

// listCustomers is GET /customers: source by source, in the order of the ids.
func listCustomers(c *call) (httpapi.Reply, error) {
	p, err := c.paging(atCustomer)
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	sources := c.sources(a)
	page, err := lighter(c, p, func(p paging) (customerPage, error) {
		switch ext := c.Param("external_id"); {
		case !newLead(c.Param("status")): // no customer has another status yet
			return pageOf(p, nil), nil
		case ext != "":
			found, err := c.customersByExternalID(a, sources, ext, p)
			return pageOf(p, found), err
		}
		return c.customerPage(a, sources, p)
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	entries := c.entries(page.shown, &page.tail)
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "entries", Elements: entries, Behind: customersTail(p, page.tail)}}, nil
}

// customerPage is a page of customers.
type customerPage struct {
	shown []shown
	tail  httpapi.Paged
}

// pageOf is a page of a list that was read whole.
func pageOf(p paging, all []shown) customerPage {
	page, tail := cut(p, all, shown.position, everything)
	return customerPage{page, tail}
}

// customerPage is a page of all customers of the sources, with their edits.
func (c *call) customerPage(a records.Account, sources []store.Source, p paging) (customerPage, error) {
	var page []shown
	for after, more := p.after, true; more && len(page) <= p.size; {
		want := p.size + 1 - len(page)
		members, err := c.walkCustomers(a, sources, after, want)
		if err != nil {
			return customerPage{}, err
		}
		part, err := c.show(a, sources, members)
		if err != nil {
			return customerPage{}, err
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
	return customerPage{page, tail}, c.overlay(a, rest)
}

// show makes a list of customers, each once, from members that follow each other in a list. Members
// come without their edits; show reads the edits only in sources with merges.
func (c *call) show(a records.Account, sources []store.Source, members []*edit.Member) ([]shown, error) {
	var merging []*edit.Member
	for _, m := range members {
		if m.Source.Merges {
			merging = append(merging, m)
		}
	}
	if err := c.overlay(a, merging); err != nil {
		return nil, err
	}
	groups, err := c.groups(a, merging...)
	if err != nil {
		return nil, err
	}
	out := make([]shown, 0, len(members))
	for i, m := range members {
		switch g := groups[m.Ref]; {
		case !m.Linked():
			out = append(out, shown{members[i : i+1 : i+1], m.Ref})
		case g != nil && first(g, sources) == m.Ref:
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

// entries spells a page of customers.
func (c *call) entries(page []shown, tail *httpapi.Paged) httpapi.Elements {
	var w customerWire // for one after the other
	return spell(httpapi.Elements{Buffers: c.buffers}, page, tail, shown.position, func(s shown) any {
		c.spellOut(records.CustomerOf(s.group), &w)
		return &w
	})
}

func customersTail(p paging, tail httpapi.Paged) customerTail {
	t := customerTail{CurrentPage: tail.CurrentPage, TotalPages: tail.TotalPages, HasMore: tail.HasMore, Cursor: tail.Cursor}
	if p.after == nil {
		t.PerPage, t.Page = &p.size, tail.CurrentPage
	}
	return t
}

// newLead tells whether a status filter (New_Lead, "new lead" …) lets the one status pass that
// there is.
func newLead(filter string) bool {
	return filter == "" || strings.EqualFold(strings.ReplaceAll(filter, "_", " "), statusNewLead)
}

// walkCustomers reads so many source customers behind a place, without their edits.
func (c *call) walkCustomers(a records.Account, sources []store.Source, after *position, want int) ([]*edit.Member, error) {
	spans := sharded(sources, after, store.Space.CustomersIn, store.Space.Customer)
	return gather(c.Context(), spans, want, func(ctx context.Context, sp span, want int) ([]*edit.Member, error) {
		var members []*edit.Member
		var room []edit.Member // for several at once
		sp.query.Limit = want
		for item, err := range c.Records.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			h, ok := store.TrailingH(item.SK)
			if !ok || !a.CustomerVisible(sp.src.Tag, h, item.Attrs) {
				continue
			}
			if len(room) == cap(room) {
				room = make([]edit.Member, 0, min(want-len(members), 64))
			}
			room = append(room, edit.Member{Ref: edit.Ref{Tag: sp.src.Tag, H: h}, Source: sp.src, Attrs: item.Attrs})
			members = append(members, &room[len(room)-1])
			if len(members) == want {
				break
			}
		}
		return members, nil
	})
}

// customersByExternalID reads from each source the key that an external id would have.
func (c *call) customersByExternalID(a records.Account, sources []store.Source, ext string, p paging) ([]shown, error) {
	h := a.Hash.CustomerH(ext)
	refs := make([]edit.Ref, len(sources))
	for i, src := range sources {
		refs[i] = edit.Ref{Tag: src.Tag, H: h}
	}
	return c.customersAt(a, refs, p.after, func(edit.Group, *edit.Member) bool { return true })
}

// togetherRead is how many customers are read at once with all that were merged into them.
const togetherRead = 50

// groupsOf is [edit.Edit.Groups] for a page. It returns errHeavy if that is more than may be held.
func (c *call) groupsOf(a records.Account, refs []edit.Ref) (map[edit.Ref]edit.Group, error) {
	out := make(map[edit.Ref]edit.Group, len(refs))
	for some := range slices.Chunk(refs, togetherRead) {
		groups, err := c.Records.Edits.Groups(c.Context(), a.Directory, some...)
		if err != nil {
			return nil, err
		}
		for r, g := range groups {
			out[r] = g
			for _, m := range g {
				if err := c.holdBytes(m.Edits.Size()); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// customersAt reads the customers with members at the given places for which is is true and which
// come after the cursor. Each customer comes once, at the place of its first such member.
func (c *call) customersAt(a records.Account, refs []edit.Ref, after *position, is func(edit.Group, *edit.Member) bool) ([]shown, error) {
	groups, err := c.groupsOf(a, refs)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(refs, inOrder)
	seen := map[edit.Ref]bool{}
	var out []shown
	for _, r := range refs {
		g := groups[r]
		if g == nil || seen[g[0].Ref] || !is(g, g.Member(r)) {
			continue
		}
		seen[g[0].Ref] = true
		if after == nil || after.before(placeOf(r)) {
			out = append(out, shown{g, r})
		}
	}
	return out, nil
}

// overlay lays edits over customers in the order of a list. Edits have the same order as their
// customers, so that takes one query for each shard.
func (c *call) overlay(a records.Account, members []*edit.Member) error {
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

func (c *call) overlayRun(ctx context.Context, a records.Account, run []*edit.Member) error {
	next := 0
	for it, err := range c.Records.Store.Items(ctx, run[0].Source.Space().EditsBetween(run[0].H, run[len(run)-1].H)) {
		if err != nil {
			return err
		}
		h, _ := store.LeadingH(it.SK)
		for next < len(run) && bytes.Compare(run[next].H[:], h[:]) < 0 {
			next++
		}
		if next == len(run) || run[next].H != h { // an edit of a customer that is not there
			continue
		}
		if err := c.hold(it); err != nil {
			return err
		}
		if err := run[next].Edits.Take(a.Directory, it); err != nil {
			return err
		}
	}
	return nil
}
