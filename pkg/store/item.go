package store

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
)

// Key names one item.
type Key struct{ PK, SK string }

// Compare orders keys by partition key, then sort key, bytewise.
func (k Key) Compare(o Key) int {
	if c := strings.Compare(k.PK, o.PK); c != 0 {
		return c
	}
	return strings.Compare(k.SK, o.SK)
}

// Item is what the table holds.
type Item struct {
	Key
	Attrs Attrs
}

// Type is the type of an attribute's value.
type Type byte

// The types of values, as they are stored: never renumber.
const (
	String Type = 's'
	Int    Type = 'n'
	Bool   Type = 'b'
	Bytes  Type = 'x'
	List   Type = 'l' // of strings, in their order
)

// Attrs is the canonical encoding of an item's attributes, in ascending order of the names:
//
//	name length (1 byte) · name · type (1 byte) · value length (uvarint) · value
//
// An Int is 8 bytes big-endian two's complement, a Bool one byte, a List a
// sequence of (uvarint length, bytes). Equal values are equal bytes. Names that begin with
// "_" are about the item rather than in it (stamps, manual epoch); they sort
// before every other name.
type Attrs []byte

// Value is one attribute's value: a type and its raw bytes.
type Value struct {
	Type Type
	Raw  []byte
}

// Str is the value as text.
func (v Value) Str() string { return string(v.Raw) }

// Int is the value as an integer; 0 if it is none.
func (v Value) Int() int64 {
	if v.Type != Int || len(v.Raw) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(v.Raw)) //nolint:gosec // two's complement both ways
}

// Bool is the value as a truth value.
func (v Value) Bool() bool { return len(v.Raw) == 1 && v.Raw[0] == 1 }

// List is the value as a list of strings.
func (v Value) List() []string {
	var out []string
	for raw := v.Raw; len(raw) > 0; {
		element, rest, ok := cut(raw)
		if !ok {
			break
		}
		out = append(out, string(element))
		raw = rest
	}
	return out
}

// All walks the attributes in the order of their names. It stops at the first
// byte that is no attribute.
func (a Attrs) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for rest := []byte(a); len(rest) > 0; {
			name, v, after, ok := next(rest)
			if !ok || !yield(string(name), v) {
				return
			}
			rest = after
		}
	}
}

// Valid tells whether a is well formed from the first byte to the last: names
// in ascending order, values of a known type and of its shape, every length in
// its shortest spelling. So there is one valid spelling of each set of values.
func (a Attrs) Valid() bool {
	var prev []byte
	for rest := []byte(a); len(rest) > 0; {
		name, v, after, ok := next(rest)
		if !ok || !v.wellFormed() || prev != nil && bytes.Compare(prev, name) >= 0 {
			return false
		}
		prev, rest = name, after
	}
	return true
}

func next(b []byte) (name []byte, v Value, rest []byte, ok bool) {
	if len(b) < 3 || len(b) < int(b[0])+2 {
		return nil, v, nil, false
	}
	end := 1 + int(b[0])
	name, t := b[1:end], Type(b[end])
	raw, rest, ok := cut(b[end+1:])
	return name, Value{t, raw}, rest, ok
}

// cut takes a length, in its shortest spelling, and so many bytes off b.
func cut(b []byte) (head, rest []byte, ok bool) {
	if len(b) > 0 && int(b[0]) < min(0x80, len(b)) { // what most values are, without a loop
		end := 1 + int(b[0])
		return b[1:end], b[end:], true
	}
	n, w := binary.Uvarint(b)
	if w <= 0 || uint64(len(b)-w) < n || w > 1 && b[w-1] == 0 { //nolint:gosec // w is at most len(b)
		return nil, nil, false
	}
	end := w + int(n) //nolint:gosec // at most len(b)
	return b[w:end], b[end:], true
}

func (v Value) wellFormed() bool {
	switch v.Type {
	case Int:
		return len(v.Raw) == 8
	case Bool:
		return len(v.Raw) == 1 && v.Raw[0] <= 1
	case List:
		ok := true
		for raw := v.Raw; ok && len(raw) > 0; {
			_, raw, ok = cut(raw)
		}
		return ok
	case String, Bytes:
		return true
	}
	return false
}

// Get finds one attribute.
func (a Attrs) Get(name string) (Value, bool) {
	for rest := []byte(a); len(rest) > 0; {
		n, v, after, ok := next(rest)
		if !ok {
			break
		}
		if string(n) == name {
			return v, true
		}
		rest = after
	}
	return Value{}, false
}

