package system

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode decodes a raw object into a struct: several times as fast as encoding/json if most fields are left out. Names of fields count
// by case; of a name that is there twice the last one counts. [FieldOf] says which field an error is about.
func Decode(o []byte, into any) error {
	return json.Unmarshal(o, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Texts reads texts among the fields of a raw object, in the order of names, and reads no further than it must: many times as fast as
// [Decode]. A field that is null or missing is "". ok is false if one is something else, or the object is not written as [Fields.Pick] wants
// it: then [Decode] tells more.
func Texts(o []byte, names ...string) (texts []string, ok bool) {
	c, left := picker{in: o}, len(names)
	texts = make([]string, len(names))
	ok = c.each(func(name []byte) (more, ok bool) {
		at := slices.Index(names, string(name))
		if at < 0 {
			return true, c.skip()
		}
		from := c.at
		if !c.skip() {
			return false, false
		}
		value := c.in[from:c.at]
		left--
		if string(value) == "null" {
			return left > 0, true
		}
		texts[at] = string(bytes.Trim(value, `"`))
		return left > 0, value[0] == '"' && bytes.IndexByte(value, '\\') < 0
	})
	return texts, ok
}

// FieldOf names the field that could not be decoded, by its path; empty if the error does not say.
func FieldOf(err error) string {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return fieldAt(e.JSONPointer.Tokens())
	}
	if e, ok := errors.AsType[*stdjson.UnmarshalTypeError](err); ok {
		return fieldAt(strings.SplitSeq(e.Field, "."))
	}
	return ""
}

// fieldAt joins the names of a path, without places in lists, and as far as they are no names that people gave.
func fieldAt(names func(yield func(string) bool)) string {
	var path []string
	for name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			path = append(path, name)
		}
		if name == "metadata" {
			break
		}
	}
	return strings.Join(path, ".")
}
