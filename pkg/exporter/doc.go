// Package exporter writes the rows of a source as files that an import takes: a ZIP with a table for
// each dataset, or with one file of NDJSON.
//
// An export is a job that takes its turn among the jobs of the source. It has one task for each
// shard. A task walks its records in the order of their keys, and stores them in parts: compressed,
// each whole or not at all, and noted in the task. A task that was cut goes on behind its last part
// and writes the same. The shards follow each other in the order of keys, too. So a last task joins
// the parts of all shards, compressed as they are, and the file has key order throughout.
//
// Every row is read back as an import would read it, and compared with what is stored. If CSV cannot
// give a value back, the export fails and says so: NDJSON can.
//
// What is hidden is left out. If data of the source is erased while the export runs, the export
// fails; if that happens later, nobody gets the file any more.
//
// An export of all that is known of one customer is such a job, too, with one task that reads, and
// one that writes the files. Package person knows what they hold.
package exporter
