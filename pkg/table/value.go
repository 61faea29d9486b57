package table

import "encoding/binary"

// IntValue is an integer as a [Value].
func IntValue(n int64) Value {
	return Value{Int, binary.BigEndian.AppendUint64(nil, uint64(n))} //nolint:gosec // two's complement both ways
}

// BoolValue is a truth value as a [Value].
func BoolValue(v bool) Value {
	if v {
		return Value{Bool, []byte{1}}
	}
	return Value{Bool, []byte{0}}
}

// ListValue is a list of strings as a [Value].
func ListValue(list []string) Value {
	var raw []byte
	for _, s := range list {
		raw = binary.AppendUvarint(raw, uint64(len(s)))
		raw = append(raw, s...)
	}
	return Value{List, raw}
}
