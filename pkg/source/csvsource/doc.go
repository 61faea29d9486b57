// Package csvsource is the source.Format of CSV files. It reads any bytes with bounded memory, and
// cuts files into pieces that have exactly the rows of the whole. Where RFC 4180 leaves a choice:
//
//   - The delimiter is the one of comma, `;`, tab and `|` under which the header row has
//     the most columns of a dataset; if it has none, the first under which it has more
//     than one column. A first line sep=; says it.
//   - The header row is the first that is not blank. If that is no dataset's, up to ten
//     lines are skipped to come to one that is.
//   - A line ends with LF, CRLF or a bare CR, mixed at will; in a quoted cell they
//     are text. Rows of blank cells are skipped; lines are counted always.
//   - A cell is quoted if its first byte is a quote, but for spaces and tabs, which are dropped
//     around the quotes. A quote further on in an unquoted cell is text: it cannot hide
//     the end of the record, so taking it literally never costs a row.
//   - A quoted cell that is followed by text, or that does not close within
//     MaxRecord bytes of the record's start, spoils the record, whether spaces stand before
//     its quote or not: the record's first physical line alone becomes a reject, and reading
//     goes on at the next. One stray quote costs one reject, which depends on its line only
//     and so is the same in a piece. No byte is walked once per line, even in files made for it.
//   - A row may have more cells than the header if those are blank, and fewer: those that are
//     missing at its end are blank. But it is a reject if it has no delimiter or an odd number
//     of quotes, since it may be the rest of a row whose quotes are wrong, and if it has no line
//     end, since the file may be cut off there.
//   - Bytes that are not text make a record a reject, over all lines that its quotes hold
//     together, since what stands in a closed cell is never a row. So does U+FFFD, which
//     stands where a program has lost a character.
//   - Files that were joined end to end are read as one: Ctrl-Z and a byte order mark before a
//     record are dropped, and a record equal to the header row is skipped. A header row with
//     other columns, or in another order, makes the file fault.Invalid. It is found by its first
//     cell.
//   - Whole files that are not UTF-8 text (UTF-16, Latin-1, a workbook) are
//     fault.Invalid, as far as their first 64 KB tell.
//
// scanner.go finds records, split.go splits them into cells, begin.go finds the header row,
// reader.go makes rows, cut.go makes pieces, joined.go finds header rows between rows, and sniff.go
// recognises files that are not CSV in UTF-8. format.go adds the columns of datasets, and rejects.go
// writes rows back.
package csvsource
