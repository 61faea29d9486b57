package billing

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of the custom attributes of a record. An item of the table has at most 400 KB.
const (
	MaxAttributes     = 500
	MaxAttributeText  = 500     // characters of a value: as long as metadata of Stripe may be
	MaxAttributesSize = 100_000 // bytes of all of them, as JSON
)

// CodeBadAttributes is the code of a cell that holds no custom attributes.
const CodeBadAttributes = "bad_attributes"

// ParseAttributes reads custom attributes: a JSON object whose values are texts, numbers, true or
// false. A value that is null or an empty text counts as not given. It returns them as JSON that is
// the same for the same attributes: sorted by name, without white space; empty if there are none.
// The error is fault.Invalid: bad_attributes, too_long, or duplicate_field.
func ParseAttributes(s string) (string, error) {
	given, err := attributesIn(s)
	if err != nil {
		return "", err
	}
	out := attributes{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := out.add(name, given[name]); err != nil {
			return "", err
		}
	}
	return out.text(), nil
}

// attributesIn takes a JSON object apart.
func attributesIn(s string) (map[string]jsontext.Value, error) {
	bad := invalid(CodeBadAttributes, `This is no JSON object of custom attributes, such as {"segment":"SMB","seats":5}.`)
	in := jsontext.NewDecoder(strings.NewReader(s))
	if t, err := in.ReadToken(); err != nil || t.Kind() != jsontext.KindBeginObject {
		return nil, bad
	}
	given := map[string]jsontext.Value{}
	for in.PeekKind() == jsontext.KindString {
		name, err := in.ReadToken()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return nil, invalid(CodeDuplicateField, "A custom attribute stands twice.")
		}
		if err != nil {
			return nil, bad
		}
		key := name.String()
		value, err := in.ReadValue()
		if err != nil {
			return nil, bad
		}
		given[key] = value.Clone()
	}
	if _, err := in.ReadToken(); err != nil { // the brace at the end
		return nil, bad
	}
	if _, err := in.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return given, nil
}

// TextAttributes makes what [ParseAttributes] returns of attributes that all are texts, and leaves
// out those that are too long or too many. left is how many these are.
func TextAttributes(values map[string]string) (text string, left int) {
	out := attributes{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		quoted, err := jsontext.AppendQuote(nil, values[name])
		if err != nil || out.add(name, quoted) != nil {
			left++
		}
	}
	return out.text(), left
}

// attributes is JSON to which attributes are added in the order of their names.
type attributes struct {
	json []byte
	n    int
}

func (a *attributes) add(name string, value jsontext.Value) error {
	switch value.Kind() { //nolint:exhaustive // numbers and truths stand as they are
	case jsontext.KindNull:
		return nil
	case jsontext.KindString:
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil || CheckLength(string(text), MaxAttributeText) != nil {
			return invalid(CodeTooLong, "A custom attribute has at most %d characters, none of them NUL.", MaxAttributeText)
		}
		if len(text) == 0 {
			return nil
		}
		value, _ = jsontext.AppendQuote(nil, text) // spelled in one way
	case jsontext.KindBeginObject, jsontext.KindBeginArray:
		return invalid(CodeBadAttributes, "A custom attribute is a text, a number, true or false, and no list or object.")
	}
	if name == "" || !utf8.ValidString(name) || CheckLength(name, MaxText) != nil {
		return invalid(CodeBadAttributes, "The name of a custom attribute has 1 to %d characters, none of them NUL.", MaxText)
	}
	quoted, _ := jsontext.AppendQuote(nil, name) // valid UTF-8
	if a.n == MaxAttributes || len(a.json)+len(quoted)+len(value)+2 > MaxAttributesSize {
		return invalid(CodeTooLong, "A customer has at most %d custom attributes, and %d bytes of them as JSON.", MaxAttributes, MaxAttributesSize)
	}
	sep := byte(',')
	if a.n == 0 {
		sep = '{'
	}
	a.n++
	a.json = append(append(append(append(a.json, sep), quoted...), ':'), value...)
	return nil
}

func (a *attributes) text() string {
	if a.n == 0 {
		return ""
	}
	return string(append(a.json, '}'))
}

// ReadableAttributes writes what [ParseAttributes] returned for people: the names and values, one
// after the other.
func ReadableAttributes(text string) string {
	all, err := attributesIn(text)
	if err != nil {
		return text
	}
	list := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := string(all[name])
		if all[name].Kind() == jsontext.KindString {
			unquoted, _ := jsontext.AppendUnquote(nil, value) // it is JSON
			value = string(unquoted)
		}
		list = append(list, name+": "+value)
	}
	return strings.Join(list, ", ")
}
