package stripetest

import (
	"fmt"
	"maps"
	"time"
)

// Line is a line of an invoice.
type Line struct {
	Amount       int64
	Subscription string // with Item: the line bills a subscription
	Item         string
	Price        string
	Proration    bool
	Start, End   time.Time
	Discount     int64
	Tax          int64
	Inclusive    bool // the tax is in the amount
	Text         string
	Quantity     int64 // 0: 1
}

// Bill makes a finalised, open invoice whose lines sum to its total.
func (w *World) Bill(customer, currency string, lines ...Line) (invoice string) {
	total := int64(0)
	for _, l := range lines {
		total += l.Amount - l.Discount
		if !l.Inclusive {
			total += l.Tax
		}
	}
	now := w.Now().Unix()
	invoice = w.Add("invoice", Fields{
		"customer": customer, "currency": currency, "total": total, "subtotal": total, "amount_due": max(total, 0), "amount_remaining": max(total, 0),
		"status_transitions": Fields{"finalized_at": now, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil},
	})
	for _, l := range lines {
		w.AddTo(invoice, "line_item", l.fields(currency, now))
	}
	return invoice
}

func (l Line) fields(currency string, now int64) Fields {
	f := Fields{
		"amount": l.Amount, "subtotal": l.Amount, "currency": currency, "description": l.Text, "quantity": max(l.Quantity, 1),
		"period": Fields{"start": now, "end": now}, "parent": Fields{
			"type": "invoice_item_details", "subscription_item_details": nil,
			"invoice_item_details": Fields{"invoice_item": "ii_1", "proration": false, "proration_details": nil, "subscription": nil},
		},
	}
	if l.Item != "" {
		f["period"] = Fields{"start": l.Start.Unix(), "end": l.End.Unix()}
		f["parent"] = Fields{
			"type": "subscription_item_details", "invoice_item_details": nil,
			"subscription_item_details": Fields{"invoice_item": nil, "proration": l.Proration, "proration_details": nil, "subscription": l.Subscription, "subscription_item": l.Item},
		}
	}
	if l.Price != "" {
		f["pricing"] = Fields{"type": "price_details", "unit_amount_decimal": nil, "price_details": Fields{"price": l.Price, "product": "prod_1"}}
	}
	if l.Discount != 0 {
		f["discount_amounts"] = []any{Fields{"amount": l.Discount, "discount": "di_1"}}
		f["pretax_credit_amounts"] = []any{Fields{"amount": l.Discount, "discount": "di_1", "type": "discount"}}
	}
	if l.Tax != 0 {
		behavior := "exclusive"
		if l.Inclusive {
			behavior = "inclusive"
		}
		f["taxes"] = []any{Fields{"amount": l.Tax, "tax_behavior": behavior, "tax_rate_details": nil, "taxability_reason": "standard_rated", "taxable_amount": l.Amount, "type": "tax_rate_details"}}
	}
	return f
}

// Pay pays a part of an invoice, or all of it, and returns the charge. A payment that has failed before is the one
// that succeeds now.
func (w *World) Pay(invoice string, amount int64) (charge string) {
	intent := w.intent(invoice)
	w.mu.Lock()
	now, in := w.now.Unix(), w.objects[invoice]
	customer, currency := in.fields["customer"], in.fields["currency"]
	paid := toInt(in.fields["amount_paid"]) + amount
	whole := paid >= toInt(in.fields["total"])
	w.mu.Unlock()
	charge = w.Add("charge", Fields{"amount": amount, "amount_captured": amount, "currency": currency, "customer": customer, "payment_intent": intent.id, "status": "succeeded"})
	w.Change(intent.payment, Fields{"amount_paid": amount, "status": "paid", "status_transitions": Fields{"canceled_at": nil, "paid_at": now}})
	changed := Fields{"amount_paid": paid}
	if whole {
		changed["status"] = "paid"
		changed["status_transitions"] = Fields{"finalized_at": in.created, "marked_uncollectible_at": nil, "paid_at": now, "voided_at": nil}
	}
	w.Change(invoice, changed)
	return charge
}

// Fail tries to take the payment of an invoice, in vain.
func (w *World) Fail(invoice string, amount int64) (charge string) {
	intent := w.intent(invoice)
	w.mu.Lock()
	in := w.objects[invoice].fields
	w.mu.Unlock()
	return w.Add("charge", Fields{
		"amount": amount, "currency": in["currency"], "customer": in["customer"], "payment_intent": intent.id, "status": "failed", "paid": false, "failure_code": "card_declined",
	})
}

