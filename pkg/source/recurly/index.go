package recurly

import (
	"cmp"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// index finds out what belongs to what, before anything is mapped.
func (m *mapper) index() {
	each(m, Accounts, "", billing.Customers, func(a accountShape) {
		m.owner = cmp.Or(m.owner, a.Code)
		m.otherPays = m.otherPays || a.BillTo == "parent"
	})
	each(m, Subscriptions, "", billing.Events, m.indexSubscription)
	each(m, Invoices, "", billing.Invoices, m.indexInvoice)
	each(m, Invoices, "", billing.Invoices, m.indexRefunds)
	for invoice := range m.refunds {
		slices.SortFunc(m.refunds[invoice], func(a, b refund) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.on, b.on)) })
		m.refunds[invoice] = slices.CompactFunc(m.refunds[invoice], func(a, b refund) bool { return a.ID == b.ID })
	}
}

func (m *mapper) indexSubscription(s subscriptionShape) {
	m.owner = cmp.Or(m.owner, s.Account.Code)
	if t := s.TrialStartedAt; !t.IsZero() && (m.trial.IsZero() || t.Before(m.trial)) {
		m.trial = t.Time
	}
	m.seeItem(s.ID, s.ID)
	for _, a := range s.AddOns {
		if a.AddOn.Code != "" {
			m.seeItem(s.ID, item(s.ID, a.AddOn.Code))
		}
	}
}

func (m *mapper) indexInvoice(in invoiceShape) {
	m.owner = cmp.Or(m.owner, in.Account.Code)
	if in.LineItems != nil {
		m.addShown(Lines, in.ID, *in.LineItems)
	}
	m.addShown(Transactions, in.ID, in.Transactions)
	each(m, Lines, in.ID, billing.LineItems, func(l lineShape) {
		if l.recurs() {
			m.seeItem(l.SubscriptionID, l.item())
		}
	})
	each(m, Transactions, in.ID, billing.Transactions, func(t transactionShape) {
		switch t.Type {
		case "purchase", "capture":
			m.paidBy[t.ID] = in.ID
		case "refund":
			m.disputed[t.OriginalTransactionID] = m.disputed[t.OriginalTransactionID] || t.Origin == "chargeback" && t.Status == "success"
		}
	})
}

// seeItem notes that something is sold by a subscription: its plan or an add-on.
func (m *mapper) seeItem(subscription, item string) {
	if m.itemsOf[subscription] == nil {
		m.itemsOf[subscription] = map[string]bool{}
	}
	m.itemsOf[subscription][item] = true
}

// indexRefunds brings refunds to the invoices whose payments they pay back. A credit invoice that was paid back whole says nothing
// else: it is backed by its refunds. Refunds of another one stay with it.
func (m *mapper) indexRefunds(in invoiceShape) {
	var all []refund
	amounts := system.Money{}
	amounts.Open(in.Currency, "currency")
	sum, elsewhere := int64(0), true
	each(m, Transactions, in.ID, billing.Transactions, func(t transactionShape) {
		if t.Type != "refund" {
			return
		}
		all = append(all, refund{t, in.ID})
		elsewhere = elsewhere && m.target(in, t) != in.ID
		if t.Status != "void" && t.Status != "declined" && t.Status != "error" {
			sum = amounts.Add(sum, amounts.Decimal(string(t.Amount), "transactions.amount"), "transactions.amount")
		}
	})
	if len(all) == 0 {
		return
	}
	if in.Type == "credit" {
		m.backed[in.ID] = elsewhere && sum == -amounts.Decimal(string(in.Total), "total") && amounts.Fault == system.NoFault
	}
	for _, r := range all {
		on := in.ID
		if in.Type != "credit" || m.backed[in.ID] {
			on = m.target(in, r.transactionShape)
		}
		m.refunds[on] = append(m.refunds[on], r)
	}
}

// target is the invoice whose payment a refund pays back; if that is not known, the one that shows the refund.
func (m *mapper) target(in invoiceShape, t transactionShape) string {
	if paid := m.paidBy[t.OriginalTransactionID]; paid != "" {
		return paid
	}
	if m.kept.Has(Invoices, "", in.PreviousInvoiceID) {
		return in.PreviousInvoiceID
	}
	return in.ID
}
