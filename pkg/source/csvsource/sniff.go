package csvsource

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// saveAsUTF8 tells people what to do about a file in the wrong encoding.
const saveAsUTF8 = `in Excel choose "Save as", then "CSV UTF-8 (comma delimited)", and import that file`

const utf8BOM = "\ufeff"

// sniff returns an error if the start of a file shows that the file is something else than a table,
// or cannot be read as UTF-8 text. complete says that the sample is the whole file.
func sniff(sample []byte, complete bool) error {
	if err := source.Foreign(sample); err != nil {
		return err
	}
	utf16 := utf16Of(sample)
	switch {
	case utf16 != "":
		return fault.Newf(fault.Invalid, "bad_encoding",
			`the file looks like UTF-16; import it with --encoding %s, or %s`, utf16, saveAsUTF8)
	case isLatin1(sample, complete):
		return notUTF8("the file is saved in an old Western encoding (Latin-1 or Windows-1252), so letters with accents cannot be read", sample)
	default:
		return nil
	}
}

// notUTF8 is the error about a text that is not UTF-8. It shows how two cells of the text read as
// windows-1252.
func notUTF8(what string, text []byte) error {
	if cells := asWindows1252(text); len(cells) > 0 {
		what += "; as windows-1252 it reads " + strings.Join(cells, " and ") + ": if that is right, import it with --encoding windows-1252, or"
	} else {
		what += ";"
	}
	return fault.New(fault.Invalid, "bad_encoding", what+" "+saveAsUTF8)
}

// asWindows1252 returns the first two cells with letters above ASCII, as they read in windows-1252,
// quoted. It leaves out long ones, and those that may be e-mail addresses.
func asWindows1252(text []byte) (cells []string) {
	const most, longest = 2, 60
	for cell := range bytes.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(",;\t|\"\r\n", c) }) {
		cell = bytes.TrimSpace(cell)
		if utf8.Valid(cell) || len(cell) > longest || bytes.ContainsAny(cell, "@\x00") {
			continue
		}
		read, err := charmap.Windows1252.NewDecoder().Bytes(cell)
		if shown := strconv.Quote(string(read)); err == nil && !slices.Contains(cells, shown) {
			cells = append(cells, shown)
		}
		if len(cells) == most {
			break
		}
	}
	return cells
}

// utf16Of recognises UTF-16 by the byte order mark or, since a header row starts with ASCII, by a
// NUL beside each of its first two characters. It returns the name of the encoding.
func utf16Of(sample []byte) string {
	switch four := len(sample) >= 4; {
	case bytes.HasPrefix(sample, []byte("\xff\xfe")), four && sample[1] == 0 && sample[3] == 0:
		return "utf-16le"
	case bytes.HasPrefix(sample, []byte("\xfe\xff")), four && sample[0] == 0 && sample[2] == 0:
		return "utf-16be"
	}
	return ""
}

// isLatin1 tells whether no character above ASCII is UTF-8, and at least two lines have a single
// byte above ASCII beside an ASCII letter, as in M\xfcller. A single such line may be a damaged
// row, which becomes a reject while the other rows are imported.
func isLatin1(sample []byte, complete bool) bool {
	if !complete {
		if i := bytes.LastIndexByte(sample, '\n'); i >= 0 {
			sample = sample[:i] // the last character may be cut
		}
	}
	lines, inLine := 0, false
	for i := 0; i < len(sample); {
		r, size := utf8.DecodeRune(sample[i:])
		switch {
		case r == '\n' || r == '\r':
			inLine = false
		case size > 1:
			return false
		case r == utf8.RuneError && !inLine && isLatin1Letter(sample, i):
			lines, inLine = lines+1, true
		}
		i += size
	}
	return lines > 1
}

func isLatin1Letter(text []byte, i int) bool {
	return text[i] >= 0xC0 && (i > 0 && isASCIILetter(text[i-1]) || i+1 < len(text) && isASCIILetter(text[i+1]))
}

func isASCIILetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
