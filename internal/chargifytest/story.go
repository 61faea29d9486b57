package chargifytest

import (
	"encoding/json"
	"time"
)

const day = 24 * time.Hour

func jsonNumber(s string) json.Number { return json.Number(s) }

// Story makes two customers. One lives through all that a subscription can: a trial; the first payment; an upgrade in
// mid-period, with a credit note for the rest of the old product; a payment that fails and is tried again; a refund of a part; a pause; the
// end at the end of a period; and the same subscription again. The other one is a bystander with one invoice.
func (w *World) Story() {
	by := w.Customer(Fields{"organization": "Bystander Ltd.", "city": "Graz", "country": "AT", "zip": "8010"})
	w.Pay(w.Bill(by, "", "EUR", Fields{"role": "adhoc"}, Line{Amount: 5000, Text: "Workshop"}), 5000)

	small, smallPrice := w.Product("Small")
	large, largePrice := w.Product("Large")
	ann := w.Customer(Fields{"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "organization": "Ann Lee"})
	w.Attribute(ann, "segment", "SMB")
	start := w.Now()
	trialEnd := start.Add(14 * day)
	sub := w.Subscribe(ann, small, Fields{"state": "trialing", "trial_started_at": spell(start), "trial_ended_at": spell(trialEnd)})
	w.Bill(ann, sub, "EUR", Fields{"role": "signup", "status": "paid"}, Line{Kind: "trial", Product: small, PricePoint: smallPrice, Start: start, End: trialEnd, Text: "Trial of Small"})

	w.Advance(14 * day) // paid
	w.State(sub, "active", Fields{"current_period_started_at": spell(w.Now())})
	first := w.Bill(ann, sub, "EUR", nil,
		Line{Amount: 1080, Discount: 100, Tax: 180, Kind: "baseline", Product: small, PricePoint: smallPrice, Start: trialEnd, End: trialEnd.Add(30 * day), Text: "Small"})
	payment := w.Pay(first, 1080)

	w.Advance(15 * day) // upgrade
	middle, end := trialEnd.Add(15*day), trialEnd.Add(30*day)
	upgrade := w.Bill(ann, sub, "EUR", Fields{"role": "migration"},
		Line{Amount: 1500, Kind: "baseline", Product: large, PricePoint: largePrice, Start: middle, End: end, Text: "Large, prorated"})
	credit := w.Credit(ann, sub, "EUR", Fields{"applications": []Fields{{"uid": "cdt_1", "invoice_uid": upgrade, "applied_amount": "5.0"}}},
		Line{Amount: 500, Product: small, Start: middle, End: end, Text: "Small, unused"})
	w.Change(upgrade, Fields{"credit_amount": "5.0", "credits": []Fields{{"uid": "cdt_1", "credit_note_uid": credit, "applied_amount": "5.0"}}})
	w.Pay(upgrade, 1000)

	w.Advance(15 * day) // fails, then is paid
	second := w.Bill(ann, sub, "EUR", nil, Line{Amount: 3000, Kind: "baseline", Product: large, PricePoint: largePrice, Start: end, End: end.Add(30 * day), Text: "Large"})
	w.Fail(second, 3000)
	w.State(sub, "past_due", nil)
	w.Advance(3 * day)
	w.Pay(second, 3000)
	w.State(sub, "active", nil)

	w.Advance(2 * day) // a part of the first payment goes back
	w.Refund(first, payment, 300)

	w.Advance(25 * day) // pause: there is no invoice for the period
	w.State(sub, "on_hold", Fields{"on_hold_at": spell(w.Now())})

	w.Advance(10 * day) // resumed, and cancelled for the end of the period
	w.State(sub, "active", nil)
	w.Ask(sub, w.Now().Add(20*day))
	w.Advance(20 * day)
	w.State(sub, "canceled", Fields{"canceled_at": spell(w.Now())})

	w.Advance(10 * day) // back again
	back := w.Now()
	w.State(sub, "active", Fields{"canceled_at": nil, "cancel_at_end_of_period": false, "delayed_cancel_at": nil})
	w.Pay(w.Bill(ann, sub, "EUR", Fields{"role": "reactivation"}, Line{Amount: 1000, Kind: "baseline", Product: small, PricePoint: smallPrice, Start: back, End: back.Add(30 * day), Text: "Small"}), 1000)
	w.Advance(time.Second)
}
