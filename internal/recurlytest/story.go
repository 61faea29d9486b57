package recurlytest

import (
	"encoding/json"
	"time"
)

const day = 24 * time.Hour

// Story makes two accounts. One lives through all that a subscription can: a trial; the first payment; an upgrade in
// mid-period, with a credit for the rest of the old plan; a payment that fails and is tried again; a refund of a part; a pause; the end at the
// end of a period; and a new subscription. The other one is a bystander with one invoice.
func (w *World) Story() {
	by := w.Add(Accounts, "", Fields{"code": "bystander", "company": "Bystander Ltd.", "address": Fields{"city": "Graz", "country": "AT", "postal_code": "8010"}})
	w.Pay(w.Bill(by, "EUR", nil, Line{Amount: 5000, Text: "Workshop"}), 5000)

	small, large := w.Plan("Small"), w.Plan("Large")
	ann := w.Add(Accounts, "", Fields{
		"code": "ann", "first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "custom_fields": []any{Fields{"name": "segment", "value": "SMB"}},
	})
	start := w.Now()
	trialEnd := start.Add(14 * day)
	sub := w.Subscribe(ann, small, trialEnd, Fields{"trial_started_at": spell(start), "trial_ends_at": spell(trialEnd)})
	w.Bill(ann, "EUR", Fields{"state": "paid"}, Line{Subscription: sub, Plan: small, Origin: "plan_trial", Start: start, End: trialEnd, Text: "Trial of Small"})

	w.Advance(14 * day) // paid
	first := w.Bill(ann, "EUR", Fields{"origin": "renewal"},
		Line{Amount: 1080, Discount: 100, Tax: 180, Subscription: sub, Plan: small, Start: trialEnd, End: trialEnd.Add(30 * day), Text: "Small"})
	payment := w.Pay(first, 1080)

	w.Advance(15 * day) // upgrade
	middle, end := trialEnd.Add(15*day), trialEnd.Add(30*day)
	upgrade := w.Bill(ann, "EUR", Fields{"origin": "immediate_change"},
		Line{Amount: 1500, Rate: "0.5", Subscription: sub, Plan: large, Start: middle, End: end, Text: "Large, prorated"})
	credit := w.Bill(ann, "EUR", Fields{"type": "credit", "origin": "immediate_change", "state": "closed", "balance": json.Number("0.0")},
		Line{Amount: -500, Credit: true, Rate: "0.5", Subscription: sub, Plan: small, Start: middle, End: end, Text: "Small, unused"})
	applied := []any{Fields{
		"id": "cp00000000001", "object": "credit_payment", "action": "payment", "currency": "EUR", "amount": json.Number("5.00"),
		"applied_to_invoice": Fields{"id": upgrade, "object": "invoice"}, "original_invoice": Fields{"id": credit, "object": "invoice"},
	}}
	w.Change(upgrade, Fields{"credit_payments": applied})
	w.Change(credit, Fields{"credit_payments": applied})
	w.Pay(upgrade, 1000)
	w.Change(sub, Fields{"plan": Fields{"id": large, "object": Plans, "code": w.Field(large, "code")}})

	w.Advance(15 * day) // fails, then is paid
	second := w.Bill(ann, "EUR", Fields{"origin": "renewal"}, Line{Amount: 3000, Subscription: sub, Plan: large, Start: end, End: end.Add(30 * day), Text: "Large"})
	w.Transact(second, "purchase", "declined", 3000, nil)
	w.Change(second, Fields{"state": "past_due"})
	w.Advance(3 * day)
	w.Pay(second, 3000)

	w.Advance(2 * day) // a part of the first payment goes back
	w.Refund(first, payment, 300)

	w.Advance(25 * day) // pause: there is no invoice for the period
	w.Change(sub, Fields{"state": "paused", "paused_at": spell(w.Now()), "remaining_pause_cycles": 1})

	w.Advance(10 * day) // resumed, and cancelled for the end of the period
	asked := w.Now()
	w.mu.Lock()
	delete(w.objects[sub].fields, "paused_at")
	delete(w.objects[sub].fields, "remaining_pause_cycles")
	w.mu.Unlock()
	w.Advance(20 * day)
	w.Change(sub, Fields{"state": "expired", "canceled_at": spell(asked), "expires_at": spell(w.Now())})

	w.Advance(10 * day) // back again
	back := w.Now()
	again := w.Subscribe(ann, small, back.Add(30*day), nil)
	w.Pay(w.Bill(ann, "EUR", nil, Line{Amount: 1000, Subscription: again, Plan: small, Start: back, End: back.Add(30 * day), Text: "Small"}), 1000)
	w.Advance(time.Second)
}
