// Package app puts the parts of Reseed together: the table, the objects, the
// ledger, the importer and the eraser, and what carries messages between
// them. The Lambda functions and one process on one machine differ only in what they
// hand to [New].
package app
