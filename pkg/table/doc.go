// Package table is an engine: one table of items under string keys, whatever stores it. It knows
// nothing of billing; package store says what the items mean.
//
// A [Driver] is one engine (DynamoDB, Pebble, memory). It does four small things: get many, query a
// page, write a batch and say what was left undone, and write a few items at once under conditions.
// Chunking, retry, pacing and the sum of consumed capacity are written once, above that seam, in
// [Table] and [Writer].
//
// An [Item] is a [Key] and its [Attrs], one canonical encoding of named values: equal values are
// equal bytes, so comparing two items is comparing bytes.
package table
