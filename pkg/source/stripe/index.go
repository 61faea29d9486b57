package stripe

import (
	"cmp"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// index finds out what belongs to what, before anything is mapped.
func (m *mapper) index() {
	each(m, Customers, "", billing.Customers, func(c customerShape) { m.own(c.ID, c.Livemode) })
	each(m, Charges, "", billing.Transactions, func(c chargeShape) {
		m.own(string(c.Customer), c.Livemode)
		m.intentOf[c.ID] = string(c.PaymentIntent)
	})
	each(m, Subscriptions, "", billing.Events, m.indexSubscription)
	each(m, Invoices, "", billing.Invoices, m.indexInvoice)
	for _, items := range m.itemsOf {
		slices.Sort(items)
	}
	for name, invoices := range m.invoicesOf {
		slices.Sort(invoices)
		m.invoicesOf[name] = slices.Compact(invoices)
	}
	m.indexMoney()
}

func (m *mapper) own(customer string, live bool) {
	m.owner = cmp.Or(m.owner, customer)
	m.live = m.live || live
}

func (m *mapper) indexSubscription(s subscriptionShape) {
	m.own(string(s.Customer), s.Livemode)
	if s.TrialStart != 0 && (m.trial == 0 || s.TrialStart < m.trial) {
		m.trial = s.TrialStart
	}
	addShown(m, Items, s.ID, s.Items)
	each(m, Items, s.ID, billing.Events, func(i itemShape) {
		price := ""
		if i.Price != nil {
			price = i.Price.ID
		}
		m.seeItem(s.ID, i.ID, price)
	})
}

func (m *mapper) indexInvoice(in invoiceShape) {
	m.own(string(in.Customer), in.Livemode)
	if in.Created >= m.newest.Created {
		m.newest = in
	}
	addShown(m, Lines, in.ID, in.Lines)
	addShown(m, Payments, in.ID, in.Payments)
	each(m, Lines, in.ID, billing.LineItems, func(l lineShape) {
		if l.Parent != nil && l.Parent.SubscriptionItemDetails != nil {
			d := l.Parent.SubscriptionItemDetails
			m.seeItem(d.Subscription, d.SubscriptionItem, l.price())
		}
	})
	each(m, Payments, in.ID, billing.Transactions, func(p paymentShape) {
		if p.Payment == nil {
			return
		}
		for _, by := range []ref{p.Payment.PaymentIntent, p.Payment.Charge} {
			if by != "" {
				m.invoicesOf[string(by)] = append(m.invoicesOf[string(by)], in.ID)
			}
		}
	})
}

// seeItem notes an item of a subscription. Of several that are sold as the same, the first by id stands for
// lines that do not name theirs.
func (m *mapper) seeItem(subscription, item, price string) {
	if subscription == "" || item == "" {
		return
	}
	if !slices.Contains(m.itemsOf[subscription], item) {
		m.itemsOf[subscription] = append(m.itemsOf[subscription], item)
	}
	as := soldAs{subscription, price}
	if there := m.itemOf[as]; price != "" && (there == "" || item < there) {
		m.itemOf[as] = item
	}
}

// indexMoney brings charges that failed, and money that was given back, to their invoices.
func (m *mapper) indexMoney() {
	each(m, Charges, "", billing.Transactions, func(c chargeShape) {
		if c.Status != "failed" {
			return
		}
		if in := m.claim(Charges, c.ID, string(c.PaymentIntent), c.ID); in != "" {
			m.failed[in] = append(m.failed[in], c)
		}
	})
	each(m, Refunds, "", billing.Transactions, m.indexRefund)
	each(m, Disputes, "", billing.Transactions, m.indexDispute)
	each(m, CreditNotes, "", billing.Transactions, m.indexCreditNote)
}

func (m *mapper) giveBack(intent ref, charge ref, g givenBack) {
	if in := m.claim(g.stream, g.id, string(intent), string(charge)); in != "" {
		m.refunds[in] = append(m.refunds[in], g)
	}
}

// claim finds the invoice that a payment has paid; empty if there is not exactly one.
func (m *mapper) claim(s system.Stream, id, intent, charge string) string {
	invoices := m.invoicesOf[cmp.Or(intent, m.intentOf[charge])]
	if len(invoices) == 0 {
		invoices = m.invoicesOf[charge]
	}
	switch len(invoices) {
	case 0:
		m.out.Left[LeftOutsideInvoices]++
		return ""
	case 1:
		return invoices[0]
	}
	m.reject(system.Issue{Dataset: billing.Transactions, Record: id, Stream: s, Object: id, Code: CodeSeveralInvoices, Message: "One payment has paid several invoices; Stripe does not say of which of them this is."})
	return ""
}

func (m *mapper) indexRefund(r refundShape) {
	g := givenBack{stream: Refunds, id: r.ID, amount: r.Amount, currency: r.Currency, created: r.Created}
	switch r.Status {
	case "succeeded":
	case "failed":
		g.failed = true
	case "canceled":
		return
	case "pending", "requires_action":
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Refunds, Object: r.ID, Field: "status", Code: CodePendingRefund, Message: "The refund is not paid out yet; it is left out until it is."})
		return
	default:
		m.unknownWord(billing.Transactions, Refunds, r.ID, "status")
		return
	}
	m.giveBack(r.PaymentIntent, r.Charge, g)
}

func (m *mapper) indexDispute(d disputeShape) {
	switch d.Status {
	case "lost":
		m.giveBack(d.PaymentIntent, d.Charge, givenBack{stream: Disputes, id: d.ID, amount: d.Amount, currency: d.Currency, created: d.Created})
	case "won", "prevented", "warning_closed", "warning_needs_response", "warning_under_review":
	case "needs_response", "under_review":
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Disputes, Object: d.ID, Field: "status", Code: CodeOpenDispute, Message: "The dispute is not decided; it becomes a refund if it is lost."})
	default:
		m.unknownWord(billing.Transactions, Disputes, d.ID, "status")
	}
}

func (m *mapper) indexCreditNote(c creditNoteShape) {
	if c.Status == "void" {
		return
	}
	if c.OutOfBandAmount != 0 {
		in := string(c.Invoice)
		m.refunds[in] = append(m.refunds[in], givenBack{stream: CreditNotes, id: c.ID, amount: c.OutOfBandAmount, currency: c.Currency, created: c.Created})
	}
	if c.PrePaymentAmount != 0 {
		m.note(system.Issue{Dataset: billing.Transactions, Stream: CreditNotes, Object: c.ID, Field: "pre_payment_amount", Code: CodeCreditNote, Message: "The credit note made an open invoice smaller. Reseed keeps the invoice as it was issued."})
	}
}

func (m *mapper) unknownWord(ds billing.Dataset, s system.Stream, id, field string) {
	m.note(system.Issue{Dataset: ds, Stream: s, Object: id, Field: field, Code: CodeWord, Message: "Stripe uses a word here that Reseed does not know; the object is left out."})
}

// unclaimed counts money of invoices that are not there.
func (m *mapper) unclaimed() {
	for in, all := range m.refunds {
		if !m.kept.Has(Invoices, "", in) {
			m.out.Left[LeftOutsideInvoices] += len(all)
		}
	}
}
