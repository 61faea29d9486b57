package chartmogul

import (
	"context"
	"net/http"
	"slices"
	"strings"

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
	rows, err := c.customersByEmail(a, email, p)
	if err != nil {
		return reply{}, err
	}
	if len(rows) == 0 {
		return reply{}, nobody(email)
	}
	rows, tail := cut(p, rows, customerRow.position, everything)
	return reply{status: http.StatusOK, body: searchList{customerList: c.customerList(rows, p, tail)}}, nil
}

// customersByEmail finds all customers of an e-mail address: one query for each
// source, all at once. A pointer counts only if its customer still has the address.
func (c *call) customersByEmail(a account, email string, p paging) ([]customerRow, error) {
	h := a.hash.EmailH(email)
	found, err := each(c.Context(), a.Sources, func(ctx context.Context, src store.Source) ([]hit, error) {
		var hits []hit
		for item, err := range c.Store.Items(ctx, src.Space().EmailsOf(h)) {
			if err != nil {
				return nil, err
			}
			if owner, ok := store.TrailingH(item.SK); ok && a.Visible(item.Attrs) {
				hits = append(hits, hit{src, owner})
			}
		}
		return hits, nil
	})
	if err != nil {
		return nil, err
	}
	rows, err := c.customersAt(a, slices.Concat(found...), p)
	return slices.DeleteFunc(rows, func(r customerRow) bool { return a.hash.EmailH(r.record.Email) != h }), err
}

// nobody is the answer to an e-mail address that no customer has. The text is ChartMogul's, verbatim.
func nobody(email string) *failure {
	return failA(http.StatusNotFound, "email", `Can't find any customers with email: "`+email+`"`)
}
