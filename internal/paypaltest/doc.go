// Package paypaltest is a PayPal account in memory. A [World] answers requests as PayPal's documentation says: tokens that expire, pages of plans and
// subscriptions, a search for transactions that is late, reaches back three years and takes 31 days at a time. It fails at the n-th call if it is told
// to, and can be changed between calls. PayPal's own client for Node.js looks at every request and answer.
package paypaltest
