package system

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Fields are the fields of an object that are read, by name, and of each of them those inside it. A nil one is read whole.
type Fields map[string]Fields

// FieldsOf lists the fields that are read if an object is decoded into a shape. A type that decodes itself is read whole, unless it has a
// method that says otherwise: Fields() Fields.
func FieldsOf[Shape any]() Fields { return fieldsOf(reflect.TypeFor[Shape]()) }

func fieldsOf(t reflect.Type) Fields {
	own, ok := reflect.TypeAssert[interface{ Fields() Fields }](reflect.New(t))
	switch kind := t.Kind(); {
	case ok:
		return own.Fields()
	case kind == reflect.Pointer, kind == reflect.Slice:
		return fieldsOf(t.Elem())
	case kind == reflect.Struct:
		return membersOf(t)
	}
	return nil
}

// membersOf lists the fields of a struct; nil if it has any without a name in JSON, such as one that decodes itself.
func membersOf(t reflect.Type) Fields {
	all := Fields{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			return nil
		}
		all[name] = fieldsOf(f.Type)
	}
	return all
}

// String spells the fields. Two that read the same are spelled the same.
func (f Fields) String() string {
	if f == nil {
		return "*"
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		all = append(all, name+f[name].String())
	}
	return "{" + strings.Join(all, ",") + "}"
}

// Pick appends an object without the fields that are not read. In lists, that is done with each element. The object must be JSON. It is not
// checked, which makes this many times as fast as decoding it; ok is false if it has white space before a name or escapes in one, and nothing is appended then.
func (f Fields) Pick(dst, object []byte) (out []byte, ok bool) {
	c := picker{in: object, out: dst}
	if !c.value(f) || c.at != len(object) {
		return dst, false
	}
	return c.out, true
}

// picker copies what is read of a JSON text.
type picker struct {
	in  []byte
	at  int
	out []byte
}

// next is the next byte; 0 at the end.
func (c *picker) next() byte {
	if c.at < len(c.in) {
		return c.in[c.at]
	}
	return 0
}

// value copies what is read of a value.
func (c *picker) value(f Fields) bool {
	first := c.next()
	if f != nil && first == '{' {
		return c.members(f)
	}
	if f != nil && first == '[' {
		return c.elements(f)
	}
	from := c.at
	ok := c.skip()
	c.out = append(c.out, c.in[from:c.at]...)
	return ok
}

func (c *picker) elements(f Fields) bool {
	c.at++
	c.out = append(c.out, '[')
	for first := true; c.next() != ']'; first = false {
		if !first && !c.comma() {
			return false
		}
		if !c.value(f) {
			return false
		}
	}
	c.at++
	c.out = append(c.out, ']')
	return true
}

// comma copies a comma.
func (c *picker) comma() bool {
	if c.next() != ',' {
		return false
	}
	c.at++
	c.out = append(c.out, ',')
	return true
}

// members copies the members of an object that are read.
func (c *picker) members(f Fields) bool {
	c.out = append(c.out, '{')
	empty := true
	ok := c.each(func(name []byte) (more, ok bool) {
		inside, read := f[string(name)]
		if !read {
			return true, c.skip()
		}
		if !empty {
			c.out = append(c.out, ',')
		}
		empty = false
		c.out = append(append(append(c.out, '"'), name...), '"', ':')
		return true, c.value(inside)
	})
	c.out = append(c.out, '}')
	return ok
}

// each calls do with the name of each member of an object, until it wants no more. It must move on behind the value.
func (c *picker) each(do func(name []byte) (more, ok bool)) bool {
	if c.next() != '{' {
		return false
	}
	c.at++
	if c.next() == '}' {
		c.at++
		return true
	}
	for {
		from := c.at
		if !c.text() || c.next() != ':' {
			return false
		}
		name := c.in[from+1 : c.at-1]
		c.at++
		if bytes.IndexByte(name, '\\') >= 0 {
			return false
		}
		if more, ok := do(name); !ok || !more {
			return ok
		}
		end := c.next()
		if c.at++; end != ',' {
			return end == '}'
		}
	}
}

// skip skips a value.
func (c *picker) skip() bool {
	switch c.next() {
	case '"':
		return c.text()
	case '{', '[':
		return c.nested()
	}
	from := c.at
	for c.at < len(c.in) && c.in[c.at] != ',' && c.in[c.at] != '}' && c.in[c.at] != ']' {
		c.at++
	}
	return c.at > from
}

// nested skips an object or a list. Brackets are counted, whichever they are.
func (c *picker) nested() bool {
	for depth := 0; c.at < len(c.in); {
		switch c.in[c.at] {
		case '"':
			if !c.text() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.at++
		if depth == 0 {
			return true
		}
	}
	return false
}

// text skips a text, whose quote is next.
func (c *picker) text() bool {
	if c.next() != '"' {
		return false
	}
	for i := c.at + 1; ; i++ {
		n := bytes.IndexByte(c.in[i:], '"')
		if n < 0 {
			return false
		}
		i += n
		before := i
		for c.in[before-1] == '\\' {
			before--
		}
		if (i-before)%2 == 0 {
			c.at = i + 1
			return true
		}
	}
}
