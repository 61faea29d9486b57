// Package eraser removes a selection: a source, all manual customers, one
// customer or one invoice.
//
// [Eraser.Start] makes it invisible in one conditional write of the directory,
// whatever its size (I5), and stores the job in the same transaction.
// [Eraser.Sweep] then removes it physically, under the lock of the source (I7), and may be
// stopped anywhere and run again: same end state, same counts (I6).
//
// What nobody sees any more (the partitions of a removed source) goes page by page: the
// page's range and counts are recorded, then its items are deleted in batches; a resumed
// sweep deletes the recorded range without counting again. What lies among living items goes in
// small transactions that record their counts and delete on condition, so that a row which
// was made again meanwhile survives and is not counted.
//
// Before a job is done, everything was seen gone by strongly consistent reads
// that began one request's lifetime after the selection became invisible, when no writer
// could still know it otherwise.
package eraser
