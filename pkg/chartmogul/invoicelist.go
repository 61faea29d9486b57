package chartmogul

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// listInvoices is GET /invoices: the invoices of one customer newest first, else source by source.
func listInvoices(c *call) (httpapi.Reply, error) {
	passes, err := c.validationType()
	if err != nil {
		return httpapi.Reply{}, err
	}
	kind := atInvoice
	if c.Param("customer_uuid") != "" {
		kind = atOwned
	}
	p, err := c.paging(kind)
	if err != nil {
		return httpapi.Reply{}, err
	}
	page, err := lighter(c, p, func(p paging) (invoicePage, error) {
		switch {
		case !passes:
			_, tail := cut(p, nil, (*invoiceRow).position, everything)
			return invoicePage{tail: tail}, nil
		case kind == atOwned:
			return c.invoicesOfCustomer(p)
		}
		return c.invoicesOfSources(p)
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := c.address(page.account, page.rows...); err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: page.list(nil, kind, c.style())}, nil
}

// invoicePage is a page of invoices.
type invoicePage struct {
	account records.Account
	rows    []*invoiceRow
	tail    httpapi.Paged
}

// list makes the answer of the page, for a list of one of the two kinds.
func (p invoicePage) list(before any, kind byte, st style) httpapi.Listed {
	at := (*invoiceRow).position
	if kind == atOwned {
		at = (*invoiceRow).owned
	}
	list := spell(httpapi.Elements{}, p.rows, &p.tail, at, func(r *invoiceRow) any { return invoiceAnswer{r, p.account, st} })
	return httpapi.Listed{Before: before, Name: "invoices", Elements: list, Behind: p.tail}
}

// invoicesOfCustomer is a page for the customer_uuid filter. It is empty for an unknown customer.
func (c *call) invoicesOfCustomer(p paging) (invoicePage, error) {
	a, owners, err := c.owner(c.Param("customer_uuid"))
	if f := (*httpapi.Error)(nil); err != nil && !errors.As(err, &f) {
		return invoicePage{}, err
	}
	if want := c.Param("data_source_uuid"); want != "" {
		src, _ := a.ByUUID(want)
		owners = slices.DeleteFunc(owners, func(r edit.Ref) bool { return r.Tag != src.Tag })
	}
	return c.ownedInvoices(a, owners, p)
}

func (c *call) invoicesOfSources(p paging) (invoicePage, error) {
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return invoicePage{}, err
	}
	sources, ext := c.sources(a), c.Param("external_id")
	read := func(r *invoiceRow) float64 { return share(sources, r.Source.Tag, r.H) }
	var rows []*invoiceRow
	if ext != "" {
		rows, err = c.invoicesByExternalID(a, sources, ext, p)
		read = everything
	} else {
		rows, err = c.walkInvoices(a, sources, p)
	}
	if err != nil {
		return invoicePage{}, err
	}
	rows, tail := cut(p, rows, (*invoiceRow).position, read)
	return invoicePage{a, rows, tail}, nil
}

func (c *call) invoicesByExternalID(a records.Account, sources []store.Source, ext string, p paging) ([]*invoiceRow, error) {
	h := a.Hash.InvoiceH(ext)
	var keys []table.Key
	for _, src := range sources {
		keys = append(keys, src.Space().Invoice(h))
	}
	found, err := c.Records.Lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []*invoiceRow
	for _, src := range sources {
		inv := a.InvoiceIn(src, h, found)
		if inv == nil {
			continue
		}
		if row := (&invoiceRow{Invoice: inv}); p.after == nil || p.after.before(row.position()) {
			rows = append(rows, row)
		}
	}
	return c.completeAll(a, rows)
}

// itemsPerInvoice is a guess at how many items an invoice has, for the size of a query's page.
const itemsPerInvoice = 4

