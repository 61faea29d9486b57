package billing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Remark says how many cells of a column, or rows, were taken although something about them is unusual. Only
// the rows of a whole file tell it, so each reader of a part counts, and [Sentences] is made of all
// counts.
type Remark struct {
	Code   string `json:"code"`
	Column string `json:"column"`
	Count  int64  `json:"count"`
}

// Codes of remarks. Results of tasks hold them.
const (
	RemarkShortRows   = "short_rows"         // cells at the end are missing; without a column
	remarkTextFormula = "text_formula"       // ="00123", read as 00123
	remarkApostrophe  = "leading_apostrophe" // '00123, taken with the apostrophe
	remarkCurlyQuotes = "curly_quotes"       // “Acme”, taken with the quotes
	remarkQuotes      = "quotes"             // 'Acme', taken with the quotes
	remarkPointZero   = "point_zero"         // the id 1001.0, taken with the .0
	remarkDecimals    = "three_decimals"     // 1.250 in units, read as one and a quarter
	remarkUnits       = "perhaps_units"      // 12.50 in cents, rejected
)

// Remarks are the remarks about one file, each column and code once.
type Remarks []Remark

// Add counts n more cells of a column.
func (r *Remarks) Add(code, column string, n int64) {
	for i := range *r {
		if one := &(*r)[i]; one.Code == code && one.Column == column {
			one.Count += n
			return
		}
	}
	*r = append(*r, Remark{Code: code, Column: column, Count: n})
}

// Sentences says to people what the remarks about a whole file mean, in the order of columns. They
// hold no values of the file (I8).
func (r Remarks) Sentences() (out []string) {
	sorted := slices.SortedFunc(slices.Values(r), func(a, b Remark) int {
		return cmp.Or(strings.Compare(a.Column, b.Column), strings.Compare(a.Code, b.Code))
	})
	for _, one := range sorted {
		said := one.sentence()
		switch {
		case one.Code == remarkDates:
			said = r.dateSentence(one.Column)
		case strings.HasPrefix(one.Code, remarkZeros):
			said = r.zerosSentence(one)
		}
		if said != "" {
			out = append(out, said)
		}
	}
	return out
}

// count is how many cells of a column have a remark.
func (r Remarks) count(code, column string) int64 {
	for _, one := range r {
		if one.Code == code && one.Column == column {
			return one.Count
		}
	}
	return 0
}

// cellsOf begins a sentence about n cells.
func cellsOf(column string, n int64) string {
	return fmt.Sprintf("Cells (%d) of the column %q", n, column)
}

func (r Remark) sentence() string {
	cells := cellsOf(r.Column, r.Count)
	switch r.Code {
	case RemarkShortRows:
		return fmt.Sprintf(`Rows (%d) have fewer cells than the header row has columns; the missing ones, at their ends, were read as blank. If line breaks within values have cut rows in two, put those values in quotes (") and import the file again.`, r.Count)
	case remarkTextFormula:
		return cells + ` written like ="00123" were read as a spreadsheet shows them, like 00123. If the signs belong to the ids, import the file with --ids verbatim.`
	case remarkApostrophe:
		return cells + ` written like '00123 were taken with the apostrophe. If a spreadsheet has put it there, remove it and import the file again.`
	case remarkCurlyQuotes:
		return cells + ` written like “Acme” were taken with the curly quotes. If they do not belong to the values, replace them by straight ones (") and import the file again.`
	case remarkQuotes:
		return cells + ` written like 'Acme' were taken with the quotes. If the quotes do not belong to the values, remove them, or write straight double ones (") right behind the delimiter, and import the file again.`
	case remarkDecimals:
		return cells + ` have three decimals, and were read as units: 1.250 is one and a quarter. If the mark separates thousands, remove it and import the file again.`
	case remarkUnits:
		return cells + ` are written with decimals, like 12.50, and were rejected. If all its amounts are in units of the currency, import the file with --amounts units (amounts over REST).`
	case remarkPointZero:
		return cells + ` are ids like 1001.0, and were taken with the .0. If a spreadsheet or a script has made decimal numbers of them, export the column as text and import the file again.`
	}
	return ""
}

// shown is what a trimmed cell says: a spreadsheet shows ="00123" as 00123. It remarks on that, and
// on other cells that may not be meant as they are written. What a spreadsheet shows in place of a
// value is a problem of the row.
func (c *cells) shown(cell *string, text string) string {
	if text == "" {
		return ""
	}
	inner, isFormula := textFormula(text)
	switch verbatim := c.spelling.values.VerbatimIDs; {
	case text[0] == '#', isOtherError(text):
		if (text[0] != '#' || isSheetError(text)) && (!verbatim || c.column(cell).is != "id") {
			c.fail(cell, errSheetError())
		}
	case isFormula && !verbatim:
		c.remark(remarkTextFormula, cell)
		if c.column(cell).is == "id" {
			c.spelling.wrapped = append(c.spelling.wrapped, wrapped{cell, text})
		}
		return inner
	case text[0] == '\'' || text[0] == '"':
		c.remarkQuote(cell, text)
	case inCurlyQuotes(text):
		c.remark(remarkCurlyQuotes, cell)
	}
	return text
}

// remarkQuote remarks on a cell that begins with a quote which may not belong to its value.
func (c *cells) remarkQuote(cell *string, text string) {
	switch last := text[len(text)-1]; {
	case len(text) > 1 && last == text[0]:
		c.remark(remarkQuotes, cell)
	case text[0] == '\'' && digitsOnly(text[1:]):
		c.remark(remarkApostrophe, cell)
	}
}

// textFormula returns the text of ="text", in which quotes are doubled.
func textFormula(cell string) (string, bool) {
	rest, begins := strings.CutPrefix(cell, `="`)
	inner, ends := strings.CutSuffix(rest, `"`)
	if !begins || !ends || strings.Contains(strings.ReplaceAll(inner, `""`, ""), `"`) {
		return "", false
	}
	return trimCell(strings.ReplaceAll(inner, `""`, `"`)), true
}

// inCurlyQuotes reports whether a text stands between quotes as word processors write them.
func inCurlyQuotes(text string) bool {
	for _, pair := range [...]string{"““", "“”", "„“", "„”", "””", "«»", "»«"} {
		first, last := pair[:len(pair)/2], pair[len(pair)/2:]
		if len(text) >= len(pair) && strings.HasPrefix(text, first) && strings.HasSuffix(text, last) {
			return true
		}
	}
	return false
}

func (c *cells) remark(code string, cell *string) {
	if col := c.column(cell); col != nil {
		c.spelling.remarks.Add(code, col.name, 1)
	}
}

// Remarks are the remarks about the rows so far.
func (l *Layout) Remarks() Remarks {
	return append(slices.Clip(l.reader.spelling.remarks), l.reader.digitRemarks()...)
}
