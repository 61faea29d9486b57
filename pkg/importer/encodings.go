package importer

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// usualEncodings are the encodings in which tables come, by their names in settings. Where the bytes
// fit several, the first one is the best guess.
func usualEncodings() []string {
	return []string{
		"windows-1252", "shift_jis", "euc-jp", "gb18030", "big5", "euc-kr", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1255",
		"windows-1256", "windows-1257", "iso-8859-2", "macintosh", "ibm866",
	}
}

const (
	nameUTF8    = "utf-8"
	nameUTF16LE = "utf-16le"
	nameUTF16BE = "utf-16be"
)

// encodingsOf lists the encodings in which a text may be that has no byte order mark, by their names in
// settings, the best guess first. In the others, some of the bytes mean nothing; of a damaged UTF-8
// text, a few do. text ends with a line.
func encodingsOf(text []byte) (names []string) {
	if bytes.IndexByte(text, 0) >= 0 { // which only wide characters have
		return fitting(text[:len(text)&^1], nameUTF16LE, nameUTF16BE)
	}
	if utf8.Valid(text) {
		return []string{nameUTF8}
	}
	if names = fitting(text, usualEncodings()...); mostlyUTF8(text) {
		names = append([]string{nameUTF8}, names...)
	}
	return names
}

// mostlyUTF8 reports whether more of the characters above ASCII are UTF-8 than are not: then the
// others are damaged.
func mostlyUTF8(text []byte) bool {
	right, wrong := 0, 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case size > 1:
			right++
		case r == utf8.RuneError:
			wrong++
		}
		text = text[size:]
	}
	return right > wrong
}

// fitting lists those of the encodings in which a text can be read.
func fitting(text []byte, names ...string) (out []string) {
	for _, name := range names {
		enc, err := htmlindex.Get(name)
		if err != nil {
			continue
		}
		if read, err := enc.NewDecoder().Bytes(text); err == nil && !bytes.ContainsFunc(read, meansNothing) {
			out = append(out, name)
		}
	}
	return out
}

// meansNothing reports whether a character stands for bytes that an encoding does not have, or for a
// control code that no table holds.
func meansNothing(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != '\v'
}
