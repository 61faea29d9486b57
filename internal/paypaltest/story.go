package paypaltest

import "time"

const day = 24 * time.Hour

// Story makes two customers. One lives through all that a subscription can: a trial; the first payment, with the setup fee; an upgrade, which is another
// subscription in PayPal; a payment that fails and is tried again; a refund of a part; a suspension that ends; the end; and a new
// subscription. The other one is a bystander with one payment.
func (w *World) Story() {
	workshop := w.Plan("Workshop", "50.00", Fields{"billing_cycles": []any{Cycle("REGULAR", 1, 0, "YEAR", 1, "EUR", "50.00")}})
	by := w.Payer("", "Bystander Ltd.", "by@example.com", Fields{"country_code": "AT", "admin_area_2": "Graz", "postal_code": "8010"})
	w.Pay(w.Subscribe(by, workshop, nil), "EUR", "50.00", nil)

	small := w.Plan("Small", "10.00", Fields{
		"billing_cycles":      []any{Cycle("TRIAL", 1, 1, "DAY", 14, "EUR", "0.00"), Cycle("REGULAR", 2, 0, "DAY", 30, "EUR", "10.00")},
		"payment_preferences": Fields{"setup_fee": money("EUR", "5.00")},
	})
	large := w.Plan("Large", "30.00", Fields{"billing_cycles": []any{Cycle("REGULAR", 1, 0, "DAY", 30, "EUR", "30.00")}})
	ann := w.Payer("Ann", "Lee", "ann@example.com", nil)
	sub := w.Subscribe(ann, small, nil)

	w.Advance(14 * day) // paid, with tax and the setup fee
	first := w.Pay(sub, "EUR", "16.80", Fields{"amounts": Fields{"total_item_amount": money("EUR", "15.00"), "tax_amount": money("EUR", "1.80")}})

	w.Advance(15 * day) // upgrade
	w.End(sub, "CANCELLED")
	upgraded := w.Subscribe(ann, large, nil)
	w.Pay(upgraded, "EUR", "30.00", nil)

	w.Advance(30 * day) // fails, then is paid
	w.Pay(upgraded, "EUR", "30.00", Fields{"status": "DECLINED"})
	w.Advance(3 * day)
	w.Pay(upgraded, "EUR", "30.00", nil)

	w.Advance(2 * day) // a part of the first payment goes back
	w.Back(first, "T1107", "EUR", "3.00")
	w.Change(first, Fields{"status": "PARTIALLY_REFUNDED"})

	w.Advance(day) // pause
	w.End(upgraded, "SUSPENDED")
	w.Advance(10 * day)
	w.End(upgraded, "ACTIVE")

	w.Advance(14 * day) // the end
	w.End(upgraded, "CANCELLED")

	w.Advance(10 * day) // back again
	again := w.Subscribe(ann, large, nil)
	w.Pay(again, "EUR", "30.00", nil)
	w.Advance(late + time.Second)
}
