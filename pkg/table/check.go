package table

import (
	"bytes"
	"unicode/utf8"

	"reseed/pkg/fault"
)

// What every driver refuses, so that nothing can be stored in one engine that
// another could not hold or would give back changed. All of it is a defect of
// the caller (fault.Internal), but for an item that is too large.

// Ceilings of DynamoDB for the two parts of a key, in bytes. A sort key has
// one to spare, so that a bound just behind it is still one.
const (
	MaxPK = 2048
	MaxSK = 1023
)

// Valid tells whether k may be a key: both parts are given, and are printable
// ASCII (0x20 to 0x7e). That leaves 0x00 for engines that join the two, and
// 0x7f for bounds above every key.
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

// CheckKeys refuses more keys than most, and keys that are none.
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

// CheckWrites refuses more writes than most, and items that no engine may
// hold: attributes that are not well formed, text that is not UTF-8, an
// attribute that is called like a key, more than [MaxItemBytes].
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

// storable is the size of a, and whether it is Valid and its names and texts
// are such that every engine can hold them and give back the same bytes. It is
// one walk, since every write is checked.
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

// text tells whether the strings in v, if there are any, are UTF-8.
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

// Range is the sort keys the query still asks for, from <= sk < to, with After
// worked in; to is empty where there is no upper bound. ok is false if nothing
// can lie between them. A query no engine may be asked is fault.Internal.
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

// bound tells whether s may bound a sort key: like a key, or with 0x7f.
func bound(s string) bool { return len(s) <= MaxSK && printable(s, 0x7f) }
