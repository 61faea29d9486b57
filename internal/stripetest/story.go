package stripetest

import "time"

const day = 24 * time.Hour

// Story makes two customers. One lives through all that a subscription can: a trial; the first payment; an upgrade in
// mid-period, with proration; a payment that fails and is tried again; a refund of a part; a pause; the end at the end of a
// period; and a new subscription. The other one is a bystander with one invoice.
func (w *World) Story() {
	by := w.Add("customer", Fields{"name": "Bystander Ltd.", "address": Fields{"city": "Graz", "country": "AT", "line1": nil, "line2": nil, "postal_code": "8010", "state": nil}})
	w.Pay(w.Bill(by, "eur", Line{Amount: 5000, Text: "Workshop"}), 5000)

	small, large := w.Price("Small", 1000, "eur"), w.Price("Large", 3000, "eur")
	ann := w.Add("customer", Fields{"name": "Ann Lee", "email": "ann@example.com", "metadata": Fields{"segment": "SMB"}})
	start := w.Now()
	trialEnd := start.Add(14 * day)
	sub, item := w.Subscribe(ann, small, trialEnd)
	w.Change(sub, Fields{"status": "trialing", "trial_start": start.Unix(), "trial_end": trialEnd.Unix()})
	trial := w.Bill(ann, "eur", Line{Subscription: sub, Item: item, Price: small, Start: start, End: trialEnd, Text: "Trial period for Small"})
	w.Change(trial, Fields{"status": "paid"}) // nothing is due, so there is no payment

	w.Advance(14 * day) // paid
	w.Change(sub, Fields{"status": "active"})
	first := w.Bill(ann, "eur", Line{Amount: 1000, Discount: 100, Tax: 180, Subscription: sub, Item: item, Price: small, Start: trialEnd, End: trialEnd.Add(30 * day), Text: "1 × Small"})
	charge := w.Pay(first, 1080)

	w.Advance(15 * day) // upgrade
	middle, end := trialEnd.Add(15*day), trialEnd.Add(30*day)
	upgrade := w.Bill(ann, "eur",
		Line{Amount: -500, Proration: true, Subscription: sub, Item: item, Price: small, Start: middle, End: end, Text: "Unused time on Small"},
		Line{Amount: 1500, Proration: true, Subscription: sub, Item: item, Price: large, Start: middle, End: end, Text: "Remaining time on Large"})
	w.Pay(upgrade, 1000)

	w.Advance(15 * day) // fails, then is paid
	second := w.Bill(ann, "eur", Line{Amount: 3000, Subscription: sub, Item: item, Price: large, Start: end, End: end.Add(30 * day), Text: "1 × Large"})
	w.Fail(second, 3000)
	w.Change(sub, Fields{"status": "past_due"})
	w.Advance(3 * day)
	w.Pay(second, 3000)
	w.Change(sub, Fields{"status": "active"})

	w.Advance(2 * day) // a part of the first payment goes back
	w.Refund(charge, 300)

	w.Advance(day) // pause: the invoice of the period is void
	w.Change(sub, Fields{"pause_collection": Fields{"behavior": "void", "resumes_at": nil}})
	w.Advance(24 * day)
	third := w.Bill(ann, "eur", Line{Amount: 3000, Subscription: sub, Item: item, Price: large, Start: end.Add(30 * day), End: end.Add(60 * day), Text: "1 × Large"})
	w.Change(third, Fields{"status": "void"})

	w.Advance(10 * day) // cancelled, for the end of the period
	asked := w.Now().Unix()
	w.Change(sub, Fields{"pause_collection": nil})
	w.Advance(20 * day)
	w.Change(sub, Fields{"status": "canceled", "cancel_at_period_end": true, "canceled_at": asked, "ended_at": w.Now().Unix()})

	w.Advance(10 * day) // back again
	back := w.Now()
	again, newItem := w.Subscribe(ann, small, back.Add(30*day))
	w.Pay(w.Bill(ann, "eur", Line{Amount: 1000, Subscription: again, Item: newItem, Price: small, Start: back, End: back.Add(30 * day), Text: "1 × Small"}), 1000)
	w.Advance(time.Second)
}
