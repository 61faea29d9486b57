package braintreetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Plan makes a plan.
func (w *World) Plan(name, price string, months int) string {
	return w.add(Plans, "", "", Fields{
		"name": name, "price": price, "billing_frequency": months, "billing_day_of_month": nil, "currency_iso_code": "EUR", "description": nil, "merchant_id": Merchant,
		"number_of_billing_cycles": nil, "trial_period": false, "trial_duration": nil, "trial_duration_unit": "day",
		"add_ons": List{Item: "add_on"}, "discounts": List{Item: "discount"},
	}, nil)
}

// Customer makes a customer with a card, and returns the id.
func (w *World) Customer(given Fields) string {
	c := w.add(Customers, "", "", Fields{
		"merchant_id": Merchant, "first_name": nil, "last_name": nil, "company": nil, "email": nil, "phone": nil, "fax": nil, "website": nil,
		"custom_fields": "", "addresses": List{Item: "address"}, "paypal_accounts": List{Item: "paypal_account"},
	}, given)
	w.Card(c)
	return c
}

// Card makes a payment method of a customer, and returns its token.
func (w *World) Card(customer string) string {
	return w.add(Cards, customer, "", Fields{
		"customer_id": customer, "bin": "424242", "last_4": "4242", "card_type": "Visa", "cardholder_name": "Ann Lee", "expiration_month": "12", "expiration_year": "2030",
		"default": true, "expired": false, "unique_number_identifier": "bystander4242", "verifications": List{Item: "verification"},
	}, nil)
}

// card returns the first payment method of a customer; nil if there is none.
func (w *World) card(customer string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.order {
		if o.kind == Cards && o.owner == customer {
			return o.id
		}
	}
	return nil
}

// Change of a status of a subscription.
type status struct {
	at     time.Time
	status string
}

func history(all ...status) List {
	l := List{Item: "status_event"}
	for _, s := range slices.Backward(all) {
		l.All = append(l.All, Fields{"timestamp": s.at, "status": s.status, "user": "ann@example.com", "subscription_source": "api", "balance": "0.00", "price": "10.00"})
	}
	return l
}

// Subscribe makes an active subscription.
func (w *World) Subscribe(customer, plan string, given Fields) string {
	now := w.Now()
	return w.add(Subscriptions, customer, "", Fields{
		"plan_id": plan, "price": "10.00", "status": "Active", "payment_method_token": w.card(customer), "merchant_account_id": "world_eur", "balance": "0.00",
		"first_billing_date": On(now), "billing_day_of_month": now.Day(), "billing_period_start_date": On(now), "billing_period_end_date": On(now.AddDate(0, 1, -1)),
		"next_billing_date": On(now.AddDate(0, 1, 0)), "paid_through_date": On(now.AddDate(0, 1, -1)), "current_billing_cycle": 1, "number_of_billing_cycles": nil,
		"never_expires": true, "trial_period": false, "trial_duration": nil, "trial_duration_unit": nil, "days_past_due": nil, "failure_count": 0,
		"add_ons": List{Item: "add_on"}, "discounts": List{Item: "discount"}, "status_history": history(status{now, "Active"}),
	}, given)
}

// End ends a subscription now, with a status such as Canceled.
func (w *World) End(subscription, with string) {
	now := w.Now()
	began, _ := w.Get(subscription, "created_at").(time.Time)
	w.Change(subscription, Fields{"status": with, "next_billing_date": nil, "status_history": history(status{began, "Active"}, status{now, with})})
}

// Sale makes a transaction of a customer.
func (w *World) Sale(customer, currency, amount string, given Fields) string {
	return w.transaction(customer, "", "sale", currency, amount, given)
}

// Charge makes a transaction of a subscription, for the period from a day to another, which is in it.
func (w *World) Charge(subscription, amount string, from, to Date, given Fields) string {
	w.mu.Lock()
	o := w.objects[subscription]
	fields := Fields{
		"plan_id": o.fields["plan_id"], "subscription_id": subscription, "recurring": true,
		"subscription": Fields{"billing_period_start_date": from, "billing_period_end_date": to},
	}
	w.mu.Unlock()
	maps.Copy(fields, given)
	return w.transaction(o.owner, subscription, "sale", "EUR", amount, fields)
}

