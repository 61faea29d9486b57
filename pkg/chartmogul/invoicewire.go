package chartmogul

import (
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// invoiceWire is an invoice on the wire.
type invoiceWire struct {
	UUID *string `json:"uuid"` // null if the invoice was refused
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

// ownedWire has the members that an invoice has in /invoices and not in /import.
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

// lineTail has the last members of both types of line item.
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

// balanceWire has the members that /invoices adds to a line item.
type balanceWire struct {
	BalanceTransfer *int64 `json:"balance_transfer"`
	*stateWire
	*aloneWire
}

// aloneWire has the members of a line item that only /line_items has; /invoices lacks them.
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

// invoiceRow is an invoice in an answer.
type invoiceRow struct {
	*records.Invoice
	customer edit.Ref // as people see it
	date     int64    // by which its customer's invoices are sorted

	moreLines, moreTrans rest
}

func (r *invoiceRow) position() position { return position{kind: atInvoice, tag: r.Source.Tag, h: r.H} }

// owned is the row's place among the invoices of its customer.
func (r *invoiceRow) owned() position {
	return position{kind: atOwned, tag: r.Source.Tag, h: r.H, date: r.date}
}

// wire is the invoice on the wire, for /import or, in full style, for /invoices.
func (r *invoiceRow) wire(a records.Account, st style) invoiceWire {
	w := r.head(a, r.Record, st)
	w.truncated = r.truncated()
	for _, l := range inOrderOfRequest(r.Lines, func(l records.Line) int64 { return l.Place }) {
		w.LineItems = append(w.LineItems, r.lineWire(a, l, st))
	}
	for _, t := range inOrderOfRequest(r.Transactions, func(t records.Transaction) int64 { return t.Place }) {
		w.Transactions = append(w.Transactions, r.transWire(t, st))
	}
	return w
}

// head is the invoice without line items and transactions.
func (r *invoiceRow) head(a records.Account, record *billing.Invoice, st style) invoiceWire {
	id := store.ID(store.PrefixInvoice, r.Source.Tag, r.H)
	w := invoiceWire{
		UUID: &id, Date: stamp(record.Date), DueDate: stamp(record.DueDate), Errors: map[string]string{},
		ExternalID: record.ExternalID, Currency: record.Currency, LineItems: []any{}, Transactions: []transactionWire{},
	}
	if st.full {
		w.ownedWire = &ownedWire{
			CustomerUUID:       r.customer.CustomerID(),
			CustomerExternalID: record.CustomerExternalID,
			CollectionMethod:   opt(record.CollectionMethod), Status: opt(record.Status),
			stateWire: stateOf(r.Stored, st, r.wireWith(a)),
		}
	}
	return w
}

// wireWith returns a function that makes the wire form of the invoice with other attributes.
func (r *invoiceRow) wireWith(a records.Account) func(table.Attrs) any {
	return func(at table.Attrs) any { return r.head(a, store.DecodeInvoice(at), style{full: true}) }
}

func (r *invoiceRow) lineWire(a records.Account, row records.Line, st style) any {
	li := row.Record
	tail := lineTail{
		AmountInCents: li.AmountInCents, Quantity: li.Quantity,
		DiscountCode: li.DiscountCode, DiscountAmountInCents: li.DiscountAmountInCents, DiscountDescription: opt(li.DiscountDescription),
		TaxAmountInCents: li.TaxAmountInCents, TransactionFeesInCents: li.TransactionFeesInCents,
		TransactionFeesCurrency: opt(li.TransactionFeesCurrency), AccountCode: li.AccountCode, EventOrder: li.EventOrder,
	}
	if st.full {
		tail.balanceWire = &balanceWire{BalanceTransfer: li.BalanceTransfer, stateWire: stateOf(row.Stored, st, r.lineWireWith(a, row.Part))}
	}
	if st.alone {
		tail.aloneWire = &aloneWire{store.ID(store.PrefixInvoice, r.Source.Tag, r.H), opt(li.PlanExternalID)}
	}
	id := store.ID(store.PrefixLineItem, r.Source.Tag, store.Under(r.H, row.H))
	plan := ""
	if li.PlanExternalID != "" {
		plan = store.ID(store.PrefixPlan, r.Source.Tag, a.Hash.PlanH(&billing.Plan{ExternalID: li.PlanExternalID}))
	}
	if li.Type == billing.OneTime {
		return oneTimeLine{id, opt(li.ExternalID), li.Type, opt(li.Description), plan, tail}
	}
	return subscriptionLine{
		UUID: id, ExternalID: opt(li.ExternalID), Type: li.Type,
		SubscriptionUUID:       store.ID(store.PrefixSubscription, r.Source.Tag, a.Hash.External(store.KindSubscription, li.SubscriptionExternalID)),
		SubscriptionExternalID: li.SubscriptionExternalID, SubscriptionSetExternalID: li.SubscriptionSetExternalID,
		Prorated: li.Prorated, ProrationType: opt(li.ProrationType),
		ServicePeriodStart: stamp(li.ServicePeriodStart), ServicePeriodEnd: stamp(li.ServicePeriodEnd),
		PlanUUID: opt(plan), lineTail: tail,
	}
}

// lineWireWith returns a function that makes the wire form of a line item with other attributes.
func (r *invoiceRow) lineWireWith(a records.Account, p records.Part) func(table.Attrs) any {
	return func(at table.Attrs) any {
		return r.lineWire(a, records.Line{Part: p, Record: store.DecodeLineItem(at)}, style{full: true})
	}
}

func (r *invoiceRow) transWire(row records.Transaction, st style) transactionWire {
	t := row.Record
	return transactionWire{
		UUID: store.ID(store.PrefixTransaction, r.Source.Tag, store.Under(r.H, row.H)), ExternalID: opt(t.ExternalID),
		AmountInCents: t.AmountInCents, Type: t.Type, Date: stamp(t.Date), Result: t.Result,
		TransactionFeesInCents: t.TransactionFeesInCents, TransactionFeesCurrency: opt(t.TransactionFeesCurrency),
		stateWire: stateOf(row.Stored, st, r.transWireWith(row.Part)),
	}
}

// transWireWith returns a function that makes the wire form of a transaction with other
// attributes.
func (r *invoiceRow) transWireWith(p records.Part) func(table.Attrs) any {
	return func(at table.Attrs) any {
		return r.transWire(records.Transaction{Part: p, Record: store.DecodeTransaction(at)}, style{})
	}
}

// aloneTransaction is a transaction on the wire of /transactions.
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
