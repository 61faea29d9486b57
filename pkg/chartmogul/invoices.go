package chartmogul

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"

	"reseed/pkg/store"
)

// attrDate is the invoice's date in the pointer from its customer, in Unix milliseconds.
const attrDate = "date"

type invoiceList struct {
	CustomerUUID string        `json:"customer_uuid,omitempty"`
	Invoices     []invoiceWire `json:"invoices"`
	paged
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
	if err := c.complete(c.Context(), row); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: row.fullWire(a)}, nil
}

// invoice reads the invoice of a public id, without line items and transactions.
func (c *call) invoice(id string) (account, *invoiceRow, error) {
	tag, h, err := store.ParseID(store.PrefixInvoice, id)
	if err != nil {
		return account{}, nil, absent(whatInvoice)
	}
	a, found, err := c.read(func(d *store.Directory) []store.Key {
		if src, ok := d.ByTag(tag); ok {
			return []store.Key{src.Space().Invoice(h)}
		}
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	if src, ok := a.ByTag(tag); ok {
		if row := a.invoiceAt(src, h, found); row != nil {
			return a, row, nil
		}
	}
	return a, nil, absent(whatInvoice)
}

// invoiceAt is the invoice among what a batch get found; nil if it is not to be seen.
func (a account) invoiceAt(src store.Source, h store.H, found map[store.Key]store.Attrs) *invoiceRow {
	attrs := found[src.Space().Invoice(h)]
	if !a.invoiceVisible(src.Tag, h, attrs) {
		return nil
	}
	return &invoiceRow{src: src, h: h, record: store.DecodeInvoice(attrs)}
}

// complete reads the invoice's line items and transactions.
func (c *call) complete(ctx context.Context, row *invoiceRow) error {
	for item, err := range c.Store.Items(ctx, row.src.Space().InvoiceParts(row.h)) {
		if err != nil {
			return err
		}
		row.add(item)
	}
	row.ordered()
	return nil
}

// completeAll does it for many, several at once.
func (c *call) completeAll(rows []*invoiceRow) error {
	_, err := each(c.Context(), rows, func(ctx context.Context, row *invoiceRow) (struct{}, error) {
		return struct{}{}, c.complete(ctx, row)
	})
	return err
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
	a, src, h, err := c.owner(id)
	if err != nil {
		return reply{}, err
	}
	rows, tail, err := c.ownedInvoices(a, src, h, p)
	if err != nil {
		return reply{}, err
	}
	list := invoiceList{CustomerUUID: id, Invoices: make([]invoiceWire, len(rows)), paged: tail}
	for i, r := range rows {
		list.Invoices[i] = r.wire(a)
	}
	return reply{status: http.StatusOK, body: list}, nil
}

// owner finds the source of a customer's public id; whether the customer is there is not asked.
func (c *call) owner(id string) (account, store.Source, store.H, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return account{}, store.Source{}, h, absent(whatCustomer)
	}
	a, err := c.account()
	if err != nil {
		return a, store.Source{}, h, err
	}
	src, ok := a.ByTag(tag)
	if !ok {
		return a, src, h, absent(whatCustomer)
	}
	return a, src, h, nil
}

// ownedInvoices reads one page of a customer's invoices, newest first. The
// pointers from the customer carry the dates, so all of them are read (they are
// small), but only the page's invoices.
func (c *call) ownedInvoices(a account, src store.Source, customer store.H, p paging) ([]*invoiceRow, paged, error) {
	places, err := c.ownedPlaces(a, src, customer)
	if err != nil {
		return nil, paged{}, err
	}
	total := len(places)
	if p.after != nil {
		places = slices.DeleteFunc(places, func(at position) bool { return newestFirst(at, *p.after) <= 0 })
	}
	var rows []*invoiceRow
	for len(places) > 0 && len(rows) <= p.size {
		n := min(len(places), p.size+1-len(rows))
		part, err := c.invoicesAt(a, src, customer, places[:n])
		if err != nil {
			return nil, paged{}, err
		}
		rows, places = append(rows, part...), places[n:]
	}
	rows, tail := cut(p, rows, (*invoiceRow).owned, func(*invoiceRow) float64 {
		return float64(p.size+1) / float64(max(total, p.size+1))
	})
	return rows, tail, c.completeAll(rows)
}

// newestFirst orders by date, newest first, then by identity.
func newestFirst(x, y position) int {
	if x.date != y.date {
		return cmp.Compare(y.date, x.date)
	}
	return bytes.Compare(x.h[:], y.h[:])
}

// ownedPlaces lists where a customer's invoices are, newest first.
func (c *call) ownedPlaces(a account, src store.Source, customer store.H) ([]position, error) {
	if a.Buried(src.Tag, store.KindCustomer, customer) {
		return nil, nil
	}
	ext := c.param("external_id")
	only := a.hash.InvoiceH(ext)
	var places []position
	for item, err := range c.Store.Items(c.Context(), src.Space().OwnersOf(customer)) {
		if err != nil {
			return nil, err
		}
		h, ok := store.TrailingH(item.SK)
		if ok && a.Visible(item.Attrs) && (ext == "" || h == only) {
			date, _ := item.Attrs.Int(attrDate)
			places = append(places, position{kind: atOwned, tag: src.Tag, h: h, date: date})
		}
	}
	slices.SortFunc(places, newestFirst)
	return places, nil
}

// invoicesAt reads the visible ones of a customer's invoices at the given places, in that order.
func (c *call) invoicesAt(a account, src store.Source, customer store.H, places []position) ([]*invoiceRow, error) {
	keys := make([]store.Key, len(places))
	for i, at := range places {
		keys[i] = src.Space().Invoice(at.h)
	}
	found, err := c.lookup(c.Context(), keys)
	if err != nil {
		return nil, err
	}
	var rows []*invoiceRow
	for _, at := range places {
		row := a.invoiceAt(src, at.h, found)
		if row != nil && a.hash.CustomerH(row.record.CustomerExternalID) == customer {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
