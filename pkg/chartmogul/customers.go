package chartmogul

import (
	"context"
	"net/http"
	"strings"

	"reseed/pkg/edit"
	"reseed/pkg/store"
)

// customerKeys are the keys of a customer and of what people added to it.
func customerKeys(src store.Source, h store.H) []store.Key {
	return append(edit.Keys(src, h), src.Space().Customer(h))
}

// rowOf makes a customer of what a batch get found; ok is false if it is not to be seen.
func (a account) rowOf(src store.Source, h store.H, found map[store.Key]store.Attrs) (row customerRow, ok bool, err error) {
	attrs := found[src.Space().Customer(h)]
	if !a.customerVisible(src.Tag, h, attrs) {
		return row, false, nil
	}
	edits, err := edit.Read(a.Directory, found, src.Space(), h)
	return customerRow{src, h, attrs, edits, store.DecodeCustomer(attrs)}, err == nil, err
}

// customer reads the customer of a public id: directory, record and edits in one batch get.
func (c *call) customer(id string) (account, customerRow, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return account{}, customerRow{}, absent(whatCustomer)
	}
	a, found, err := c.read(func(d *store.Directory) []store.Key {
		if src, ok := d.ByTag(tag); ok {
			return customerKeys(src, h)
		}
		return nil
	})
	if err != nil {
		return a, customerRow{}, err
	}
	src, ok := a.ByTag(tag)
	if !ok {
		return a, customerRow{}, absent(whatCustomer)
	}
	row, ok, err := a.rowOf(src, h, found)
	if err == nil && !ok {
		err = absent(whatCustomer)
	}
	return a, row, err
}

// getCustomer is GET /customers/:uuid.
func getCustomer(c *call) (reply, error) {
	_, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: c.customerWire(row)}, nil
}

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
	var rows []customerRow
	var tail paged
	switch ext := c.param("external_id"); {
	case !newLead(c.param("status")): // nobody is anything else yet
		rows, tail = cut(p, rows, customerRow.position, everything)
	case ext != "":
		rows, err = c.customersByExternalID(a, sources, ext, p)
		rows, tail = cut(p, rows, customerRow.position, everything)
	default:
		rows, tail, err = c.customerPage(a, sources, p)
	}
	return reply{status: http.StatusOK, body: c.customerList(rows, p, tail)}, err
}

// customerPage is a page of all customers of the sources, with their edits.
func (c *call) customerPage(a account, sources []store.Source, p paging) ([]customerRow, paged, error) {
	rows, err := c.walkCustomers(a, sources, p)
	if err != nil {
		return nil, paged{}, err
	}
	rows, tail := cut(p, rows, customerRow.position, func(r customerRow) float64 { return share(sources, r.src.Tag, r.h) })
	return rows, tail, c.overlay(a, rows)
}

func (c *call) customerList(rows []customerRow, p paging, tail paged) customerList {
	l := customerList{
		Entries: c.customerWires(rows), CurrentPage: tail.CurrentPage, TotalPages: tail.TotalPages,
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

// walkCustomers reads one page of customers, and one more, without their edits.
func (c *call) walkCustomers(a account, sources []store.Source, p paging) ([]customerRow, error) {
	spans := sharded(sources, p.after, store.Space.CustomersIn, store.Space.Customer)
	return gather(c.Context(), spans, p.size+1, func(ctx context.Context, sp span, want int) ([]customerRow, error) {
		var rows []customerRow
		sp.query.Limit = want
		for item, err := range c.Store.Items(ctx, sp.query) {
			if err != nil {
				return nil, err
			}
			h, ok := store.TrailingH(item.SK)
			if !ok || !a.customerVisible(sp.src.Tag, h, item.Attrs) {
				continue
			}
			rows = append(rows, customerRow{src: sp.src, h: h, attrs: item.Attrs, record: store.DecodeCustomer(item.Attrs)})
			if len(rows) == want {
				break
			}
		}
		return rows, nil
	})
}

// customersByExternalID asks each source for the one key that can hold it.
func (c *call) customersByExternalID(a account, sources []store.Source, ext string, p paging) ([]customerRow, error) {
	h := a.hash.CustomerH(ext)
	hits := make([]hit, 0, len(sources))
	for _, src := range sources {
		hits = append(hits, hit{src, h})
	}
	return c.customersAt(a, hits, p)
}

// hit is where a customer may be.
type hit struct {
	src store.Source
	h   store.H
}

// customersAt reads the customers at the given places with their edits, as far as they are visible and behind the cursor.
func (c *call) customersAt(a account, hits []hit, p paging) ([]customerRow, error) {
	var keys []store.Key
	for _, at := range hits {
		keys = append(keys, customerKeys(at.src, at.h)...)
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []customerRow
	for _, at := range hits {
		row, ok, err := a.rowOf(at.src, at.h, found)
		if err != nil {
			return nil, err
		}
		if ok && (p.after == nil || p.after.before(row.position())) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// overlay lays the edits over a page of customers: one query for each shard
// that the page touches, since edits have the same order as their customers.
func (c *call) overlay(a account, rows []customerRow) error {
	var runs [][]customerRow
	for from := 0; from < len(rows); {
		to, sp := from+1, rows[from].src.Space()
		for to < len(rows) && rows[to].src.Tag == rows[from].src.Tag && sp.ShardOf(rows[to].h) == sp.ShardOf(rows[from].h) {
			to++
		}
		runs = append(runs, rows[from:to])
		from = to
	}
	_, err := each(c.Context(), runs, func(ctx context.Context, run []customerRow) (struct{}, error) {
		return struct{}{}, c.overlayRun(ctx, a, run)
	})
	return err
}

func (c *call) overlayRun(ctx context.Context, a account, run []customerRow) error {
	sp := run[0].src.Space()
	found := map[store.Key]store.Attrs{}
	for item, err := range c.Store.Items(ctx, sp.EditsBetween(run[0].h, run[len(run)-1].h)) {
		if err != nil {
			return err
		}
		found[item.Key] = item.Attrs
	}
	for i := range run {
		var err error
		if run[i].edits, err = edit.Read(a.Directory, found, sp, run[i].h); err != nil {
			return err
		}
	}
	return nil
}
