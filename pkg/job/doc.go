// Package job is the ledger: which imports and erases there are, how far each
// has come, and who may go on with it.
//
// A [Job] is one item of the table, changed on condition of its version. An
// import's work is cut into tasks (one item each), which workers claim with a
// lease: a holder and a counter, taken over only after it was seen unchanged for its
// whole length on one's own clock. One job at a time holds the lock of its
// source (I7); the others wait and are started in the order of their making.
package job
