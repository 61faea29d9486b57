package store

import (
	"slices"

	"reseed/pkg/table"
)

// Pointer is an item that leads to a record, and belongs to it.
type Pointer struct {
	SK    string
	Attrs table.Attrs
}

// PointersOf lists the pointers that a record with these attributes has. Without attributes there
// is no record, and no pointer.
func PointersOf(hr *Hasher, sk string, a table.Attrs) (out []Pointer) {
	k := RecordAt(sk)
	if len(a) == 0 || k == nil {
		return nil
	}
	for i := range k.Pointers {
		p := &k.Pointers[i]
		if !p.has(a) {
			continue
		}
		b := OriginOf(a).AddTo(table.NewBuilder())
		if p.Add != nil {
			p.Add(b, sk, a)
		}
		out = append(out, Pointer{p.SK(hr, sk, a), b.Attrs()})
	}
	return out
}

// PointersOf lists the pointers of a record as items, see [PointersOf].
func (s Space) PointersOf(hr *Hasher, record table.Item) (out []table.Item) {
	for _, p := range PointersOf(hr, record.SK, record.Attrs) {
		out = append(out, table.Item{Key: s.Key(p.SK), Attrs: p.Attrs})
	}
	return out
}

// HolderOf returns what a pointer from an external id holds: the identity, in hex, of the parent of
// the record with that external id. It is empty if there is no pointer.
func HolderOf(pointer table.Attrs) string {
	_, v, _, ok := table.Next(pointer.Content())
	if !ok {
		return ""
	}
	return v.Str()
}

// PointerCount returns how many pointers a record with these attributes has.
func PointerCount(sk string, a table.Attrs) (n int) {
	if k := RecordAt(sk); k != nil {
		for i := range k.Pointers {
			if k.Pointers[i].has(a) {
				n++
			}
		}
	}
	return n
}

func (p *PointerRule) has(a table.Attrs) bool { return p.By == "" || a.Str(p.By) != "" }

// HeldBySK returns the sort key of the pointer that leads from an external id to the record of the kind that has it,
// whatever that record belongs to; empty if records of the kind have no such pointer.
func (k *RecordKind) HeldBySK(hr *Hasher, externalID string) string {
	switch h := hr.External(k.Kind, externalID); {
	case !slices.ContainsFunc(k.Pointers, func(p PointerRule) bool { return PointerAt(p.To).Unique }):
		return ""
	case k.Kind == KindEvent:
		return ExternalEventSK(h.EventID())
	default:
		return ExternalSK(k.Kind, h)
	}
}

// HeldSK returns the sort key of the record of the kind to which a pointer from an external id leads, by its sort key and
// what it holds; empty if the pointer holds no identity.
func (k *RecordKind) HeldSK(pointer string, a table.Attrs) string {
	owner, ok := ParseH(HolderOf(a))
	if !ok {
		return ""
	}
	own := pointer[len(SKExternal)+2:]
	if k.Part {
		return k.parent.SK + owner.String() + k.SK + own
	}
	return k.SK + owner.String() + "#" + own
}
