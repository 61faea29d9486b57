package recurlytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"reseed/pkg/billing"
)

// Line is a line of an invoice.
type Line struct {
	Amount       int64  // in minor units: what the customer pays, after the discount and with tax
	Subscription string // id; with it the line bills its plan, or an add-on
	Plan         string // id
	AddOn        string // id
	Origin       string // empty: plan, add_on or one_time
	Credit       bool
	Rate         string // of a proration; empty: none
	Start, End   time.Time
	Discount     int64
	Tax          int64
	Text         string
	Quantity     int64 // 0: 1
}

// amount writes minor units as Recurly does: as a number of major units.
func amount(minor int64, currency string) json.Number {
	digits := billing.Exponent(currency)
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	text := fmt.Sprintf("%0*d", digits+1, minor)
	if digits == 0 {
		return json.Number(sign + text + ".0")
	}
	return json.Number(sign + text[:len(text)-digits] + "." + text[len(text)-digits:])
}

// Bill makes an invoice whose lines sum to its total: a charge that is pending, unless the fields say otherwise.
func (w *World) Bill(account, currency string, given Fields, lines ...Line) (invoice string) {
	currency = strings.ToUpper(currency)
	total := int64(0)
	for _, l := range lines {
		total += l.Amount
	}
	sum := amount(total, currency)
	fields := Fields{
		"type": "charge", "origin": "purchase", "state": "pending", "currency": currency, "collection_method": "automatic", "total": sum, "subtotal": sum, "balance": sum,
		"paid": json.Number("0.0"), "due_at": spell(w.Now()), "has_more_line_items": false, "credit_payments": []any{},
	}
	maps.Copy(fields, given)
	invoice = w.Add(Invoices, account, fields)
	for _, l := range lines {
		w.AddTo(invoice, Lines, account, w.line(l, currency))
	}
	return invoice
}

func (w *World) line(l Line, currency string) Fields {
	f := Fields{
		"type": "charge", "origin": "one_time", "currency": currency, "amount": amount(l.Amount, currency), "unit_amount": amount(l.Amount+l.Discount-l.Tax, currency),
		"discount": amount(l.Discount, currency), "tax": amount(l.Tax, currency), "quantity": max(l.Quantity, 1), "start_date": spell(w.Now()), "description": l.Text,
	}
	if l.Subscription != "" {
		f["origin"], f["subscription_id"], f["plan_id"], f["plan_code"] = "plan", l.Subscription, l.Plan, w.Field(l.Plan, "code")
		f["start_date"], f["end_date"] = spell(l.Start), spell(l.End)
	}
	if l.AddOn != "" {
		f["origin"], f["add_on_id"], f["add_on_code"] = "add_on", l.AddOn, w.Field(l.AddOn, "code")
	}
	if l.Rate != "" {
		f["proration_rate"] = json.Number(l.Rate)
	}
	if l.Credit {
		f["type"], f["credit_reason_code"] = "credit", "general"
	}
	if l.Origin != "" {
		f["origin"] = l.Origin
	}
	return f
}

// Transact makes a transaction of an invoice.
func (w *World) Transact(invoice, kind, status string, minor int64, more Fields) string {
	currency := fmt.Sprint(w.Field(invoice, "currency"))
	fields := Fields{
		"type": kind, "status": status, "origin": "api", "currency": currency, "amount": amount(minor, currency), "success": status == "success", "collected_at": spell(w.Now()),
		"payment_method": Fields{"object": "credit_card", "card_type": "Visa", "last_four": "4242"},
	}
	maps.Copy(fields, more)
	w.mu.Lock()
	account := w.objects[invoice].account
	w.mu.Unlock()
	return w.AddTo(invoice, Transactions, account, fields)
}

// Pay pays an invoice, and returns the transaction.
func (w *World) Pay(invoice string, minor int64) string {
	id := w.Transact(invoice, "purchase", "success", minor, nil)
	w.Change(invoice, Fields{"state": "paid", "paid": amount(minor, fmt.Sprint(w.Field(invoice, "currency"))), "balance": json.Number("0.0"), "closed_at": spell(w.Now())})
	return id
}

// Refund pays back a part of a payment: with a credit invoice, as Recurly does.
func (w *World) Refund(invoice, payment string, minor int64) (refund, credit string) {
	w.mu.Lock()
	account := w.objects[invoice].account
	w.mu.Unlock()
	credit = w.Bill(account, fmt.Sprint(w.Field(invoice, "currency")), Fields{
		"type": "credit", "origin": "refund", "state": "closed", "previous_invoice_id": invoice, "balance": json.Number("0.0"),
	}, Line{Amount: -minor, Credit: true, Origin: "credit", Text: "Refund"})
	return w.Transact(credit, "refund", "success", minor, Fields{"original_transaction_id": payment}), credit
}

// Plan makes a plan that is billed each month.
func (w *World) Plan(name string) string {
	return w.Add(Plans, "", Fields{"name": name, "interval_unit": "months", "interval_length": 1})
}

// AddOn makes an add-on of a plan.
func (w *World) AddOn(plan, name string) string {
	return w.Add(AddOns, "", Fields{"plan_id": plan, "name": name, "add_on_type": "fixed"})
}

// Subscribe makes a subscription.
func (w *World) Subscribe(account, plan string, end time.Time, more Fields) string {
	fields := Fields{
		"plan": Fields{"id": plan, "object": Plans, "code": w.Field(plan, "code")}, "state": "active", "currency": "EUR", "quantity": 1, "auto_renew": true,
		"remaining_billing_cycles": 0, "current_period_started_at": spell(w.Now()), "current_period_ends_at": spell(end), "add_ons": []any{},
	}
	maps.Copy(fields, more)
	return w.Add(Subscriptions, account, fields)
}

// Fill makes n of each object that has a list of its own, and returns the ids of all objects. All are made in the same second
// if span is 0, else that far apart.
func (w *World) Fill(n int, span time.Duration) []string {
	for i := range n {
		w.Advance(span)
		account := w.Add(Accounts, "", Fields{"email": fmt.Sprintf("ann%d@example.com", i), "first_name": "Ann"})
		plan := w.Plan("Plan")
		addOn := w.AddOn(plan, "Seats")
		end := w.Now().AddDate(0, 1, 0)
		subscription := w.Subscribe(account, plan, end, nil)
		invoice := w.Bill(account, "EUR", nil,
			Line{Amount: 1000, Subscription: subscription, Plan: plan, Start: w.Now(), End: end},
			Line{Amount: 200, Subscription: subscription, Plan: plan, AddOn: addOn, Start: w.Now(), End: end})
		w.Pay(invoice, 1200)
	}
	w.Advance(time.Second)
	return w.All()
}

// Long makes n invoices with so many lines, and returns the ids of all objects.
func (w *World) Long(n, parts int) []string {
	account := w.Add(Accounts, "", Fields{"first_name": "Long"})
	for range n {
		lines := make([]Line, parts)
		for i := range lines {
			lines[i].Amount = int64(i + 10)
		}
		w.Bill(account, "EUR", nil, lines...)
	}
	w.Advance(time.Second)
	return w.All()
}
