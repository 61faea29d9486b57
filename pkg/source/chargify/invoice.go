package chargify

import (
	"fmt"
	"math/big"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// bill is an invoice or a credit note while it is mapped.
type bill struct {
	system.Money

	stream       system.Stream
	doc          documentShape
	prorated     bool // what it has of subscriptions
	sign         int64
	record       *billing.Invoice
	lines        []billing.Record
	transactions []billing.Record
	given        map[string]bool // external ids of transactions
	paid         int64           // in minor units
	back         int64           // paid back
}

func (m *mapper) invoices() {
	for _, in := range m.bills {
		switch {
		case in.Status == "draft":
			m.leave(in.UID, LeftDraft)
		case in.ConsolidationLevel == "parent": // its lines are those of its children
			m.leave(in.UID, LeftConsolidated)
		default:
			m.invoice(in)
		}
	}
}

func (m *mapper) leave(uid, why string) {
	m.out.Left[why]++
	m.left[uid] = why
}

func (m *mapper) invoice(in invoiceShape) {
	b := &bill{
		stream: Invoices, doc: in.documentShape, sign: 1, prorated: in.Role == "proration" || in.Role == "migration", given: map[string]bool{},
		record: &billing.Invoice{CustomerExternalID: string(in.CustomerID), ExternalID: in.UID, Date: in.date().Time, DueDate: in.DueDate.Time, Status: in.status()},
	}
	switch in.CollectionMethod {
	case "automatic", "prepaid":
		b.record.CollectionMethod = "automatic"
	case "remittance", "invoice":
		b.record.CollectionMethod = "manual"
	}
	if b.record.Status == "" {
		m.note(system.Issue{Dataset: billing.Invoices, Stream: Invoices, Object: in.UID, Field: "status", Code: CodeState, Message: "Reseed does not know the status of the invoice; it is left blank."}, "")
	}
	m.contents(b)
	m.payments(b, in)
	m.moneyBack(b, in)
	if b.record.Status == "paid" && b.paid > 0 && b.back >= b.paid {
		b.record.Status = "refunded"
	}
	m.finish(b, m.settings.Leaves(b.record.Status, b.paid))
}

// contents maps what invoices and credit notes have in common.
func (m *mapper) contents(b *bill) {
	b.Open(b.doc.Currency, "currency")
	b.record.Currency = b.Currency
	if b.record.Date.IsZero() {
		b.Fail(CodeBadObject, "issue_date", "The invoice does not say when it was issued.")
	}
	if b.doc.LineItems == nil {
		b.Fail(CodeNoLines, "line_items", "The invoice has no list of lines.")
		return
	}
	m.lines(b, *b.doc.LineItems)
}

// finish rejects an invoice whose amounts are not right, and keeps any other, unless there is a reason to leave it out.
func (m *mapper) finish(b *bill, why string) {
	uid := b.doc.UID
	if b.Fault != system.NoFault {
		m.reject(system.Issue{Dataset: billing.Invoices, Record: uid, Stream: b.stream, Object: uid, Field: b.Field, Code: b.Fault.Code(System{}), Message: b.Message}, "")
		return
	}
	if why != "" {
		m.leave(uid, why)
		return
	}
	m.put(b.record)
	for _, r := range slices.Concat(b.lines, b.transactions) {
		m.put(r)
	}
}

// status is the status of an invoice; empty if Chargify uses another word than Reseed knows.
func (in invoiceShape) status() string {
	switch in.Status {
	case "open", "pending", "processing":
		return "open"
	case "paid":
		return "paid"
	case "voided", "canceled":
		return "voided"
	}
	return ""
}

// date is when an invoice was issued; else, when it was made.
func (in invoiceShape) date() system.Moment {
	if in.IssueDate.IsZero() {
		return in.CreatedAt
	}
	return in.IssueDate
}

// creditNotes maps credit notes as invoices whose lines are negative: those that do not only say that money was paid back or that an
// invoice is void.
func (m *mapper) creditNotes() {
	for _, n := range m.notes {
		if len(n.Refunds) > 0 {
			m.out.Left[LeftRefundNotes]++
			continue
		}
		if slices.ContainsFunc(n.invoices(), func(uid string) bool { return m.voided[uid] }) {
			m.out.Left[LeftVoidNotes]++
			continue
		}
		b := &bill{
			stream: CreditNotes, doc: n.documentShape, sign: -1, prorated: true,
			record: &billing.Invoice{CustomerExternalID: string(n.CustomerID), ExternalID: n.UID, Date: n.IssueDate.Time, Status: "paid"},
		}
		m.contents(b)
		m.finish(b, m.leavesNote(n))
	}
}

// leavesNote says why a credit note is left out: it is used up by invoices that are left out.
func (m *mapper) leavesNote(n creditNoteShape) string {
	why := ""
	for _, a := range n.Applications {
		if why = m.left[a.InvoiceUID]; why == "" {
			return ""
		}
	}
	return why
}

// invoices are the uids of the invoices that a credit note is about.
func (n creditNoteShape) invoices() []string {
	var all []string
	for _, a := range n.Applications {
		all = append(all, a.InvoiceUID)
	}
	for _, o := range n.OriginInvoices {
		all = append(all, o.UID)
	}
	return all
}

// sums are what the lines of an invoice are: each before discounts and taxes, its discounts, and its taxes.
type sums struct{ subtotals, discounts, taxes []int64 }

// amounts rounds the amounts of lines, and checks that they sum to those of the invoice.
func (b *bill) amounts(lines []lineShape) sums {
	d := b.doc
	subtotals, discounts, taxes := make([]*big.Int, len(lines)), make([]*big.Int, len(lines)), make([]*big.Int, len(lines))
	discounted, taxed := b.breakouts()
	for i, l := range lines {
		subtotals[i] = b.exact(l.SubtotalAmount, "line_items.subtotal_amount")
		discounts[i], taxes[i] = discounted[l.UID], taxed[l.UID]
		if len(discounted) == 0 {
			discounts[i] = b.exact(l.DiscountAmount, "line_items.discount_amount")
		}
		if len(taxed) == 0 {
			taxes[i] = b.exact(l.TaxAmount, "line_items.tax_amount")
		}
	}
	subtotal, discount, tax := b.Decimal(string(d.SubtotalAmount), "subtotal_amount"), b.optional(d.DiscountAmount, "discount_amount"), b.optional(d.TaxAmount, "tax_amount")
	if total := b.Decimal(string(d.TotalAmount), "total_amount"); total != subtotal-discount+tax {
		b.Fail(CodeLinesDiffer, "total_amount", "The total of the invoice is not its subtotal, minus discounts, plus taxes.")
	}
	n := int64(len(lines)) // Chargify may round the discount and the tax of each line
	return sums{
		b.parts(subtotals, subtotal, 1, "subtotal_amount"),
		b.parts(discounts, discount, n, "discount_amount"),
		b.parts(taxes, tax, n, "tax_amount"),
	}
}

// parts is spread for amounts of lines, which may be nil.
func (b *bill) parts(of []*big.Int, whole, slack int64, field string) []int64 {
	for i, p := range of {
		if p == nil {
			of[i] = new(big.Int)
		}
	}
	rounded, ok := b.spread(of, whole, slack, field)
	if !ok {
		b.Fail(CodeLinesDiffer, field, "The lines of the invoice do not sum to its total.")
	}
	return rounded
}

// breakouts are discounts and taxes by line.
func (b *bill) breakouts() (discounted, taxed map[string]*big.Int) {
	discounted, taxed = map[string]*big.Int{}, map[string]*big.Int{}
	add := func(to map[string]*big.Int, uid string, amount *big.Int) {
		if to[uid] == nil {
			to[uid] = new(big.Int)
		}
		to[uid].Add(to[uid], amount)
	}
	for _, d := range b.doc.Discounts {
		for _, l := range d.LineItemBreakouts {
			add(discounted, l.UID, b.exact(l.DiscountAmount, "discounts.line_item_breakouts.discount_amount"))
		}
	}
	for _, t := range b.doc.Taxes {
		for _, l := range t.LineItemBreakouts {
			add(taxed, l.UID, b.exact(l.TaxAmount, "taxes.line_item_breakouts.tax_amount"))
		}
	}
	return discounted, taxed
}

func (m *mapper) lines(b *bill, lines []lineShape) {
	of := b.amounts(lines)
	codes := b.codes()
	for i, l := range lines {
		r := &billing.LineItem{
			InvoiceExternalID: b.doc.UID, ExternalID: l.UID, Type: billing.OneTime, Description: l.Title, Quantity: m.quantity(b, l),
			AmountInCents: b.sign * (of.subtotals[i] - of.discounts[i] + of.taxes[i]), DiscountAmountInCents: b.sign * of.discounts[i],
			TaxAmountInCents: b.sign * of.taxes[i], DiscountCode: codes[l.UID],
		}
		if r.ExternalID == "" {
			r.ExternalID = fmt.Sprintf("%s:%d", b.doc.UID, i+1)
		}
		if b.doc.SubscriptionID != "" && (b.stream == Invoices && m.recurs(l) || b.stream == CreditNotes && m.credits(b.doc.SubscriptionID, l)) {
			m.sold(b, l, r)
		}
		if !knownKind(l.Kind) {
			m.note(system.Issue{Dataset: billing.LineItems, Stream: b.stream, Object: b.doc.UID, Field: "line_items.kind", Code: CodeWord, Message: "Chargify uses a word for the kind of a line that Reseed does not know; the line is taken as a one-time line."}, "")
		}
		b.lines = append(b.lines, r)
	}
}

// codes are the coupon codes of lines.
func (b *bill) codes() map[string]string {
	codes := map[string]string{}
	for _, d := range b.doc.Discounts {
		for _, l := range d.LineItemBreakouts {
			if codes[l.UID] == "" {
				codes[l.UID] = d.Code
			}
		}
	}
	return codes
}

func (m *mapper) quantity(b *bill, l lineShape) int64 {
	if l.Quantity == "" {
		return 1
	}
	n, decimals, ok := system.ParseDecimal(string(l.Quantity))
	if ok && decimals == 0 && n != 0 && n <= billing.MaxInteger && n >= -billing.MaxInteger {
		return n
	}
	m.note(system.Issue{Dataset: billing.LineItems, Stream: b.stream, Object: b.doc.UID, Field: "line_items.quantity", Code: CodeQuantity, Message: "The quantity of a line is 0 or no whole number; Reseed takes it as 1."}, "")
	return 1
}

// sold makes the line one of a subscription.
func (m *mapper) sold(b *bill, l lineShape, r *billing.LineItem) {
	r.Type, r.SubscriptionExternalID, r.SubscriptionSetExternalID = billing.Subscription, item(b.doc.SubscriptionID, l), string(b.doc.SubscriptionID)
	r.Prorated = b.prorated
	pricePoint := l.ProductPricePointID
	if b.stream == CreditNotes {
		pricePoint = m.planOf[b.doc.SubscriptionID][l.ProductID]
	}
	r.PlanExternalID = planID(l.ProductID, pricePoint)
	r.ServicePeriodStart, r.ServicePeriodEnd = l.PeriodRangeStart.Time, l.PeriodRangeEnd.Time
	if !l.periodic() {
		b.Fail(CodeNoPeriod, "line_items.period_range_end", "A line of a product has no service period.")
	}
}

// recurs reports whether a line of an invoice bills a product or component again and again. What is billed by use does if the settings say so.
func (m *mapper) recurs(l lineShape) bool {
	if l.CustomItem || l.ProductID == "" {
		return false
	}
	switch l.Kind {
	case "baseline", "trial":
		return true
	case "quantity_based_component", "on_off_component":
		return l.periodic()
	case "metered_component", "prepaid_usage_component", "event_based_component":
		return m.settings.Metered && l.periodic()
	}
	return false
}

// credits reports whether a line of a credit note gives back what was billed again and again. It has no kind.
func (m *mapper) credits(subscription id, l lineShape) bool {
	return !l.CustomItem && l.ProductID != "" && l.periodic() && m.items[subscription][item(subscription, l)]
}

func knownKind(kind string) bool {
	switch kind {
	case "", "baseline", "initial", "trial", "quantity_based_component", "prepaid_usage_component", "on_off_component", "metered_component",
		"event_based_component", "coupon", "tax":
		return true
	}
	return false
}

// periodic reports whether a line is for a time. If it is not, its period ends when it begins.
func (l lineShape) periodic() bool {
	return !l.PeriodRangeStart.IsZero() && l.PeriodRangeStart.Before(l.PeriodRangeEnd.Time)
}

// item is the external id of the subscription that a line bills: that of Chargify, or one for each of its components.
func item(subscription id, l lineShape) string {
	if l.ComponentID == "" {
		return string(subscription)
	}
	return string(subscription + ":" + l.ComponentID)
}
