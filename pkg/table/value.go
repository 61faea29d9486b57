package table

import (
	"encoding/binary"
	"time"
)

// Type is the type of an attribute's value.
type Type byte

// The types of values. The bytes are stored: they can never change.
const (
	String Type = 's'
	Int    Type = 'n'
	Bool   Type = 'b'
	Bytes  Type = 'x'
	List   Type = 'l' // of strings, in their order
)

// Value is one attribute's value: a type and its raw bytes.
type Value struct {
	Type Type
	Raw  []byte
}

// Str returns the raw bytes as text.
func (v Value) Str() string { return string(v.Raw) }

// Int returns the integer; 0 if the value has another type.
func (v Value) Int() int64 {
	if v.Type != Int || len(v.Raw) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(v.Raw)) //nolint:gosec // two's complement both ways
}

// Bool reports whether the value is true.
func (v Value) Bool() bool { return len(v.Raw) == 1 && v.Raw[0] == 1 }

// Time returns the integer, milliseconds since 1970, as a time in UTC; the zero time if the value
// has another type.
func (v Value) Time() time.Time {
	if v.Type != Int {
		return time.Time{}
	}
	return time.UnixMilli(v.Int()).UTC()
}

// List returns the strings of a list.
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

// cut splits off a length, which must be in its shortest spelling, and returns that many bytes and
// the rest.
func cut(b []byte) (head, rest []byte, ok bool) {
	if len(b) > 0 && int(b[0]) < min(0x80, len(b)) { // the length is one byte, as it mostly is: no loop
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

// BoolValue returns v as a [Value].
func BoolValue(v bool) Value {
	if v {
		return Value{Bool, []byte{1}}
	}
	return Value{Bool, []byte{0}}
}

// ListValue returns a list of strings as a [Value].
func ListValue(list []string) Value {
	var raw []byte
	for _, s := range list {
		raw = binary.AppendUvarint(raw, uint64(len(s)))
		raw = append(raw, s...)
	}
	return Value{List, raw}
}
