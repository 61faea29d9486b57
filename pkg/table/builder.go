package table

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// Builder makes [Attrs]. Attributes may be added in any order; ascending order of the names is the
// cheapest. Zero values are left out, so that "not given" and "empty" are the same.
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

// IntAlways adds an integer, even zero.
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

// Append adds attributes that add appends to its argument in their encoding (see [AppendStr]).
func (b *Builder) Append(add func(dst []byte) []byte) { b.buf = add(b.buf) }

// AppendTo appends the canonical encoding to dst. Names must be distinct.
func (b *Builder) AppendTo(dst []byte) Attrs {
	if ascending(b.buf) {
		return append(dst, b.buf...)
	}
	return append(dst, b.Attrs()...)
}

// Attrs returns the canonical encoding in memory of its own. Names must be distinct.
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

// ascending reports whether the attributes in b are in the order of their names.
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

// nameOf returns the name of the first attribute in b.
func nameOf(b []byte) []byte { return b[1 : 1+int(b[0])] }

// appendHead appends an attribute up to its value, which will have n bytes.
func appendHead(b []byte, name string, t Type, n int) []byte {
	b = append(b, byte(len(name))) //nolint:gosec // names are our own and short
	b = append(b, name...)
	return binary.AppendUvarint(append(b, byte(t)), uint64(n)) //nolint:gosec // a length
}

// AppendStr appends the encoding of a string attribute to b, unless s is empty. Callers of this and
// the other Append functions add the attributes of an item in ascending order of their names: so
// nothing is compared, copied or allocated.
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

// AppendIntAlways appends an integer, even zero.
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

// AppendTime appends t in milliseconds since 1970, unless t is the zero time. The number may be 0:
// 1970-01-01 is a time like any other.
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
