// Package pebble is the durable engine of one machine, on cockroachdb/pebble.
//
// A key is pk, 0x00, sk; a value is the item's attributes as they are. Every
// write is synced to the log before it is acknowledged, so a process that is
// killed loses nothing that was answered. One process owns a folder.
//
// Memory is bounded by what [Options] give the cache and the memtables, since
// Pebble maps nothing and keeps only the filters and indexes of open tables
// besides: with the defaults 16 MB of cache and up to three memtables of 16 MB,
// of which one is being filled and two wait to be written out. A batch of
// 4,000 items of 300 bytes (1.2 MB) fills a twelfth of one. Writing a million
// such items took a process of 62 MB at its peak, and 116 MB built without cgo,
// where that memory is on Go's heap.
//
// Capacity is counted as DynamoDB would, so that an import tells the same
// number of units wherever it runs. What a write replaces is found by walking
// one iterator beside the sorted batch: where a batch lands on new ground that
// is one seek in all.
//
// Deleted bytes stay in tables and logs until [Driver.Purge]: then what deletes
// them is merged with them, and files that are obsolete are gone from the folder,
// also after a power cut. Blocks that the file system gives free are not written
// over. Keys may stay longer than values, as bounds of tables in the manifest.
package pebble
