package braintree

import (
	"cmp"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// outcome is what became of a transaction.
type outcome int

const (
	unknown outcome = iota
	pending         // it is authorised, or the money is on its way
	paid
	failed
	voided
)

func (t transactionShape) outcome() outcome {
	switch t.Status {
	case "authorized", "authorizing", "submitted_for_settlement", "settlement_pending":
		return pending
	case "settling", "settled", "settlement_confirmed":
		return paid
	case "failed", "gateway_rejected", "processor_declined", "settlement_declined", "authorization_expired":
		return failed
	case "voided":
		return voided
	}
	return unknown
}

// sort puts a transaction where it belongs.
func (m *mapper) sort(t transactionShape) {
	if at := t.CreatedAt; !at.Before(m.newest.CreatedAt.Time) {
		m.newest = t
	}
	switch {
	case t.outcome() == unknown:
		m.unknownWord(t.ID, "status")
	case t.Type == "credit" && t.RefundedTransactionID == "":
		m.credits = append(m.credits, t)
	case t.Type == "credit":
		m.refunds[t.RefundedTransactionID] = append(m.refunds[t.RefundedTransactionID], t)
	case t.Type != "sale":
		m.unknownWord(t.ID, "type")
	case len(t.PartialSettlements) > 0: // each is a transaction of its own
		m.out.Left[LeftAuthorization]++
	default:
		m.sales = append(m.sales, t)
	}
}

func (m *mapper) unknownWord(id, field string) {
	m.note(system.Issue{
		Dataset: billing.Transactions, Stream: Transactions, Object: id, Field: field, Code: CodeWord,
		Message: "Braintree uses a word here that Reseed does not know; the object is left out.",
	})
}

// charge is a sale with all tries to be paid for it, oldest first. The first one is its root.
type charge struct {
	tries    []transactionShape
	prorated bool
}

func (c *charge) root() transactionShape { return c.tries[0] }

// has reports whether a try has come out so.
func (c *charge) has(o outcome) bool {
	return slices.ContainsFunc(c.tries, func(t transactionShape) bool { return t.outcome() == o })
}

// takes reports whether a later sale of the same billing period is one more try.
func (c *charge) takes(t transactionShape) bool {
	return c.root().Amount == t.Amount && !slices.ContainsFunc(c.tries, func(t transactionShape) bool { return t.outcome() != failed })
}

// period is a billing period of a subscription.
type period struct {
	subscription string
	start, end   int64 // Unix time
}

// charges brings tries together: by the transaction that they name as tried again; and a sale of a subscription with one before
// it, of the same billing period and amount, of which all tries have failed. Of several charges in one period those after the first are prorated, if
// their amount is another one.
func (m *mapper) charges() []*charge {
	slices.SortFunc(m.sales, func(a, b transactionShape) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), cmp.Compare(a.ID, b.ID))
	})
	var all []*charge
	of := map[string]*charge{} // by the id of a try
	in := map[period][]*charge{}
	for _, t := range m.sales {
		p := period{t.SubscriptionID, t.Subscription.Start.Unix(), t.Subscription.End.Unix()}
		c := of[t.RetriedTransactionID]
		if before := in[p]; c == nil && t.SubscriptionID != "" && len(before) > 0 && before[len(before)-1].takes(t) {
			c = before[len(before)-1]
		}
		if c == nil {
			c = &charge{}
			c.prorated = t.SubscriptionID != "" && len(in[p]) > 0 && in[p][0].root().Amount != t.Amount
			all, in[p] = append(all, c), append(in[p], c)
		}
		c.tries = append(c.tries, t)
		of[t.ID] = c
	}
	return all
}

// bill is the invoice of a charge while it is mapped.
type bill struct {
	system.Money

	charge       *charge
	record       *billing.Invoice
	line         *billing.LineItem
	transactions []billing.Record
	total        int64 // in minor units
	paid         int64 // by tries that succeeded
	back         int64 // refunds and disputes
}

// charge maps a charge to an invoice of one line, and what was paid for it and paid back.
func (m *mapper) charge(c *charge) {
	root := c.root()
	if root.SubscriptionID == "" && !c.has(paid) && !c.has(pending) && !c.has(voided) {
		m.out.Left[LeftFailed]++
		m.claimed(c)
		return
	}
	b := &bill{charge: c}
	b.head(m.owner)
	m.line(b)
	m.payments(b)
	m.moneyBack(b)
	m.claimed(c)
	b.record.Status = b.status()
	m.sold(b)
}

