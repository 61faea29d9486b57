// Package eraser removes a selection: a source, its content, all but its customers, all manual
// customers, one customer, its invoices in one source, one invoice, or what one import added.
//
// [Eraser.Start] hides the selection in one conditional write of the directory, whatever its size
// (I5), and stores the job in the same transaction. With a grace period the job waits, and
// [Eraser.Restore] can reveal everything again in one write, until [Eraser.Due] ends the grace
// period. [Eraser.Sweep] then removes the selection physically, under the lock of the source (I7).
// It can be stopped anywhere and run again: same end state, same counts (I6). It begins one
// lifetime of a request after the selection was hidden, when no writer is left that does not know
// of the erase.
//
// A sweep removes invisible partitions (of old epochs) page by page: it records the page's range,
// counts and key digest, then deletes the items. A resumed sweep deletes the recorded range without
// counting it again. If the engine can drop a partition at once, the sweep counts all of it first.
// Items among visible ones are removed in small transactions, which record their counts and delete
// on condition that the items are unchanged. So a row that was made again meanwhile survives and is
// not counted.
//
// A job is done only when strongly consistent reads have found nothing left, the bytes have left
// the disk, and the files that may hold the data are deleted. [Receipt] is the proof.
package eraser
