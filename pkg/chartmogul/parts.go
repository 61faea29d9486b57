package chartmogul

import (
	"net/http"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// partKind is what differs between the routes of line items and of transactions.
type partKind struct {
	name     string // in routes and answers
	what     string // in messages
	at       byte   // kind of cursors
	kind     store.Kind
	prefix   string   // of the names of its members in the errors about an invoice
	open     []string // members that may change
	read     func(*call, *records.Draft, *httpapi.Fields) billing.Record
	wire     func(records.Account, *records.PartOf, style) any
	wireWith func(records.Account, *records.PartOf) func(table.Attrs) any
}

func lineItems() partKind {
	return partKind{
		name: "line_items", what: records.WhatLineItem, at: atLine, kind: store.KindLineItem, prefix: records.PrefixLine,
		open: []string{
			"type", "subscription_external_id", "subscription_set_external_id", "plan_uuid", "service_period_start", "service_period_end",
			"amount_in_cents", "quantity", "prorated", "proration_type", "discount_code", "discount_amount_in_cents",
			"discount_description", "tax_amount_in_cents", "transaction_fees_in_cents", "transaction_fees_currency",
			"description", "account_code", "event_order", "balance_transfer",
		},
		read: func(c *call, d *records.Draft, f *httpapi.Fields) billing.Record { return addLine(d, f, c.lastPlace()) },
		wire: func(a records.Account, p *records.PartOf, st style) any {
			return invoiceOf(p).lineWire(a, p.Line(), st)
		},
		wireWith: func(a records.Account, p *records.PartOf) func(table.Attrs) any {
			return invoiceOf(p).lineWireWith(a, p.Part)
		},
	}
}

func transactions() partKind {
	return partKind{
		name: "transactions", what: records.WhatTransaction, at: atTransaction, kind: store.KindTransaction, prefix: records.PrefixTransaction,
		open: []string{"type", "result", records.AttrDate, "amount_in_cents", "transaction_fees_in_cents", "transaction_fees_currency"},
		read: func(c *call, d *records.Draft, f *httpapi.Fields) billing.Record {
			return c.addTransaction(d, f, c.lastPlace())
		},
		wire: func(_ records.Account, p *records.PartOf, st style) any {
			return invoiceOf(p).transWire(p.Transaction(), st).alone()
		},
		wireWith: func(_ records.Account, p *records.PartOf) func(table.Attrs) any {
			return invoiceOf(p).transWireWith(p.Part)
		},
	}
}

// lastPlace is a place after all that came with the invoice; later additions come after earlier
// ones.
func (c *call) lastPlace() int64 { return c.Now().UnixMilli() }

// invoiceOf is the invoice of a line item or a transaction.
func invoiceOf(p *records.PartOf) *invoiceRow { return &invoiceRow{Invoice: p.Invoice} }

// answer is the answer with a single line item or transaction.
func (k partKind) answer(c *call, a records.Account, p *records.PartOf, status int) httpapi.Reply {
	st := c.style()
	st.alone = true
	return httpapi.Reply{Status: status, Body: k.wire(a, p, st)}
}

// get is GET /{…}/:uuid and /{…}?data_source_uuid&external_id.
func (k partKind) get(c *call) (httpapi.Reply, error) {
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, p, err := c.Records.Part(c.Context(), k.kind, name)
	if err != nil {
		return httpapi.Reply{}, err
	}
	if with := c.withDisabled(); p.Hidden(with) || p.Invoice.Hidden(with) {
		return httpapi.Reply{}, records.Absent(k.what)
	}
	return k.answer(c, a, p, http.StatusOK), nil
}
