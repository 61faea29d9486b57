// Package billing is the domain: records, the columns of the files they come in, and the rules that
// a row has to meet. It is pure: no I/O, no clock, no JSON.
//
// Files have the columns of ChartMogul's structured CSV import
// (https://help.chartmogul.com/hc/en-us/articles/360013881659). A dataset's columns are the fields
// of one row struct (customers.go, line_items.go, …): its csv tags are the only definition of the
// header names. A [Header] compares a file's columns with them by their letters and digits, so one
// struct serves ChartMogul's older and current sample files; it says which dataset the file is of, or
// asks ([Header.Recognise]). A [Layout] lays the header over such a struct; [Layout.Record] turns the
// cells of a row into a [Record], or says in a [Problem] why it cannot.
//
// This package checks only what can be seen from the row alone. The importer checks whether the
// row's plan, invoice or customer exists; [ColumnPlan] and its like tell it which column to name in
// a reject.
package billing
