// Package chartmogul serves the REST API that ChartMogul's official clients use: it reads requests
// and writes answers. Its wire types are its own. Package records creates, changes and deletes the
// records.
//
// Lists go shard by shard in key order, so newest-first holds only within one customer. If the
// first page does not hold the whole list, its total_pages is an estimate, from how far into the
// hash space the page reaches. A page ends where an answer is full; a large invoice comes with only
// the first of its line items (invoiceparts.go).
//
// Invoices, line items and transactions are shown with people's edits laid over them. patch.go says
// how a PATCH changes a record.
//
// A customer, as people see it, is a group of source customers: one, unless some were merged
// (package edit). Its fields are the root's, the first member's; tags, custom attributes, ids and
// invoices come from all members. Only the root's id finds it, and a list shows it at the place of
// its first member in that list.
//
// Metrics are not computed yet: mrr and arr are 0, the status of every customer is "New Lead", and
// customer-since is null.
package chartmogul
