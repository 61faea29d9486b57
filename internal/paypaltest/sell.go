package paypaltest

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// money is an amount, such as 12.50.
func money(currency, value string) Fields {
	return Fields{"currency_code": strings.ToUpper(currency), "value": value}
}

// Cycle is a billing cycle of a plan.
func Cycle(tenure string, sequence, total int, unit string, count int, currency, price string) Fields {
	return Fields{
		"tenure_type": tenure, "sequence": sequence, "total_cycles": total, "frequency": Fields{"interval_unit": unit, "interval_count": count},
		"pricing_scheme": Fields{"version": 1, "fixed_price": money(currency, price)},
	}
}

// Plan makes a plan for each month, in EUR.
func (w *World) Plan(name, price string, given Fields) string {
	return w.add(Plans, "", Fields{
		"name": name, "product_id": "PROD-1", "status": "ACTIVE", "description": name, "create_time": stamp(w.Now()), "update_time": stamp(w.Now()),
		"billing_cycles":      []any{Cycle("REGULAR", 1, 0, "MONTH", 1, "EUR", price)},
		"payment_preferences": Fields{"auto_bill_outstanding": true, "payment_failure_threshold": 0},
	}, given)
}

// Payer makes somebody who pays.
func (w *World) Payer(given, surname, email string, address Fields) string {
	f := Fields{"name": Fields{"given_name": given, "surname": surname}, "email_address": email}
	if address != nil {
		f["shipping_address"] = Fields{"address": address}
	}
	id := w.add(Payers, "", f, nil)
	w.Change(id, Fields{"payer_id": id})
	return id
}

// Subscribe makes an active subscription that begins now.
func (w *World) Subscribe(payer, plan string, given Fields) string {
	now := stamp(w.Now())
	return w.add(Subscriptions, payer, Fields{
		"plan_id": plan, "status": "ACTIVE", "status_update_time": now, "start_time": now, "create_time": now, "update_time": now, "quantity": "1", "plan_overridden": false,
		"billing_info": Fields{"outstanding_balance": money("EUR", "0.00"), "failed_payments_count": 0, "cycle_executions": []any{}},
	}, given)
}

// End gives a subscription another status now.
func (w *World) End(subscription, status string) {
	w.Change(subscription, Fields{"status": status, "status_update_time": stamp(w.Now())})
}

// Pay makes a payment of a subscription, which the search finds, too.
func (w *World) Pay(subscription, currency, gross string, given Fields) string {
	w.mu.Lock()
	payer, now := w.objects[subscription].parent, stamp(w.now)
	w.mu.Unlock()
	amounts := Fields{"gross_amount": money(currency, gross), "fee_amount": money(currency, "0.35"), "net_amount": money(currency, gross)}
	if more, ok := given["amounts"].(Fields); ok {
		maps.Copy(amounts, more)
		given = maps.Clone(given)
		delete(given, "amounts")
	}
	id := w.add(Payments, subscription, Fields{
		"status": "COMPLETED", "amount_with_breakdown": amounts, "payer_name": Fields{"given_name": "Ann", "surname": "Lee"}, "payer_email": "ann@example.com", "time": now,
	}, given)
	w.row(payer, "T0002", id, subscription, "SUB", currency, gross)
	return id
}

func (w *World) row(payer, code, id, reference, kind, currency, amount string) string {
	now := w.Now()
	f := Fields{
		"paypal_reference_id": reference, "paypal_reference_id_type": kind, "transaction_event_code": code, "transaction_initiation_date": stamp(now), "transaction_updated_date": stamp(now),
		"transaction_amount": money(currency, amount), "transaction_status": "S",
	}
	if id != "" {
		f["transaction_id"] = id
	}
	return w.add(Rows, payer, f, nil)
}

// Back gives a part of a payment back, by an event such as T1107.
func (w *World) Back(payment, code, currency, amount string) string {
	w.mu.Lock()
	payer := w.objects[w.objects[payment].parent].parent
	w.mu.Unlock()
	return w.row(payer, code, "", payment, "TXN", currency, "-"+amount)
}

// Fill makes n of each kind of objects but refunds, of which there are fewer, and returns the ids of all objects.
func (w *World) Fill(n int, span time.Duration) []string {
	for i := range n {
		w.Advance(span)
		plan := w.Plan("Plan", "10.00", nil)
		sub := w.Subscribe(w.Payer("Ann", "Lee", fmt.Sprintf("ann%d@example.com", i), nil), plan, nil)
		payment := w.Pay(sub, "EUR", "10.00", nil)
		if i%4 == 0 {
			w.Back(payment, "T1107", "EUR", "1.00")
			w.Change(payment, Fields{"status": "PARTIALLY_REFUNDED"})
		}
		if i%2 == 0 {
			w.End(sub, "CANCELLED")
		}
	}
	w.Advance(late + time.Second)
	return w.All()
}

// Long makes n subscriptions with so many payments, and returns the ids of all objects.
func (w *World) Long(n, parts int) []string {
	plan := w.Plan("Plan", "10.00", Fields{"billing_cycles": []any{Cycle("REGULAR", 1, 0, "DAY", 1, "EUR", "10.00")}})
	for range n {
		sub := w.Subscribe(w.Payer("Long", "Lee", "long@example.com", nil), plan, nil)
		for range parts {
			w.Advance(24 * time.Hour)
			w.Pay(sub, "EUR", "10.00", nil)
		}
	}
	w.Advance(late + time.Second)
	return w.All()
}
