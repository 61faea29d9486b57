// Package recurlytest is a Recurly site in memory. A [World] answers requests as Recurly's documentation says: pages with a next one,
// sorting, filters, invoices that do not show all of their lines. It fails at the n-th call if it is told to, and can be changed
// between calls. A [Judge] that others wrote looks at every request and answer.
package recurlytest
