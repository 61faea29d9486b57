package recurly

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

// subscription maps the end of a subscription, the end that is planned, or a pause: an event for its plan and for each add-on.
func (m *mapper) subscription(s subscriptionShape) {
	e := end{kind: billing.Cancelled, behind: behindEnd, asked: s.CanceledAt.Time, at: s.ExpiresAt.Time}
	switch s.State {
	case "future", "failed": // it has not begun
		return
	case "active":
		if s.AutoRenew == nil || *s.AutoRenew || s.RemainingBillingCycles == nil || *s.RemainingBillingCycles > 0 || s.CurrentTermEndsAt.IsZero() {
			return
		}
		e = end{kind: cancellationScheduled, behind: behindPlan, asked: s.CurrentTermStartedAt.Time, at: s.CurrentTermEndsAt.Time}
	case "canceled":
		e.kind, e.behind = cancellationScheduled, behindPlan
	case "expired":
	case "paused":
		e.behind, e.asked, e.at = behindPause, s.PausedAt.Time, s.PausedAt.Time
	default:
		m.note(system.Issue{
			Dataset: billing.Events, Stream: Subscriptions, Object: s.ID, Field: "state", Code: CodeState,
			Message: "Reseed does not know the state of the subscription; whether it has ended is left open.",
		}, "")
		return
	}
	if m.otherPays {
		m.note(system.Issue{
			Dataset: billing.Events, Stream: Subscriptions, Object: s.ID, Field: "account", Code: CodeOtherPays,
			Message: "Another account pays for the subscription, and has its invoices; Recurly does not say there that the subscription ends.",
		}, "")
		return
	}
	for _, item := range slices.Sorted(maps.Keys(m.itemsOf[s.ID])) {
		m.end(s, item, e)
	}
}

func (m *mapper) end(s subscriptionShape, item string, e end) {
	if e.at.IsZero() {
		m.reject(system.Issue{
			Dataset: billing.Events, Record: item + e.behind, Stream: Subscriptions, Object: s.ID, Field: "expires_at", Code: CodeNoEnd,
			Message: "The subscription ends, has ended or is paused, and does not say when.",
		}, "")
		return
	}
	r := &billing.Event{
		CustomerExternalID: s.Account.Code, SubscriptionExternalID: item, SubscriptionSetExternalID: s.ID,
		ExternalID: item + e.behind, Type: e.kind, Date: e.asked, EffectiveDate: e.at,
	}
	if r.Date.IsZero() {
		r.Date = e.at
	}
	m.put(r)
}
