package braintree

import (
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// cancellationScheduled is one of [billing.EventTypes].
const cancellationScheduled = "subscription_cancellation_scheduled"

// What is behind the id of a subscription in the ids of its events.
const (
	behindEnd  = ":cancelled"
	behindPlan = ":cancels"
)

// subscription maps the end of a subscription, or the end that is planned.
func (m *mapper) subscription(s subscriptionShape) {
	e := &billing.Event{CustomerExternalID: m.owner, SubscriptionExternalID: s.ID, SubscriptionSetExternalID: s.ID}
	switch s.Status {
	case "Pending":
		return
	case "Active", "Past Due":
		if s.NeverExpires || s.NumberOfBillingCycles == nil || s.CurrentBillingCycle < *s.NumberOfBillingCycles || s.BillingPeriodEndDate.IsZero() {
			return
		}
		e.ExternalID, e.Type = s.ID+behindPlan, cancellationScheduled
		e.Date, e.EffectiveDate = s.BillingPeriodStartDate.Time, s.BillingPeriodEndDate.AddDate(0, 0, 1)
	case "Canceled", "Expired":
		at := s.since()
		if at.IsZero() {
			m.reject(system.Issue{
				Dataset: billing.Events, Record: s.ID + behindEnd, Stream: Subscriptions, Object: s.ID, Field: "status_history", Code: CodeNoEnd,
				Message: "The subscription has ended, and its history does not say when.",
			})
			return
		}
		e.ExternalID, e.Type, e.Date, e.EffectiveDate = s.ID+behindEnd, billing.Cancelled, at, at
	default:
		m.note(system.Issue{
			Dataset: billing.Events, Stream: Subscriptions, Object: s.ID, Field: "status", Code: CodeStatus,
			Message: "Reseed does not know the status of the subscription; whether it has ended is left open.",
		})
		return
	}
	if e.Date.IsZero() {
		e.Date = e.EffectiveDate
	}
	m.put(e)
}

// since is when a subscription got its status for the first time; zero if its history does not say it.
func (s subscriptionShape) since() time.Time {
	var at time.Time
	for _, h := range s.StatusHistory {
		if h.Status == s.Status && (at.IsZero() || h.Timestamp.Before(at)) {
			at = h.Timestamp.Time
		}
	}
	return at
}
