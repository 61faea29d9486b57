// Package records is what people do with single records, whichever door they come through: create,
// change, disable and delete customers, plans, invoices, line items and transactions, merge
// customers, and take in invoices.
//
// Every use-case takes a context and values, reads the directory and the records, decides, and
// writes in one transaction what it has decided, pointers included (see write.go; commit.go for
// invoices too large for one). If another writer interferes it decides anew. What a caller has to
// decide itself, since it depends on what is stored, comes as a function and may be called several
// times.
//
// Errors are [fault.Error]: NotFound for what is not there or not to be seen, Invalid for what
// breaks a rule, Busy for what is being erased or written by others. The package knows no HTTP.
package records