// head maps what an invoice has of its root.
func (b *bill) head(customer string) {
	root := b.charge.root()
	b.Open(root.Currency, "currency_iso_code")
	if root.CreatedAt.IsZero() {
		b.Fail(CodeBadObject, "created_at", "The transaction does not say when it was made.")
	}
	b.record = &billing.Invoice{CustomerExternalID: customer, ExternalID: root.ID, Date: root.CreatedAt.Time, Currency: b.Currency, CollectionMethod: "automatic"}
}

// sold puts an invoice with what belongs to it, unless something is wrong with it, or the settings leave it out.
func (m *mapper) sold(b *bill) {
	root := b.charge.root()
	if b.Fault != system.NoFault {
		m.reject(system.Issue{Dataset: billing.Invoices, Record: root.ID, Stream: Transactions, Object: root.ID, Field: b.Field, Code: b.Fault.Code(System{}), Message: b.Message})
		return
	}
	if why := m.settings.Leaves(b.record.Status, b.paid); why != "" {
		m.out.Left[why]++
		return
	}
	m.put(b.record)
	m.put(b.line)
	for _, r := range b.transactions {
		m.put(r)
	}
}

func (b *bill) status() string {
	switch {
	case b.paid > 0 && b.back >= b.paid && b.paid >= b.total:
		return "refunded"
	case b.charge.has(paid) && b.paid >= b.total:
		return "paid"
	case b.charge.has(voided) && !b.charge.has(pending) && !b.charge.has(paid):
		return "voided"
	}
	return "open"
}

// line maps what was sold. Its amount is what the customer pays: after discounts and with tax.
func (m *mapper) line(b *bill) {
	root := b.charge.root()
	b.total = b.Decimal(string(root.Amount), "amount")
	b.line = &billing.LineItem{InvoiceExternalID: root.ID, ExternalID: root.ID, Type: billing.OneTime, AmountInCents: b.total, Quantity: 1, Description: root.OrderID}
	b.line.TaxAmountInCents = b.optional(root.TaxAmount, "tax_amount")
	b.line.DiscountAmountInCents = b.optional(root.DiscountAmount, "discount_amount")
	for _, d := range root.Discounts {
		b.line.DiscountAmountInCents = b.Add(b.line.DiscountAmountInCents, b.times(b.optional(d.Amount, "discounts.amount"), d.Quantity), "discounts.amount")
	}
	if tax := b.line.TaxAmountInCents; tax < 0 || tax > b.total || b.line.DiscountAmountInCents < 0 {
		b.Fail(CodeLinesDiffer, "tax_amount", "The tax, the discount and the rest of the transaction do not sum to its amount.")
	}
	if root.SubscriptionID == "" {
		return
	}
	b.line.Type, b.line.SubscriptionExternalID, b.line.SubscriptionSetExternalID = billing.Subscription, root.SubscriptionID, root.SubscriptionID
	if b.line.PlanExternalID = root.PlanID; root.PlanID == "" {
		b.Fail(CodeNoPlan, "plan_id", "The transaction of a subscription names no plan.")
	}
	if root.Subscription.Start.IsZero() || root.Subscription.End.IsZero() {
		b.Fail(CodeNoPeriod, "subscription", "The transaction of a subscription has no billing period.")
		return
	}
	b.line.ServicePeriodStart, b.line.ServicePeriodEnd = root.Subscription.Start.Time, root.Subscription.End.AddDate(0, 0, 1)
	if b.charge.prorated {
		b.line.Prorated, b.line.ProrationType = true, "differential"
		if day := root.CreatedAt.Truncate(24 * time.Hour); day.After(b.line.ServicePeriodStart) {
			b.line.ServicePeriodStart = day
		}
	}
}

// optional converts an amount that may not be given.
func (b *bill) optional(d system.Decimal, field string) int64 {
	if d == "" {
		return 0
	}
	return b.Decimal(string(d), field)
}

// times multiplies a discount; without a quantity there is one.
func (b *bill) times(amount int64, quantity *int64) int64 {
	if quantity == nil {
		return amount
	}
	n := *quantity
	if n < 0 || n > 0 && amount > billing.MaxInteger/n {
		return b.Bound(billing.MaxInteger+1, "discounts.quantity")
	}
	return amount * n
}

