// Package records has the use-cases for single records, as people and their programs need them:
// create, change, disable and delete customers, plans, invoices, line items and transactions, merge
// customers, and import invoices from a request.
//
// Every use-case takes a context and values. It reads the directory and the records, decides, and
// writes what it has decided in one transaction, pointers included (write.go; commit.go writes
// invoices too large for one). If another writer interferes, it starts again. A caller that has to
// decide something from what is stored passes a function, which may be called several times.
//
// Errors are [fault.Error]: NotFound for a record that is not there or not visible, Invalid for
// what breaks a rule, Busy for what others erase or write at the moment. The package knows no HTTP.
package records
