package recurly

import (
	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// What is behind the id of a transaction in the id of the refund that a chargeback is.
const behindChargeback = ":chargeback"

// payments maps the payments of an invoice, those that failed, and those that were charged back.
func (m *mapper) payments(b *bill) {
	if !each(m, Transactions, b.in.ID, billing.Transactions, func(t transactionShape) { m.payment(b, t) }) {
		b.Fail(CodeBadObject, "transactions", "A transaction of the invoice could not be read.")
	}
	if said := optional(b, b.in.Paid, "paid"); said != b.paid && b.in.Type != "credit" {
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Invoices, Object: b.in.ID, Field: "paid", Code: CodePaymentsDiffer,
			Message: "The payments of the invoice do not sum to what it says was paid.",
		}, "")
	}
}

func (m *mapper) payment(b *bill, t transactionShape) {
	switch t.Type {
	case "purchase", "capture":
	case "refund": // comes with the invoice that it pays back
		return
	case "authorization", "verify":
		m.out.Left[LeftAuthorizations]++
		return
	default:
		m.unknownWord(b.in.ID, t.ID, "type")
		return
	}
	b.Same(t.Currency, "transactions.currency")
	amount := b.Decimal(string(t.Amount), "transactions.amount")
	switch t.Status {
	case "success", "chargeback":
		b.paid = b.Add(b.paid, amount, "transactions.amount")
		b.transaction(t.ID, billing.Payment, billing.Successful, t.at(), amount)
	case "declined", "error":
		b.transaction(t.ID, billing.Payment, billing.Failed, t.at(), amount)
	case "void":
	case "pending", "processing", "scheduled":
		m.out.Left[LeftPendingPayments]++
	default:
		m.unknownWord(b.in.ID, t.ID, "status")
	}
	if t.Status == "chargeback" && !m.disputed[t.ID] {
		b.back = b.Add(b.back, amount, "transactions.amount")
		at := t.UpdatedAt
		if at.IsZero() {
			at = t.at()
		}
		b.transaction(t.ID+behindChargeback, billing.Refund, billing.Successful, at, amount)
	}
}

// at is when money moved, or was to move.
func (t transactionShape) at() system.Moment {
	if t.CollectedAt.IsZero() {
		return t.CreatedAt
	}
	return t.CollectedAt
}

// moneyBack maps the refunds of an invoice.
func (m *mapper) moneyBack(b *bill) {
	for _, r := range m.refunds[b.in.ID] {
		m.refund(b, r)
	}
	if b.back > b.paid && b.in.Type != "credit" {
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Invoices, Object: b.in.ID, Code: CodeRefundsExceed, Message: "More was paid back than was paid."}, "")
	}
}

func (m *mapper) refund(b *bill, r refund) {
	b.Same(r.Currency, "transactions.currency")
	amount := b.Decimal(string(r.Amount), "transactions.amount")
	switch r.Status {
	case "success":
		b.back = b.Add(b.back, amount, "transactions.amount")
		b.transaction(r.ID, billing.Refund, billing.Successful, r.at(), amount)
	case "declined", "error":
		b.transaction(r.ID, billing.Refund, billing.Failed, r.at(), amount)
	case "void":
	case "pending", "processing", "scheduled":
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Transactions, Object: r.ID, Field: "status", Code: CodePendingRefund,
			Message: "The refund is not paid out yet; it is left out until it is.",
		}, r.on)
	default:
		m.unknownWord(r.on, r.ID, "status")
	}
}

func (b *bill) transaction(id, kind, result string, at system.Moment, amount int64) {
	if at.IsZero() {
		b.Fail(CodeBadObject, "transactions.created_at", "A transaction of the invoice does not say when it was made.")
	}
	b.transactions = append(b.transactions, &billing.Transaction{
		InvoiceExternalID: b.in.ID, ExternalID: id, Type: kind, Result: result, Date: at.Time, AmountInCents: &amount,
	})
}

func (m *mapper) unknownWord(invoice, id, field string) {
	m.note(system.Issue{
		Dataset: billing.Transactions, Stream: Transactions, Object: id, Field: field, Code: CodeWord,
		Message: "Recurly uses a word here that Reseed does not know; the transaction is left out.",
	}, invoice)
}
