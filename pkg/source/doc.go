// Package source is the seam between the outside world and the importer: a
// [Source] yields the [Row]s of one table, text as it was read, with its place
// in the input.
//
// A row that cannot be read is still a row: it carries a [RowError], becomes a
// reject, and never stops the rows after it (I1). A source that cannot be read
// at all (no header, wrong encoding, a broken connection) is an error from
// [Source.Header] or [Source.Next], so that an incomplete read is never taken
// for the end of the input (I4).
//
// Implementations live in folders of their own (csvsource, …) and pass the
// conformance suite in sourcetest. Sources know nothing of the store.
package source