// Refund pays back a part of a charge.
func (w *World) Refund(charge string, amount int64) string {
	w.mu.Lock()
	c := w.objects[charge].fields
	w.mu.Unlock()
	return w.Add("refund", Fields{"amount": amount, "charge": charge, "currency": c["currency"], "payment_intent": c["payment_intent"]})
}

type intent struct{ id, payment string }

// intent finds the payment intent of an invoice that is not paid yet, or makes one.
func (w *World) intent(invoice string) intent {
	w.mu.Lock()
	for _, p := range w.parts[inside{invoice, "invoice_payment"}] {
		if by, ok := p.fields["payment"].(Fields); ok && p.fields["status"] == "open" {
			w.mu.Unlock()
			return intent{fmt.Sprint(by["payment_intent"]), p.id}
		}
	}
	w.numbers["pi"]++
	id := id("pi", w.numbers["pi"])
	currency := w.objects[invoice].fields["currency"]
	w.mu.Unlock()
	return intent{id, w.AddTo(invoice, "invoice_payment", Fields{
		"invoice": invoice, "currency": currency, "status": "open", "amount_paid": nil, "payment": Fields{"type": "payment_intent", "payment_intent": id},
	})}
}

func toInt(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case int:
		return int64(n)
	case float64:
		return int64(n)
	}
	return 0
}

// Price makes a product with a price for each month, and returns the price.
func (w *World) Price(name string, amount int64, currency string) string {
	product := w.Add("product", Fields{"name": name})
	return w.Add("price", Fields{
		"product": product, "unit_amount": amount, "currency": currency, "nickname": nil, "type": "recurring",
		"recurring": Fields{"interval": "month", "interval_count": 1, "meter": nil, "trial_period_days": nil, "usage_type": "licensed"},
	})
}

// Subscribe makes a subscription with one item.
func (w *World) Subscribe(customer, price string, end time.Time) (subscription, item string) {
	subscription = w.Add("subscription", Fields{"customer": customer})
	w.mu.Lock()
	p := maps.Clone(w.objects[price].fields)
	now := w.now.Unix()
	w.mu.Unlock()
	item = w.AddTo(subscription, "subscription_item", Fields{"price": p, "subscription": subscription, "current_period_start": now, "current_period_end": end.Unix()})
	return subscription, item
}

// Fill makes n of each object that has a list of its own, and returns the ids of all objects. All are made in the same second
// if span is 0, else that far apart.
func (w *World) Fill(n int, span time.Duration) []string {
	for i := range n {
		w.Advance(span)
		customer := w.Add("customer", Fields{"email": fmt.Sprintf("ann%d@example.com", i), "name": "Ann"})
		price := w.Price("Plan", 1000, "eur")
		end := w.Now().AddDate(0, 1, 0)
		subscription, item := w.Subscribe(customer, price, end)
		invoice := w.Bill(customer, "eur", Line{Amount: 1000, Subscription: subscription, Item: item, Price: price, Start: w.Now(), End: end})
		charge := w.Pay(invoice, 1000)
		w.Refund(charge, 100)
		w.Add("dispute", Fields{"charge": charge, "amount": 50, "currency": "eur", "status": "lost"})
		note := w.Add("credit_note", Fields{"invoice": invoice, "customer": customer, "currency": "eur"})
		w.AddTo(note, "credit_note_line_item", Fields{})
	}
	w.Advance(time.Second)
	return w.All()
}

// Long makes n invoices and credit notes with so many lines, and as many payments and subscription items as are possible in practice, and returns the ids
// of all objects.
func (w *World) Long(n, parts int) []string {
	customer := w.Add("customer", Fields{"name": "Long"})
	price := w.Price("Plan", 1000, "eur")
	subscription, item := w.Subscribe(customer, price, w.Now())
	for range shown + 4 {
		w.AddTo(subscription, "subscription_item", Fields{"price": w.field(item, "price"), "subscription": subscription})
	}
	for i := range n {
		lines := make([]Line, parts)
		for j := range lines {
			lines[j].Amount = int64(j + 10)
		}
		invoice := w.Bill(customer, "eur", lines...)
		if i == 0 {
			for range shown + 2 {
				w.Pay(invoice, 2)
			}
		}
		note := w.Add("credit_note", Fields{"invoice": invoice, "customer": customer, "currency": "eur"})
		for range parts {
			w.AddTo(note, "credit_note_line_item", Fields{})
		}
	}
	w.Advance(time.Second)
	return w.All()
}

func (w *World) field(id, name string) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.objects[id].fields[name]
}

// All returns the ids of all objects.
func (w *World) All() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, len(w.order))
	for i, o := range w.order {
		ids[i] = o.id
	}
	return ids
}
