package chartmogul

import (
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const whatInvoice = "Invoice"

// attrPlace is a line item's or transaction's place in the request it came
// with, from 1; rows of files have none. Its leading "_" keeps it out of what imports compare.
const attrPlace = "_n"

// invoiceWire is an invoice on the wire (chartmogul-api §2.7).
type invoiceWire struct {
	UUID *string `json:"uuid"` // null in the answer to an invoice that was refused
	*ownedWire
	Date         stamp             `json:"date"`
	DueDate      stamp             `json:"due_date"`
	Errors       map[string]string `json:"errors"`
	ExternalID   string            `json:"external_id"`
	Currency     string            `json:"currency"`
	LineItems    []any             `json:"line_items"` // subscriptionLine or oneTimeLine
	Transactions []transactionWire `json:"transactions"`
	truncated
}

// ownedWire is what /invoices tells of an invoice and /import does not.
type ownedWire struct {
	CustomerUUID       string  `json:"customer_uuid"`
	CustomerExternalID string  `json:"customer_external_id"`
	CollectionMethod   *string `json:"collection_method"`
	Status             *string `json:"status"`
	*stateWire
}

type subscriptionLine struct {
	UUID                      string  `json:"uuid"`
	ExternalID                *string `json:"external_id"`
	Type                      string  `json:"type"`
	SubscriptionUUID          string  `json:"subscription_uuid"`
	SubscriptionExternalID    string  `json:"subscription_external_id"`
	Prorated                  bool    `json:"prorated"`
	ProrationType             *string `json:"proration_type"`
	ServicePeriodStart        stamp   `json:"service_period_start"`
	ServicePeriodEnd          stamp   `json:"service_period_end"`
	SubscriptionSetExternalID string  `json:"subscription_set_external_id,omitempty"`
	PlanUUID                  *string `json:"plan_uuid"`
	lineTail
}

type oneTimeLine struct {
	UUID        string  `json:"uuid"`
	ExternalID  *string `json:"external_id"`
	Type        string  `json:"type"`
	Description *string `json:"description"`
	PlanUUID    string  `json:"plan_uuid,omitempty"`
	lineTail
}

// lineTail is what both types of line item end with.
type lineTail struct {
	AmountInCents           int64   `json:"amount_in_cents"`
	Quantity                int64   `json:"quantity"`
	DiscountCode            string  `json:"discount_code"`
	DiscountAmountInCents   int64   `json:"discount_amount_in_cents"`
	TaxAmountInCents        int64   `json:"tax_amount_in_cents"`
	TransactionFeesInCents  int64   `json:"transaction_fees_in_cents"`
	AccountCode             string  `json:"account_code"`
	TransactionFeesCurrency *string `json:"transaction_fees_currency"`
	DiscountDescription     *string `json:"discount_description"`
	EventOrder              *int64  `json:"event_order"`
	*balanceWire
}

// balanceWire is what /invoices adds to a line item.
type balanceWire struct {
	BalanceTransfer *int64 `json:"balance_transfer"`
	*stateWire
	*aloneWire
}

// aloneWire is what /line_items adds to that.
type aloneWire struct {
	InvoiceUUID    string  `json:"invoice_uuid"`
	PlanExternalID *string `json:"plan_external_id"`
}

type transactionWire struct {
	UUID                    string  `json:"uuid"`
	ExternalID              *string `json:"external_id"`
	AmountInCents           *int64  `json:"amount_in_cents"`
	Type                    string  `json:"type"`
	Date                    stamp   `json:"date"`
	Result                  string  `json:"result"`
	TransactionFeesInCents  *int64  `json:"transaction_fees_in_cents"`
	TransactionFeesCurrency *string `json:"transaction_fees_currency"`
	*stateWire
}

// invoiceRow is an invoice with its line items and transactions. The records are what people see.
type invoiceRow struct {
	stored
	h        store.H
	customer edit.Ref // as people see it
	date     int64    // in the order of its customer's invoices
	record   *billing.Invoice
	lines    []lineRow // in the order of their keys, as transactions are
	trans    []transRow

	moreLines, moreTrans rest
}

// part is a line item or a transaction.
type part struct {
	stored
	h     store.H
	place int64
}

type lineRow struct {
	part
	record *billing.LineItem
}

type transRow struct {
	part
	record *billing.Transaction
}

func (r *invoiceRow) position() position { return position{kind: atInvoice, tag: r.src.Tag, h: r.h} }

// owned is the row's place among the invoices of its customer.
func (r *invoiceRow) owned() position {
	return position{kind: atOwned, tag: r.src.Tag, h: r.h, date: r.date}
}

// lay lays edits over the invoice and takes in its line items and transactions. Those that are hidden are left out.
func (r *invoiceRow) lay(a account, parts []table.Item, edits map[table.Key]table.Attrs, withDisabled bool) (err error) {
	if r.stored, err = a.stored(r.src, table.Item{Key: r.key, Attrs: r.attrs}, edits); err != nil {
		return err
	}
	r.record = store.DecodeInvoice(r.shown())
	for _, item := range parts {
		s, err := a.stored(r.src, item, edits)
		if err != nil {
			return err
		}
		if a.Visible(item.Attrs) && !s.hidden(withDisabled) {
			r.add(s)
		}
	}
	return nil
}

func (r *invoiceRow) add(s stored) {
	h, ok := store.TrailingH(s.key.SK)
	if !ok {
		return
	}
	place, _ := s.attrs.Int(attrPlace)
	p := part{s, h, place}
	switch store.What(s.key.SK) {
	case store.SKLine:
		r.lines = append(r.lines, p.line())
	case store.SKTrans:
		r.trans = append(r.trans, p.transaction())
	}
}

func (p part) line() lineRow { return lineRow{p, store.DecodeLineItem(p.shown())} }

func (p part) transaction() transRow { return transRow{p, store.DecodeTransaction(p.shown())} }

// wire spells the invoice: as /import answers it, or as /invoices does.
func (r *invoiceRow) wire(a account, st style) invoiceWire {
	w := r.head(a, r.record, st)
	w.truncated = r.truncated()
	for _, l := range inOrderOfRequest(r.lines, func(l lineRow) int64 { return l.place }) {
		w.LineItems = append(w.LineItems, r.lineWire(a, l, st))
	}
	for _, t := range inOrderOfRequest(r.trans, func(t transRow) int64 { return t.place }) {
		w.Transactions = append(w.Transactions, r.transWire(t, st))
	}
	return w
}

// head is the invoice without line items and transactions.
func (r *invoiceRow) head(a account, record *billing.Invoice, st style) invoiceWire {
	id := store.ID(store.PrefixInvoice, r.src.Tag, r.h)
	w := invoiceWire{
		UUID: &id, Date: stamp(record.Date), DueDate: stamp(record.DueDate), Errors: map[string]string{},
		ExternalID: record.ExternalID, Currency: record.Currency, LineItems: []any{}, Transactions: []transactionWire{},
	}
	if st.full {
		w.ownedWire = &ownedWire{
			CustomerUUID:       r.customer.CustomerID(),
			CustomerExternalID: record.CustomerExternalID,
			CollectionMethod:   opt(record.CollectionMethod), Status: opt(record.Status),
			stateWire: r.state(st, r.told(a)),
		}
	}
	return w
}

// told spells the invoice's own members as other attributes would have them.
func (r *invoiceRow) told(a account) func(table.Attrs) any {
	return func(at table.Attrs) any { return r.head(a, store.DecodeInvoice(at), style{full: true}) }
}

func (r *invoiceRow) lineWire(a account, row lineRow, st style) any {
	li := row.record
	tail := lineTail{
		AmountInCents: li.AmountInCents, Quantity: li.Quantity,
		DiscountCode: li.DiscountCode, DiscountAmountInCents: li.DiscountAmountInCents, DiscountDescription: opt(li.DiscountDescription),
		TaxAmountInCents: li.TaxAmountInCents, TransactionFeesInCents: li.TransactionFeesInCents,
		TransactionFeesCurrency: opt(li.TransactionFeesCurrency), AccountCode: li.AccountCode, EventOrder: li.EventOrder,
	}
	if st.full {
		tail.balanceWire = &balanceWire{BalanceTransfer: li.BalanceTransfer, stateWire: row.state(st, r.toldLine(a, row.part))}
	}
	if st.alone {
		tail.aloneWire = &aloneWire{store.ID(store.PrefixInvoice, r.src.Tag, r.h), opt(li.PlanExternalID)}
	}
	id := store.ID(store.PrefixLineItem, r.src.Tag, store.Under(r.h, row.h))
	plan := ""
	if li.PlanExternalID != "" {
		plan = store.ID(store.PrefixPlan, r.src.Tag, a.hash.PlanH(&billing.Plan{ExternalID: li.PlanExternalID}))
	}
	if li.Type == billing.OneTime {
		return oneTimeLine{id, opt(li.ExternalID), li.Type, opt(li.Description), plan, tail}
	}
	return subscriptionLine{
		UUID: id, ExternalID: opt(li.ExternalID), Type: li.Type,
		SubscriptionUUID:       store.ID(store.PrefixSubscription, r.src.Tag, a.hash.External(store.KindSubscription, li.SubscriptionExternalID)),
		SubscriptionExternalID: li.SubscriptionExternalID, SubscriptionSetExternalID: li.SubscriptionSetExternalID,
		Prorated: li.Prorated, ProrationType: opt(li.ProrationType),
		ServicePeriodStart: stamp(li.ServicePeriodStart), ServicePeriodEnd: stamp(li.ServicePeriodEnd),
		PlanUUID: opt(plan), lineTail: tail,
	}
}

// toldLine spells a line item as other attributes would have it.
func (r *invoiceRow) toldLine(a account, p part) func(table.Attrs) any {
	return func(at table.Attrs) any {
		return r.lineWire(a, lineRow{p, store.DecodeLineItem(at)}, style{full: true})
	}
}

func (r *invoiceRow) transWire(row transRow, st style) transactionWire {
	t := row.record
	return transactionWire{
		UUID: store.ID(store.PrefixTransaction, r.src.Tag, store.Under(r.h, row.h)), ExternalID: opt(t.ExternalID),
		AmountInCents: t.AmountInCents, Type: t.Type, Date: stamp(t.Date), Result: t.Result,
		TransactionFeesInCents: t.TransactionFeesInCents, TransactionFeesCurrency: opt(t.TransactionFeesCurrency),
		stateWire: row.state(st, r.toldTransaction(row.part)),
	}
}

// toldTransaction spells a transaction as other attributes would have it.
func (r *invoiceRow) toldTransaction(p part) func(table.Attrs) any {
	return func(at table.Attrs) any { return r.transWire(transRow{p, store.DecodeTransaction(at)}, style{}) }
}

// aloneTransaction is a transaction as /transactions answers it.
type aloneTransaction struct {
	ExternalID              *string `json:"external_id"`
	Result                  string  `json:"result"`
	AmountInCents           *int64  `json:"amount_in_cents"`
	TransactionFeesInCents  *int64  `json:"transaction_fees_in_cents"`
	TransactionFeesCurrency *string `json:"transaction_fees_currency"`
	UUID                    string  `json:"uuid"`
	Type                    string  `json:"type"`
	Date                    stamp   `json:"date"`
	*stateWire
}

func (w transactionWire) alone() aloneTransaction {
	return aloneTransaction{
		w.ExternalID, w.Result, w.AmountInCents, w.TransactionFeesInCents, w.TransactionFeesCurrency, w.UUID, w.Type, w.Date, w.stateWire,
	}
}
