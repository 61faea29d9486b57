package recurly

import (
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// bill is an invoice while it is mapped.
type bill struct {
	system.Money

	in           invoiceShape
	record       *billing.Invoice
	lines        []billing.Record
	transactions []billing.Record
	paid         int64 // in minor units, by payments that succeeded
	back         int64 // refunds that succeeded
}

// invoices maps invoices: those that others may credit come first.
func (m *mapper) invoices() {
	each(m, Invoices, "", billing.Invoices, func(in invoiceShape) {
		if in.Type != "credit" {
			m.invoice(in)
		}
	})
	each(m, Invoices, "", billing.Invoices, func(in invoiceShape) {
		switch {
		case in.Type != "credit":
		case m.backed[in.ID]:
			m.out.Left[LeftRefundInvoices]++
		case in.Origin == "write_off":
			m.out.Left[LeftWriteOffs]++
		default:
			m.invoice(in)
		}
	})
}

func (m *mapper) invoice(in invoiceShape) {
	b := &bill{in: in}
	b.Open(in.Currency, "currency")
	m.head(b)
	m.lines(b)
	m.payments(b)
	m.moneyBack(b)
	if b.Fault != system.NoFault {
		m.reject(system.Issue{Dataset: billing.Invoices, Record: in.ID, Stream: Invoices, Object: in.ID, Field: b.Field, Code: b.Fault.Code(System{}), Message: b.Message}, "")
		return
	}
	if b.record.Status == "paid" && b.paid > 0 && b.back >= b.paid {
		b.record.Status = "refunded"
	}
	if why := m.leaves(b); why != "" {
		m.out.Left[why]++
		m.left[in.ID] = why
		return
	}
	m.put(b.record)
	for _, r := range slices.Concat(b.lines, b.transactions) {
		m.put(r)
	}
}

// leaves says why the settings leave an invoice out; empty if they do not. What makes another invoice smaller goes with that.
func (m *mapper) leaves(b *bill) string {
	for _, c := range b.in.CreditPayments {
		if b.in.Type == "credit" && c.Action == "reduction" && c.VoidedAt.IsZero() && m.left[c.AppliedToInvoice.ID] != "" {
			return m.left[c.AppliedToInvoice.ID]
		}
	}
	return m.settings.Leaves(b.record.Status, b.paid)
}

func (m *mapper) head(b *bill) {
	in := b.in
	if in.CreatedAt.IsZero() {
		b.Fail(CodeBadObject, "created_at", "The invoice does not say when it was made.")
	}
	b.record = &billing.Invoice{
		CustomerExternalID: in.Account.Code, ExternalID: in.ID, Date: in.CreatedAt.Time, DueDate: in.DueAt.Time, Currency: b.Currency, Status: status(in),
	}
	if b.record.Status == "" {
		m.note(system.Issue{Dataset: billing.Invoices, Stream: Invoices, Object: in.ID, Field: "state", Code: CodeState, Message: "Reseed does not know the state of the invoice; it is left blank."}, "")
	}
	if in.CollectionMethod == "automatic" || in.CollectionMethod == "manual" {
		b.record.CollectionMethod = in.CollectionMethod
	}
}

// status is the status of an invoice; empty if Recurly uses another word than Reseed knows. Nothing is to be paid for a credit
// invoice, whether its credit is used up or not.
func status(in invoiceShape) string {
	for _, c := range in.CreditPayments {
		if in.Type != "credit" && c.Action == "write_off" && c.VoidedAt.IsZero() {
			return "written_off"
		}
	}
	switch in.State {
	case "open", "pending", "processing", "past_due":
		if in.Type == "credit" {
			return "paid"
		}
		return "open"
	case "paid", "closed":
		return "paid"
	case "failed":
		return "written_off"
	case "voided":
		return "voided"
	}
	return ""
}

// lines maps the lines of an invoice, and checks that they sum to its total.
func (m *mapper) lines(b *bill) {
	if b.in.LineItems == nil {
		b.Fail(CodeNoLines, "line_items", "The invoice has no list of lines.")
		return
	}
	sum := int64(0)
	if !each(m, Lines, b.in.ID, billing.LineItems, func(l lineShape) {
		r := m.line(b, l)
		sum = b.Add(sum, r.AmountInCents, "line_items.amount")
		b.lines = append(b.lines, r)
	}) {
		b.Fail(CodeBadObject, "line_items", "A line of the invoice could not be read.")
	}
	if sum != b.Decimal(string(b.in.Total), "total") {
		b.Fail(CodeLinesDiffer, "total", "The lines of the invoice do not sum to its total.")
	}
}

// line maps a line. Its amount is what the customer pays for it: after discounts and with tax.
func (m *mapper) line(b *bill, l lineShape) *billing.LineItem {
	b.Same(l.Currency, "line_items.currency")
	r := &billing.LineItem{
		InvoiceExternalID: b.in.ID, ExternalID: l.ID, Type: billing.OneTime, Description: l.Description, AccountCode: l.AccountingCode, Quantity: 1,
		AmountInCents: b.Decimal(string(l.Amount), "line_items.amount"), DiscountAmountInCents: optional(b, l.Discount, "line_items.discount"),
		TaxAmountInCents: optional(b, l.Tax, "line_items.tax"),
	}
	if l.Quantity != nil {
		r.Quantity = *l.Quantity
	}
	if r.Quantity == 0 {
		r.Quantity = 1
		m.note(system.Issue{Dataset: billing.LineItems, Stream: Lines, Object: l.ID, Field: "quantity", Code: CodeQuantity, Message: "The quantity of the line is 0; Reseed takes it as 1."}, b.in.ID)
	}
	if !knownOrigin(l.Origin) {
		m.note(system.Issue{Dataset: billing.LineItems, Stream: Lines, Object: l.ID, Field: "origin", Code: CodeWord, Message: "Recurly uses a word for the origin of the line that Reseed does not know; it is taken as a one-time line."}, b.in.ID)
	}
	if l.recurs() {
		sold(b, l, r)
	}
	return r
}

// optional converts an amount that may not be given.
func optional(b *bill, d system.Decimal, field string) int64 {
	if d == "" {
		return 0
	}
	return b.Decimal(string(d), field)
}

// sold makes the line one of a subscription.
func sold(b *bill, l lineShape, r *billing.LineItem) {
	r.Type, r.SubscriptionExternalID, r.SubscriptionSetExternalID = billing.Subscription, l.item(), l.SubscriptionID
	r.Prorated = l.prorated()
	r.PlanExternalID = l.PlanCode
	if l.AddOnCode != "" && l.AddOnID != "" {
		r.PlanExternalID = addOnPlan(l.PlanCode, l.AddOnCode)
	}
	if l.PlanCode == "" {
		b.Fail(CodeNoPlan, "line_items.plan_code", "A line of a subscription has no plan.")
	}
	r.ServicePeriodStart, r.ServicePeriodEnd = l.StartDate.Time, l.EndDate.Time
	if l.StartDate.IsZero() || l.EndDate.IsZero() {
		b.Fail(CodeNoPeriod, "line_items.end_date", "A line of a subscription has no service period.")
	}
}

// recurs reports whether a line bills a subscription again and again.
func (l lineShape) recurs() bool {
	switch l.Origin {
	case "plan", "plan_trial", "add_on", "add_on_trial":
		return l.SubscriptionID != ""
	}
	return false
}

func knownOrigin(origin string) bool {
	switch origin {
	case "plan", "plan_trial", "add_on", "add_on_trial", "carryforward", "coupon", "credit", "debit", "one_time", "setup_fee", "prepayment":
		return true
	}
	return false
}

// item is the external id of the subscription that a line bills: that of Recurly, or one for each of its add-ons.
func (l lineShape) item() string {
	if l.AddOnCode == "" {
		return l.SubscriptionID
	}
	return item(l.SubscriptionID, l.AddOnCode)
}

func item(subscription, addOn string) string { return subscription + ":" + addOn }

// prorated reports whether a line is for a part of its period, or gives back a part of one.
func (l lineShape) prorated() bool {
	if l.Type == "credit" {
		return true
	}
	rate, decimals, ok := system.ParseDecimal(string(l.ProrationRate))
	return l.ProrationRate != "" && (!ok || rate != 1 || decimals != 0)
}
