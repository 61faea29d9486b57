package system

import (
	stdjson "encoding/json"
	"errors"
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

// FieldOf names the field that could not be decoded, by its path; empty if the error does not say.
func FieldOf(err error) string {
	if e, ok := errors.AsType[*stdjson.UnmarshalTypeError](err); ok {
		return fieldAt(strings.SplitSeq(e.Field, "."))
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return fieldAt(e.JSONPointer.Tokens())
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
