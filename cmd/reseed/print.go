package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Everything that the command prints for people goes through this file. Names, cells, headers and
// messages may hold characters that control a terminal, or that look like lines of the report.

// printf prints a part of the result. It ignores errors: the reader of the output may have gone.
func (sh *shell) printf(format string, args ...any) { fprintf(sh.out, format, args...) }

// fprintf is fmt.Fprintf with values that are safe to print.
func fprintf(w io.Writer, format string, args ...any) {
	clean := make([]any, len(args))
	for i, a := range args {
		clean[i] = safeValue(a)
	}
	_, _ = fmt.Fprintf(w, format, clean...)
}

func safeValue(v any) any {
	switch v := v.(type) {
	case error:
		return safe(v.Error())
	case fmt.Stringer:
		return safe(v.String())
	}
	switch reflect.ValueOf(v).Kind() { //nolint:exhaustive // numbers and booleans are always safe
	case reflect.String:
		return safe(reflect.ValueOf(v).String())
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Struct, reflect.Pointer:
		return safe(fmt.Sprint(v))
	}
	return v
}

// safe replaces what must not reach a terminal as it is, line breaks and tabs included, by escapes.
func safe(s string) string {
	if strings.IndexFunc(s, hazardous) < 0 { // bytes that are not UTF-8 are hazardous, too
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		b.WriteString(spelledOut(r, s[:size]))
		s = s[size:]
	}
	return b.String()
}

// hazardous reports whether a rune controls a terminal, breaks a line, or changes the direction of
// text. U+FFFD stands for bytes that are not UTF-8.
func hazardous(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// spelledOut is a rune as it is printed; raw is how it was written. The escapes from U+007F on are
// also JSON's.
func spelledOut(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == utf8.RuneError || !hazardous(r):
		return raw
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r < ' ':
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// printError prints an error; joined errors get a line each.
func (sh *shell) printError(err error) {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok && joined.Error() == err.Error() {
		for _, e := range joined.Unwrap() {
			sh.printError(e)
		}
		return
	}
	fprintf(sh.errOut, "reseed: %s\n", err)
}

// show prints v as JSON if --json is given, else the text.
func (sh *shell) show(v any, format string, args ...any) error {
	if sh.json {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return sh.copyOut(bytes.NewReader(append(text, '\n')))
	}
	sh.printf(format, args...)
	return nil
}

// copyOut prints a file as it is; on a terminal, with escapes for what would not stay within its
// line.
func (sh *shell) copyOut(r io.Reader) error {
	if f, ok := sh.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return copySafe(sh.out, r)
	}
	_, err := io.Copy(sh.out, r)
	return err
}

func copySafe(w io.Writer, r io.Reader) error {
	in, out := bufio.NewReader(r), bufio.NewWriter(w)
	for {
		c, size, err := in.ReadRune()
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		raw := string(c)
		if c == utf8.RuneError && size == 1 {
			_ = in.UnreadRune() // a rune was read just now
			b, _ := in.ReadByte()
			raw = string([]byte{b})
		}
		next, _ := in.Peek(1)
		switch {
		case c == '\n', c == '\t', c == '\r' && string(next) == "\n":
			_, err = out.WriteString(raw)
		default:
			_, err = out.WriteString(spelledOut(c, raw))
		}
		if err != nil {
			return err
		}
	}
}