// Refund pays back a part of a transaction, or pays a customer of no transaction.
func (w *World) Refund(transaction, amount string) string {
	w.mu.Lock()
	o := w.objects[transaction]
	currency := fmt.Sprint(o.fields["currency_iso_code"])
	w.mu.Unlock()
	id := w.transaction(o.owner, o.sub, "credit", currency, amount, Fields{"refunded_transaction_id": transaction})
	w.Change(transaction, Fields{"refund_ids": texts{id}})
	return id
}

func (w *World) transaction(customer, sub, kind, currency, amount string, given Fields) string {
	now := w.Now()
	w.mu.Lock()
	who := Fields{"id": nil, "first_name": nil, "last_name": nil, "company": nil, "email": nil, "website": nil}
	if c := w.objects[customer]; c != nil {
		for name := range who {
			who[name] = c.fields[name]
		}
	}
	w.mu.Unlock()
	return w.add(Transactions, customer, sub, Fields{
		"type": kind, "status": "settled", "currency_iso_code": strings.ToUpper(currency), "amount": amount, "merchant_account_id": "world_eur", "order_id": nil,
		"customer": who, "plan_id": nil, "subscription_id": nil, "recurring": false, "subscription": Fields{"billing_period_start_date": nil, "billing_period_end_date": nil},
		"add_ons": List{Item: "add_on"}, "discounts": List{Item: "discount"}, "disputes": List{Item: "dispute"}, "refund_ids": texts{}, "refunded_transaction_id": nil,
		"retried_transaction_id": nil, "partial_settlement_transaction_ids": texts{}, "authorized_transaction_id": nil, "tax_amount": nil, "tax_exempt": false, "discount_amount": nil,
		"credit_card":    Fields{"token": nil, "bin": "424242", "last_4": "4242", "cardholder_name": "Ann Lee"},
		"status_history": List{"status_event", []Fields{{"timestamp": now, "status": "settled", "amount": amount, "user": "ann@example.com", "transaction_source": "api"}}},
	}, given)
}

// Dispute makes a dispute of a transaction.
func (w *World) Dispute(transaction, status, amount string) {
	w.mu.Lock()
	currency, now := w.objects[transaction].fields["currency_iso_code"], w.now
	w.mu.Unlock()
	w.Change(transaction, Fields{"disputes": List{"dispute", []Fields{{
		"id": "d" + transaction, "status": status, "kind": "chargeback", "amount_disputed": amount, "amount_won": "0.00", "currency_iso_code": currency,
		"received_date": On(now), "reason": "fraud", "case_number": "CB1",
	}}}})
}

// Fill makes n of each kind of objects, but 2n subscriptions and 3n transactions of some, and returns the ids of all objects. All are made in the same
// second if span is 0, else that far apart.
func (w *World) Fill(n int, span time.Duration) []string {
	for i := range n {
		w.Advance(span)
		now := w.Now()
		customer := w.Customer(Fields{"email": fmt.Sprintf("ann%d@example.com", i), "first_name": "Ann", "last_name": "Lee"})
		plan := w.Plan("Plan", "10.00", 1)
		sub := w.Subscribe(customer, plan, nil)
		if i%2 == 0 {
			w.End(sub, "Canceled")
		}
		charge := w.Charge(sub, "10.00", On(now), On(now.AddDate(0, 1, -1)), nil)
		if i%4 == 0 {
			w.Refund(charge, "1.00")
			w.Dispute(charge, "lost", "0.50")
		}
	}
	w.Advance(time.Second)
	return w.All()
}

// Long makes n subscriptions with so many transactions, and returns the ids of all objects.
func (w *World) Long(n, parts int) []string {
	customer := w.Customer(Fields{"company": "Long"})
	plan := w.Plan("Plan", "10.00", 1)
	for range n {
		sub := w.Subscribe(customer, plan, nil)
		for i := range parts {
			from := w.Now().AddDate(0, i, 0)
			w.Charge(sub, "10.00", On(from), On(from.AddDate(0, 1, -1)), nil)
		}
	}
	w.Advance(time.Second)
	return w.All()
}
