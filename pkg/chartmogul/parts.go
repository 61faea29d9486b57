package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/store"
)

// partKind is what differs between line items and transactions, which otherwise have the same routes.
type partKind struct {
	what   string // in complaints
	kind   store.Kind
	id     string   // prefix of its public ids
	prefix string   // of its members in the complaints about an invoice
	open   []string // members that may change
	read   func(*call, *draft, *fields) billing.Record
	wire   func(account, *partRow, style) any
	told   func(account, *partRow) func(store.Attrs) any
}

func lineItems() partKind {
	return partKind{
		what: "Line item", kind: store.KindLineItem, id: store.PrefixLineItem, prefix: prefixLine,
		open: []string{
			"type", "subscription_external_id", "subscription_set_external_id", "plan_uuid", "service_period_start", "service_period_end",
			"amount_in_cents", "quantity", "prorated", "proration_type", "discount_code", "discount_amount_in_cents",
			"discount_description", "tax_amount_in_cents", "transaction_fees_in_cents", "transaction_fees_currency",
			"description", "account_code", "event_order", "balance_transfer",
		},
		read: func(c *call, d *draft, f *fields) billing.Record { return d.addLine(f, c.lastPlace()) },
		wire: func(a account, p *partRow, st style) any { return p.invoice.lineWire(a, p.line(), st) },
		told: func(a account, p *partRow) func(store.Attrs) any { return p.invoice.toldLine(a, p.part) },
	}
}

func transactions() partKind {
	return partKind{
		what: "Transaction", kind: store.KindTransaction, id: store.PrefixTransaction, prefix: prefixTrans,
		open: []string{"type", "result", attrDate, "amount_in_cents", "transaction_fees_in_cents", "transaction_fees_currency"},
		read: func(c *call, d *draft, f *fields) billing.Record { return d.addTransaction(c, f, c.lastPlace()) },
		wire: func(_ account, p *partRow, st style) any { return p.invoice.transWire(p.transaction(), st).alone() },
		told: func(_ account, p *partRow) func(store.Attrs) any { return p.invoice.toldTransaction(p.part) },
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

// byID reads the whole invoice: a public id carries only the beginnings of two identities.
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
	sp := src.Space()
	read, err := each(c.Context(), []store.Query{sp.PartsUnder(under), sp.EditsUnder(under)}, c.items)
	if err != nil {
		return a, nil, err
	}
	for _, item := range read[0] {
		invoice, _ := store.LeadingH(item.SK)
		h, _ := store.TrailingH(item.SK)
		if store.Under(invoice, h) == under && item.Key == partKey(sp, k.kind, invoice, h) {
			p, err := k.in(a, src, invoice, h, byKey(append(read[0], read[1]...)))
			return a, p, err
		}
	}
	return a, nil, absent(k.what)
}

// byExternalID follows the pointer from an external id.
func (k partKind) byExternalID(c *call) (account, *partRow, error) {
	source, ext, err := c.externalID()
	if err != nil {
		return account{}, nil, err
	}
	var key store.Key
	a, found, err := c.read(func(d *store.Directory) []store.Key {
		if src, ok := d.ByUUID(source); ok {
			key = src.Space().External(k.kind, d.Hasher().External(k.kind, ext))
			return []store.Key{key}
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
	h := a.hash.External(k.kind, ext)
	at := partKey(src.Space(), k.kind, invoice, h)
	if found, err = c.lookup(c.Context(), append(invoiceKeys(src, invoice), at, src.Space().FieldsOf(at))); err != nil {
		return a, nil, err
	}
	p, err := k.in(a, src, invoice, h, found)
	return a, p, err
}

// in is the line item or transaction among what was found. Without its invoice it is not there.
func (k partKind) in(a account, src store.Source, invoice, h store.H, found map[store.Key]store.Attrs) (*partRow, error) {
	inv := a.invoiceIn(src, invoice, found)
	if inv == nil {
		return nil, absent(k.what)
	}
	if err := inv.lay(a, nil, found, true); err != nil {
		return nil, err
	}
	key := partKey(src.Space(), k.kind, invoice, h)
	s, err := a.stored(src, store.Item{Key: key, Attrs: found[key]}, found)
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
