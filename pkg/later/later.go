package later

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"
)

// Fields are the fields of a JSON object that its struct does not have: their JSON text by name.
type Fields map[string]json.RawMessage

// Unmarshal is [json.Unmarshal], except that structs keep the fields that they do not have.
func Unmarshal(data []byte, v any) error {
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if strict.Decode(v) == nil {
		if _, err := strict.Token(); errors.Is(err, io.EOF) { // no unknown fields: the usual case
			return nil
		}
	}
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	return keep(reflect.ValueOf(v), data)
}

// Marshal is [json.Marshal], except that it also writes the fields that [Unmarshal] has kept. An
// object that has kept fields is written with all its fields sorted by name.
func Marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return restore(reflect.ValueOf(v), data)
}

// keep sets the Fields of v, and of all structs in it, from its text.
func keep(v reflect.Value, data json.RawMessage) error {
	switch v.Kind() { //nolint:exhaustive // no other kind holds a struct that can be changed
	case reflect.Pointer:
		return keep(v.Elem(), data)
	case reflect.Slice:
		list, err := elements(v, data)
		for i := 0; i < len(list) && err == nil; i++ {
			err = keep(v.Index(i), list[i])
		}
		return err
	case reflect.Struct:
		s, object, err := open(v, data)
		if err != nil || object == nil {
			return err
		}
		found := Fields{}
		for name, value := range object {
			if member, ok := s.member(name); !ok {
				found[name] = value
			} else if err := keep(member, value); err != nil {
				return err
			}
		}
		if len(found) > 0 && s.later.IsValid() {
			s.later.Set(reflect.ValueOf(found))
		}
	}
	return nil
}

// restore returns the text of v: data, with the kept fields added.
func restore(v reflect.Value, data json.RawMessage) (json.RawMessage, error) {
	if !kept(v) {
		return data, nil
	}
	switch v.Kind() { //nolint:exhaustive // no other kind has kept anything
	case reflect.Pointer:
		return restore(v.Elem(), data)
	case reflect.Slice:
		list, err := elements(v, data)
		for i := 0; i < len(list) && err == nil; i++ {
			list[i], err = restore(v.Index(i), list[i])
		}
		if err != nil {
			return nil, err
		}
		return text(list)
	}
	s, object, err := open(v, data)
	if err != nil || object == nil {
		return data, err
	}
	for name, value := range object {
		if member, ok := s.member(name); ok {
			if object[name], err = restore(member, value); err != nil {
				return nil, err
			}
		}
	}
	if s.later.IsValid() {
		fields, _ := reflect.TypeAssert[Fields](s.later)
		maps.Copy(object, fields)
	}
	return text(object)
}

// kept tells whether v, or a struct in it, has kept fields.
func kept(v reflect.Value) bool {
	switch v.Kind() { //nolint:exhaustive // as in keep
	case reflect.Pointer:
		return kept(v.Elem())
	case reflect.Slice:
		for i := 0; i < v.Len() && ofStructs(v); i++ {
			if kept(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); (f.IsExported() || f.Anonymous) && (f.Type == fieldsType() && v.Field(i).Len() > 0 || kept(v.Field(i))) {
				return true
			}
		}
	}
	return false
}

func fieldsType() reflect.Type { return reflect.TypeFor[Fields]() }

// structure is the fields of a struct by their JSON names.
type structure struct {
	members map[string]reflect.Value
	later   reflect.Value // its field of type Fields; the zero Value if it has none
}

// open splits a struct and its text into fields. The object is nil if the text is not an object:
// then the type has a JSON text of its own, like time.Time.
func open(v reflect.Value, data json.RawMessage) (structure, map[string]json.RawMessage, error) {
	s := structure{members: map[string]reflect.Value{}}
	s.add(v)
	if !bytes.HasPrefix(data, []byte("{")) {
		return s, nil, nil
	}
	var object map[string]json.RawMessage
	err := json.Unmarshal(data, &object)
	return s, object, err
}

func (s *structure) add(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() && !f.Anonymous:
		case f.Type == fieldsType():
			s.later = v.Field(i)
		case name == "-":
		case name != "":
			s.members[name] = v.Field(i)
		case !f.Anonymous:
			s.members[f.Name] = v.Field(i)
		default:
			if embedded := reflect.Indirect(v.Field(i)); embedded.IsValid() {
				s.add(embedded)
			}
		}
	}
}

// member returns the field with a name. Like encoding/json it ignores case if there is no exact
// match.
func (s *structure) member(name string) (reflect.Value, bool) {
	if v, ok := s.members[name]; ok {
		return v, true
	}
	for n, v := range s.members {
		if strings.EqualFold(n, name) {
			return v, true
		}
	}
	return reflect.Value{}, false
}

// elements returns the texts of the elements of a slice of structs. For any other slice it returns
// nothing.
func elements(v reflect.Value, data json.RawMessage) (list []json.RawMessage, err error) {
	if ofStructs(v) && bytes.HasPrefix(data, []byte("[")) {
		err = json.Unmarshal(data, &list)
	}
	return list, err
}

func ofStructs(slice reflect.Value) bool {
	of := slice.Type().Elem()
	return of.Kind() == reflect.Struct || of.Kind() == reflect.Pointer && of.Elem().Kind() == reflect.Struct
}

// text returns the JSON of v. It does not escape HTML, so that kept texts stay as they are.
func text(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
