package table

import (
	"bytes"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// Every driver makes the checks in this file: so no engine stores what another one could not hold
// or would return changed. What they refuse is a defect of the caller (fault.Internal), except an
// item that is too large (fault.TooLarge).

// Largest parts of a key, in bytes: DynamoDB's limits, less one byte of the sort key, so that the
// least key above a sort key is a valid bound too.
const (
	MaxPK = 2048
	MaxSK = 1023
)

// Valid reports whether k may be a key: both parts are given and printable ASCII (0x20 to 0x7e).
// That leaves 0x00 for engines that join the two parts, and 0x7f for bounds above every key.
func (k Key) Valid() bool {
	return k.PK != "" && len(k.PK) <= MaxPK && printable(k.PK, '~') &&
		k.SK != "" && len(k.SK) <= MaxSK && printable(k.SK, '~')
}

func printable(s string, last byte) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > last {
			return false
		}
	}
	return true
}

// CheckKeys refuses more than most keys, and keys that are not valid.
func CheckKeys(keys []Key, most int) error {
	if len(keys) > most {
		return fault.Newf(fault.Internal, "store_batch", "%d keys in a batch of at most %d", len(keys), most)
	}
	for _, k := range keys {
		if !k.Valid() {
			return badKey()
		}
	}
	return nil
}

// CheckWrites refuses more than most writes, and items that no engine may hold: with malformed
// attributes, with text that is not UTF-8, with an attribute named like a part of the key, or of
// more than [MaxItemBytes].
func CheckWrites(writes []Write, most int) error {
	if len(writes) > most {
		return fault.Newf(fault.Internal, "store_batch", "%d writes in a batch of at most %d", len(writes), most)
	}
	for i := range writes {
		if err := writes[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (w *Write) check() error {
	if !w.Item.Valid() {
		return badKey()
	}
	if w.If.Op > Absent && w.If.Attr == "" {
		return fault.New(fault.Internal, "store_condition_attribute", "a condition names no attribute")
	}
	if w.Delete {
		return nil
	}
	size, ok := w.Item.Attrs.storable()
	if !ok {
		return fault.New(fault.Internal, "store_item", "an item's attributes are not well formed")
	}
	if w.Item.size()+size > MaxItemBytes {
		return fault.Newf(fault.TooLarge, "item_too_large", "an item is larger than %d KB", MaxItemBytes>>10)
	}
	return nil
}

func badKey() error {
	return fault.New(fault.Internal, "store_key", "a key is empty, too long or not printable ASCII")
}

// storable returns the size of a, and whether a is Valid and every engine can hold its names and
// texts and return the same bytes. It does both in one walk, since every write is checked.
func (a Attrs) storable() (size int, ok bool) {
	var prev []byte
	for rest := []byte(a); len(rest) > 0; {
		name, v, after, ok := Next(rest)
		if !ok || len(name) == 0 || bytes.Compare(prev, name) >= 0 || !v.wellFormed() {
			return 0, false
		}
		if string(name) == AttrPK || string(name) == AttrSK || !utf8.Valid(name) || !v.text() {
			return 0, false
		}
		size += len(name) + v.size()
		prev, rest = name, after
	}
	return size, true
}

// text reports whether the strings in v, if it has any, are UTF-8.
func (v Value) text() bool {
	switch v.Type {
	case String:
		return utf8.Valid(v.Raw)
	case List:
		for raw := v.Raw; len(raw) > 0; {
			var element []byte
			if element, raw, _ = cut(raw); !utf8.Valid(element) {
				return false
			}
		}
		return true
	case Int, Bool, Bytes:
		return true
	}
	return false
}

// CheckScan refuses a key that no scan can continue behind, and a negative limit.
func CheckScan(after Key, limit int) error {
	if limit < 0 || after != (Key{}) && !after.Valid() {
		return fault.New(fault.Internal, "store_scan", "a scan has a limit below 0, or begins behind a key that no item can have")
	}
	return nil
}

// Range returns the sort keys that the query asks for, from <= sk < to, with After taken into
// account; to is empty if there is no upper bound. ok is false if no key can lie between them. An
// invalid query is fault.Internal.
func (q Query) Range() (from, to string, ok bool, err error) {
	if (Key{q.PK, "-"}).Valid() && q.Limit >= 0 && bound(q.From) && bound(q.To) && bound(q.After) {
		from, to = q.From, q.To
		switch {
		case q.After == "":
		case q.Reverse:
			if to == "" || q.After < to {
				to = q.After
			}
		default:
			from = max(from, q.After+" ") // the least key above After
		}
		return from, to, to == "" || from < to, nil
	}
	return "", "", false, fault.New(fault.Internal, "store_query", "a query's bounds are too long or not ASCII")
}

// bound reports whether s may bound a sort key: it is like one, may be empty and may contain 0x7f.
func bound(s string) bool { return len(s) <= MaxSK && printable(s, 0x7f) }
