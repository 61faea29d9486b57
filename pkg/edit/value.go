package edit

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// Type is the type of a custom attribute.
type Type string

// The types of custom attributes.
const (
	String    Type = "String"
	Integer   Type = "Integer"
	Decimal   Type = "Decimal"
	Timestamp Type = "Timestamp"
	Boolean   Type = "Boolean"
)

// MaxText is the most characters that a text value, a name or a tag may have.
const MaxText = 255

// timeLayout is the form in which timestamps are stored and shown.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Value is the value of a custom attribute.
type Value struct {
	Type   Type   `json:"type"`
	Text   string `json:"text"` // canonical for its type, e.g. "12", "1.5", "true", "2016-01-31T00:00:00.000Z"
	Source string `json:"source,omitempty"`
}

// NewValue makes a value of a type from what a request holds: a string, a bool, a json.Number, a
// float64 or an int64. If raw does not fit the type, the error is fault.Invalid, code
// invalid_value.
func NewValue(typ Type, raw any, source string) (Value, error) {
	text, ok := rawText(raw)
	if ok {
		text, ok = canonical(typ, text)
	}
	if !ok {
		return Value{}, &fault.Error{
			Kind: fault.Invalid, Code: "invalid_value", Param: "value",
			Message: "the value does not fit the attribute's type " + string(typ),
		}
	}
	return Value{Type: typ, Text: text, Source: source}, nil
}

// ParseType reads the name of a type. The error is fault.Invalid, code invalid_type.
func ParseType(s string) (Type, error) {
	switch t := Type(s); t {
	case String, Integer, Decimal, Timestamp, Boolean:
		return t, nil
	}
	return "", &fault.Error{
		Kind: fault.Invalid, Code: "invalid_type", Param: "type",
		Message: "the type must be String, Integer, Decimal, Timestamp or Boolean",
	}
}

// typeOf returns the type of a value that was sent without one.
func typeOf(raw any) Type {
	switch v := raw.(type) {
	case bool:
		return Boolean
	case int64:
		return Integer
	case json.Number, float64:
		if text, _ := rawText(v); isInteger(text) {
			return Integer
		}
		return Decimal
	}
	return String
}

func isInteger(s string) bool { _, ok := canonical(Integer, s); return ok }

func rawText(raw any) (string, bool) {
	switch v := raw.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func canonical(typ Type, s string) (string, bool) {
	switch typ {
	case String:
		return s, utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxText
	case Integer:
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	case Decimal:
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return strconv.FormatFloat(f, 'f', -1, 64), err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	case Boolean:
		b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(s)))
		return strconv.FormatBool(b), err == nil
	case Timestamp:
		t, ok := parseTime(strings.TrimSpace(s))
		return t.UTC().Format(timeLayout), ok
	}
	return "", false
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05 MST",
	} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1 && t.Year() <= 9999 {
			return t, true
		}
	}
	return time.Time{}, false
}

// JSON returns the value as API answers hold it: a string, json.Number or bool.
func (v Value) JSON() any {
	switch v.Type {
	case Integer, Decimal:
		return json.Number(v.Text)
	case Boolean:
		return v.Text == "true"
	case String, Timestamp:
	}
	return v.Text
}
