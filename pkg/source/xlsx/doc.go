// Package xlsx reads the tabs of Excel workbooks (.xlsx, .xlsm) row by row, as typed cells for
// package grid. It reads what a spreadsheet has stored, and calculates nothing.
//
//   - Memory is bounded: XML is read as a stream, and only the texts that cells share are kept, at
//     most 128 MB of them. A document type declaration is refused, so entities cannot grow.
//   - Which numbers are dates, and which show zeros before them, is told by their number formats.
//   - Formulas have the value that was stored with them; one without is [grid.NoValue].
//   - Tabs may be hidden, filtered or protected: all of their rows are read. Of merged cells, the
//     first one has the value, and the others are blank.
//
// The libraries that were tried give a row as texts, without the types of its cells. So a number that
// the spreadsheet has rounded looks like an id, and a day like a number (docs/decisions/0033).
//
// xml.go splits XML into tags and texts, book.go finds the parts of a workbook, styles.go and
// strings.go read what tabs refer to, rows.go reads tabs.
package xlsx
