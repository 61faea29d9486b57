// Package job is the ledger: which imports and erases there are, how far each has come, and which
// worker may go on with it.
//
// A [Job] is one item of the table, changed on condition that its version is unchanged. The work of
// a job is cut into tasks (one item each). A worker claims a task with a lease, which is a holder
// and a counter. Another worker may take the lease over only after it has seen it unchanged, by its
// own clock, for the whole length of a lease. One job at a time holds the lock of its source (I7).
// The other jobs wait, and start in the order in which they were made.
package job
