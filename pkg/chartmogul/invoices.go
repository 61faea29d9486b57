package chartmogul

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"

	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// attrDate is the invoice's date in the pointer from its customer, in Unix milliseconds.
const attrDate = "date"

// invoiceHead is what a list of a customer's invoices begins with.
type invoiceHead struct {
	CustomerUUID string `json:"customer_uuid"`
}

// getInvoice is GET /invoices/:uuid.
func getInvoice(c *call) (reply, error) {
	if _, err := c.validationType(); err != nil {
		return reply{}, err
	}
	a, row, err := c.invoice(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	if row.hidden(c.withDisabled()) {
		return reply{}, absent(whatInvoice)
	}
	return c.oneInvoice(a, row)
}

// oneInvoice answers with an invoice and its line items and transactions.
func (c *call) oneInvoice(a account, row *invoiceRow) (reply, error) {
	if err := c.complete(c.Context(), a, row); err != nil {
		return reply{}, err
	}
	if err := c.address(a, row); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: alone(told{row, a, c.style()})}, nil
}

// invoice reads the invoice of a public id, without line items and transactions. It may be hidden.
func (c *call) invoice(id string) (account, *invoiceRow, error) {
	tag, h, err := store.ParseID(store.PrefixInvoice, id)
	if err != nil {
		return account{}, nil, absent(whatInvoice)
	}
	return c.invoiceAt(func(d *store.Directory) (store.Source, store.H, error) {
		if src, ok := d.ByTag(tag); ok {
			return src, h, nil
		}
		return store.Source{}, h, absent(whatInvoice)
	})
}

// invoiceAt reads an invoice with its edits, wherever it lies as the directory has it.
func (c *call) invoiceAt(where func(*store.Directory) (store.Source, store.H, error)) (account, *invoiceRow, error) {
	a, found, err := c.read(func(d *store.Directory) []table.Key {
		src, h, err := where(d)
		if err != nil {
			return nil
		}
		return invoiceKeys(src, h)
	})
	if err != nil {
		return a, nil, err
	}
	src, h, err := where(a.Directory)
	if err != nil {
		return a, nil, err
	}
	row := a.invoiceIn(src, h, found)
	if row == nil {
		return a, nil, absent(whatInvoice)
	}
	return a, row, row.lay(a, nil, found, true)
}

// invoiceKeys are the keys of an invoice and of what people did to it.
func invoiceKeys(src store.Source, h store.H) []table.Key {
	key := src.Space().Invoice(h)
	return []table.Key{key, src.Space().FieldsOf(key)}
}

// invoiceIn is the invoice among what was found, as it was imported; nil if it is not there, or its customer is not.
func (a account) invoiceIn(src store.Source, h store.H, found map[table.Key]table.Attrs) *invoiceRow {
	key := src.Space().Invoice(h)
	attrs := found[key]
	if !a.invoiceVisible(src.Tag, h, attrs) {
		return nil
	}
	return &invoiceRow{stored: stored{src: src, key: key, attrs: attrs}, h: h, record: store.DecodeInvoice(attrs)}
}

