// Package importer brings a source's data in line with an input. An import is a sort and a merge:
//
//	unpack   files from ZIPs and .gz files, if there are any
//	scan     find the dataset of each file, cut files into pieces at record boundaries
//	map      piece of a file → records and rejects → runs sorted by table key, split by key range
//	resolve  distinct keys that rows refer to ⨝ stored items → findings
//	merge    key range: runs of all pieces ⨝ stored items → change set, stored before any write
//	rejects  pieces with rejected rows ⨝ their rejects → rejects files, in parts
//	gate     add up; a plan stops here, and so does too large a removal
//	check    only a plan that is applied later: is everything that it rests on unchanged?
//	apply    change set → table, in key order, one writer per key range
//
// Map, resolve and merge run for each stage (plans; customers; contacts; invoices with line items
// and transactions; events), one stage after the other. Then all stages are applied. One worker
// decides a small input in memory. A large input is cut into tasks of the ledger, which any number
// of workers claim; its runs are objects, so that memory does not grow with the file. The outcome
// is the same either way. It depends neither on timing nor on the size of pieces, and it survives a
// kill at any point (I1, I2, I6).
//
// An undo reverses the change sets of another job and merges them with what is stored. It goes
// through the same gate, check and apply.
package importer
