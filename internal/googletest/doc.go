// Package googletest is a stand-in for the Google Sheets API and the Google Drive API, for tests: it
// serves spreadsheets that a test makes and changes, and the token endpoint of a service account.
//
// Sheets is at the root of [Server.URL], Drive below /drive/v3/. What it answers follows Google's
// discovery documents; a test of package google checks every path, parameter and field that was used
// against them. It cuts empty cells and rows at the end of a range, as Google does, knows the grid of
// each tab, the render options, and the "fields" parameter, and lets a spreadsheet be read only by
// those it is shared with.
package googletest
