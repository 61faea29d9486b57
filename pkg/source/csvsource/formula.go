package csvsource

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// formulaStarts make a spreadsheet take a cell for a formula (OWASP ASVS 5.0,
// 1.2.10), the full-width forms included.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// escapeFormula puts a quote before what a spreadsheet would run. Plain
// numbers stay as they are. Reading a rejects file takes the quote off again.
func escapeFormula(s string) string {
	if startsFormula(s) && !isNumber(s) {
		return "'" + s
	}
	return s
}

// EscapeFormulas does so with all cells of a row that a spreadsheet may open.
func EscapeFormulas(cells []string) {
	for i, c := range cells {
		cells[i] = escapeFormula(c)
	}
}

// unescapeFormulas undoes [EscapeFormulas].
func unescapeFormulas(cells []string) {
	for i, c := range cells {
		if strings.HasPrefix(c, "'") && startsFormula(c) {
			cells[i] = c[1:]
		}
	}
}

// startsFormula tells whether s, less any quotes before it, begins like a formula.
func startsFormula(s string) bool {
	first, size := utf8.DecodeRuneInString(strings.TrimLeft(s, "'"))
	return size > 0 && strings.ContainsRune(formulaStarts, first)
}

// isNumber knows numbers of digits only: ParseFloat also takes +Inf and hexadecimal ones.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "0123456789.eE+-") == ""
}
