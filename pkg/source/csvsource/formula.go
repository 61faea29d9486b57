package csvsource

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// formulaStarts are characters that make a spreadsheet take a cell for a formula (OWASP ASVS 5.0,
// 1.2.10), including their full-width forms.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// escapeFormula puts a single quote before text that a spreadsheet would run. Plain numbers stay as
// they are. Reading a rejects file removes the quote again.
func escapeFormula(s string) string {
	if startsFormula(s) && !isNumber(s) {
		return "'" + s
	}
	return s
}

// EscapeFormulas puts a single quote before each cell of a row that a spreadsheet would run.
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

// startsFormula tells whether s, without single quotes at its beginning, begins like a formula.
func startsFormula(s string) bool {
	first, size := utf8.DecodeRuneInString(strings.TrimLeft(s, "'"))
	return size > 0 && strings.ContainsRune(formulaStarts, first)
}

// isNumber tells whether s is a decimal number: ParseFloat also accepts +Inf and hexadecimal
// numbers.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "0123456789.eE+-") == ""
}
