package job

import "fmt"

// PlanUse says how many stored records use a plan.
type PlanUse struct {
	Plan     string `json:"plan,omitempty"` // external id
	Invoices int64  `json:"invoices,omitempty"`
	Events   int64  `json:"events,omitempty"` // of subscriptions
}

// Add adds the counts of another use of the plan.
func (u PlanUse) Add(o PlanUse) PlanUse {
	return PlanUse{Plan: u.Plan, Invoices: u.Invoices + o.Invoices, Events: u.Events + o.Events}
}

// Words spells the counts, such as 14 invoices and 1 subscription event.
func (u PlanUse) Words() string {
	invoices, events := numberOf(u.Invoices, "invoice"), numberOf(u.Events, "subscription event")
	switch {
	case u.Events == 0:
		return invoices
	case u.Invoices == 0:
		return events
	}
	return invoices + " and " + events
}

func numberOf(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
