package xlsx

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

// style is what the number format of a cell says of its number.
type style struct {
	date  bool
	zeros int // digits that are shown at least, of a format such as 00000; else 0
}

// readStyles reads the number formats of the cells, by the numbers by which cells refer to them.
func readStyles(in io.Reader) ([]style, error) {
	formats := map[int]string{}
	var styles []style
	inCells := false
	for t := newTokens(in); ; {
		k, err := t.next()
		switch {
		case errors.Is(err, io.EOF):
			return styles, nil
		case err != nil:
			return nil, err
		case k == start && string(t.name) == "numFmt":
			if n, err := strconv.Atoi(t.value("numFmtId")); err == nil {
				formats[n] = t.value("formatCode")
			}
		case (k == start || k == end) && string(t.name) == "cellXfs":
			inCells = k == start
		case k == start && inCells && string(t.name) == "xf" && len(styles) < maxStyles:
			n, _ := strconv.Atoi(t.value("numFmtId"))
			styles = append(styles, styleOf(n, formats[n]))
		}
	}
}

// maxStyles is how many Excel allows.
const maxStyles = 1 << 16

// styleOf returns the style of a number format, by its number and its code, which usual ones have not.
func styleOf(n int, code string) style {
	if code == "" {
		return style{date: n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58}
	}
	if strings.Trim(code, "0") == "" && len(code) > 1 {
		return style{zeros: len(code)}
	}
	return style{date: isDate(code)}
}

// isDate reports whether a format code shows a date or a time: it has one of their letters, outside
// of texts, colours and the like.
func isDate(code string) bool {
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '\\', '_', '*':
			i++
		case '"', '[':
			until := byte('"')
			if c == '[' {
				until = ']'
			}
			size := strings.IndexByte(code[i+1:], until)
			if size < 0 {
				return false
			}
			if c == '[' && strings.Trim(code[i+1:i+1+size], "hmsHMS") == "" { // of a duration
				return true
			}
			i += size + 1
		case 'G', 'g': // General
			if len(code) >= i+len("General") && strings.EqualFold(code[i:i+len("General")], "General") {
				i += len("General") - 1
			}
		case ';':
			return false
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			return true
		}
	}
	return false
}
