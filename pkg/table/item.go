package table

import (
	"bytes"
	"iter"
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

// Item is what the table holds under a key.
type Item struct {
	Key
	Attrs Attrs
}

// Attrs is the canonical encoding of an item's attributes, in ascending order of the names:
//
//	name length (1 byte) · name · type (1 byte) · value length (uvarint) · value
//
// An Int is 8 bytes, big-endian two's complement; a Bool is one byte; a List is a sequence of
// (uvarint length, bytes). Equal values are equal bytes. Attributes whose names begin with "_" are
// about the item (stamps, manual epoch), not part of its content. The names of all other attributes
// begin with a lower-case letter, so these come first.
type Attrs []byte

// All walks the attributes in the order of their names. It stops at the first malformed one.
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

// Valid reports whether all of a is well formed: names in ascending order, values of a known type
// and of its shape, every length in its shortest spelling. So each set of values has one valid
// encoding.
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

// Next splits the first attribute off an encoding; ok is false if b is empty or malformed. The
// results share memory with b.
func Next(b []byte) (name []byte, v Value, rest []byte, ok bool) {
	if len(b) < 3 || len(b) < int(b[0])+2 {
		return nil, v, nil, false
	}
	end := 1 + int(b[0])
	name, t := b[1:end], Type(b[end])
	raw, rest, ok := cut(b[end+1:])
	return name, Value{t, raw}, rest, ok
}

// Get returns the attribute of that name.
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

// Str returns a string attribute; empty if it is absent.
func (a Attrs) Str(name string) string { v, _ := a.Get(name); return v.Str() }

// Int returns an integer attribute, and whether there is one.
func (a Attrs) Int(name string) (int64, bool) {
	v, ok := a.Get(name)
	return v.Int(), ok && v.Type == Int
}

// Num returns an integer attribute; 0 if it is absent.
func (a Attrs) Num(name string) int64 { n, _ := a.Int(name); return n }

// Opt returns an integer attribute; nil if it is absent.
func (a Attrs) Opt(name string) *int64 {
	if n, ok := a.Int(name); ok {
		return &n
	}
	return nil
}

// Flag returns a boolean attribute; false if it is absent.
func (a Attrs) Flag(name string) bool { v, _ := a.Get(name); return v.Bool() }

// Time returns an attribute of milliseconds since 1970 as a time in UTC; the zero time if it is
// absent.
func (a Attrs) Time(name string) time.Time { v, _ := a.Get(name); return v.Time() }

// Content returns a without the attributes at its beginning whose names start with "_": what an
// import compares.
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
