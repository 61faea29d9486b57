package table

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"time"
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

// Time is the value, milliseconds since 1970, as a time in UTC; zero if it is no integer.
func (v Value) Time() time.Time {
	if v.Type != Int {
		return time.Time{}
	}
	return time.UnixMilli(v.Int()).UTC()
}

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
			name, v, after, ok := Next(rest)
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
		name, v, after, ok := Next(rest)
		if !ok || !v.wellFormed() || prev != nil && bytes.Compare(prev, name) >= 0 {
			return false
		}
		prev, rest = name, after
	}
	return true
}

// Next cuts the first attribute off an encoding; ok is false if there is none, or it is no attribute.
// What it returns shares memory with b.
func Next(b []byte) (name []byte, v Value, rest []byte, ok bool) {
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
		n, v, after, ok := Next(rest)
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

// Num is an integer attribute; 0 if absent.
func (a Attrs) Num(name string) int64 { n, _ := a.Int(name); return n }

// Opt is an integer attribute; nil if absent.
func (a Attrs) Opt(name string) *int64 {
	if n, ok := a.Int(name); ok {
		return &n
	}
	return nil
}

// Flag is a boolean attribute; false if absent.
func (a Attrs) Flag(name string) bool { v, _ := a.Get(name); return v.Bool() }

// Time is an attribute of milliseconds since 1970 as a time in UTC; zero if absent.
func (a Attrs) Time(name string) time.Time { v, _ := a.Get(name); return v.Time() }

// Content is a without the leading "_" attributes: what an import compares.
func (a Attrs) Content() Attrs {
	for rest := []byte(a); len(rest) > 0; {
		name, _, after, ok := Next(rest)
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
	b.buf = AppendStr(b.buf, name, s)
	return b
}

// Int adds an integer unless it is zero.
func (b *Builder) Int(name string, n int64) *Builder {
	b.buf = AppendInt(b.buf, name, n)
	return b
}

// IntAlways adds an integer, zero too.
func (b *Builder) IntAlways(name string, n int64) *Builder {
	b.buf = AppendIntAlways(b.buf, name, n)
	return b
}

// Bool adds true; false is left out.
func (b *Builder) Bool(name string, v bool) *Builder {
	b.buf = AppendBool(b.buf, name, v)
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

// Append adds attributes in their encoding: add appends them to what it is given (see [AppendStr]).
func (b *Builder) Append(add func(dst []byte) []byte) { b.buf = add(b.buf) }

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
		_, _, after, _ := Next(rest)
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
		name, _, after, _ := Next(rest)
		if bytes.Compare(prev, name) > 0 {
			return false
		}
		prev, rest = name, after
	}
	return true
}

// nameOf is the name of the attribute that b begins with.
func nameOf(b []byte) []byte { return b[1 : 1+int(b[0])] }

// appendHead appends an attribute up to its value of n bytes.
func appendHead(b []byte, name string, t Type, n int) []byte {
	b = append(b, byte(len(name))) //nolint:gosec // names are our own and short
	b = append(b, name...)
	return binary.AppendUvarint(append(b, byte(t)), uint64(n)) //nolint:gosec // a length
}

// AppendStr appends the encoding of a string attribute to b, unless it is empty. With the other
// Append functions callers add the attributes of an item in ascending order of
// their names: nothing is compared, copied or allocated.
func AppendStr(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return append(appendHead(b, name, String, len(s)), s...)
}

// AppendInt appends an integer unless it is zero.
func AppendInt(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return AppendIntAlways(b, name, n)
}

// AppendIntAlways appends an integer, zero too.
func AppendIntAlways(b []byte, name string, n int64) []byte {
	return binary.BigEndian.AppendUint64(appendHead(b, name, Int, 8), uint64(n)) //nolint:gosec // two's complement both ways
}

// AppendOpt appends an integer unless it is nil.
func AppendOpt(b []byte, name string, n *int64) []byte {
	if n == nil {
		return b
	}
	return AppendIntAlways(b, name, *n)
}

// AppendTime appends a time in milliseconds since 1970, unless it is zero; 1970-01-01 is a time like any other.
func AppendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return AppendIntAlways(b, name, t.UnixMilli())
}

// AppendBool appends true; false is left out.
func AppendBool(b []byte, name string, v bool) []byte {
	if !v {
		return b
	}
	return append(appendHead(b, name, Bool, 1), 1)
}
