package paypal

import "time"

// slack is how much before its time a cycle may be charged.
const slack = 12 * time.Hour

// mostCycles is how many cycles of one kind are walked through: more than a subscription of a day can have.
const mostCycles = 40_000

// period finds the cycle of a subscription in which a payment was made: PayPal does not say it. Cycles follow one another from the beginning
// of the subscription.
func (s subscriptionShape) period(paid time.Time) (start, end time.Time, ok bool) {
	start = s.StartTime.Time
	if start.IsZero() {
		return start, end, false
	}
	for _, c := range inOrder(s.Plan.BillingCycles) {
		count, unit, known := c.Frequency.interval()
		if !known {
			return start, end, false
		}
		anchor := start
		for n := 1; n <= mostCycles && (c.TotalCycles <= 0 || int64(n) <= c.TotalCycles); n++ {
			end = later(anchor, n*int(count), unit)
			if paid.Before(end.Add(-slack)) {
				return start, end, true
			}
			start = end
		}
	}
	return start, end, false
}

// later adds an interval to a time. The day stays, or is the last one of a month that does not have it.
func later(t time.Time, count int, unit string) time.Time {
	months := count
	switch unit {
	case "day":
		return t.AddDate(0, 0, count)
	case "year":
		months = 12 * count
	}
	to := t.AddDate(0, months, 0)
	if to.Day() != t.Day() { // it has run over into the next month
		to = to.AddDate(0, 0, -to.Day())
	}
	return to
}
