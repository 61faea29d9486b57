package chartmogul

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// invoiceHead is the head of a list of a customer's invoices.
type invoiceHead struct {
	CustomerUUID string `json:"customer_uuid"`
}

// getInvoice is GET /invoices/:uuid.
func getInvoice(c *call) (httpapi.Reply, error) {
	if _, err := c.validationType(); err != nil {
		return httpapi.Reply{}, err
	}
	a, inv, err := c.Records.Invoice(c.Context(), records.Name{ID: c.PathValue("uuid")})
	if err != nil {
		return httpapi.Reply{}, err
	}
	if inv.Hidden(c.withDisabled()) {
		return httpapi.Reply{}, httpapi.Absent(records.WhatInvoice)
	}
	return c.oneInvoice(a, inv)
}

// oneInvoice answers with an invoice and its line items and transactions.
func (c *call) oneInvoice(a records.Account, inv *records.Invoice) (httpapi.Reply, error) {
	row := &invoiceRow{Invoice: inv}
	if err := c.complete(c.Context(), a, row); err != nil {
		return httpapi.Reply{}, err
	}
	if err := c.address(a, row); err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Alone(invoiceAnswer{row, a, c.style()})}, nil
}

// completeAll completes invoices, several at the same time, and leaves out the hidden ones.
func (c *call) completeAll(a records.Account, rows []*invoiceRow) ([]*invoiceRow, error) {
	_, err := each(c.Context(), rows, func(ctx context.Context, row *invoiceRow) (struct{}, error) {
		return struct{}{}, c.complete(ctx, a, row)
	})
	return c.unhidden(rows), err
}

// address attributes each invoice to the customer at the root of its merge.
func (c *call) address(a records.Account, rows ...*invoiceRow) error {
	var refs []edit.Ref
	for _, r := range rows {
		r.customer = edit.Ref{Tag: r.Source.Tag, H: a.Hash.CustomerH(r.Record.CustomerExternalID)}
		if r.Source.Merges {
			refs = append(refs, r.customer)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	groups, err := c.Records.Edits.Groups(c.Context(), a.Directory, refs...)
	for _, r := range rows {
		if g := groups[r.customer]; g != nil {
			r.customer = g[0].Ref
		}
	}
	return err
}

func (c *call) unhidden(rows []*invoiceRow) []*invoiceRow {
	with := c.withDisabled()
	return slices.DeleteFunc(rows, func(r *invoiceRow) bool { return r.Hidden(with) })
}

// validationType reads the filter of that name. Invalid invoices are never stored, so all invoices
// pass the filter, or no invoice does.
func (c *call) validationType() (all bool, err error) {
	switch c.Param("validation_type") {
	case "", "valid", "all":
		return true, nil
	case "invalid":
		return false, nil
	}
	return false, httpapi.Unusable("validation_type")
}

// listCustomerInvoices is GET /import/customers/:uuid/invoices: newest first. The list is empty for
// a customer that is gone, as long as its source is there.
func listCustomerInvoices(c *call) (httpapi.Reply, error) {
	p, err := c.paging(atOwned)
	if err != nil {
		return httpapi.Reply{}, err
	}
	id := c.PathValue("uuid")
	a, owners, err := c.owner(id)
	if err != nil {
		return httpapi.Reply{}, err
	}
	page, err := lighter(c, p, func(p paging) (invoicePage, error) { return c.ownedInvoices(a, owners, p) })
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: page.list(invoiceHead{id}, atOwned, style{})}, nil
}

// owner finds the source customers whose invoices people see under a public id: the customer itself
// and all that were merged into it; none if it was merged into another one itself. It does not
// check whether a customer that was never merged exists.
func (c *call) owner(id string) (records.Account, []edit.Ref, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return records.Account{}, nil, httpapi.Absent(records.WhatCustomer)
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return a, nil, err
	}
	src, ok := a.ByTag(tag)
	r := edit.Ref{Tag: tag, H: h}
	switch {
	case !ok:
		return a, nil, httpapi.Absent(records.WhatCustomer)
	case !src.Merges:
		return a, []edit.Ref{r}, nil
	}
	groups, err := c.Records.Edits.Groups(c.Context(), a.Directory, r)
	g, there := groups[r]
	if err != nil || there && g[0].Ref != r {
		return a, nil, err
	}
	owners := []edit.Ref{r}
	for i := 1; i < len(g); i++ {
		owners = append(owners, g[i].Ref)
	}
	return a, owners, nil
}

