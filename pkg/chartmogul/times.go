package chartmogul

import (
	"time"

	"reseed/pkg/httpapi"
)

// stamp is a time as most endpoints write it: 2016-01-01T12:00:00.000Z, null when unset.
type stamp time.Time

// MarshalJSON writes the time in UTC with milliseconds.
func (s stamp) MarshalJSON() ([]byte, error) {
	return s.appendTo(nil), nil
}

// appendTo appends the time.
func (s stamp) appendTo(b []byte) []byte {
	t := time.Time(s)
	if t.IsZero() {
		return append(b, "null"...)
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, `"2006-01-02T15:04:05.000Z"`)
	}
	b = append(appendDigits(append(b, '"'), year, 4), '-')
	b = append(appendDigits(b, int(month), 2), '-')
	b = append(appendDigits(b, day, 2), 'T')
	b = append(appendDigits(b, hour, 2), ':')
	b = append(appendDigits(b, minute, 2), ':')
	b = append(appendDigits(b, second, 2), '.')
	return append(appendDigits(b, t.Nanosecond()/int(time.Millisecond), 3), 'Z', '"')
}

// appendDigits appends a number of so many digits.
func appendDigits(b []byte, n, digits int) []byte {
	for by := [...]int{1, 1, 10, 100, 1000}[digits]; by > 0; by /= 10 {
		b = append(b, byte('0'+n/by%10))
	}
	return b
}

// optText is a text that is null when empty.
type optText string

// MarshalJSON writes the text.
func (s optText) MarshalJSON() ([]byte, error) { return s.appendTo(nil), nil }

// appendTo appends the text.
func (s optText) appendTo(b []byte) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return httpapi.AppendText(b, string(s))
}

// opt returns a pointer to s; nil if s is empty.
func opt(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