// Str is a string attribute; empty if absent.
func (a Attrs) Str(name string) string { v, _ := a.Get(name); return v.Str() }

// Int is an integer attribute and whether it is there.
func (a Attrs) Int(name string) (int64, bool) {
	v, ok := a.Get(name)
	return v.Int(), ok && v.Type == Int
}

// Content is a without the leading "_" attributes: what an import compares.
func (a Attrs) Content() Attrs {
	for rest := []byte(a); len(rest) > 0; {
		name, _, after, ok := next(rest)
		if !ok {
			return nil
		}
		if len(name) == 0 || name[0] != '_' {
			return rest
		}
		rest = after
	}
	return nil
}

// Builder makes Attrs. Attributes may be added in any order; adding in
// ascending order of the names is cheapest. Zero values are left out, so that
// "not given" and "empty" are one thing.
type Builder struct{ buf []byte }

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder { return &Builder{} }

// Reset empties the builder for the next item, keeping its memory.
func (b *Builder) Reset() { b.buf = b.buf[:0] }

// Str adds a string unless it is empty.
func (b *Builder) Str(name, s string) *Builder {
	b.buf = appendStr(b.buf, name, s)
	return b
}

// Int adds an integer unless it is zero.
func (b *Builder) Int(name string, n int64) *Builder {
	b.buf = appendInt(b.buf, name, n)
	return b
}

// IntAlways adds an integer, zero too.
func (b *Builder) IntAlways(name string, n int64) *Builder {
	b.buf = appendIntAlways(b.buf, name, n)
	return b
}

// Bool adds true; false is left out.
func (b *Builder) Bool(name string, v bool) *Builder {
	b.buf = appendBool(b.buf, name, v)
	return b
}

// Bytes adds raw bytes unless there are none.
func (b *Builder) Bytes(name string, v []byte) *Builder {
	if len(v) == 0 {
		return b
	}
	return b.Raw(name, Value{Bytes, v})
}

// List adds a list of strings unless it is empty.
func (b *Builder) List(name string, list []string) *Builder {
	if len(list) == 0 {
		return b
	}
	return b.Raw(name, ListValue(list))
}

// Raw adds a value as it was stored.
func (b *Builder) Raw(name string, v Value) *Builder {
	b.buf = append(appendHead(b.buf, name, v.Type, len(v.Raw)), v.Raw...)
	return b
}

// AppendTo appends the canonical encoding to dst.
func (b *Builder) AppendTo(dst []byte) Attrs {
	if ascending(b.buf) {
		return append(dst, b.buf...)
	}
	return append(dst, b.Attrs()...)
}

// Attrs returns the canonical encoding, a copy that the builder keeps no hold
// of. Names must be distinct.
func (b *Builder) Attrs() Attrs {
	if ascending(b.buf) {
		return append(make([]byte, 0, len(b.buf)), b.buf...)
	}
	var attributes [][]byte
	for rest := b.buf; len(rest) > 0; {
		_, _, after, _ := next(rest)
		attributes = append(attributes, rest[:len(rest)-len(after)])
		rest = after
	}
	slices.SortFunc(attributes, func(x, y []byte) int { return bytes.Compare(nameOf(x), nameOf(y)) })
	return slices.Concat(attributes...)
}

// ascending tells whether the attributes in b stand in the order of their names.
func ascending(b []byte) bool {
	var prev []byte
	for rest := b; len(rest) > 0; {
		name, _, after, _ := next(rest)
		if bytes.Compare(prev, name) > 0 {
			return false
		}
		prev, rest = name, after
	}
	return true
}

// nameOf is the name of the attribute that b begins with.
func nameOf(b []byte) []byte { return b[1 : 1+int(b[0])] }

// Of an attribute, appendHead appends all but its value of n bytes; the others
// append all, unless the value is what an absent attribute means.
func appendHead(b []byte, name string, t Type, n int) []byte {
	b = append(b, byte(len(name))) //nolint:gosec // names are our own and short
	b = append(b, name...)
	return binary.AppendUvarint(append(b, byte(t)), uint64(n)) //nolint:gosec // a length
}

func appendStr(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return append(appendHead(b, name, String, len(s)), s...)
}

func appendInt(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return appendIntAlways(b, name, n)
}

func appendIntAlways(b []byte, name string, n int64) []byte {
	return binary.BigEndian.AppendUint64(appendHead(b, name, Int, 8), uint64(n)) //nolint:gosec // two's complement both ways
}

func appendBool(b []byte, name string, v bool) []byte {
	if !v {
		return b
	}
	return append(appendHead(b, name, Bool, 1), 1)
}
