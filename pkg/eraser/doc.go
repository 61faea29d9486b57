// Package eraser removes a selection: a source, its content, all but its customers, all
// manual customers, one customer, its invoices in one source, one invoice, or what one import added.
//
// [Eraser.Start] makes it invisible in one conditional write of the directory,
// whatever its size (I5), and stores the job in the same transaction. With a grace period
// the job waits, and [Eraser.Restore] takes all of it back in one write; [Eraser.Due] ends that.
// [Eraser.Sweep] then removes it physically, under the lock of the source (I7), and may be
// stopped anywhere and run again: same end state, same counts (I6). It begins one request's
// lifetime after the selection became invisible, when no writer is left that could not know it.
//
// What nobody sees any more (partitions of old epochs) goes page by page: the
// page's range, counts and key digest are recorded, then its items are deleted; a resumed
// sweep deletes the recorded range without counting again. An engine that can drops a partition at
// once when all of it is counted. What lies among living items goes in
// small transactions that record their counts and delete on condition, so that a row which
// was made again meanwhile survives and is not counted.
//
// Before a job is done, everything was seen gone by strongly consistent reads, its bytes have
// left the disk, and the files that may name it are gone. [Receipt] is the proof.
package eraser
