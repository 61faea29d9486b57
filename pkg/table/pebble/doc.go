// Package pebble is the durable engine for one machine, on cockroachdb/pebble.
//
// A stored key is pk, 0x00, sk; a stored value is the item's attributes as they are. Every write is
// synced to the log before it is acknowledged, so a process that is killed loses nothing that it
// has acknowledged. One process owns a folder.
//
// In this package a table may also be one of Pebble's: a sorted file (.sst).
//
// Memory is bounded by the sizes of cache and memtables in [Options], since Pebble maps no files
// and besides keeps only the filters and indexes of open tables. The defaults are 16 MB of cache
// and up to three memtables of 16 MB: one is being filled, two wait to be written out. A batch of
// 4,000 items of 300 bytes (1.2 MB) fills a twelfth of a memtable. To write a million such items, a
// process needed 62 MB at its peak, and 116 MB when built without cgo, which puts that memory on
// Go's heap.
//
// Capacity is counted as DynamoDB counts it, so that an import reports the same number of units
// wherever it runs. The driver finds the items that a sorted batch replaces by walking an iterator
// beside it: if the batch replaces nothing, that is one seek for all of it.
//
// Deleted bytes stay in tables and logs until [Driver.Purge]. It merges the deletes with what they
// delete, and removes obsolete files from the folder so that they do not come back after a power
// cut. It does not overwrite blocks that the file system has freed. Keys may stay longer than
// values, as bounds of tables in the manifest.
package pebble
