// Package source is the seam between files and the importer. A [Format] is one way in which records are spelled in files: it cuts
// a file into pieces, reads a piece as rows with a record or a problem each, and gives a row back as it was, for the rejects
// file.
//
// A row that cannot be read is still a row: it has a problem, becomes a reject, and never stops the rows after it (I1). A file
// that cannot be read at all (no header, wrong encoding, a broken connection) is an error, so that an incomplete read is never
// taken for the end of the input (I4). What a row is depends on its own bytes only: pieces of any size have the same rows.
//
// There are two formats, csvsource for tables and records for NDJSON, and one suite for both, sourcetest. What comes from
// elsewhere is first frozen in one of them (docs/decisions/0023-two-formats.md). Formats know nothing of the store.
package source
