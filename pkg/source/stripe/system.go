package stripe

import (
	"reseed/pkg/source/system"
)

const (
	name       = "Stripe"
	credential = "key"
)

// System is Stripe as a [system.System].
type System struct{}

var _ system.System = System{}

// Name is Stripe.
func (System) Name() string { return name }

// Asks is a key.
func (System) Asks() []system.Ask {
	return []system.Ask{{
		Name: credential, Label: "Restricted key", Secret: true,
		Help: "Make a restricted key with read permissions in Stripe's dashboard under Developers, API keys. It begins with rk_.",
	}}
}

// Places are none: a key says which account it is for, and whether that is live.
func (System) Places() []system.Place { return nil }

// Options are the settings that the mapping knows.
func (System) Options() []string {
	return []string{"invoices", "without_voided", "without_uncollectible", "without_refunded", "deleted_customers", "metadata"}
}
