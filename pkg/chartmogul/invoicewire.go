package chartmogul

import (
	"cmp"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/store"
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
}

// ownedWire is what /invoices tells of an invoice and /import does not.
type ownedWire struct {
	CustomerUUID       string  `json:"customer_uuid"`
	CustomerExternalID string  `json:"customer_external_id"`
	CollectionMethod   *string `json:"collection_method"`
	Status             *string `json:"status"`
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
}

// invoiceRow is an invoice with its line items and transactions, as they are stored.
type invoiceRow struct {
	src    store.Source
	h      store.H
	record *billing.Invoice
	lines  []lineRow
	trans  []transRow
}

type lineRow struct {
	h      store.H
	place  int64
	record *billing.LineItem
}

type transRow struct {
	h      store.H
	place  int64
	record *billing.Transaction
}

func (r *invoiceRow) position() position { return position{kind: atInvoice, tag: r.src.Tag, h: r.h} }

// owned is the row's place among the invoices of its customer.
func (r *invoiceRow) owned() position {
	return position{kind: atOwned, tag: r.src.Tag, h: r.h, date: r.record.Date.UnixMilli()}
}

// add takes in a child item, as a scan meets it.
func (r *invoiceRow) add(item store.Item) {
	h, ok := store.TrailingH(item.SK)
	if !ok {
		return
	}
	place, _ := item.Attrs.Int(attrPlace)
	switch store.What(item.SK) {
	case store.SKLine:
		r.lines = append(r.lines, lineRow{h, place, store.DecodeLineItem(item.Attrs)})
	case store.SKTrans:
		r.trans = append(r.trans, transRow{h, place, store.DecodeTransaction(item.Attrs)})
	}
}

// ordered puts line items and transactions in the order of the request they came with.
func (r *invoiceRow) ordered() {
	slices.SortStableFunc(r.lines, func(a, b lineRow) int { return cmp.Compare(a.place, b.place) })
	slices.SortStableFunc(r.trans, func(a, b transRow) int { return cmp.Compare(a.place, b.place) })
}

// wire is the invoice as /import answers it.
func (r *invoiceRow) wire(a account) invoiceWire { return r.spell(a, nil) }

// fullWire is the invoice as /invoices answers it.
func (r *invoiceRow) fullWire(a account) invoiceWire {
	return r.spell(a, &ownedWire{
		CustomerUUID:       store.ID(store.PrefixCustomer, r.src.Tag, a.hash.CustomerH(r.record.CustomerExternalID)),
		CustomerExternalID: r.record.CustomerExternalID,
		CollectionMethod:   opt(r.record.CollectionMethod), Status: opt(r.record.Status),
	})
}

func (r *invoiceRow) spell(a account, owned *ownedWire) invoiceWire {
	id := store.ID(store.PrefixInvoice, r.src.Tag, r.h)
	w := invoiceWire{
		UUID: &id, ownedWire: owned, Date: stamp(r.record.Date), DueDate: stamp(r.record.DueDate), Errors: map[string]string{},
		ExternalID: r.record.ExternalID, Currency: r.record.Currency,
		LineItems: make([]any, len(r.lines)), Transactions: make([]transactionWire, len(r.trans)),
	}
	for i, l := range r.lines {
		w.LineItems[i] = r.lineWire(a, l, owned != nil)
	}
	for i, t := range r.trans {
		w.Transactions[i] = r.transWire(t)
	}
	return w
}

func (r *invoiceRow) lineWire(a account, row lineRow, full bool) any {
	li := row.record
	tail := lineTail{
		AmountInCents: li.AmountInCents, Quantity: li.Quantity,
		DiscountCode: li.DiscountCode, DiscountAmountInCents: li.DiscountAmountInCents, DiscountDescription: opt(li.DiscountDescription),
		TaxAmountInCents: li.TaxAmountInCents, TransactionFeesInCents: li.TransactionFeesInCents,
		TransactionFeesCurrency: opt(li.TransactionFeesCurrency), AccountCode: li.AccountCode, EventOrder: li.EventOrder,
	}
	if full {
		tail.balanceWire = &balanceWire{li.BalanceTransfer}
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

func (r *invoiceRow) transWire(row transRow) transactionWire {
	t := row.record
	return transactionWire{
		UUID: store.ID(store.PrefixTransaction, r.src.Tag, store.Under(r.h, row.h)), ExternalID: opt(t.ExternalID),
		AmountInCents: t.AmountInCents, Type: t.Type, Date: stamp(t.Date), Result: t.Result,
		TransactionFeesInCents: t.TransactionFeesInCents, TransactionFeesCurrency: opt(t.TransactionFeesCurrency),
	}
}