// items reads a whole range.
func (c *call) items(ctx context.Context, q table.Query) ([]table.Item, error) {
	var all []table.Item
	for item, err := range c.Store.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

func byKey(items []table.Item) map[table.Key]table.Attrs {
	m := make(map[table.Key]table.Attrs, len(items))
	for _, it := range items {
		m[it.Key] = it.Attrs
	}
	return m
}

// completeAll completes many, several at once, and leaves out those that are hidden.
func (c *call) completeAll(a account, rows []*invoiceRow) ([]*invoiceRow, error) {
	_, err := each(c.Context(), rows, func(ctx context.Context, row *invoiceRow) (struct{}, error) {
		return struct{}{}, c.complete(ctx, a, row)
	})
	return c.unhidden(rows), err
}

// address finds out as whose people see invoices: those of a customer that was merged away are another's.
func (c *call) address(a account, rows ...*invoiceRow) error {
	var refs []edit.Ref
	for _, r := range rows {
		r.customer = edit.Ref{Tag: r.src.Tag, H: a.hash.CustomerH(r.record.CustomerExternalID)}
		if r.src.Merges {
			refs = append(refs, r.customer)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	groups, err := c.Edits.Groups(c.Context(), a.Directory, refs...)
	for _, r := range rows {
		if g := groups[r.customer]; g != nil {
			r.customer = g[0].Ref
		}
	}
	return err
}

func (c *call) unhidden(rows []*invoiceRow) []*invoiceRow {
	with := c.withDisabled()
	return slices.DeleteFunc(rows, func(r *invoiceRow) bool { return r.hidden(with) })
}

// validationType reads the filter of that name. Nothing invalid is ever stored, so
// it either lets everything pass or nothing.
func (c *call) validationType() (all bool, err error) {
	switch c.param("validation_type") {
	case "", "valid", "all":
		return true, nil
	case "invalid":
		return false, nil
	}
	return false, unusable("validation_type")
}

// listCustomerInvoices is GET /import/customers/:uuid/invoices: newest first. A
// customer that is gone has none; that is no error as long as its source is there (chartmogul-api §2.2).
func listCustomerInvoices(c *call) (reply, error) {
	p, err := c.paging(atOwned)
	if err != nil {
		return reply{}, err
	}
	id := c.PathValue("uuid")
	a, owners, err := c.owner(id)
	if err != nil {
		return reply{}, err
	}
	page, err := lighter(c, p, func(p paging) (invoicePage, error) { return c.ownedInvoices(a, owners, p) })
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: page.list(invoiceHead{id}, atOwned, style{})}, nil
}

// owner finds whose invoices those of a customer's public id are: its own, and those of what was merged into it. One
// that was merged away has none. Whether a customer is there that was never merged is not asked.
func (c *call) owner(id string) (account, []edit.Ref, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return account{}, nil, absent(whatCustomer)
	}
	a, err := c.account()
	if err != nil {
		return a, nil, err
	}
	src, ok := a.ByTag(tag)
	r := edit.Ref{Tag: tag, H: h}
	switch {
	case !ok:
		return a, nil, absent(whatCustomer)
	case !src.Merges:
		return a, []edit.Ref{r}, nil
	}
	groups, err := c.Edits.Groups(c.Context(), a.Directory, r)
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

// ownedInvoices reads one page of a customer's invoices, newest first. The
// pointers from the customer carry the dates, so all of them are read (they are
// small), but only those of a page are held, and only the page's invoices are read.
func (c *call) ownedInvoices(a account, owners []edit.Ref, p paging) (invoicePage, error) {
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

// newest are the first of the places that come behind one, newest first.
type newest struct {
	want  int
	after *position // nil: from the beginning
	seen  int       // all there are
	found []position
}

func (n *newest) add(at position) {
	if n.seen++; n.after != nil && newestFirst(at, *n.after) <= 0 {
		return
	}
	if n.found = append(n.found, at); len(n.found) >= 2*max(n.want, maxPage) {
		n.list()
	}
}

// list sorts what was found, and drops what is too much.
func (n *newest) list() []position {
	slices.SortFunc(n.found, newestFirst)
	n.found = n.found[:min(n.want, len(n.found))]
	return n.found
}

// ownedPlaces finds where a source customer's invoices are, with the dates that people have given them, if they did.
func (c *call) ownedPlaces(a account, owner edit.Ref, places *newest) error {
	src, _ := a.ByTag(owner.Tag)
	customer := owner.H
	if a.Buried(src.Tag, store.KindCustomer, customer) {
		return nil
	}
	sp, ext := src.Space(), c.param("external_id")
	only := a.hash.InvoiceH(ext)
	changed, err := c.items(c.Context(), sp.EditOwnersOf(customer))
	if err != nil {
		return err
	}
	edited := byKey(changed)
	for item, err := range c.Store.Items(c.Context(), sp.OwnersOf(customer)) {
		if err != nil {
			return err
		}
		h, ok := store.TrailingH(item.SK)
		if !ok || !a.Visible(item.Attrs) || ext != "" && h != only {
			continue
		}
		date, _ := item.Attrs.Int(attrDate)
		if at, ok := edited[sp.EditOwner(customer, h)]; ok && a.Visible(at) {
			date, _ = at.Int(attrDate)
		}
		places.add(position{kind: atOwned, tag: src.Tag, h: h, date: date})
	}
	return nil
}

// invoicesAt reads those of the owners' invoices at the given places that are to be seen, in that order.
func (c *call) invoicesAt(a account, owners []edit.Ref, places []position) ([]*invoiceRow, error) {
	keys := make([]table.Key, len(places))
	for i, at := range places {
		src, _ := a.ByTag(at.tag)
		keys[i] = src.Space().Invoice(at.h)
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []*invoiceRow
	for _, at := range places {
		src, _ := a.ByTag(at.tag)
		row := a.invoiceIn(src, at.h, found)
		if row != nil && slices.Contains(owners, edit.Ref{Tag: at.tag, H: a.hash.CustomerH(row.record.CustomerExternalID)}) {
			row.date = at.date
			rows = append(rows, row)
		}
	}
	return c.completeAll(a, rows)
}
