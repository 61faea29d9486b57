package billing

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Spreadsheets change what is typed into them, and show words in place of values that they do not
// have. The rules of this file are for tables: in a record, such a text is meant.

// mayBeDamaged reports whether undamaged has to look at an id: it ends like a number that is not
// just digits, or is as short as the words are that programs write in place of ids.
func mayBeDamaged(s string) bool {
	const longest = len("Gesamtergebnis: ")
	end := len(s)
	for end > 0 && isDigit(s[end-1]) {
		end--
	}
	switch {
	case end == len(s):
		return end > 0 && (end <= longest || isRule(s))
	case end > 0 && s[end-1] == ' ' && end <= longest:
		return true
	}
	return end > 1 && isDigit(s[0]) && (s[end-1] == '+' || s[end-1] == '-' || s[end-1] == '.')
}

// isRule reports whether s is a line of signs, such as the one below the header row of a table in
// Markdown.
func isRule(s string) bool {
	return (s[0] == '-' || s[0] == ':') && strings.Trim(s, "-:=| ") == ""
}

// undamaged refuses an id that a spreadsheet or an export has put in the place of the real one. own
// says that it is the id of the row's own record.
func (c *cells) undamaged(cell *string, own bool) {
	switch s := *cell; {
	case isDigit(s[0]):
		if isRounded(s) {
			c.fail(cell, invalid(CodeDamagedID, "A spreadsheet has rounded this id, or made a date of it; format the column as text, correct the id there, and import again."))
		} else if strings.HasSuffix(s, ".0") && digitsOnly(s[:len(s)-2]) {
			c.remark(remarkPointZero, cell)
		}
	case isNothing(s), isRule(s):
		c.fail(cell, invalid(CodeNoID, "%s stands for no value and is no id; leave the cell blank, or write the id there.", quote(s)))
	case own && isTotal(s):
		c.fail(cell, invalid(CodeTotalRow, "This row sums up the others and is no record; remove it."))
	}
}

// isRounded reports whether s, which begins with a digit, is a number as spreadsheets write large ones: 1.23457E+11, in some
// countries with a comma; or a small one, 1.00E-05.
func isRounded(s string) bool {
	e := strings.LastIndexAny(s, "Ee")
	if e < 1 || e+2 >= len(s) || !digitsOnly(s[e+2:]) {
		return false
	}
	fraction := e > 2 && (s[1] == '.' || s[1] == ',') && digitsOnly(s[2:e])
	return fraction && s[e+1] == '-' || (fraction || e == 1) && s[e+1] == '+'
}

func digitsOnly(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isNothing reports whether s is what programs write if there is no value.
func isNothing(s string) bool {
	if strings.IndexByte("<([", s[0]) >= 0 {
		s = strings.Trim(s, "<([])>")
	}
	if s == "" || strings.IndexByte("nub-\\\xe2", lower(s[0])) < 0 { // most words; \xe2 begins a dash
		return false
	}
	for _, word := range [...]string{"null", "n/a", "n.a.", "na", "nan", "none", "nil", "undefined", "blank", "\\N", "-", "--", "–", "—"} {
		if len(s) == len(word) && strings.EqualFold(s, word) {
			return true
		}
	}
	return false
}

// isTotal reports whether s, in place of an id, begins the row below a table that sums it up.
func isTotal(s string) bool {
	if s[0] < utf8.RuneSelf && strings.IndexByte("tgsozri", lower(s[0])) < 0 { // most words
		return false
	}
	_, ok := oneOf(strings.TrimRight(s, "0123456789() :"), []string{ // perhaps with how many rows there are
		"Total", "Totals", "Grand total", "Subtotal", "Sum", "Overall total",
		"Summe", "Gesamt", "Gesamtsumme", "Gesamtergebnis", "Zwischensumme", "Total général", "Somme", "Totaal", "Totale", "Suma", "Soma",
		"Insgesamt", "Résultat total", "Total general", "Total geral", "Totale complessivo", "Suma total", "Razem", "Итого", "合計", "总计",
	})
	return ok
}

// isSheetError reports whether s, which begins with a number sign, is what a spreadsheet shows in
// place of a value, in any language: #N/A, #DIV/0!, #ÜBERLAUF!, or ##### for a narrow column.
func isSheetError(s string) bool {
	text := strings.TrimLeft(s, "#")
	name := strings.TrimRight(text, "!?")
	switch {
	case text == "":
		return len(s) > len("##")
	case name != text: // #NAME?
		return strings.ContainsFunc(name, unicode.IsLetter) && !strings.ContainsFunc(name, func(r rune) bool {
			return !unicode.IsUpper(r) && !strings.ContainsRune("/0_¡¿", r)
		})
	}
	return slices.Contains([]string{
		"N/A", "N/A N/A", "DIV/0", "LOADING...", "GETTING_DATA", "NV", "N/D", "N/DISP", "N/B", "I/T", "YOK", "Н/Д", // #N/A in other languages has no mark at its end
	}, strings.ToUpper(name))
}

// isOtherError reports whether s is what a spreadsheet shows in place of a value, without a number
// sign: Err:502 in LibreOffice, Loading... in Google Sheets.
func isOtherError(s string) bool {
	if s[0] != 'E' && s[0] != 'L' {
		return false
	}
	code, is := strings.CutPrefix(s, "Err:")
	return is && digitsOnly(code) || s == "Loading..."
}

func errSheetError() error {
	return invalid(CodeSheetError, "A spreadsheet shows this error in place of a value; correct the cell there, and import again.")
}
