package billing

import (
	"fmt"
	"strconv"
	"strings"
)

// A spreadsheet makes 123 of the id 00123 where its column is not formatted as text. No row shows
// that. But if some ids of a column have zeros at their beginning, and others are digits, too, and
// fewer, these have probably lost theirs.

// Codes of the remarks that count ids of digits, by how many digits they have. The number follows.
const (
	remarkZeros  = "zeros_"  // 0 is the first digit
	remarkDigits = "digits_" // it is not
)

// mostDigits is the length up to which ids are counted.
const mostDigits = 24

// digitCounts counts the ids of one column that are digits, by their length.
type digitCounts struct {
	zeros, others [mostDigits + 1]int64
}

// seeDigits counts an id that begins with a digit, if it is all digits.
func (s *spelling) seeDigits(cell *string) {
	id := *cell
	if len(id) > mostDigits || !digitsOnly(id) {
		return
	}
	n := s.digits[cell]
	if n == nil {
		if s.digits == nil {
			s.digits = map[*string]*digitCounts{}
		}
		n = &digitCounts{}
		s.digits[cell] = n
	}
	if id[0] == '0' && len(id) > 1 {
		n.zeros[len(id)]++
	} else {
		n.others[len(id)]++
	}
}

// digitRemarks are the counts of all columns.
func (c *cells) digitRemarks() (out Remarks) {
	for i := range c.columns {
		n := c.spelling.digits[c.columns[i].cell]
		if n == nil {
			continue
		}
		for size := range n.zeros {
			if n.zeros[size] > 0 {
				out = append(out, Remark{remarkZeros + strconv.Itoa(size), c.columns[i].name, n.zeros[size]})
			}
			if n.others[size] > 0 {
				out = append(out, Remark{remarkDigits + strconv.Itoa(size), c.columns[i].name, n.others[size]})
			}
		}
	}
	return out
}

// zerosSentence says how many ids of a column have fewer digits than those with zeros at their
// beginning. It is said once for each column, at the shortest of those.
func (r Remarks) zerosSentence(of Remark) string {
	shortest := digitsOf(of, remarkZeros)
	var fewer int64
	for _, one := range r {
		if one.Column != of.Column {
			continue
		}
		if n := digitsOf(one, remarkZeros); n > 0 && n < shortest {
			return ""
		}
		if n := digitsOf(one, remarkDigits); n > 0 && n < shortest {
			fewer += one.Count
		}
	}
	if fewer == 0 {
		return ""
	}
	return cellsOf(of.Column, fewer) + fmt.Sprintf(" have fewer than %d digits, and others have zeros at their beginning, like %s. If a spreadsheet has removed their zeros, format the column as text, type these ids again, and import the file again.",
		shortest, strings.Repeat("0", shortest-1)+"1")
}

// digitsOf is the number of digits that a remark counts; 0 if it is another remark.
func digitsOf(r Remark, code string) int {
	size, is := strings.CutPrefix(r.Code, code)
	n, err := strconv.Atoi(size)
	if !is || err != nil {
		return 0
	}
	return n
}
