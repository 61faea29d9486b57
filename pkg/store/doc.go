// Package store keeps everything in one table: keys, items, the directory of
// sources, and the rules that hold whatever engine lies below.
//
// A [Driver] is an engine (DynamoDB, Pebble, memory). It does four small
// things: get many, query a page, write a batch and say what was left undone,
// and write a few items at once under conditions. Chunking, retry, key building
// and the sum of consumed capacity live once, above that seam, in [Store].
//
// keys.go is the only file that spells a key, hash.go the only one that makes
// an identity; docs/TABLE.md lists every pattern and who reads it. An [Item] is
// a [Key] and its [Attrs], one canonical encoding of named values: equal values
// are equal bytes, so comparing two items is comparing bytes.
package store
