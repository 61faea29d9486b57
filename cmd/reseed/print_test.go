package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
)

// hostileText maps texts that must not reach a terminal as they are to what is printed for them.
func hostileText() map[string]string {
	return map[string]string{
		"plain: Ünïcödé 名前 😀 \\x":   "plain: Ünïcödé 名前 😀 \\x",
		"\x1b[2J\x1b]0;title\x07":   `\x1b[2J\x1b]0;title\x07`,
		"a\r\nb\tc\x00":             `a\x0d\nb\tc\x00`,
		"\u009b31m\u0085\x7f":       `\u009b31m\u0085\u007f`,
		"gpj.\u202eexe\u202c":       `gpj.\u202eexe\u202c`,
		"\u2066x\u2069\u200f\u061c": `\u2066x\u2069\u200f\u061c`,
		"l\u2028p\u2029":            `l\u2028p\u2029`,
		"\xff\xc3 \x9b\uFFFD":       `\xff\xc3 \x9b` + "\uFFFD",
	}
}

func TestWhatIsPrintedIsSafe(t *testing.T) {
	t.Parallel()
	for text, want := range hostileText() {
		type name string
		for what, v := range map[string]any{"text": text, "name": name(text), "error": errors.New(text), "list": []string{text}} {
			var out bytes.Buffer
			sh := &shell{out: &out}
			sh.printf("%v", v)
			if got := strings.Trim(out.String(), "[]"); got != strings.Trim(want, "[]") {
				t.Errorf("%s %q: %s, want %s", what, text, got, want)
			}
		}
		var out bytes.Buffer
		sh := &shell{errOut: &out}
		sh.exit(fmt.Errorf("in front: %w", errors.New(text)))
		if got := out.String(); got != "reseed: in front: "+want+"\n" {
			t.Errorf("error %q: %s", text, got)
		}
	}
}

func TestJoinedErrorsAreLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	sh := &shell{errOut: &out}
	sh.exit(errors.Join(errors.New("one\nmore"), errors.Join(errors.New("two"), errors.New("three"))))
	if got, want := out.String(), "reseed: one\\nmore\nreseed: two\nreseed: three\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A file that is printed on a terminal keeps its line ends and tabs, and no other control
// character, whatever pieces it is read in.
func TestAFileOnATerminal(t *testing.T) {
	t.Parallel()
	for text, want := range hostileText() {
		want = strings.NewReplacer(`\x0d\n`, "\r\n", `\t`, "\t").Replace(want)
		for size := 1; size < 4; size++ {
			var out bytes.Buffer
			if err := copySafe(&out, &pieces{text, size}); err != nil || out.String() != want {
				t.Errorf("%q: %q, want %q, %v", text, out.String(), want, err)
			}
		}
	}
	var out bytes.Buffer
	doc, err := json.Marshal(map[string]string{"a": "\u009b\u202e\x7f\x1b\n"})
	if err == nil {
		err = copySafe(&out, bytes.NewReader(doc))
	}
	var back map[string]string
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &back)
	}
	if err != nil || back["a"] != "\u009b\u202e\x7f\x1b\n" || strings.ContainsFunc(out.String(), unicode.IsControl) {
		t.Errorf("JSON becomes %s, %v", out.String(), err)
	}
}

// pieces is a reader of a text that returns a few bytes at a time.
type pieces struct {
	text string
	size int
}

// Read reads a piece.
func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