// ownedInvoices reads a page of a customer's invoices, newest first. The pointers from the customer
// have the dates. It reads all of them, which are small, but holds only as many as a page has, and
// reads only the invoices of the page.
func (c *call) ownedInvoices(a records.Account, owners []edit.Ref, p paging) (invoicePage, error) {
	var rows []*invoiceRow
	total := 0
	for after := p.after; len(rows) <= p.size; {
		places := newest{want: p.size + 1 - len(rows), after: after}
		for _, owner := range owners {
			if err := c.ownedPlaces(a, owner, &places); err != nil {
				return invoicePage{}, err
			}
		}
		part, err := c.invoicesAt(a, owners, places.list())
		if err != nil {
			return invoicePage{}, err
		}
		rows, total = append(rows, part...), places.seen
		if len(places.found) < places.want {
			break
		}
		after = &places.found[len(places.found)-1]
	}
	rows, tail := cut(p, rows, (*invoiceRow).owned, func(*invoiceRow) float64 {
		return float64(p.size+1) / float64(max(total, p.size+1))
	})
	return invoicePage{a, rows, tail}, nil
}

// newestFirst orders by date, newest first, then by identity and source.
func newestFirst(x, y position) int {
	if x.date != y.date {
		return cmp.Compare(y.date, x.date)
	}
	return cmp.Or(bytes.Compare(x.h[:], y.h[:]), cmp.Compare(x.tag, y.tag))
}

// newest collects the first places after one of them, newest first.
type newest struct {
	want  int
	after *position // nil: from the beginning
	seen  int       // how many were added
	found []position
}

func (n *newest) add(at position) {
	if n.seen++; n.after != nil && newestFirst(at, *n.after) <= 0 {
		return
	}
	if n.found = append(n.found, at); len(n.found) >= 2*max(n.want, httpapi.MaxPage) {
		n.list()
	}
}

// list returns the places in order, as many as are wanted.
func (n *newest) list() []position {
	slices.SortFunc(n.found, newestFirst)
	n.found = n.found[:min(n.want, len(n.found))]
	return n.found
}

// ownedPlaces adds the places of a source customer's invoices, with the dates as people have edited
// them.
func (c *call) ownedPlaces(a records.Account, owner edit.Ref, places *newest) error {
	ext := c.Param("external_id")
	only := a.Hash.InvoiceH(ext)
	return c.Records.OwnedInvoices(c.Context(), a, owner, func(h store.H, date int64) {
		if ext == "" || h == only {
			places.add(position{kind: atOwned, tag: owner.Tag, h: h, date: date})
		}
	})
}

// invoicesAt reads the owners' visible invoices at the given places, in that order.
func (c *call) invoicesAt(a records.Account, owners []edit.Ref, places []position) ([]*invoiceRow, error) {
	keys := make([]table.Key, len(places))
	for i, at := range places {
		src, _ := a.ByTag(at.tag)
		keys[i] = src.Space().Invoice(at.h)
	}
	found, err := c.Records.Lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []*invoiceRow
	for _, at := range places {
		src, _ := a.ByTag(at.tag)
		inv := a.InvoiceIn(src, at.h, found)
		if inv != nil && slices.Contains(owners, edit.Ref{Tag: at.tag, H: a.Hash.CustomerH(inv.Record.CustomerExternalID)}) {
			rows = append(rows, &invoiceRow{Invoice: inv, date: at.date})
		}
	}
	return c.completeAll(a, rows)
}
