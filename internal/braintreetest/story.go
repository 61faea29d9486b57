package braintreetest

import "time"

const day = 24 * time.Hour

// Story makes two customers. One lives through all that a subscription can: a trial; the first payment; an upgrade in mid-period; a payment that
// fails and is tried again; a refund of a part; the end at the end of a period; and a new subscription. There is no pause: Braintree has none. The other
// one is a bystander with one sale.
func (w *World) Story() {
	by := w.Customer(Fields{"company": "Bystander Ltd.", "addresses": List{"address", []Fields{{
		"id": "a1", "country_code_alpha2": "AT", "locality": "Graz", "postal_code": "8010", "region": nil,
	}}}})
	w.Sale(by, "eur", "50.00", Fields{"order_id": "Workshop"})

	small, large := w.Plan("Small", "10.00", 1), w.Plan("Large", "30.00", 1)
	ann := w.Customer(Fields{"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "custom_fields": Fields{"segment": "SMB"}})
	start := w.Now()
	trialEnd := start.Add(14 * day)
	sub := w.Subscribe(ann, small, Fields{
		"trial_period": true, "trial_duration": 14, "trial_duration_unit": "day", "first_billing_date": On(trialEnd), "billing_period_start_date": nil, "billing_period_end_date": nil,
	})

	w.Advance(14 * day) // paid
	end := trialEnd.Add(30 * day)
	first := w.Charge(sub, "10.80", On(trialEnd), On(end.Add(-day)), Fields{"tax_amount": "1.80", "discounts": List{"discount", []Fields{{
		"id": "launch", "amount": "1.00", "quantity": 1, "name": "Launch", "current_billing_cycle": 1, "never_expires": true, "number_of_billing_cycles": nil,
	}}}})

	w.Advance(15 * day) // upgrade: the difference for the rest of the period
	w.Change(sub, Fields{"plan_id": large, "price": "30.00"})
	w.Charge(sub, "10.00", On(trialEnd), On(end.Add(-day)), nil)

	w.Advance(15 * day) // fails, then is paid
	failed := w.Charge(sub, "30.00", On(end), On(end.Add(29*day)), Fields{"status": "processor_declined"})
	w.Change(sub, Fields{"status": "Past Due", "billing_period_start_date": On(end), "billing_period_end_date": On(end.Add(29 * day))})
	w.Advance(3 * day)
	w.Charge(sub, "30.00", On(end), On(end.Add(29*day)), Fields{"retried_transaction_id": failed})
	w.Change(sub, Fields{"status": "Active"})

	w.Advance(2 * day) // a part of the first payment goes back
	w.Refund(first, "3.00")

	w.Advance(10 * day) // cancelled, for the end of the period: no further cycle
	w.Change(sub, Fields{"never_expires": false, "number_of_billing_cycles": 2, "current_billing_cycle": 2})
	w.Advance(15 * day)
	w.End(sub, "Expired")

	w.Advance(10 * day) // back again
	back := w.Now()
	again := w.Subscribe(ann, small, nil)
	w.Charge(again, "10.00", On(back), On(back.Add(29*day)), nil)
	w.Advance(time.Second)
}
