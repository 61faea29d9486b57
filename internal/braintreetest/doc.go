// Package braintreetest is a Braintree merchant in memory. A [World] answers requests as Braintree's documentation says: XML, searches for
// ids that end at a cap and then have holes, pages of at most fifty ids, plans without pages. It fails at the n-th call if it is told to, and can
// be changed between calls. Braintree's own client for Node.js looks at every request and answer.
package braintreetest
