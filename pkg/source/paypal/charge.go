package paypal

import (
	"cmp"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// outcome is what became of a payment.
type outcome int

const (
	unknown outcome = iota
	pending
	paid
	failed
)

func (p paymentShape) outcome() outcome {
	switch p.Status {
	case "COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED":
		return paid
	case "PENDING":
		return pending
	case "DECLINED", "FAILED":
		return failed
	}
	return unknown
}

// charge is what was due in one cycle, with all tries to be paid for it, oldest first. The first one is its root.
type charge struct {
	of         subscriptionShape
	tries      []paymentShape
	start, end time.Time
	period     bool // start and end are known
	first      bool // the first one of the subscription
}

func (c *charge) root() paymentShape { return c.tries[0] }

// takes reports whether a payment is one more try of this charge: of the same cycle and amount, and all tries before it have failed.
func (c *charge) takes(p paymentShape, start time.Time) bool {
	return c.start.Equal(start) && c.root().Amount.Gross == p.Amount.Gross && !slices.ContainsFunc(c.tries, func(p paymentShape) bool { return p.outcome() != failed })
}

// charges maps the payments of a subscription.
func (m *mapper) charges(s subscriptionShape) {
	var payments []paymentShape
	each(m, Payments, s.ID, billing.Invoices, func(p paymentShape) {
		if p.outcome() == unknown {
			m.note(system.Issue{
				Dataset: billing.Invoices, Stream: Payments, Object: p.ID, Field: "status", Code: CodeWord,
				Message: "PayPal uses a word here that Reseed does not know; the payment is left out.",
			})
			return
		}
		payments = append(payments, p)
	})
	payments = append(payments, s.lastFailed(payments)...)
	slices.SortFunc(payments, func(a, b paymentShape) int { return cmp.Or(a.Time.Compare(b.Time.Time), cmp.Compare(a.ID, b.ID)) })
	var all []*charge
	for _, p := range payments {
		start, end, ok := s.period(p.Time.Time)
		if n := len(all); n > 0 && ok && all[n-1].takes(p, start) {
			all[n-1].tries = append(all[n-1].tries, p)
			continue
		}
		all = append(all, &charge{of: s, tries: []paymentShape{p}, start: start, end: end, period: ok, first: len(all) == 0})
	}
	for _, c := range all {
		m.charge(c)
	}
}

// lastFailed makes a payment of the last one that failed, unless it is one of the payments. PayPal gives it no id.
func (s subscriptionShape) lastFailed(payments []paymentShape) []paymentShape {
	f := s.BillingInfo.LastFailedPayment
	if f.Time.IsZero() || slices.ContainsFunc(payments, func(p paymentShape) bool { return p.outcome() == failed && p.Time.Equal(f.Time.Time) }) {
		return nil
	}
	return []paymentShape{{ID: s.ID + behindFailed, Status: "FAILED", Time: f.Time, Amount: breakdownShape{Gross: f.Amount}}}
}

// bill is the invoice of a charge while it is mapped.
type bill struct {
	system.Money

	charge       *charge
	record       *billing.Invoice
	lines        []billing.Record
	transactions []billing.Record
	total        int64 // in minor units
	paid         int64
	back         int64
}

// charge maps a charge to an invoice, and what was paid for it and paid back.
func (m *mapper) charge(c *charge) {
	root := c.root()
	b := &bill{charge: c}
	b.Open(root.Amount.Gross.CurrencyCode, "amount_with_breakdown.gross_amount.currency_code")
	b.total = b.amount(root.Amount.Gross, "gross_amount")
	b.record = &billing.Invoice{CustomerExternalID: m.owner, ExternalID: root.ID, Date: root.Time.Time, Currency: b.Currency, CollectionMethod: "automatic", Status: "open"}
	if root.Time.IsZero() {
		b.Fail(CodeBadObject, "time", "The payment does not say when it was made.")
	}
	b.sold()
	for _, p := range c.tries {
		m.try(b, p)
	}
	if b.paid > 0 || b.paid >= b.total && c.tries[len(c.tries)-1].outcome() == paid {
		b.record.Status = "paid"
	}
	if b.paid > 0 && b.back >= b.paid || slices.ContainsFunc(c.tries, func(p paymentShape) bool { return p.Status == "REFUNDED" }) {
		b.record.Status = "refunded"
	}
	m.finish(b)
}

// finish puts an invoice with what belongs to it, unless something is wrong with it, or the settings leave it out.
func (m *mapper) finish(b *bill) {
	root := b.charge.root()
	if b.Fault != system.NoFault {
		m.reject(system.Issue{Dataset: billing.Invoices, Record: root.ID, Stream: Payments, Object: root.ID, Field: b.Field, Code: b.Fault.Code(System{}), Message: b.Message})
		return
	}
	if why := m.settings.Leaves(b.record.Status, 0); why != "" { // nothing is paid of an open one
		m.out.Left[why]++
		return
	}
	m.put(b.record)
	for _, r := range slices.Concat(b.lines, b.transactions) {
		m.put(r)
	}
}

// amount converts an amount of the invoice's currency; 0 if there is none.
func (b *bill) amount(a moneyShape, field string) int64 {
	if a.Value == "" && a.CurrencyCode == "" {
		return 0
	}
	field = "amount_with_breakdown." + field
	b.Same(a.CurrencyCode, field)
	return b.Decimal(string(a.Value), field)
}

// sold maps what a charge was for: a cycle of the subscription; the setup fee, if it is a part of the first payment; and shipping.
func (b *bill) sold() {
	a, root := b.charge.root().Amount, b.charge.root().ID
	shipping, tax := b.amount(a.Shipping, "shipping_amount"), b.amount(a.Tax, "tax_amount")
	if a.Items.Value != "" && b.amount(a.Items, "total_item_amount")+shipping+tax != b.total || shipping < 0 || tax < 0 {
		b.Fail(CodeLinesDiffer, "amount_with_breakdown", "The parts of the payment do not sum to its amount.")
	}
	rest := b.total - shipping
	if setup := b.setup(rest - tax); setup > 0 {
		rest -= setup
		line := &billing.LineItem{InvoiceExternalID: root, ExternalID: root + ":setup", Type: billing.OneTime, AmountInCents: setup, Quantity: 1, Description: "Setup fee"}
		if rest == tax { // there is nothing else: the tax is of the setup fee
			line.AmountInCents, line.TaxAmountInCents = setup+tax, tax
			rest, tax = 0, 0
		}
		b.lines = append(b.lines, line)
	}
	if rest != 0 || len(b.lines) == 0 {
		b.cycle(rest, tax)
	}
	if shipping != 0 {
		b.lines = append(b.lines, &billing.LineItem{
			InvoiceExternalID: root, ExternalID: root + ":shipping", Type: billing.OneTime, AmountInCents: shipping, Quantity: 1, Description: "Shipping",
		})
	}
}

// cycle adds the line of a cycle.
func (b *bill) cycle(amount, tax int64) {
	s, root := b.charge.of, b.charge.root().ID
	line := &billing.LineItem{
		InvoiceExternalID: root, ExternalID: root, Type: billing.Subscription, SubscriptionExternalID: s.ID, SubscriptionSetExternalID: s.ID, PlanExternalID: s.PlanID,
		AmountInCents: amount, TaxAmountInCents: tax, Quantity: s.quantity(), ServicePeriodStart: b.charge.start, ServicePeriodEnd: b.charge.end,
	}
	if s.PlanID == "" {
		b.Fail(CodeNoPlan, "plan_id", "The subscription names no plan.")
	}
	if !b.charge.period {
		b.Fail(CodeNoPeriod, "plan.billing_cycles", "The plan of the subscription does not say for which time the payment is.")
	}
	b.lines = append(b.lines, line)
}

// quantity is how much is subscribed to; 1 if that is no whole number.
func (s subscriptionShape) quantity() int64 {
	n, decimals, ok := system.ParseDecimal(string(s.Quantity))
	if !ok || decimals > 0 || n <= 0 {
		return 1
	}
	return n
}

// setup returns the setup fee, if it is a part of an amount: of the first payment, which is the fee alone, or the fee and the price of a cycle.
func (b *bill) setup(amount int64) int64 {
	s := b.charge.of
	fee := b.planned(s.Plan.PaymentPreferences.SetupFee)
	if !b.charge.first || fee <= 0 || amount < fee {
		return 0
	}
	if amount == fee {
		return fee
	}
	n := s.quantity()
	for _, c := range s.Plan.BillingCycles {
		if (amount-fee)%n == 0 && b.planned(c.PricingScheme.FixedPrice) == (amount-fee)/n {
			return fee
		}
	}
	return 0
}

// planned converts an amount of a plan; 0 if there is none that fits the currency of the payment.
func (b *bill) planned(a moneyShape) int64 {
	m := system.Money{Currency: b.Currency}
	m.Same(a.CurrencyCode, "")
	amount := m.Decimal(string(a.Value), "")
	if m.Fault != system.NoFault {
		return 0
	}
	return amount
}

// try maps a try to be paid, and what was given back of it.
func (m *mapper) try(b *bill, p paymentShape) {
	amount := b.amount(p.Amount.Gross, "gross_amount")
	switch p.outcome() {
	case paid:
		b.paid = b.Add(b.paid, amount, "amount_with_breakdown.gross_amount")
		t := b.transaction(p.ID, billing.Payment, billing.Successful, p.Time.Time, amount)
		if fee := b.amount(p.Amount.Fee, "fee_amount"); fee != 0 {
			fee = max(fee, -fee)
			t.TransactionFeesInCents, t.TransactionFeesCurrency = &fee, b.Currency
		}
	case failed:
		b.transaction(p.ID, billing.Payment, billing.Failed, p.Time.Time, amount)
	case pending, unknown:
	}
	before := b.back
	m.moneyBack(b, p)
	refunded := p.Status == "REFUNDED" || p.Status == "PARTIALLY_REFUNDED"
	switch {
	case refunded && b.back == before:
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Payments, Object: p.ID, Field: "status", Code: CodeNoRefund,
			Message: "The payment was given back, but PayPal's search does not find when and how much of it: it is some hours late, and reaches back three years.",
		})
	case b.back > b.paid:
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Payments, Object: p.ID, Code: CodeRefundsExceed, Message: "More was paid back than was paid."})
	}
}

