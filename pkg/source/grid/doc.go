// Package grid freezes tabs of spreadsheets: it turns the typed cells of a tab into a table that an
// import reads. Workbooks and Google Sheets come to the importer through it.
//
// A frozen table is a CSV file in UTF-8, with the comma between cells, whose n-th record is row n of
// the tab. Rows are there up to the last one that is not blank, blank ones as empty lines, and a line
// break within a cell does not count as a row. So a row is found again in the tab (see [Place]).
//
// Cells are written as an import reads them. What a number means depends on its column: in a column
// of times it is a date, in one of amounts it has the decimal sign that the import was told, and a
// number that the spreadsheet has rounded is written so that it is rejected as an id. So before the
// rows of a tab are written, its beginning is written without a [Reading], the header row found in
// that, and a Reading made of it (importer.ReadTab). Reading the frozen table needs none of that, and
// versions that know nothing of tabs read it right.
package grid
