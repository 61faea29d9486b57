package grid

import (
	"strconv"
	"strings"
	"unicode"
)

// Place names a cell as spreadsheets do, such as Invoices!D17 or 'Line items'!D17. Columns count from
// 0; a row without a column is named by its first cell.
func Place(tab string, row int64, column int) string {
	if strings.ContainsFunc(tab, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
		tab = "'" + strings.ReplaceAll(tab, "'", "''") + "'"
	}
	return tab + "!" + CellName(row, column)
}

// CellName is the name of a cell in its tab, such as D17. Columns count from 0; a negative one is the
// first.
func CellName(row int64, column int) string {
	return Letters(max(0, column)) + strconv.FormatInt(row, 10)
}

// Letters names a column, which counts from 0: A, B, ..., Z, AA.
func Letters(column int) string {
	var b []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		b = append([]byte{byte('A' + (n-1)%26)}, b...)
	}
	return string(b)
}

// Column reads the letters at the beginning of the name of a cell, such as D17, as a column that
// counts from 0; -1 if there are none, or too many.
func Column(name string) int {
	n := 0
	for i := 0; i < len(name) && name[i] >= 'A' && name[i] <= 'Z'; i++ {
		if n = n*26 + int(name[i]-'A') + 1; n > 1<<20 {
			return -1
		}
	}
	return n - 1
}
