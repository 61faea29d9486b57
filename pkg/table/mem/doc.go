// Package mem is the in-memory engine, and the adversary: it can throttle,
// leave part of a batch undone, lose an answer after the write was applied, and
// fail the n-th call, all from one seed. No real engine does these things when
// a test wants them; this one does nothing else when asked.
//
// It counts capacity exactly as DynamoDB does and hands nothing out that shares
// memory with what it holds.
package mem
