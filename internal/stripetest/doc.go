// Package stripetest is a Stripe account in memory. A [World] answers requests as Stripe's documentation says:
// pages, filters, expansions, lists inside objects that are not whole, objects that are deleted. It fails at the n-th
// call if it is told to, and can be changed between calls. A [Judge] that others wrote looks at every request and answer.
package stripetest
