package chargifytest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"reseed/pkg/billing"
)

// Line is a line of an invoice or a credit note.
type Line struct {
	Amount       int64  // in minor units: what the customer pays, after the discount and with tax
	Kind         string // empty: of an invoice, a custom item
	Product      string // id
	PricePoint   string // id
	Component    string // id
	Start, End   time.Time
	Discount     int64
	Tax          int64
	Text         string
	Quantity     string // empty: 1
	SubtotalText string // in place of the amount
}

// text writes minor units as Chargify does: as a decimal text of major units, with that many decimals at least.
func text(minor int64, currency string, decimals int) string {
	digits := billing.Exponent(currency)
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	s := fmt.Sprintf("%0*d", digits+1, minor)
	whole, part := s[:len(s)-digits], s[len(s)-digits:]
	return sign + whole + "." + part + strings.Repeat("0", max(decimals-digits, 0))
}

// Bill makes an invoice whose lines sum to its total: an open one, unless the fields say otherwise.
func (w *World) Bill(customer, subscription, currency string, given Fields, lines ...Line) (invoice string) {
	fields := w.document(customer, subscription, currency, lines)
	maps.Copy(fields, Fields{
		"status": "open", "role": "renewal", "consolidation_level": "none", "collection_method": "automatic", "due_date": date(w.Now()), "paid_amount": "0.0",
		"credit_amount": "0.0", "refund_amount": "0.0", "due_amount": fields["total_amount"], "credits": []Fields{}, "payments": []Fields{}, "refunds": []Fields{},
		"public_url": "https://www.chargifypay.com/invoice/inv?token=" + PublicToken,
	})
	maps.Copy(fields, given)
	return w.Add(Invoices, fields)
}

// document makes what invoices and credit notes have in common.
func (w *World) document(customer, subscription, currency string, lines []Line) Fields {
	currency = strings.ToUpper(currency)
	subtotal, discount, tax := int64(0), int64(0), int64(0)
	discounted, taxed := []Fields{}, []Fields{}
	items := make([]Fields, 0, len(lines))
	for _, l := range lines {
		item := w.line(l, currency)
		items = append(items, item)
		subtotal, discount, tax = subtotal+l.Amount+l.Discount-l.Tax, discount+l.Discount, tax+l.Tax
		if l.Discount != 0 {
			discounted = append(discounted, Fields{"uid": item["uid"], "eligible_amount": item["subtotal_amount"], "discount_amount": text(l.Discount, currency, 8)})
		}
		if l.Tax != 0 {
			taxed = append(taxed, Fields{"uid": item["uid"], "taxable_amount": item["subtotal_amount"], "tax_amount": text(l.Tax, currency, 8)})
		}
	}
	f := Fields{
		"site_id": 77, "customer_id": w.Number(customer), "issue_date": date(w.Now()), "currency": currency, "line_items": items, "discounts": []Fields{}, "taxes": []Fields{},
		"subtotal_amount": text(subtotal, currency, 1), "discount_amount": text(discount, currency, 1), "tax_amount": text(tax, currency, 1),
		"total_amount": text(subtotal-discount+tax, currency, 1),
	}
	if subscription != "" {
		f["subscription_id"] = w.Number(subscription)
	}
	if len(discounted) > 0 {
		f["discounts"] = []Fields{{"uid": "dli_1", "title": "Welcome", "code": "WELCOME", "discount_amount": text(discount, currency, 1), "line_item_breakouts": discounted}}
	}
	if len(taxed) > 0 {
		f["taxes"] = []Fields{{"uid": "txli_1", "title": "VAT", "percentage": "20.0", "tax_amount": text(tax, currency, 1), "line_item_breakouts": taxed}}
	}
	return f
}

func (w *World) line(l Line, currency string) Fields {
	w.mu.Lock()
	w.numbers["line"]++
	uid := fmt.Sprintf("li_%08d", w.numbers["line"])
	w.mu.Unlock()
	f := Fields{
		"uid": uid, "title": l.Text, "quantity": "1.0", "subtotal_amount": text(l.Amount+l.Discount-l.Tax, currency, 8), "unit_price": text(l.Amount+l.Discount-l.Tax, currency, 8),
		"discount_amount": text(l.Discount, currency, 8), "tax_amount": text(l.Tax, currency, 8), "total_amount": text(l.Amount, currency, 8),
		"period_range_start": date(w.Now()), "period_range_end": date(w.Now()), "custom_item": l.Product == "", "product_id": nil, "component_id": nil,
	}
	if l.SubtotalText != "" {
		f["subtotal_amount"] = l.SubtotalText
	}
	if l.Quantity != "" {
		f["quantity"] = l.Quantity
	}
	if l.Kind != "" {
		f["kind"] = l.Kind
	}
	if l.Product != "" {
		f["product_id"] = w.Number(l.Product)
	}
	if l.PricePoint != "" {
		f["product_price_point_id"] = w.Number(l.PricePoint)
	}
	if l.Component != "" {
		f["component_id"] = w.Number(l.Component)
	}
	if !l.End.IsZero() {
		f["period_range_start"], f["period_range_end"] = date(l.Start), date(l.End)
	}
	return f
}

