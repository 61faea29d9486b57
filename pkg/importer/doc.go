// Package importer brings a source's data in line with an input. An import is
// a sort and a merge:
//
//	map      piece of a file → records and rejects → runs sorted by table key, split by key range
//	resolve  distinct keys that rows refer to ⨝ stored items → findings
//	merge    key range: runs of all pieces ⨝ stored items → change set, written ahead
//	apply    change set → table, in key order, one writer per key range
//	finish   sums, rejects.csv
//
// The same happens for each stage (plans; customers; contacts; invoices with
// line items and transactions; events), one after the other. A small input is
// done by one worker in memory; a large one is cut into tasks of the ledger,
// which any number of workers claim, and its runs are objects, so that memory
// does not grow with the file. Either way the outcome is the same, depends on no
// timing and no piece size, and survives a kill at any point (I1, I2, I6).
package importer
