// Package rows reads the stored rows of a data source as people see them: page by page, in the
// columns of files, with edits laid over.
//
// A page goes on behind a key, so it costs the same at the end of a source as at its beginning. No
// page reads more than [MostSearched] stored items: one that has to look at more ends there, with
// what it has found. Rows that an erase hides are never shown. Rows that people have disabled or
// deleted are, since they are still stored: each says so.
package rows