func (w *World) transaction() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers["transaction"]++
	return 990_000_000 + w.numbers["transaction"]
}

// Pay pays an invoice, and returns the number of the transaction.
func (w *World) Pay(invoice string, minor int64) int {
	number := w.transaction()
	currency := fmt.Sprint(w.Field(invoice, "currency"))
	w.mu.Lock()
	w.paid[invoice] += minor
	paid := text(w.paid[invoice], currency, 1)
	w.mu.Unlock()
	amount := text(minor, currency, 1)
	payments, _ := w.Field(invoice, "payments").([]Fields)
	w.Change(invoice, Fields{
		"status": "paid", "paid_amount": paid, "due_amount": "0.0", "paid_date": date(w.Now()),
		"payments": append(payments, Fields{
			"transaction_id": number, "transaction_time": spell(w.Now()), "memo": "Payment", "original_amount": amount, "applied_amount": amount,
			"prepayment": false, "payment_method": Fields{"type": "external", "kind": "cash", "memo": "", "details": ""},
		}),
	})
	return number
}

// happen makes an event of an invoice.
func (w *World) happen(invoice, kind string, data Fields) {
	w.Add(InvoiceEvents, Fields{
		"timestamp": spell(w.Now()), "event_type": kind, "event_data": data,
		"invoice": Fields{"uid": invoice, "customer_id": w.Field(invoice, "customer_id"), "public_url": "https://www.chargifypay.com/invoice/inv?token=" + PublicToken},
	})
}

// Fail is a payment that failed.
func (w *World) Fail(invoice string, minor int64) int {
	number := w.transaction()
	w.happen(invoice, "failed_payment", Fields{
		"amount_in_cents": minor, "applied_amount": jsonNumber(text(minor, fmt.Sprint(w.Field(invoice, "currency")), 1)), "memo": nil, "payment_method": "credit_card", "transaction_id": number,
	})
	return number
}

// Refund pays back a part of a payment: with a credit note, as Chargify does.
func (w *World) Refund(invoice string, payment int, minor int64) (credit string) {
	number, currency := w.transaction(), fmt.Sprint(w.Field(invoice, "currency"))
	amount := text(minor, currency, 1)
	refund := Fields{"transaction_id": number, "payment_id": payment, "memo": "Refund", "original_amount": amount, "applied_amount": amount}
	refunds, _ := w.Field(invoice, "refunds").([]Fields)
	w.Change(invoice, Fields{"refunds": append(refunds, refund), "refund_amount": amount})
	customer := fmt.Sprint(w.Field(invoice, "customer_id"))
	credit = w.Credit(customer, w.subscriptionOf(invoice), currency, Fields{"refunds": []Fields{refund}, "origin_invoices": []Fields{{"uid": invoice}}}, Line{Amount: minor, Text: "Refund"})
	w.happen(invoice, "refund_invoice", Fields{
		"apply_credit": false, "credit_note_attributes": Fields{"uid": credit}, "payment_id": payment, "refund_amount": amount, "refund_id": number,
		"transaction_time": w.Now().Format(time.RFC3339),
	})
	return credit
}

// Chargeback changes the status of a chargeback.
func (w *World) Chargeback(invoice, status string) {
	w.happen(invoice, "change_chargeback_status", Fields{"chargeback_status": status})
}

func (w *World) subscriptionOf(invoice string) string {
	if n := w.Field(invoice, "subscription_id"); n != nil {
		return fmt.Sprint(n)
	}
	return ""
}

// Credit makes a credit note. Its amounts are what it gives back.
func (w *World) Credit(customer, subscription, currency string, given Fields, lines ...Line) string {
	fields := w.document(customer, subscription, currency, lines)
	fields["status"], fields["applications"], fields["refunds"], fields["origin_invoices"] = "applied", []Fields{}, []Fields{}, []Fields{}
	for _, l := range list(fields, "line_items") {
		delete(l, "kind")
		if l["product_id"] == nil {
			delete(l, "product_id")
		}
		delete(l, "product_price_point_id")
	}
	maps.Copy(fields, given)
	return w.Add(CreditNotes, fields)
}