// moneyBack maps refunds, reversals and chargebacks of a payment, and money of them that came back.
func (m *mapper) moneyBack(b *bill, p paymentShape) {
	events := m.events[p.ID]
	delete(m.events, p.ID)
	slices.SortFunc(events, func(a, b eventInfoShape) int {
		return cmp.Or(a.Date.Compare(b.Date.Time), cmp.Compare(a.TransactionID, b.TransactionID), cmp.Compare(a.Code, b.Code))
	})
	for _, e := range events {
		m.event(b, e)
	}
}

func (m *mapper) event(b *bill, e eventInfoShape) {
	var gives bool
	switch e.Code {
	case "T1106", "T1107", "T1201":
		gives = true
	case "T1202", "T1205":
	case "T1105", "T1108", "T1109", "T1110", "T1111": // fees, and money that is held back for a while
		m.out.Left[LeftFees]++
		return
	default:
		m.word(e, "transaction_info.transaction_event_code")
		return
	}
	b.Same(e.Amount.CurrencyCode, "transaction_info.transaction_amount.currency_code")
	amount := b.Decimal(string(e.Amount.Value), "transaction_info.transaction_amount.value")
	amount = max(amount, -amount)
	id := e.TransactionID
	switch e.Status {
	case "S":
	case "P":
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Events, Object: id, Field: "transaction_info.transaction_status", Code: CodePendingRefund,
			Message: "The refund is not paid out yet; it is left out until it is.",
		})
		return
	case "D", "V":
		return
	default:
		m.word(e, "transaction_info.transaction_status")
		return
	}
	if gives {
		b.back = b.Add(b.back, amount, "transaction_info.transaction_amount.value")
		b.transaction(id, billing.Refund, billing.Successful, e.Date.Time, amount)
		return
	}
	b.back = b.Add(b.back, -amount, "transaction_info.transaction_amount.value")
	b.transaction(id, billing.Payment, billing.Successful, e.Date.Time, amount)
}

func (m *mapper) word(e eventInfoShape, field string) {
	m.note(system.Issue{
		Dataset: billing.Transactions, Stream: Events, Object: e.TransactionID, Field: field, Code: CodeWord,
		Message: "PayPal uses a word here that Reseed does not know; the transaction is left out.",
	})
}

func (b *bill) transaction(id, kind, result string, at time.Time, amount int64) *billing.Transaction {
	t := &billing.Transaction{InvoiceExternalID: b.charge.root().ID, ExternalID: id, Type: kind, Result: result, Date: at, AmountInCents: &amount}
	b.transactions = append(b.transactions, t)
	return t
}
