package httpapi

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Speller is an answer, or a part of one, that writes its own JSON, byte for byte as encoding/json
// would. The elements of long lists do: with encoding/json that would take longer than all the rest
// of the request.
type Speller interface {
	AppendJSON(b []byte) []byte
}

// AppendJSON appends any value as JSON, with <, > and & as they are.
func AppendJSON(b []byte, v any) ([]byte, error) {
	if s, ok := v.(Speller); ok {
		return s.AppendJSON(b), nil
	}
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// AppendText appends a text.
func AppendText(b []byte, s string) []byte {
	if !plain(s) {
		b, _ = AppendJSON(b, s) // never fails for a text
		return b
	}
	return AppendPlain(b, s)
}

// plain reports whether a text needs no escapes in JSON. It is false for a few texts that need none
// either.
func plain(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == 0xe2: // the first byte of U+2028, which is escaped
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// AppendPlain appends a text that needs no escapes.
func AppendPlain(b []byte, s string) []byte { return append(append(append(b, '"'), s...), '"') }

// AppendTexts appends a list of texts.
func AppendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, s)
	}
	return append(b, ']')
}
