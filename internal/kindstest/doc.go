// Package kindstest tries every kind of record, and one that exists only here, with all that can happen to records: they
// are imported, edited, replaced, taken back, erased by every selection, and restored. It has tests only.
package kindstest
