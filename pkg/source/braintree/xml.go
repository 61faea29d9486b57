package braintree

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// deepest is how many elements may lie in one another.
const deepest = 64

// errXML is the error for what is no document, or too deep.
func errXML() error { return errors.New("this is no XML document that can be read") }

// node is an element of an XML document: fields, a list, a text, or what its type says.
type node struct {
	name   string
	fields map[string]any // values are json.RawMessage, string, bool, nil, fields or lists
	list   []any
	text   strings.Builder
	is     string // its type
	null   bool
	parts  int // elements in it
}

// decode reads an XML document, and returns the name of its root and its value: a map[string]any, a []any, a json.Number, a
// string, a bool or nil.
func decode(body []byte) (name string, value any, err error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var open []*node
	for {
		token, err := d.Token()
		if err != nil {
			return "", nil, errXML()
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) == deepest {
				return "", nil, errXML()
			}
			open = append(open, begin(t))
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(t)
			}
		case xml.EndElement:
			n := open[len(open)-1]
			if open = open[:len(open)-1]; len(open) == 0 {
				return n.name, n.value(), ends(d)
			}
			open[len(open)-1].add(n)
		}
	}
}

// ends checks that nothing follows the root.
func ends(d *xml.Decoder) error {
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if text, ok := token.(xml.CharData); err != nil || !ok || len(bytes.TrimSpace(text)) > 0 {
			return errXML()
		}
	}
}

func begin(t xml.StartElement) *node {
	n := &node{name: strings.ReplaceAll(t.Name.Local, "-", "_")}
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "type":
			n.is = a.Value
		case "nil":
			n.null = a.Value == "true"
		}
	}
	return n
}

// add adds an element that lies in this one. Of several with one name the field is a list.
func (n *node) add(part *node) {
	n.parts++
	v := part.value()
	if n.is == "array" {
		n.list = append(n.list, v)
		return
	}
	if secret(part.name) {
		return
	}
	if n.fields == nil {
		n.fields = map[string]any{}
	}
	there, ok := n.fields[part.name]
	switch several := there.(type) {
	case repeated:
		n.fields[part.name] = append(several, v)
	default:
		if ok {
			n.fields[part.name] = repeated{there, v}
			return
		}
		n.fields[part.name] = v
	}
}

// repeated are the values of elements of one name that are no array.
type repeated []any

// secret reports whether a field is about a card or bank account, and nobody needs it here.
func secret(name string) bool {
	switch name {
	case "bin", "last_4", "masked_number", "cardholder_name", "expiration_month", "expiration_year", "unique_number_identifier", "routing_number", "account_holder_name", "image_url":
		return true
	}
	return false
}

func (n *node) value() any {
	switch {
	case n.null:
		return nil
	case n.is == "array":
		if n.list == nil {
			return []any{}
		}
		return n.list
	case n.fields != nil:
		return n.fields
	case n.parts > 0, n.is == "collection":
		return map[string]any{}
	}
	text := n.text.String()
	switch n.is {
	case "integer":
		if number := json.Number(text); integer(text) {
			return number
		}
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}

// integer reports whether a text can stand in JSON as a number.
func integer(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || digits[0] == '0' && digits != "0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
