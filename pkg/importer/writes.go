package importer

import (
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// appendWrites adds the writes of one change: the record, its new pointers, and the deletes of its
// old ones.
func appendWrites(dst []table.Write, hr *store.Hasher, p *partitions, c *change) []table.Write {
	dst = append(dst, write(p.key(c.sk), c.before, c.after))
	before, after := store.PointersOf(hr, c.sk, c.before), store.PointersOf(hr, c.sk, c.after)
	for _, ptr := range after {
		old := named(before, ptr.SK)
		if old == nil || string(old) != string(ptr.Attrs) {
			dst = append(dst, write(p.key(ptr.SK), old, ptr.Attrs))
		}
	}
	for _, ptr := range before {
		if named(after, ptr.SK) == nil {
			dst = append(dst, write(p.key(ptr.SK), ptr.Attrs, nil))
		}
	}
	return dst
}

// write changes the attributes of an item from before to after; nil means that there is no item.
func write(k table.Key, before, after table.Attrs) table.Write {
	w := table.Write{Item: table.Item{Key: k, Attrs: after}, Delete: after == nil, Replaces: table.Nothing}
	if before != nil {
		w.Replaces = table.Item{Key: k, Attrs: before}.Size()
	}
	return w
}

// named returns the attributes of the pointer with this key; nil if there is none.
func named(list []store.Pointer, sk string) table.Attrs {
	for _, q := range list {
		if q.SK == sk {
			return append(table.Attrs{}, q.Attrs...)
		}
	}
	return nil
}

// costOf is the cost of a change, in thousandths of a write unit. A pointer is far smaller than a
// unit, so the pointers of an added or removed row are only counted.
func (w *work) costOf(c *change) (milli int64) {
	if c.before == nil || c.after == nil {
		a := c.after
		if a == nil {
			a = c.before
		}
		size := table.Item{Key: w.parts.key(c.sk), Attrs: a}.Size()
		return table.WriteCost(0, size).WriteMilli + int64(store.PointerCount(c.sk, a))*table.WriteCost(0, 1).WriteMilli
	}
	w.writes = appendWrites(w.writes[:0], w.hasher, w.parts, c)
	for i := range w.writes {
		after := 0
		if !w.writes[i].Delete {
			after = w.writes[i].Item.Size()
		}
		milli += table.WriteCost(max(0, w.writes[i].Replaces), after).WriteMilli
	}
	return milli
}
