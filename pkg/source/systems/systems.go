// Package systems lists the billing systems that Reseed reads.
package systems

import (
	"strings"

	"reseed/pkg/source/braintree"
	"reseed/pkg/source/chargify"
	"reseed/pkg/source/paypal"
	"reseed/pkg/source/recurly"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// All lists the systems, in the order in which people are offered them.
func All() []system.System {
	return []system.System{stripe.System{}, recurly.System{}, chargify.System{}, braintree.System{}, paypal.System{}}
}

// ByName finds a system by its name, regardless of case. Maxio is what Chargify is called today.
func ByName(name string) (system.System, bool) {
	if strings.EqualFold(name, "Maxio") {
		return chargify.System{}, true
	}
	for _, s := range All() {
		if strings.EqualFold(s.Name(), name) {
			return s, true
		}
	}
	return nil, false
}
