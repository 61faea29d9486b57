package importer

import (
	"io"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// foreignText reads a text that is said to be in another encoding than UTF-8. At its end it fails if
// the text is UTF-8 after all: letters beyond ASCII would be read wrongly. Hardly any text in another
// encoding looks like that.
type foreignText struct {
	in       io.Reader
	encoding string // as it is said
	not      bool   // it is not UTF-8
	beyond   bool   // it has letters beyond ASCII
	rest     []byte // of a letter that the last read has cut
}

// Read reads on.
func (t *foreignText) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	if !t.not {
		t.look(p[:n])
	}
	if err == io.EOF && !t.not && t.beyond && len(t.rest) == 0 { //nolint:errorlint // a reader returns it as it is
		return 0, fault.Newf(fault.Invalid, "already_utf8",
			"the file is UTF-8 already: read with --encoding %s, its letters with accents would become others. Import it with --encoding utf-8", t.encoding)
	}
	return n, err
}

func (t *foreignText) look(p []byte) {
	text := p
	if len(t.rest) > 0 {
		text = append(t.rest, p...)
	}
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			text = text[1:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			if utf8.FullRune(text) {
				t.not = true
			}
			break
		}
		t.beyond, text = true, text[size:]
	}
	t.rest = append(t.rest[:0:0], text...)
	if t.not {
		t.rest = nil
	}
}
