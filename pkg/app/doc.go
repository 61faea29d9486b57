// Package app puts the parts of Reseed together: the table, the objects, the ledger, the importer,
// the eraser, and the functions that carry messages between them. The Lambda functions and a single
// process differ only in what they pass to [New].
package app
