package dynamojson

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"reseed/pkg/table"
)

// AppendItem appends the item, whose attributes must be valid: the key first,
// then the attributes in the order of their names.
func AppendItem(dst []byte, it table.Item) []byte {
	dst = appendKey(dst, it.Key)
	for name, v := range it.Attrs.All() {
		dst = append(dst, ',')
		dst = AppendString(dst, name)
		dst = append(dst, ':')
		dst = appendValue(dst, v)
	}
	return append(dst, '}')
}

// AppendKey appends the two attributes of a key.
func AppendKey(dst []byte, k table.Key) []byte { return append(appendKey(dst, k), '}') }

func appendKey(dst []byte, k table.Key) []byte {
	dst = append(dst, `{"`+table.AttrPK+`":{"S":`...)
	dst = AppendString(dst, k.PK)
	dst = append(dst, `},"`+table.AttrSK+`":{"S":`...)
	dst = AppendString(dst, k.SK)
	return append(dst, '}')
}

func appendValue(dst []byte, v table.Value) []byte {
	switch v.Type {
	case table.Int:
		dst = append(dst, `{"N":"`...)
		dst = strconv.AppendInt(dst, v.Int(), 10)
		return append(dst, `"}`...)
	case table.Bool:
		dst = append(dst, `{"BOOL":`...)
		dst = strconv.AppendBool(dst, v.Bool())
		return append(dst, '}')
	case table.Bytes:
		dst = append(dst, `{"B":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, v.Raw)
		return append(dst, `"}`...)
	case table.List:
		return appendList(dst, v.Raw)
	case table.String:
	}
	return appendText(dst, v.Raw)
}

func appendText[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, `{"S":`...)
	dst = AppendString(dst, s)
	return append(dst, '}')
}

func appendList(dst, raw []byte) []byte {
	dst = append(dst, `{"L":[`...)
	for first := true; len(raw) > 0; first = false {
		n, w := binary.Uvarint(raw)
		if w <= 0 || uint64(len(raw)-w) < n { //nolint:gosec // w is at most len(raw)
			break
		}
		if !first {
			dst = append(dst, ',')
		}
		end := w + int(n) //nolint:gosec // at most len(raw)
		dst = appendText(dst, raw[w:end])
		raw = raw[end:]
	}
	return append(dst, `]}`...)
}

// AppendString appends s as a JSON string, as encoding/json does without its escapes for HTML:
// bytes that are not UTF-8 become U+FFFD.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := len(dst)
	dst = append(dst, s...)
	if !plain(dst[from:]) {
		dst = appendEscaped(dst[:from], string(s))
	}
	return append(dst, '"')
}

// plain reports whether b is ASCII without anything to escape. Nearly all texts are, and this check
// is most of the cost of an item: so it looks at eight bytes at once.
func plain(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		// A subtraction borrows from the top bit of a byte that is too small.
		if (v|(v-ones*' ')|((v^ones*'"')-ones)|((v^ones*'\\')-ones))&tops != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func appendEscaped(dst []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r < ' ', r == '"', r == '\\', r == '\u2028', r == '\u2029', r == utf8.RuneError:
			dst = appendEscape(dst, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
