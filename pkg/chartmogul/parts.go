package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// partKind is what differs between line items and transactions, which otherwise have the same routes.
type partKind struct {
	name   string // in routes and answers
	what   string // in complaints
	at     byte   // of cursors
	kind   store.Kind
	id     string   // prefix of its public ids
	prefix string   // of its members in the complaints about an invoice
	open   []string // members that may change
	read   func(*call, *draft, *fields) billing.Record
	wire   func(account, *partRow, style) any
	told   func(account, *partRow) func(table.Attrs) any
}

func lineItems() partKind {
	return partKind{
		name: "line_items", what: "Line item", at: atLine, kind: store.KindLineItem, id: store.PrefixLineItem, prefix: prefixLine,
		open: []string{
			"type", "subscription_external_id", "subscription_set_external_id", "plan_uuid", "service_period_start", "service_period_end",
			"amount_in_cents", "quantity", "prorated", "proration_type", "discount_code", "discount_amount_in_cents",
			"discount_description", "tax_amount_in_cents", "transaction_fees_in_cents", "transaction_fees_currency",
			"description", "account_code", "event_order", "balance_transfer",
		},
		read: func(c *call, d *draft, f *fields) billing.Record { return d.addLine(f, c.lastPlace()) },
		wire: func(a account, p *partRow, st style) any { return p.invoice.lineWire(a, p.line(), st) },
		told: func(a account, p *partRow) func(table.Attrs) any { return p.invoice.toldLine(a, p.part) },
	}
}

func transactions() partKind {
	return partKind{
		name: "transactions", what: "Transaction", at: atTransaction, kind: store.KindTransaction, id: store.PrefixTransaction, prefix: prefixTrans,
		open: []string{"type", "result", attrDate, "amount_in_cents", "transaction_fees_in_cents", "transaction_fees_currency"},
		read: func(c *call, d *draft, f *fields) billing.Record { return d.addTransaction(c, f, c.lastPlace()) },
		wire: func(_ account, p *partRow, st style) any { return p.invoice.transWire(p.transaction(), st).alone() },
		told: func(_ account, p *partRow) func(table.Attrs) any { return p.invoice.toldTransaction(p.part) },
	}
}

// lastPlace is a place behind all that came with the invoice, in the order of time.
func (c *call) lastPlace() int64 { return c.Now().UnixMilli() }

// partRow is a line item or a transaction outside its invoice.
type partRow struct {
	part
	invoice *invoiceRow
}

// answer spells a line item or a transaction by itself.
func (k partKind) answer(c *call, a account, p *partRow, status int) reply {
	st := c.style()
	st.alone = true
	return reply{status: status, body: k.wire(a, p, st)}
}

// find reads the line item or transaction that the path or the query names. It, or its invoice, may be disabled.
func (k partKind) find(c *call) (account, *partRow, error) {
	if id := c.PathValue("uuid"); id != "" {
		return k.byID(c, id)
	}
	return k.byExternalID(c)
}

// byID looks for the row: a public id carries only the beginnings of two identities.
func (k partKind) byID(c *call, id string) (account, *partRow, error) {
	tag, under, err := store.ParseID(k.id, id)
	if err != nil {
		return account{}, nil, absent(k.what)
	}
	a, err := c.account()
	if err != nil {
		return a, nil, err
	}
	src, ok := a.ByTag(tag)
	if !ok {
		return a, nil, absent(k.what)
	}
	invoice, h, err := k.locate(c, src.Space(), under)
	if err != nil {
		return a, nil, err
	}
	p, err := k.load(c, a, src, invoice, h)
	return a, p, err
}

// locate finds the two identities of which a public id carries the beginnings. As a rule there is one invoice that can be meant.
func (k partKind) locate(c *call, sp store.Space, under store.H) (invoice, h store.H, err error) {
	q := sp.PartsUnder(under)
	q.Limit, q.KeysOnly = 1, true
	for {
		page, err := c.Store.Page(c.Context(), q)
		if err != nil {
			return invoice, h, err
		}
		if len(page.Items) == 0 {
			return invoice, h, absent(k.what)
		}
		invoice, _ = store.LeadingH(page.Items[0].SK)
		like := sp.PartsLike(k.kind, invoice, under)
		like.KeysOnly = true
		for item, err := range c.Store.Items(c.Context(), like) {
			if err != nil {
				return invoice, h, err
			}
			if h, _ = store.TrailingH(item.SK); store.Under(invoice, h) == under {
				return invoice, h, nil
			}
		}
		q.After = store.After(store.InvoiceSK(invoice))
	}
}

// byExternalID follows the pointer from an external id.
func (k partKind) byExternalID(c *call) (account, *partRow, error) {
	source, ext, err := c.externalID()
	if err != nil {
		return account{}, nil, err
	}
	var key table.Key
	a, found, err := c.read(func(d *store.Directory) []table.Key {
		if src, ok := d.ByUUID(source); ok {
			key = src.Space().External(k.kind, d.Hasher().External(k.kind, ext))
			return []table.Key{key}
		}
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	src, ok := a.ByUUID(source)
	if !ok {
		return a, nil, absent(whatSource)
	}
	invoice, ok := store.ParseH(found[key].Str(attrInvoice))
	if !ok {
		return a, nil, absent(k.what)
	}
	p, err := k.load(c, a, src, invoice, a.hash.External(k.kind, ext))
	return a, p, err
}

// load reads a line item or transaction, and its invoice.
func (k partKind) load(c *call, a account, src store.Source, invoice, h store.H) (*partRow, error) {
	at := partKey(src.Space(), k.kind, invoice, h)
	found, err := c.lookup(c.Context(), append(invoiceKeys(src, invoice), at, src.Space().FieldsOf(at)))
	if err != nil {
		return nil, err
	}
	return k.in(a, src, invoice, h, found)
}

// in is the line item or transaction among what was found. Without its invoice it is not there.
func (k partKind) in(a account, src store.Source, invoice, h store.H, found map[table.Key]table.Attrs) (*partRow, error) {
	inv := a.invoiceIn(src, invoice, found)
	if inv == nil {
		return nil, absent(k.what)
	}
	if err := inv.lay(a, nil, found, true); err != nil {
		return nil, err
	}
	key := partKey(src.Space(), k.kind, invoice, h)
	s, err := a.stored(src, table.Item{Key: key, Attrs: found[key]}, found)
	if err != nil {
		return nil, err
	}
	if s.attrs == nil || !a.Visible(s.attrs) || s.deleted() || inv.deleted() {
		return nil, absent(k.what)
	}
	return &partRow{part{stored: s, h: h}, inv}, nil
}

// get is GET /{…}/:uuid and /{…}?data_source_uuid&external_id.
func (k partKind) get(c *call) (reply, error) {
	a, p, err := k.find(c)
	if err != nil {
		return reply{}, err
	}
	if with := c.withDisabled(); p.hidden(with) || p.invoice.hidden(with) {
		return reply{}, absent(k.what)
	}
	return k.answer(c, a, p, http.StatusOK), nil
}
