// Package importer brings a source's data in line with an input. An import is
// a sort and a merge:
//
//	unpack   ZIPs and .gz files, if there are any, file by file
//	scan     datasets found, files cut into pieces at record boundaries
//	map      piece of a file → records and rejects → runs sorted by table key, split by key range
//	resolve  distinct keys that rows refer to ⨝ stored items → findings
//	merge    key range: runs of all pieces ⨝ stored items → change set, written ahead
//	rejects  pieces that have some ⨝ their rejects → one rejects file for each, in parts
//	gate     sums; a plan stops here, and so does too large a removal
//	check    of a plan that is applied later: nothing may have moved
//	apply    change set → table, in key order, one writer per key range
//
// Map, resolve and merge are done for each stage (plans; customers; contacts; invoices with
// line items and transactions; events), one after the other; then all stages are
// applied. A small input is decided by one worker in memory; a large one is cut into
// tasks of the ledger, which any number of workers claim, and its runs are objects,
// so that memory does not grow with the file. Either way the outcome is the same, depends
// on no timing and no piece size, and survives a kill at any point (I1, I2, I6).
//
// An undo is a merge of the change sets of another job, turned round, with what is stored; it goes through the same gate,
// check and apply.
package importer
