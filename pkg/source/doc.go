// Package source is the interface between files and the importer. A [Format] is a format of files.
// It cuts a file into pieces, reads a piece as rows, each with a record or a problem, and writes a
// row back as it was, for the rejects file.
//
// A row that cannot be read is still a row: it has a problem, becomes a reject, and never stops the
// rows after it (I1). A file that cannot be read at all (no header, wrong encoding, a broken
// connection) is an error, so that an incomplete read is never taken for the end of the input (I4).
// A row depends on its own bytes only, so pieces of any size have the same rows.
//
// There are two formats, csvsource for tables and records for NDJSON, and one test suite for both,
// sourcetest. Data from other systems is first stored in one of them
// (docs/decisions/0023-two-formats.md). Formats know nothing of the store.
package source
