package billing

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sameWord reports whether two words are equal regardless of case, spaces, underscores and hyphens:
// "OneTime", "one time" and "one_time" are.
func sameWord(a, b string) bool {
	for {
		a, b = skipJoints(a), skipJoints(b)
		if a == "" || b == "" {
			return a == b
		}
		if lower(a[0]) != lower(b[0]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// skipJoints drops leading spaces, underscores and hyphens, which may join the parts of a word.
func skipJoints(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '_' || s[0] == '-') {
		s = s[1:]
	}
	return s
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// oneOf returns the word of the list that s is a spelling of.
func oneOf(s string, words []string) (string, bool) {
	if i := slices.Index(words, s); i >= 0 {
		return words[i], true
	}
	for _, w := range words {
		if sameWord(s, w) {
			return w, true
		}
	}
	return "", false
}

// ParseBool reads true, 1, yes, false, 0 or no, regardless of case. The error is fault.Invalid,
// code not_a_boolean.
func ParseBool(s string) (bool, error) {
	switch s { // as nearly all programs write them
	case "TRUE", "true":
		return true, nil
	case "FALSE", "false":
		return false, nil
	}
	if _, ok := oneOf(s, []string{"true", "1", "yes"}); ok {
		return true, nil
	}
	if _, ok := oneOf(s, []string{"false", "0", "no"}); ok {
		return false, nil
	}
	return false, invalid(CodeNotABoolean, "%s is neither TRUE nor FALSE.", quote(s))
}

// CheckEmail checks that s can be an e-mail address: one @ between two non-empty parts, no spaces
// and no invisible characters. It checks no more, because mail servers accept more than any grammar
// says. The error is fault.Invalid, code bad_email.
func CheckEmail(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" || strings.ContainsRune(domain, '@') {
		return invalid(CodeBadEmail, "This is not an e-mail address; write it like name@example.com.")
	}
	if isASCII(s, '!') {
		return nil
	}
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == utf8.RuneError {
			return invalid(CodeBadEmail, "The e-mail address holds a space or an invisible character.")
		}
	}
	return nil
}

// CheckID checks that s, already trimmed, can be an external id: at most MaxText characters and no
// invisible ones, so that ids that differ also look different. The only space is that of ASCII. The
// error is fault.Invalid: bad_character or too_long.
func CheckID(s string) error {
	if len(s) <= MaxText && isASCII(s, ' ') {
		return nil
	}
	n := 0
	for _, r := range s {
		if n++; r == utf8.RuneError {
			return invalid(CodeBadCharacter, "Character %d of the id was lost when its text was stored; type the id anew.", n)
		} else if isInvisible(r) {
			return invalid(CodeBadCharacter, "Character %d of the id is invisible or only looks like a space (%U); type the id anew.", n, r)
		}
	}
	return CheckLength(s, MaxText)
}

// isInvisible reports whether a character leaves no ink, except the space.
func isInvisible(r rune) bool {
	const brailleBlank = '\u2800'
	return !unicode.IsPrint(r) || r == brailleBlank ||
		r > unicode.MaxLatin1 && unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isASCII reports whether every byte of s is from least to '~', the last printable one. Nearly
// every cell is such a text; then its characters need no further checks.
func isASCII(s string, least byte) bool {
	for i := range len(s) {
		if s[i] < least || s[i] > '~' {
			return false
		}
	}
	return true
}

// The most characters that a text may have.
const (
	MaxText = 255    // names and ids: ChartMogul's limit
	MaxNote = 10_000 // notes and descriptions: far below the size limit of an item
)

// CheckLength checks that s is valid UTF-8 without NUL and has at most that many characters. The
// error is fault.Invalid: bad_character or too_long.
func CheckLength(s string, most int) error {
	if len(s) <= most && isASCII(s, ' ') {
		return nil
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return invalid(CodeBadCharacter, "The text holds a character that is not valid UTF-8, or a NUL.")
	}
	if len(s) <= most {
		return nil
	}
	if n := utf8.RuneCountInString(s); n > most {
		return invalid(CodeTooLong, "The text has %d characters; at most %d are possible.", n, most)
	}
	return nil
}
