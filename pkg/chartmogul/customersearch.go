package chartmogul

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// searchCustomers is GET /customers/search: 404 if no customer has the address.
func searchCustomers(c *call) (httpapi.Reply, error) {
	email := strings.TrimSpace(c.Param("email"))
	if email == "" {
		return httpapi.Reply{}, httpapi.Missing("email")
	}
	p, err := c.paging(atCustomer)
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	page, err := lighter(c, p, func(p paging) (customerPage, error) {
		found, err := c.customersByEmail(a, email, p)
		return pageOf(p, found), err
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	if len(page.shown) == 0 {
		return httpapi.Reply{}, nobody(email)
	}
	found := c.entries(page.shown, &page.tail)
	behind := searchTail{customerTail: customersTail(p, page.tail)}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "entries", Elements: found, Behind: behind}}, nil
}

// customersByEmail finds the customers of a page that have an e-mail address, imported or edited,
// and one more if there are more. A pointer counts only if its customer still has the address. A
// merged customer has the place of its first member with the address.
func (c *call) customersByEmail(a records.Account, email string, p paging) (page []shown, err error) {
	h := a.Hash.EmailH(email)
	has := func(m *edit.Member) bool { return a.Hash.EmailH(m.Shown().Str("email")) == h }
	is := func(g edit.Group, m *edit.Member) bool {
		return has(m) && !slices.ContainsFunc(g, func(o *edit.Member) bool { return inOrder(o.Ref, m.Ref) < 0 && has(o) })
	}
	for after, more := p.after, true; more && len(page) <= p.size; {
		var refs []edit.Ref
		if refs, more, err = c.ownersOf(a, h, after, p.size+1-len(page)); err != nil || len(refs) == 0 {
			return page, err
		}
		part, err := c.customersAt(a, refs, nil, is)
		if err != nil {
			return nil, err
		}
		page = append(page, part...)
		last := placeOf(refs[len(refs)-1])
		after = &last
	}
	return page, nil
}

// ownersOf finds the first customers, in the order of lists, to which pointers from an e-mail
// address lead; more reports whether there are others. It queries the imported and the edited
// addresses of all sources at the same time.
func (c *call) ownersOf(a records.Account, email store.H, after *position, want int) (refs []edit.Ref, more bool, err error) {
	var spans []span
	for _, src := range a.Sources {
		if after != nil && src.Tag < after.tag {
			continue
		}
		for _, q := range []table.Query{src.Space().EmailsOf(email), src.Space().EditEmailsOf(email)} {
			if q.Limit = want + 1; after != nil && src.Tag == after.tag {
				q.After = store.EmailSK(email, after.h)
			}
			spans = append(spans, span{src, q})
		}
	}
	found, err := each(c.Context(), spans, func(ctx context.Context, sp span) (refs []edit.Ref, err error) {
		for item, err := range c.Records.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			if owner, ok := store.TrailingH(item.SK); ok && a.Visible(item.Attrs) {
				refs = append(refs, edit.Ref{Tag: sp.src.Tag, H: owner})
			}
			if len(refs) > want {
				break
			}
		}
		return refs, nil
	})
	refs = slices.Concat(found...)
	slices.SortFunc(refs, inOrder)
	refs = slices.Compact(refs)
	return refs[:min(want, len(refs))], len(refs) > want, err
}

// nobody is the answer to an e-mail address that no customer has. The text is ChartMogul's,
// verbatim.
func nobody(email string) *httpapi.Error {
	return httpapi.Problem(http.StatusNotFound, "email", `Can't find any customers with email: "`+email+`"`)
}
