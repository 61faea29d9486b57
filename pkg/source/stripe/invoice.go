package stripe

import (
	"cmp"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// bill is an invoice while it is mapped.
type bill struct {
	money

	in           invoiceShape
	record       *billing.Invoice
	lines        []billing.Record
	transactions []billing.Record
	paid         int64 // in minor units, by payments that succeeded
	back         int64 // refunds that succeeded
}

func (m *mapper) invoice(in invoiceShape) {
	if in.Status == "draft" {
		m.out.Left[LeftDraft]++
		return
	}
	b := &bill{in: in}
	b.Open(in.Currency, "currency")
	m.head(b)
	m.lines(b)
	m.payments(b)
	m.moneyBack(b)
	if b.Fault != system.NoFault {
		m.reject(system.Issue{Dataset: billing.Invoices, Record: in.ID, Stream: Invoices, Object: in.ID, Field: b.Field, Code: b.Fault.Code(System{}), Message: b.Message})
		return
	}
	if b.record.Status == "paid" && b.paid > 0 && b.back >= b.paid {
		b.record.Status = "refunded"
	}
	if why := m.settings.Leaves(b.record.Status, b.in.AmountPaid); why != "" {
		m.out.Left[why]++
		return
	}
	m.put(b.record)
	for _, r := range slices.Concat(b.lines, b.transactions) {
		m.put(r)
	}
}

func (m *mapper) head(b *bill) {
	in := b.in
	at := in.Created
	if t := in.StatusTransitions; t != nil && t.FinalizedAt != 0 {
		at = t.FinalizedAt
	}
	b.record = &billing.Invoice{
		CustomerExternalID: string(in.Customer), ExternalID: in.ID, Date: moment(at), DueDate: moment(in.DueDate), Currency: b.Currency,
	}
	switch in.Status {
	case "open", "paid":
		b.record.Status = in.Status
	case "uncollectible":
		b.record.Status = "written_off"
	case "void":
		b.record.Status = "voided"
	default:
		m.note(system.Issue{Dataset: billing.Invoices, Stream: Invoices, Object: in.ID, Field: "status", Code: CodeStatus, Message: "Reseed does not know the status of the invoice; it is left blank."})
	}
	switch in.CollectionMethod {
	case "charge_automatically":
		b.record.CollectionMethod = "automatic"
	case "send_invoice":
		b.record.CollectionMethod = "manual"
	}
}

// lines maps the lines of an invoice, and checks that they sum to its total.
func (m *mapper) lines(b *bill) {
	if b.in.Lines == nil || b.in.Lines.Data == nil {
		b.Fail(CodeNoLines, "lines", "The invoice has no list of lines.")
		return
	}
	sum := int64(0)
	if !each(m, Lines, b.in.ID, billing.LineItems, func(l lineShape) {
		r := m.line(b, l)
		sum = b.Add(sum, r.AmountInCents, "lines")
		b.lines = append(b.lines, r)
	}) {
		b.Fail(CodeBadObject, "lines", "A line of the invoice could not be read.")
	}
	if s := b.in.ShippingCost; s != nil && s.AmountTotal != 0 {
		r := &billing.LineItem{
			InvoiceExternalID: b.in.ID, ExternalID: b.in.ID + ":shipping", Type: billing.OneTime, Quantity: 1, Description: "Shipping",
			AmountInCents: b.minor(s.AmountTotal, "shipping_cost.amount_total"), TaxAmountInCents: b.minor(s.AmountTax, "shipping_cost.amount_tax"),
		}
		sum = b.Add(sum, r.AmountInCents, "shipping_cost")
		b.lines = append(b.lines, r)
	}
	if sum != b.minor(b.in.Total, "total") {
		b.Fail(CodeLinesDiffer, "total", "The lines of the invoice do not sum to its total.")
	}
}

// line maps a line. Its amount is what the customer pays for it: after discounts and with tax.
func (m *mapper) line(b *bill, l lineShape) *billing.LineItem {
	b.Same(l.Currency, "lines.currency")
	r := &billing.LineItem{
		InvoiceExternalID: b.in.ID, ExternalID: l.ID, Type: billing.OneTime, Description: l.Description, Quantity: 1,
		AmountInCents: b.minor(l.Amount, "lines.amount"),
	}
	for _, d := range l.DiscountAmounts {
		r.DiscountAmountInCents = b.Add(r.DiscountAmountInCents, b.minor(d.Amount, "lines.discount_amounts"), "lines.discount_amounts")
	}
	for _, c := range l.PretaxCreditAmounts {
		if c.Type == "credit_balance_transaction" { // the others are discounts again
			r.DiscountAmountInCents = b.Add(r.DiscountAmountInCents, b.minor(c.Amount, "lines.pretax_credit_amounts"), "lines.pretax_credit_amounts")
		}
	}
	r.AmountInCents = b.Add(r.AmountInCents, -r.DiscountAmountInCents, "lines.amount")
	for _, t := range l.Taxes {
		tax := b.minor(t.Amount, "lines.taxes")
		r.TaxAmountInCents = b.Add(r.TaxAmountInCents, tax, "lines.taxes")
		if t.TaxBehavior != "inclusive" {
			r.AmountInCents = b.Add(r.AmountInCents, tax, "lines.taxes")
		}
	}
	if l.Quantity != nil {
		r.Quantity = *l.Quantity
	}
	if r.Quantity == 0 {
		r.Quantity = 1
		m.note(system.Issue{Dataset: billing.LineItems, Stream: Lines, Object: l.ID, Field: "quantity", Code: CodeQuantity, Message: "The quantity of the line is 0; Reseed takes it as 1."})
	}
	m.sold(b, l, r)
	return r
}

// sold makes the line one of a subscription, if it is.
func (m *mapper) sold(b *bill, l lineShape, r *billing.LineItem) {
	subscription, item, prorated := m.soldBy(l)
	if item == "" {
		return
	}
	r.Type, r.SubscriptionExternalID, r.SubscriptionSetExternalID, r.Prorated = billing.Subscription, item, subscription, prorated
	if r.PlanExternalID = l.price(); r.PlanExternalID == "" {
		b.Fail(CodeNoPrice, "lines.pricing", "A line of a subscription has no price.")
	}
	if l.Period != nil {
		r.ServicePeriodStart, r.ServicePeriodEnd = moment(l.Period.Start), moment(l.Period.End)
	}
}

// soldBy returns the subscription and its item that a line bills; empty if it is a one-time line.
func (m *mapper) soldBy(l lineShape) (subscription, item string, prorated bool) {
	if l.Parent == nil {
		return "", "", false
	}
	if d := l.Parent.SubscriptionItemDetails; d != nil {
		return d.Subscription, d.SubscriptionItem, d.Proration
	}
	d := l.Parent.InvoiceItemDetails
	if d == nil || !d.Proration || d.Subscription == "" {
		return "", "", false
	}
	item = m.itemOf[soldAs{d.Subscription, l.price()}]
	if item == "" && len(m.itemsOf[d.Subscription]) == 1 {
		item = m.itemsOf[d.Subscription][0]
	}
	return d.Subscription, cmp.Or(item, d.Subscription), true
}

func (l lineShape) price() string {
	if l.Pricing == nil || l.Pricing.PriceDetails == nil {
		return ""
	}
	return string(l.Pricing.PriceDetails.Price)
}

// payments maps what was paid, and tries that failed.
func (m *mapper) payments(b *bill) {
	if !each(m, Payments, b.in.ID, billing.Transactions, func(p paymentShape) { m.payment(b, p) }) {
		b.Fail(CodeBadObject, "payments", "A payment of the invoice could not be read.")
	}
	for _, c := range m.failed[b.in.ID] {
		b.Same(c.Currency, "charges.currency")
		b.transaction(c.ID, billing.Payment, billing.Failed, c.Created, b.minor(c.Amount, "charges.amount"))
	}
	m.paidOutside(b)
}

func (m *mapper) payment(b *bill, p paymentShape) {
	switch p.Status {
	case "paid":
	case "open", "canceled":
		return
	default:
		m.unknownWord(billing.Transactions, Payments, p.ID, "status")
		return
	}
	at := p.Created
	if t := p.StatusTransitions; t != nil && t.PaidAt != 0 {
		at = t.PaidAt
	}
	b.Same(p.Currency, "payments.currency")
	amount := b.minor(p.AmountPaid, "payments.amount_paid")
	b.paid = b.Add(b.paid, amount, "payments.amount_paid")
	b.transaction(p.ID, billing.Payment, billing.Successful, at, amount)
}

// paidOutside makes a payment of what the invoice says was paid, and no payment shows.
func (m *mapper) paidOutside(b *bill) {
	total := b.minor(b.in.AmountPaid, "amount_paid")
	switch {
	case total > b.paid:
		at := b.in.Created
		if t := b.in.StatusTransitions; t != nil {
			at = cmp.Or(t.PaidAt, t.FinalizedAt, at)
		}
		b.transaction(b.in.ID+":outside", billing.Payment, billing.Successful, at, total-b.paid)
		b.paid = total
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Invoices, Object: b.in.ID, Field: "amount_paid", Code: CodePaidOutside, Message: "More was paid than Stripe has payments for. The rest is a payment of its own."})
	case total < b.paid:
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Invoices, Object: b.in.ID, Field: "amount_paid", Code: CodePaymentsExceed, Message: "The payments are more than what the invoice says was paid."})
	}
}

// moneyBack maps refunds and disputes that were lost.
func (m *mapper) moneyBack(b *bill) {
	for _, g := range m.refunds[b.in.ID] {
		b.Same(g.currency, string(g.stream)+".currency")
		amount := b.minor(g.amount, string(g.stream)+".amount")
		if g.failed {
			b.transaction(g.id, billing.Refund, billing.Failed, g.created, amount)
			continue
		}
		b.back = b.Add(b.back, amount, string(g.stream)+".amount")
		b.transaction(g.id, billing.Refund, billing.Successful, g.created, amount)
	}
	if b.back > b.paid {
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Invoices, Object: b.in.ID, Code: CodeRefundsExceed, Message: "More was paid back than was paid."})
	}
}

func (b *bill) transaction(id, kind, result string, at, amount int64) {
	b.transactions = append(b.transactions, &billing.Transaction{
		InvoiceExternalID: b.in.ID, ExternalID: id, Type: kind, Result: result, Date: moment(at), AmountInCents: &amount,
	})
}
