package stripe

import (
	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

const cancellationScheduled = "subscription_cancellation_scheduled" // one of [billing.EventTypes]

// subscription maps the end of a subscription, or the end that is planned: an event for each of its items.
func (m *mapper) subscription(s subscriptionShape) {
	switch s.Status {
	case "incomplete", "incomplete_expired": // it never began
		return
	case "active", "canceled", "past_due", "paused", "trialing", "unpaid":
	default:
		m.note(system.Issue{Dataset: billing.Events, Stream: Subscriptions, Object: s.ID, Field: "status", Code: CodeStatus, Message: "Reseed does not know the status of the subscription; only its end counts."})
	}
	for _, item := range m.itemsOf[s.ID] {
		m.end(s, item)
	}
}

func (m *mapper) end(s subscriptionShape, item string) {
	e := &billing.Event{
		CustomerExternalID: string(s.Customer), SubscriptionExternalID: item, SubscriptionSetExternalID: s.ID,
		ExternalID: item + ":cancelled", Type: billing.Cancelled, Date: moment(s.CanceledAt), EffectiveDate: moment(s.EndedAt),
	}
	if s.EndedAt == 0 {
		end := s.CancelAt
		if end == 0 && s.CancelAtPeriodEnd {
			end = m.periodEnd(s.ID, item)
		}
		if end == 0 {
			return
		}
		e.ExternalID, e.Type, e.EffectiveDate = item+":cancels", cancellationScheduled, moment(end)
	}
	if e.Date.IsZero() {
		e.Date = e.EffectiveDate
	}
	m.put(e)
}

func (m *mapper) periodEnd(subscription, item string) (end int64) {
	each(m, Items, subscription, billing.Events, func(i itemShape) {
		if i.ID == item {
			end = i.CurrentPeriodEnd
		}
	})
	return end
}
