package chargify

import (
	"cmp"
	"fmt"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// payments maps the payments of an invoice, and those that failed.
func (m *mapper) payments(b *bill, in invoiceShape) {
	for _, p := range in.Payments {
		amount := b.Decimal(string(p.AppliedAmount), "payments.applied_amount")
		b.paid = b.Add(b.paid, amount, "payments.applied_amount")
		b.transaction(cmp.Or(string(p.TransactionID), "payment"), billing.Payment, billing.Successful, p.TransactionTime.Time, amount)
	}
	for _, e := range m.happened[in.UID] {
		if e.EventType == "failed_payment" {
			amount := b.Decimal(string(e.Data.AppliedAmount), "events.event_data.applied_amount")
			b.transaction(cmp.Or(string(e.Data.TransactionID), "failed"), billing.Payment, billing.Failed, e.Timestamp.Time, amount)
		}
	}
}

// moneyBack maps the refunds of an invoice, and a chargeback that was lost.
func (m *mapper) moneyBack(b *bill, in invoiceShape) {
	for _, r := range in.Refunds {
		amount := b.Decimal(string(r.AppliedAmount), "refunds.applied_amount")
		b.back = b.Add(b.back, amount, "refunds.applied_amount")
		at := m.refunded[r.TransactionID]
		if at.IsZero() {
			at = b.record.Date
			m.note(system.Issue{
				Dataset: billing.Transactions, Stream: Invoices, Object: in.UID, Field: "refunds", Code: CodeRefundDate,
				Message: "Chargify does not say when money was paid back; Reseed takes the date of the invoice.",
			}, "")
		}
		b.transaction(cmp.Or(string(r.TransactionID), "refund"), billing.Refund, billing.Successful, at, amount)
	}
	if said := b.optional(in.PaidAmount, "paid_amount"); said != b.paid && said != b.paid-b.back {
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Invoices, Object: in.UID, Field: "paid_amount", Code: CodePaymentsDiffer,
			Message: "The payments of the invoice do not sum to what it says was paid.",
		}, "")
	}
	if b.back > b.paid {
		m.note(system.Issue{Dataset: billing.Transactions, Stream: Invoices, Object: in.UID, Field: "refunds", Code: CodeRefundsExceed, Message: "More was paid back than was paid."}, "")
	}
	m.chargeback(b, in)
}

// chargeback maps a chargeback that was lost: what is left of the payment is gone. Chargify says of which invoice it is, not of which payment.
func (m *mapper) chargeback(b *bill, in invoiceShape) {
	lost := time.Time{}
	for _, e := range m.happened[in.UID] {
		if e.EventType != "change_chargeback_status" {
			continue
		}
		switch e.Data.ChargebackStatus {
		case "lost":
			lost = e.Timestamp.Time
		case "open", "won", "closed":
			lost = time.Time{}
		default:
			m.note(system.Issue{Dataset: billing.Transactions, Stream: InvoiceEvents, Object: string(e.ID), Field: "event_data.chargeback_status", Code: CodeWord, Message: "Chargify uses a word for the chargeback that Reseed does not know; it is left out."}, in.UID)
		}
	}
	if lost.IsZero() {
		return
	}
	if len(in.Payments) != 1 {
		m.note(system.Issue{
			Dataset: billing.Transactions, Stream: Invoices, Object: in.UID, Field: "payments", Code: CodeChargeback,
			Message: "A chargeback of the invoice was lost, and Chargify does not say of which payment; it is left out.",
		}, "")
		return
	}
	if amount := b.paid - b.back; amount > 0 {
		b.back = b.paid
		b.transaction(cmp.Or(string(in.Payments[0].TransactionID), "payment")+":chargeback", billing.Refund, billing.Successful, lost, amount)
	}
}

// transaction keeps a transaction of the invoice. One payment may be of several invoices, so its external id is that of both.
func (b *bill) transaction(id, kind, result string, at time.Time, amount int64) {
	if at.IsZero() {
		b.Fail(CodeBadObject, "payments.transaction_time", "A payment of the invoice does not say when it was made.")
	}
	own := b.doc.UID + ":" + id
	for n := 2; b.given[own]; n++ {
		own = fmt.Sprintf("%s:%s:%d", b.doc.UID, id, n)
	}
	b.given[own] = true
	b.transactions = append(b.transactions, &billing.Transaction{
		InvoiceExternalID: b.doc.UID, ExternalID: own, Type: kind, Result: result, Date: at, AmountInCents: &amount,
	})
}
