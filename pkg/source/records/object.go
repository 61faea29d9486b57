package records

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"reseed/pkg/billing"
	"reseed/pkg/source"
)

// maxDepth is how deep lists and objects may be nested.
const maxDepth = 16

// member is a member of an object.
type member struct {
	name     string
	value    string // the decoded text; of another type, its JSON
	kind     billing.ValueType
	from, to int // its place in the line
}

// object is a parsed line. It is reused for the next line.
type object struct {
	text    string
	at      int
	members []member
}

// parse parses a line, which must be one JSON object (RFC 8259) with nothing but white space around
// it.
func (o *object) parse(text string) *billing.Problem {
	o.text, o.at, o.members = text, 0, o.members[:0]
	if !utf8.ValidString(text) {
		return &billing.Problem{Code: source.CodeBadEncoding, Message: "the line has characters that are not UTF-8; save the file as UTF-8"}
	}
	o.space()
	if !o.skip('{') {
		return o.bad("it does not begin with a brace")
	}
	o.space()
	for more := !o.skip('}'); more; {
		if p := o.member(); p != nil {
			return p
		}
		o.space()
		switch {
		case o.skip(','):
			o.space()
		case o.skip('}'):
			more = false
		default:
			return o.bad("a comma or a brace belongs here")
		}
	}
	if o.space(); o.at < len(text) {
		return o.bad("something follows the object")
	}
	return nil
}

// bad says at which byte a line is not JSON. It does not quote the line (I8).
func (o *object) bad(what string) *billing.Problem {
	return &billing.Problem{Code: source.CodeBadJSON, Message: fmt.Sprintf("the line is no JSON object: at byte %d, %s", o.at+1, what)}
}

func (o *object) space() {
	for o.at < len(o.text) {
		switch o.text[o.at] {
		case ' ', '\t', '\r', '\n':
			o.at++
		default:
			return
		}
	}
}

func (o *object) skip(c byte) bool {
	if o.at < len(o.text) && o.text[o.at] == c {
		o.at++
		return true
	}
	return false
}

func (o *object) member() (p *billing.Problem) {
	m := member{from: o.at}
	if m.name, p = o.string(); p != nil {
		return p
	}
	o.space()
	if !o.skip(':') {
		return o.bad("a colon belongs here")
	}
	o.space()
	if m.kind, m.value, p = o.value(0); p != nil {
		return p
	}
	m.to = o.at
	o.members = append(o.members, m)
	return nil
}

// value reads a value of any type, which is inside depth lists and objects.
func (o *object) value(depth int) (kind billing.ValueType, value string, p *billing.Problem) {
	if o.at == len(o.text) {
		return 0, "", o.bad("the line ends too early")
	}
	from := o.at
	switch c := o.text[o.at]; {
	case c == '"':
		value, p = o.string()
		return billing.Text, value, p
	case c == '{', c == '[':
		kind = billing.List
		if c == '{' {
			kind = billing.Object
		}
		p = o.nested(depth + 1)
	case c == '-', isDigit(c):
		kind = billing.Number
		if !o.number() {
			return 0, "", o.bad("this is no number")
		}
	case o.word("true"), o.word("false"):
		kind = billing.Truth
	case o.word("null"):
	default:
		return 0, "", o.bad("this is no value; a text stands in double quotes")
	}
	return kind, o.text[from:o.at], p
}

// nested skips a list or an object.
func (o *object) nested(depth int) *billing.Problem {
	if depth > maxDepth {
		return &billing.Problem{Code: source.CodeTooDeep, Message: fmt.Sprintf("the line has lists or objects that are nested more than %d deep", maxDepth)}
	}
	named, end := o.text[o.at] == '{', byte(']')
	if named {
		end = '}'
	}
	o.at++
	if o.space(); o.skip(end) {
		return nil
	}
	for {
		o.space()
		if named {
			if _, p := o.string(); p != nil {
				return p
			}
			if o.space(); !o.skip(':') {
				return o.bad("a colon belongs here")
			}
			o.space()
		}
		if _, _, p := o.value(depth); p != nil {
			return p
		}
		switch o.space(); {
		case o.skip(end):
			return nil
		case !o.skip(','):
			return o.bad("a comma or the end of a list or an object belongs here")
		}
	}
}

func (o *object) word(w string) bool {
	if strings.HasPrefix(o.text[o.at:], w) {
		o.at += len(w)
		return true
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (o *object) digits() bool {
	from := o.at
	for o.at < len(o.text) && isDigit(o.text[o.at]) {
		o.at++
	}
	return o.at > from
}

// number skips a number. It must not have leading zeros, and must have digits on both sides of a
// point.
func (o *object) number() bool {
	o.skip('-')
	if !o.skip('0') && !o.digits() {
		return false
	}
	if o.skip('.') && !o.digits() {
		return false
	}
	if o.skip('e') || o.skip('E') {
		if !o.skip('+') {
			o.skip('-')
		}
		return o.digits()
	}
	return o.at == len(o.text) || !isDigit(o.text[o.at])
}

// string reads a string.
func (o *object) string() (string, *billing.Problem) {
	if !o.skip('"') {
		return "", o.bad("a double quote belongs here")
	}
	from := o.at
	for ; o.at < len(o.text); o.at++ {
		switch c := o.text[o.at]; {
		case c == '"':
			o.at++
			return o.text[from : o.at-1], nil
		case c == '\\':
			return o.escaped(from)
		case c < ' ':
			return "", o.bad("a control character stands in a text")
		}
	}
	return "", o.bad("a text does not end")
}

// escaped reads a string from its first backslash on.
func (o *object) escaped(from int) (string, *billing.Problem) {
	out := []byte(o.text[from:o.at])
	for o.at < len(o.text) {
		switch c := o.text[o.at]; {
		case c == '"':
			o.at++
			return string(out), nil
		case c == '\\':
			r, ok := o.escape()
			if !ok {
				return "", o.bad("this is no escape that JSON has, or half of a character")
			}
			out = utf8.AppendRune(out, r)
		case c < ' ':
			return "", o.bad("a control character stands in a text")
		default:
			out = append(out, c)
			o.at++
		}
	}
	return "", o.bad("a text does not end")
}

// escape reads an escape sequence, or two of them if they make one character. If it returns false,
// at has not moved.
func (o *object) escape() (rune, bool) {
	rest := o.text[o.at:]
	if len(rest) < 2 {
		return 0, false
	}
	if i := strings.IndexByte(`"\/bfnrt`, rest[1]); i >= 0 {
		o.at += 2
		return rune("\"\\/\b\f\n\r\t"[i]), true
	}
	r, ok := unit(rest)
	switch {
	case !ok:
		return 0, false
	case !utf16.IsSurrogate(r):
		o.at += 6
		return r, true
	}
	low, ok := unit(rest[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, false
	}
	o.at += 12
	return r, true
}

// unit reads \u and four hexadecimal digits.
func unit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		i := strings.IndexByte("0123456789abcdef", c|0x20)
		if i < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(i) //nolint:gosec // below 16
	}
	return r, true
}
