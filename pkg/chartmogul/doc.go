// Package chartmogul serves the REST API that ChartMogul's official clients
// speak: it reads requests, and spells answers. Its wire types live here, apart
// from the domain's. What creates, changes or deletes records is in package records.
//
// Lists walk shard after shard in key order, so newest-first holds within one
// customer only, and total_pages of a first page that does not hold everything
// is estimated from how far into the hash space it reached. A page ends where an
// answer is full; a large invoice tells the first of its line items (invoiceparts.go).
//
// Invoices, line items and transactions are read with what people have edited
// laid over them. How a PATCH says what changes is in patch.go.
//
// A customer is what people see as one: a group of source customers, one unless
// some were merged (package edit). Its fields are those of the first, the root; tags, custom
// attributes, ids and invoices are those of all. Only the root's id finds it,
// and a list has it where its first member in that list is.
//
// What metrics will tell is not derived yet: mrr and arr are 0, the status of
// every customer is "New Lead" and customer-since is null.
package chartmogul
