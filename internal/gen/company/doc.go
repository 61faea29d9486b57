// Package company invents a small software-as-a-service company and writes
// its subscription data as CSV files in the layouts that Reseed imports:
// customers, contacts, plans, invoices, line items, transactions and
// subscription events (or cancellations, in the layout of 2020).
//
// A customer's data follows from the seed and the customer's number alone. So the
// same options give the same bytes, one dataset can be written without the
// others and still fits them, and memory does not grow with the company.
//
// Every block of twelve customers holds each [persona] once, so that even the
// smallest company shows every shape of data: an upgrade with proration, a
// change of seats whose two lines have the same natural identity, a failed
// payment followed by a successful one and a refund, a cancellation that is
// scheduled and withdrawn, and so on. No person or company here is real.
package company