// walkInvoices reads a page of invoices, and one more. In a shard it reads as many as are still
// wanted, then the edits from the first to the last of them, and goes on if some are hidden.
func (c *call) walkInvoices(a records.Account, sources []store.Source, p paging) ([]*invoiceRow, error) {
	spans := sharded(sources, p.after, store.Space.InvoicesIn, func(sp store.Space, h store.H) table.Key {
		k := sp.Invoice(h)
		k.SK = store.After(k.SK) // after the invoice's line items and transactions
		return k
	})
	return gather(c.Context(), spans, p.size+1, func(ctx context.Context, sp span, want int) ([]*invoiceRow, error) {
		var rows []*invoiceRow
		for more := true; more && len(rows) < want; {
			scanned, err := c.scanInvoices(ctx, a, sp, want-len(rows))
			if err != nil {
				return nil, err
			}
			shown, err := c.laid(ctx, a, scanned)
			if err != nil {
				return nil, err
			}
			if more = len(rows)+len(scanned) == want; more {
				sp.query.After = store.After(scanned[len(scanned)-1].row.Key.SK)
			}
			rows = append(rows, shown...)
		}
		return rows, nil
	})
}

// scanned is an invoice and the items that follow it.
type scanned struct {
	row   *invoiceRow
	parts []table.Item
	held  int  // bytes of the items
	large bool // it has too many items: they are left out, and completeLarge reads them
}

// add adds a line item or transaction, unless there are too many.
func (s *scanned) add(item table.Item) {
	s.parts = append(s.parts, item)
	if s.held += len(item.Attrs); s.held > maxHeld || len(s.parts) > maxParts && overfull(s.parts) {
		s.parts, s.large = nil, true
	}
}

// scanInvoices reads the next invoices of a shard. Line items and transactions follow their invoice
// in key order, so one scan reads everything; it skips the rest of a large invoice.
func (c *call) scanInvoices(ctx context.Context, a records.Account, sp span, want int) (all []scanned, err error) {
	sp.query.Limit = want * itemsPerInvoice
	for more := true; more; {
		if all, more, err = c.scanOn(ctx, a, sp, want, all); more {
			sp.query.After = store.After(all[len(all)-1].row.Key.SK) // after the rest of the large one
		}
	}
	return all, err
}

// scanOn scans up to a large invoice, and then returns that there may be more. It skips line items
// and transactions without an invoice, which a write that never finished has left.
func (c *call) scanOn(ctx context.Context, a records.Account, sp span, want int, all []scanned) ([]scanned, bool, error) {
	var now *scanned
	for item, err := range c.Records.Store.Items(ctx, sp.query) {
		if err != nil {
			return nil, false, err
		}
		h, _ := store.LeadingH(item.SK)
		if store.SKPrefix(item.SK) == store.SKInvoice {
			if len(all) == want {
				break
			}
			now = nil
			if inv := a.InvoiceIn(sp.src, h, map[table.Key]table.Attrs{item.Key: item.Attrs}); inv != nil {
				all = append(all, scanned{row: &invoiceRow{Invoice: inv}})
				now = &all[len(all)-1]
			}
			continue
		}
		if now == nil || now.row.H != h {
			continue
		}
		if err := c.hold(item); err != nil {
			return nil, false, err
		}
		if now.add(item); now.large {
			return all, true, nil
		}
	}
	return all, false, nil
}

// laid lays edits over invoices of one shard, and leaves out the hidden ones.
func (c *call) laid(ctx context.Context, a records.Account, all []scanned) ([]*invoiceRow, error) {
	if len(all) == 0 {
		return nil, nil
	}
	first, last := all[0].row, all[len(all)-1].row
	edits := map[table.Key]table.Attrs{}
	for item, err := range c.Records.Store.Items(ctx, first.Source.Space().InvoiceEditsBetween(first.H, last.H)) {
		if err == nil {
			err = c.hold(item)
		}
		if err != nil {
			return nil, err
		}
		edits[item.Key] = item.Attrs
	}
	rows := make([]*invoiceRow, len(all))
	for i, s := range all {
		rows[i] = s.row
		if s.large {
			if err := c.completeLarge(ctx, a, s.row); err != nil {
				return nil, err
			}
			continue
		}
		if err := s.row.Lay(a, s.parts, edits, c.withDisabled()); err != nil {
			return nil, err
		}
	}
	return c.unhidden(rows), nil
}
