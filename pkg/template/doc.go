// Package template writes empty tables for people to fill in and import: a workbook with a tab for each
// dataset, or a CSV file for each. They have all columns, in the order of docs/FORMATS.md.
//
// It is the only package that links excelize, and only the command links it: functions never write
// workbooks, and package xlsx reads them.
package template
