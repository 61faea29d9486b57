package chartmogul

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/store"
)

// listInvoices is GET /invoices: of one customer newest first, else source after source.
func listInvoices(c *call) (reply, error) {
	passes, err := c.validationType()
	if err != nil {
		return reply{}, err
	}
	kind := atInvoice
	if c.param("customer_uuid") != "" {
		kind = atOwned
	}
	p, err := c.paging(kind)
	if err != nil {
		return reply{}, err
	}
	var (
		a    account
		rows []*invoiceRow
		tail paged
	)
	switch {
	case !passes:
		_, tail = cut(p, rows, (*invoiceRow).position, everything)
	case kind == atOwned:
		a, rows, tail, err = c.invoicesOfCustomer(p)
	default:
		a, rows, tail, err = c.invoicesOfSources(p)
	}
	if err != nil {
		return reply{}, err
	}
	if err := c.address(a, rows...); err != nil {
		return reply{}, err
	}
	list, st := invoiceList{Invoices: make([]invoiceWire, len(rows)), paged: tail}, c.style()
	for i, r := range rows {
		list.Invoices[i] = r.wire(a, st)
	}
	return reply{status: http.StatusOK, body: list}, nil
}

// invoicesOfCustomer answers the customer_uuid filter: nobody's and a stranger's invoices are none.
func (c *call) invoicesOfCustomer(p paging) (account, []*invoiceRow, paged, error) {
	a, owners, err := c.owner(c.param("customer_uuid"))
	if f := (*failure)(nil); err != nil && !errors.As(err, &f) {
		return a, nil, paged{}, err
	}
	if want := c.param("data_source_uuid"); want != "" {
		src, _ := a.ByUUID(want)
		owners = slices.DeleteFunc(owners, func(r edit.Ref) bool { return r.Tag != src.Tag })
	}
	rows, tail, err := c.ownedInvoices(a, owners, p)
	return a, rows, tail, err
}

func (c *call) invoicesOfSources(p paging) (account, []*invoiceRow, paged, error) {
	a, err := c.account()
	if err != nil {
		return a, nil, paged{}, err
	}
	sources, ext := c.sources(a), c.param("external_id")
	read := func(r *invoiceRow) float64 { return share(sources, r.src.Tag, r.h) }
	var rows []*invoiceRow
	if ext != "" {
		rows, err = c.invoicesByExternalID(a, sources, ext, p)
		read = everything
	} else {
		rows, err = c.walkInvoices(a, sources, p)
	}
	if err != nil {
		return a, nil, paged{}, err
	}
	rows, tail := cut(p, rows, (*invoiceRow).position, read)
	return a, rows, tail, nil
}

func (c *call) invoicesByExternalID(a account, sources []store.Source, ext string, p paging) ([]*invoiceRow, error) {
	h := a.hash.InvoiceH(ext)
	var keys []store.Key
	for _, src := range sources {
		keys = append(keys, src.Space().Invoice(h))
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []*invoiceRow
	for _, src := range sources {
		if row := a.invoiceIn(src, h, found); row != nil && (p.after == nil || p.after.before(row.position())) {
			rows = append(rows, row)
		}
	}
	return c.completeAll(a, rows)
}

// itemsPerInvoice is a guess at how many items an invoice is, for the size of a query's page.
const itemsPerInvoice = 4

// walkInvoices reads one page of invoices, and one more. Each round of a shard reads as many as are still
// wanted, then the edits from the first to the last of them: some may be hidden.
func (c *call) walkInvoices(a account, sources []store.Source, p paging) ([]*invoiceRow, error) {
	spans := sharded(sources, p.after, store.Space.InvoicesIn, func(sp store.Space, h store.H) store.Key {
		k := sp.Invoice(h)
		k.SK = store.After(k.SK) // behind the invoice's children
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
				sp.query.After = store.After(scanned[len(scanned)-1].row.key.SK)
			}
			rows = append(rows, shown...)
		}
		return rows, nil
	})
}

// scanned is an invoice and the items that follow it.
type scanned struct {
	row   *invoiceRow
	parts []store.Item
}

// scanInvoices reads the next invoices of a shard. Line items and transactions
// follow their invoice in key order, so one scan reads them all; children without
// an invoice are of a write that never came to its end, and are passed over.
func (c *call) scanInvoices(ctx context.Context, a account, sp span, want int) ([]scanned, error) {
	var all []scanned
	var now *scanned
	sp.query.Limit = want * itemsPerInvoice
	for item, err := range c.Store.Items(ctx, sp.query) {
		if err != nil {
			return nil, err
		}
		h, _ := store.LeadingH(item.SK)
		if store.What(item.SK) != store.SKInvoice {
			if now != nil && now.row.h == h {
				now.parts = append(now.parts, item)
			}
			continue
		}
		if len(all) == want {
			break
		}
		now = nil
		if row := a.invoiceIn(sp.src, h, map[store.Key]store.Attrs{item.Key: item.Attrs}); row != nil {
			all = append(all, scanned{row: row})
			now = &all[len(all)-1]
		}
	}
	return all, nil
}

// laid lays their edits over invoices of one shard, and leaves out those that are hidden.
func (c *call) laid(ctx context.Context, a account, all []scanned) ([]*invoiceRow, error) {
	if len(all) == 0 {
		return nil, nil
	}
	first, last := all[0].row, all[len(all)-1].row
	found, err := c.items(ctx, first.src.Space().InvoiceEditsBetween(first.h, last.h))
	if err != nil {
		return nil, err
	}
	edits := byKey(found)
	rows := make([]*invoiceRow, len(all))
	for i, s := range all {
		if err := s.row.lay(a, s.parts, edits, c.withDisabled()); err != nil {
			return nil, err
		}
		rows[i] = s.row
	}
	return c.unhidden(rows), nil
}
