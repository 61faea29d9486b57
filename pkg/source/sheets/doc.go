// Package sheets says what there is to know of a spreadsheet in Google Sheets that is read page by
// page: its tabs, which ranges of cells to ask for next, how ranges are spelled, and where a cell can
// be opened. It makes no call: package google does, and only the command and one Lambda function link
// that.
package sheets
