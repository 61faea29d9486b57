// Package braintree reads a Braintree merchant, and maps what it has read to records.
//
// Braintree has no invoices. It has transactions, which may be of a subscription: each charge becomes an invoice of one line, together with
// the tries that failed before it. docs/systems/braintree.md says in tables where each field of a record comes from.
//
// Braintree answers in XML. Objects are kept as JSON with all that it has sent, but what cards and bank accounts have: names of elements have underscores
// in place of hyphens, lists are lists whatever their length, and amounts and times are texts.
package braintree
