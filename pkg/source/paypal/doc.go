// Package paypal reads the subscriptions of a PayPal account, and maps what it has read to records.
//
// PayPal has neither customers nor invoices: who pays is named by subscriptions, and each payment of a subscription becomes an invoice.
// docs/systems/paypal.md says in tables where each field of a record comes from.
package paypal
