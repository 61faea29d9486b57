// Package chartmogul serves the REST API that ChartMogul's official clients
// speak, and Reseed's own routes beside it (imports, erasures, jobs). It is the
// only package that knows the public JSON: wire types live here, apart from the
// domain's.
//
// One request: authenticate → find the route → read the directory and the
// records → answer. A handler gets a [call] and returns a reply or an error;
// status.go alone turns errors into statuses and bodies. REST writes go straight
// to the store: one transaction per record with its pointers (see invoicecommit.go
// for those too large for one). Lists walk shard after shard in key order, so
// newest-first holds within one customer only, and total_pages of a first page
// that does not hold everything is estimated from how far into the hash space
// it reached.
//
// Invoices, line items and transactions are read with what people have edited
// laid over them (stored.go). How they are changed, as an edit that stays or as
// the imported record itself, is in patch.go.
//
// What metrics will tell is not derived yet: mrr and arr are 0, the status of
// every customer is "New Lead" and customer-since is null.
package chartmogul
