// Package billing is the domain: records, the columns of the files they come
// in, and the rules that a row has to meet. It is pure: no I/O, no clock, no JSON.
//
// A dataset's columns are the fields of one row struct (customers.go,
// line_items.go, …): its csv tags are the only definition of the header names,
// which are matched trimmed and regardless of case, so that one struct
// serves the older and the current sample files. A [Layout] is one file's
// header laid over such a struct; [Layout.Record] turns the cells of a row
// into a [Record], or says by a [Problem] why it cannot.
//
// Only what a row can tell by itself is decided here. Whether its plan,
// invoice or customer exists is decided where rows meet the store;
// [ColumnPlan] and its like name the column to blame then.
package billing
