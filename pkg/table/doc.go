// Package table is one table of items under string keys. It knows nothing of billing; package store
// says what the items mean.
//
// A [Driver] is an engine that holds the table (DynamoDB, Pebble, memory). It does five things: get
// many items, query a page of a partition, scan a page of everything, write a batch and say which
// writes it left undone, and write a few items together under conditions. [Table] and [Writer] do the rest once for all engines: they cut
// work into calls, retry, keep the pace and sum up the consumed capacity.
//
// An [Item] is a [Key] and its [Attrs], one canonical encoding of named values: equal values are
// equal bytes, so comparing two items is comparing bytes.
package table
