package dynamojson

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// scanner reads JSON values from its input; each exported method reads one value.
type scanner struct {
	in []byte
	at int
}

// Object calls member with the name of each member that is not null; member must read the value.
// The name is valid only until member returns. A null is read as an object without members.
func (s *scanner) Object(member func(name []byte) error) error {
	if s.literal("null") {
		return nil
	}
	return s.members(func(name []byte) error {
		if s.literal("null") {
			return nil
		}
		return member(name)
	})
}

// members calls member for every member, also for those that are null.
func (s *scanner) members(member func(name []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.next('}') {
		return nil
	}
	for {
		name, err := s.name()
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if !s.next(',') {
			return s.expect('}')
		}
	}
}

// Array calls element before each element; element must read it.
func (s *scanner) Array(element func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if s.next(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if !s.next(',') {
			return s.expect(']')
		}
	}
}

// Float reads a number.
func (s *scanner) Float() (float64, error) {
	s.space()
	from := s.at
	s.scalar()
	text := s.in[from:s.at]
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !json.Valid(text) { // ParseFloat takes more than JSON does: Inf, hex
		return 0, s.malformed()
	}
	return n, nil
}

// Skip skips a value of any type. It checks only brackets and strings.
func (s *scanner) Skip() error {
	for depth := 0; ; {
		s.space()
		if s.at == len(s.in) {
			return s.malformed()
		}
		switch s.in[s.at] {
		case '"':
			if _, err := s.quoted(); err != nil {
				return err
			}
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':':
			if depth == 0 {
				return s.malformed()
			}
			s.at++
		default:
			s.scalar()
		}
		if depth <= 0 {
			if depth < 0 {
				return s.malformed()
			}
			return nil
		}
	}
}

// scalar skips a number or a literal.
func (s *scanner) scalar() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ',', ':', '{', '}', '[', ']', '"', ' ', '\t', '\n', '\r':
			return
		}
		s.at++
	}
}

func (s *scanner) space() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next skips white space, and then c if it follows.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at < len(s.in) && s.in[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) expect(c byte) error {
	if s.next(c) {
		return nil
	}
	return s.malformed()
}

func (s *scanner) literal(word string) bool {
	s.space()
	if !bytes.HasPrefix(s.in[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

// name reads a member's name and the colon.
func (s *scanner) name() ([]byte, error) {
	name, err := s.text()
	if err == nil && !s.next(':') {
		err = s.malformed()
	}
	return name, err
}

// text reads a string.
func (s *scanner) text() ([]byte, error) {
	if !s.peek('"') {
		return nil, s.malformed()
	}
	return s.quoted()
}

func (s *scanner) peek(c byte) bool {
	s.space()
	return s.at < len(s.in) && s.in[s.at] == c
}

// quoted reads the string that starts here. The result is a part of the input, unless the string
// has escapes. JSON must be UTF-8 (RFC 8259, section 8.1): other bytes are an error.
func (s *scanner) quoted() ([]byte, error) {
	s.at++
	from := s.at
	for len(s.in)-s.at >= 8 && plain(s.in[s.at:s.at+8]) {
		s.at += 8
	}
	all := byte(0) // the bits of all bytes, or-ed
	for ; s.at < len(s.in); s.at++ {
		c := s.in[s.at]
		all |= c
		switch {
		case c == '"':
			text := s.in[from:s.at:s.at]
			if all >= utf8.RuneSelf && !utf8.Valid(text) {
				return nil, s.malformed()
			}
			s.at++
			return text, nil
		case c == '\\':
			return s.unescape(bytes.Clone(s.in[from:s.at]))
		case c < ' ':
			return nil, s.malformed()
		}
	}
	return nil, s.malformed()
}

// unescape appends the rest of the string to out. The scanner stands at the first escape.
func (s *scanner) unescape(out []byte) ([]byte, error) {
	for s.at < len(s.in) {
		c := s.in[s.at]
		s.at++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return nil, s.malformed()
			}
			return out, nil
		case c < ' ':
			return nil, s.malformed()
		case c != '\\':
			out = append(out, c)
			continue
		}
		r, ok := s.escape()
		if !ok {
			return nil, s.malformed()
		}
		out = utf8.AppendRune(out, r)
	}
	return nil, s.malformed()
}

// escape reads what follows a backslash. Half a surrogate pair becomes U+FFFD.
func (s *scanner) escape() (rune, bool) {
	if s.at == len(s.in) {
		return 0, false
	}
	c := s.in[s.at]
	s.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return s.unicode()
	}
	return 0, false
}

func (s *scanner) unicode() (rune, bool) {
	first, ok := s.hex()
	if !ok || !utf16.IsSurrogate(first) {
		return first, ok
	}
	at := s.at
	if bytes.HasPrefix(s.in[at:], []byte(`\u`)) {
		s.at += 2
		if second, ok := s.hex(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, true
			}
		}
		s.at = at // no pair: the second escape is read on its own
	}
	return utf8.RuneError, true
}

func (s *scanner) hex() (rune, bool) {
	const digits = 4
	if len(s.in)-s.at < digits {
		return 0, false
	}
	var r rune
	for _, c := range s.in[s.at : s.at+digits] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	s.at += digits
	return r, true
}

// malformed does not quote the input, which holds personal data (I8).
func (s *scanner) malformed() error {
	return fault.Newf(fault.Internal, "store_engine", "the table's answer is not DynamoDB JSON at byte %d", s.at)
}
