// Package mem is the engine in memory, for tests. When told to, it does what other engines do
// rarely: it throttles, leaves a part of a batch undone, loses the answer to a write that it has
// applied, or fails the n-th call. What it does depends only on a seed.
//
// It counts capacity exactly as DynamoDB does. Items that it returns share no memory with those
// that it holds.
package mem