// Product makes a product that is billed each month, with one price point.
func (w *World) Product(name string) (product, pricePoint string) {
	product = w.Add(Products, Fields{"name": name, "interval": 1, "interval_unit": "month", "price_in_cents": 1000})
	pricePoint = w.Add(PricePoints, Fields{"product_id": w.Number(product), "name": "Default", "interval": 1, "interval_unit": "month", "price_in_cents": 1000})
	w.Change(product, Fields{"default_product_price_point_id": w.Number(pricePoint)})
	return product, pricePoint
}

// Customer makes a customer.
func (w *World) Customer(fields Fields) string { return w.Add(Customers, fields) }

// Attribute gives a customer a value of metadata.
func (w *World) Attribute(customer, name, value string) {
	w.Add(Metadata, Fields{"resource_id": w.Number(customer), "name": name, "value": value})
}

// Subscribe makes a subscription.
func (w *World) Subscribe(customer, product string, more Fields) string {
	fields := Fields{
		"customer_number": w.Number(customer), "state": "active", "product": Fields{"id": w.Number(product)}, "currency": "EUR", "current_period_started_at": spell(w.Now()),
		"credit_card": Fields{"id": 1, "first_name": "Ann", "last_name": "Lee", "masked_card_number": "XXXX-XXXX-XXXX-4242", "vault_token": VaultToken, "customer_vault_token": nil, "payment_type": "credit_card"},
	}
	maps.Copy(fields, more)
	return w.Add(Subscriptions, fields)
}

// State moves a subscription to another state.
func (w *World) State(subscription, state string, more Fields) {
	before := w.Field(subscription, "state")
	fields := Fields{"state": state}
	maps.Copy(fields, more)
	w.Change(subscription, fields)
	w.tell(subscription, "subscription_state_change", Fields{"previous_subscription_state": before, "new_subscription_state": state})
}

// Ask asks for the end of a subscription at a time; zero takes that back.
func (w *World) Ask(subscription string, at time.Time) {
	data := Fields{"cancellation_state": "canceled", "cancels_at": spell(at)}
	fields := Fields{"cancel_at_end_of_period": true, "delayed_cancel_at": spell(at)}
	if at.IsZero() {
		data["cancels_at"], fields["cancel_at_end_of_period"], fields["delayed_cancel_at"] = "", false, nil
	}
	w.Change(subscription, fields)
	w.tell(subscription, "pending_cancellation_change", data)
}

func (w *World) tell(subscription, key string, data Fields) {
	w.Add(Events, Fields{
		"key": key, "message": "Something happened to ann@example.com", "subscription_id": w.Number(subscription), "customer_id": w.Field(subscription, "customer_number"), "event_specific_data": data,
	})
}

// Fill makes n of each object that has a list of its own, and returns the ids of all objects. All are made in the same second
// if span is 0, else that far apart.
func (w *World) Fill(n int, span time.Duration) []string {
	for i := range n {
		w.Advance(span)
		customer := w.Customer(Fields{"email": fmt.Sprintf("ann%d@example.com", i), "first_name": "Ann", "last_name": "Lee", "organization": "Ann Lee"})
		w.Attribute(customer, "segment", "SMB")
		product, pricePoint := w.Product("Plan")
		seats := w.Add(Components, Fields{"name": "Seats", "kind": "quantity_based_component", "interval_unit": nil})
		sub := w.Subscribe(customer, product, Fields{"state": "trialing"})
		w.State(sub, "active", nil)
		now := w.Now()
		end := now.AddDate(0, 1, 0)
		invoice := w.Bill(customer, sub, "EUR", nil,
			Line{Amount: 1000, Kind: "baseline", Product: product, PricePoint: pricePoint, Start: now, End: end},
			Line{Amount: 200, Kind: "quantity_based_component", Product: product, PricePoint: pricePoint, Component: seats, Start: now, End: end})
		w.Fail(invoice, 1200)
		w.Pay(invoice, 1100)
		w.Credit(customer, sub, "EUR", Fields{"applications": []Fields{{"invoice_uid": invoice, "applied_amount": "1.0"}}}, Line{Amount: 100, Product: product, Start: now, End: end})
	}
	w.Advance(time.Second)
	return w.All()
}

// Long makes n invoices with so many lines, and returns the ids of all objects.
func (w *World) Long(n, parts int) []string {
	customer := w.Customer(Fields{"first_name": "Long"})
	for range n {
		lines := make([]Line, parts)
		for i := range lines {
			lines[i].Amount = int64(i + 10)
		}
		w.Bill(customer, "", "EUR", nil, lines...)
	}
	w.Advance(time.Second)
	return w.All()
}
