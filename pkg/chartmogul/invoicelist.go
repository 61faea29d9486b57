package chartmogul

import (
	"context"
	"net/http"

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
	list := invoiceList{Invoices: make([]invoiceWire, len(rows)), paged: tail}
	for i, r := range rows {
		list.Invoices[i] = r.fullWire(a)
	}
	return reply{status: http.StatusOK, body: list}, nil
}

// invoicesOfCustomer answers the customer_uuid filter: nobody's and a stranger's invoices are none.
func (c *call) invoicesOfCustomer(p paging) (account, []*invoiceRow, paged, error) {
	a, err := c.account()
	if err != nil {
		return a, nil, paged{}, err
	}
	tag, h, parseErr := store.ParseID(store.PrefixCustomer, c.param("customer_uuid"))
	src, ok := a.ByTag(tag)
	want := c.param("data_source_uuid")
	if found := parseErr == nil && ok && (want == "" || want == src.UUID); !found {
		_, tail := cut(p, nil, (*invoiceRow).owned, everything)
		return a, nil, tail, nil
	}
	rows, tail, err := c.ownedInvoices(a, src, h, p)
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
	if ext != "" {
		err = c.completeAll(rows)
	}
	return a, rows, tail, err
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
		if row := a.invoiceAt(src, h, found); row != nil && (p.after == nil || p.after.before(row.position())) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// itemsPerInvoice is a guess at how many items an invoice is, for the size of a query's page.
const itemsPerInvoice = 4

// walkInvoices reads one page of invoices, and one more. Line items and
// transactions follow their invoice in key order, so one scan reads them all;
// children without an invoice are of a write that never came to its end, and are passed over.
func (c *call) walkInvoices(a account, sources []store.Source, p paging) ([]*invoiceRow, error) {
	spans := sharded(sources, p.after, store.Space.InvoicesIn, func(sp store.Space, h store.H) store.Key {
		k := sp.Invoice(h)
		k.SK = store.After(k.SK) // behind the invoice's children
		return k
	})
	return gather(c.Context(), spans, p.size+1, func(ctx context.Context, sp span, want int) ([]*invoiceRow, error) {
		var rows []*invoiceRow
		var now *invoiceRow
		sp.query.Limit = want * itemsPerInvoice
		for item, err := range c.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			if store.What(item.SK) != store.SKInvoice {
				if now != nil && item.SK[:len(store.SKInvoice)+2*store.HashLen] == store.SKInvoice+now.h.String() {
					now.add(item)
				}
				continue
			}
			if len(rows) == want {
				break
			}
			h, _ := store.TrailingH(item.SK)
			if now = a.invoiceAt(sp.src, h, map[store.Key]store.Attrs{item.Key: item.Attrs}); now != nil {
				rows = append(rows, now)
			}
		}
		for _, r := range rows {
			r.ordered()
		}
		return rows, nil
	})
}
