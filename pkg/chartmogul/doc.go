// Package chartmogul serves the REST API that ChartMogul's official clients
// speak, and Reseed's own routes beside it (imports, erasures, jobs). It is the
// only package that knows the public JSON: wire types live here, apart from the
// domain's.
//
// One request: authenticate → find the route → read the directory and the
// records → answer. A handler gets a [call] and returns a reply or an error;
// status.go alone turns errors into statuses and bodies. What creates, changes or
// deletes records is in package records. Lists walk shard after shard in key order, so
// newest-first holds within one customer only, and total_pages of a first page
// that does not hold everything is estimated from how far into the hash space
// it reached.
//
// What a request brings is counted before anything is made of it (shape.go), and
// an answer has 4 MB at most (listed.go): lists end a page by bytes as well as by
// count, a large invoice tells the first of its line items (invoiceparts.go).
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
