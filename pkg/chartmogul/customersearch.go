package chartmogul

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/store"
)

// searchCustomers is GET /customers/search: 404 when nobody has the address.
func searchCustomers(c *call) (reply, error) {
	email := strings.TrimSpace(c.param("email"))
	if email == "" {
		return reply{}, missing("email")
	}
	p, err := c.paging(atCustomer)
	if err != nil {
		return reply{}, err
	}
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	page, err := c.customersByEmail(a, email, p)
	if err != nil {
		return reply{}, err
	}
	if len(page) == 0 {
		return reply{}, nobody(email)
	}
	page, tail := cut(p, page, shown.position, everything)
	return reply{status: http.StatusOK, body: searchList{customerList: c.customerList(page, p, tail)}}, nil
}

// customersByEmail finds all customers of an e-mail address, as imported or as people have given it: two queries for
// each source, all at once. A pointer counts only if its customer still has the address.
func (c *call) customersByEmail(a account, email string, p paging) ([]shown, error) {
	h := a.hash.EmailH(email)
	var spans []span
	for _, src := range a.Sources {
		spans = append(spans, span{src, src.Space().EmailsOf(h)}, span{src, src.Space().EditEmailsOf(h)})
	}
	found, err := each(c.Context(), spans, func(ctx context.Context, sp span) ([]edit.Ref, error) {
		var refs []edit.Ref
		for item, err := range c.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			if owner, ok := store.TrailingH(item.SK); ok && a.Visible(item.Attrs) {
				refs = append(refs, edit.Ref{Tag: sp.src.Tag, H: owner})
			}
		}
		return refs, nil
	})
	if err != nil {
		return nil, err
	}
	return c.customersAt(a, slices.Concat(found...), p, func(m *edit.Member) bool {
		return a.hash.EmailH(m.Shown().Str("email")) == h
	})
}

// nobody is the answer to an e-mail address that no customer has. The text is ChartMogul's, verbatim.
func nobody(email string) *failure {
	return failA(http.StatusNotFound, "email", `Can't find any customers with email: "`+email+`"`)
}
