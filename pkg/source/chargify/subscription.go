package chargify

import (
	"maps"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// cancellationScheduled is one of [billing.EventTypes].
const cancellationScheduled = "subscription_cancellation_scheduled"

// What is behind the id of a subscription in the ids of its events.
const (
	behindEnd   = ":cancelled"
	behindPlan  = ":cancels"
	behindPause = ":paused"
)

// end is an end of a subscription, or one that is planned.
type end struct {
	kind      string
	behind    string // the id, in the id of the event
	asked, at time.Time
}

// subscription maps the ends of a subscription, and the one that is planned: an event for its product and for each component.
func (m *mapper) subscription(s subscriptionShape) {
	m.earlierEnds(s)
	e := end{kind: billing.Cancelled, behind: behindEnd}
	switch s.State {
	case "canceled":
		e.at = s.CanceledAt.Time
	case "expired":
		e.at = s.ExpiresAt.Time
	case "trial_ended":
		e.at = s.TrialEndedAt.Time
	case "on_hold":
		e.behind, e.at = behindPause, s.OnHoldAt.Time
	case "pending", "failed_to_create", "awaiting_signup": // it has not begun
		return
	case "trialing", "assessing", "active", "soft_failure", "past_due", "suspended", "paused", "unpaid":
		e.kind, e.behind, e.at = cancellationScheduled, behindPlan, s.DelayedCancelAt.Time
		if e.at.IsZero() {
			e.at = s.ScheduledCancellationAt.Time
		}
		if e.at.IsZero() {
			return
		}
		e.asked = s.CurrentPeriodStartedAt.Time
	default:
		m.note(system.Issue{
			Dataset: billing.Events, Stream: Subscriptions, Object: string(s.ID), Field: "state", Code: CodeState,
			Message: "Reseed does not know the state of the subscription; whether it has ended is left open.",
		}, "")
		return
	}
	m.end(s, e)
}

// earlierEnds maps the ends after which something else happened with the subscription: it was resumed, or ended otherwise.
func (m *mapper) earlierEnds(s subscriptionShape) {
	var last *eventShape
	for _, e := range m.events[s.ID] {
		if e.Key != "subscription_state_change" {
			continue
		}
		if last != nil {
			behind := behindEnd
			if last.Data.After == "on_hold" {
				behind = behindPause
			}
			m.end(s, end{kind: billing.Cancelled, behind: behind + ":" + string(last.ID), at: last.CreatedAt.Time})
			last = nil
		}
		if isEnd(e.Data.After) && !isEnd(e.Data.Before) {
			last = &e
		}
	}
}

func isEnd(state string) bool {
	switch state {
	case "canceled", "expired", "trial_ended", "on_hold":
		return true
	}
	return false
}

// end maps an end.
func (m *mapper) end(s subscriptionShape, e end) {
	if e.at.IsZero() {
		m.reject(system.Issue{
			Dataset: billing.Events, Record: string(s.ID) + e.behind, Stream: Subscriptions, Object: string(s.ID), Field: "canceled_at", Code: CodeNoEnd,
			Message: "The subscription has ended or is on hold, and does not say since when.",
		}, "")
		return
	}
	if asked := m.asked(s.ID, e); !asked.IsZero() {
		e.asked = asked
	}
	if e.asked.IsZero() || e.asked.After(e.at) {
		e.asked = e.at
	}
	for _, item := range slices.Sorted(maps.Keys(m.items[s.ID])) {
		m.put(&billing.Event{
			CustomerExternalID: string(s.Customer.ID), SubscriptionExternalID: item, SubscriptionSetExternalID: string(s.ID),
			ExternalID: item + e.behind, Type: e.kind, Date: e.asked, EffectiveDate: e.at,
		})
	}
}

// asked is when somebody has asked for an end: with the last request before it, unless that was taken back. It is zero if nobody has.
func (m *mapper) asked(subscription id, e end) time.Time {
	asked := time.Time{}
	for _, r := range m.events[subscription] {
		if r.CreatedAt.After(e.at) {
			break
		}
		switch {
		case r.Key == "pending_cancellation_change" && r.Data.CancelsAt != "":
			asked = r.CreatedAt.Time
		case r.Key == "pending_cancellation_change", isEnd(r.Data.Before) && !isEnd(r.Data.After):
			asked = time.Time{}
		}
	}
	return asked
}
