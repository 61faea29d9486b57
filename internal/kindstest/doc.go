// Package kindstest tests every kind of record, and one that exists only here, with all that can
// happen to records: they are imported, edited, replaced, undone, erased by every selection, and
// restored. It holds only tests.
package kindstest
