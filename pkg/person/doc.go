// Package person says all that is known of one customer: what people ask for who want to know what
// is stored about them (GDPR, articles 15 and 20).
//
// A customer is the tree of merged source customers that people see as one. Of each there are the
// records, as people see them and as they were imported, with all edits; edits whose records are
// gone; the files that may name it, and the erases that concern it, as far as package eraser knows
// them; and whether it is on the do-not-reload list. What an erase hides is left out.
//
// [Reader] reads page by page and gives lines, which package exporter stores in parts. [WriteJSON]
// and [WriteHTML] make the two files of the export of those lines. All three hold one page, or one
// part, in memory, however large the customer is.
package person