// payments maps tries that succeeded, and those that failed.
func (m *mapper) payments(b *bill) {
	for _, t := range b.charge.tries {
		b.Same(t.Currency, "currency_iso_code")
		amount := b.Decimal(string(t.Amount), "amount")
		switch t.outcome() {
		case paid:
			b.paid = b.Add(b.paid, amount, "amount")
			b.transaction(t.ID, billing.Payment, billing.Successful, t.CreatedAt, amount)
		case failed:
			b.transaction(t.ID, billing.Payment, billing.Failed, t.CreatedAt, amount)
		case pending, voided, unknown:
		}
	}
	if b.paid > b.total {
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Transactions, Object: b.charge.root().ID, Field: "amount", Code: CodePaymentsExceed,
			Message: "More was paid for the charge than it was at first.",
		})
	}
}

// moneyBack maps refunds, and disputes that were lost.
func (m *mapper) moneyBack(b *bill) {
	for _, t := range b.charge.tries {
		for _, r := range m.refunds[t.ID] {
			m.refund(b, r)
		}
		for _, d := range t.Disputes {
			m.dispute(b, t, d)
		}
	}
	if b.back > b.paid {
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Transactions, Object: b.charge.root().ID, Code: CodeRefundsExceed, Message: "More was paid back than was paid."})
	}
}

func (m *mapper) refund(b *bill, r transactionShape) {
	b.Same(r.Currency, "refunds.currency_iso_code")
	amount := b.Decimal(string(r.Amount), "refunds.amount")
	switch r.outcome() {
	case paid:
		b.back = b.Add(b.back, amount, "refunds.amount")
		b.transaction(r.ID, billing.Refund, billing.Successful, r.CreatedAt, amount)
	case failed:
		b.transaction(r.ID, billing.Refund, billing.Failed, r.CreatedAt, amount)
	case pending:
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Transactions, Object: r.ID, Field: "status", Code: CodePendingRefund,
			Message: "The refund is not paid out yet; it is left out until it is.",
		})
	case voided, unknown:
	}
}

func (m *mapper) dispute(b *bill, t transactionShape, d disputeShape) {
	if d.Kind == "retrieval" { // a question, no money
		return
	}
	switch d.Status {
	case "lost", "accepted", "auto_accepted", "expired":
	case "won":
		return
	case "open", "disputed", "under_review":
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Transactions, Object: t.ID, Field: "disputes.status", Code: CodeOpenDispute,
			Message: "A dispute of the transaction is not decided; it becomes a refund if it is lost.",
		})
		return
	default:
		m.unknownWord(t.ID, "disputes.status")
		return
	}
	b.Same(d.Currency, "disputes.currency_iso_code")
	amount := b.Add(b.Decimal(string(d.AmountDisputed), "disputes.amount_disputed"), -b.optional(d.AmountWon, "disputes.amount_won"), "disputes.amount_won")
	b.back = b.Add(b.back, amount, "disputes.amount_disputed")
	at := d.ReceivedDate
	if at.IsZero() {
		at = t.CreatedAt
	}
	b.transaction(d.ID, billing.Refund, billing.Successful, at, amount)
}

func (b *bill) transaction(id, kind, result string, at system.Moment, amount int64) {
	b.transactions = append(b.transactions, &billing.Transaction{
		InvoiceExternalID: b.charge.root().ID, ExternalID: id, Type: kind, Result: result, Date: at.Time, AmountInCents: &amount,
	})
}

// credit maps money that was paid to the customer, and is the refund of nothing: to an invoice of its own, of a negative amount.
func (m *mapper) credit(t transactionShape) {
	b := &bill{charge: &charge{tries: []transactionShape{t}}}
	b.head(m.owner)
	amount := b.Decimal(string(t.Amount), "amount")
	b.line = &billing.LineItem{InvoiceExternalID: t.ID, ExternalID: t.ID, Type: billing.OneTime, AmountInCents: -amount, Quantity: 1, Description: t.OrderID}
	m.refund(b, t)
	b.record.Status = "paid"
	switch {
	case t.outcome() == pending: // there is a note
	case t.outcome() == paid:
		m.sold(b)
	default:
		m.out.Left[LeftFailed]++
	}
}

// claimed takes the refunds of a charge from those that are of no charge.
func (m *mapper) claimed(c *charge) {
	for _, t := range c.tries {
		delete(m.refunds, t.ID)
	}
}

// unclaimed counts refunds of what is not there.
func (m *mapper) unclaimed() {
	for _, all := range m.refunds {
		m.out.Left[LeftOutsideInvoices] += len(all)
	}
}
