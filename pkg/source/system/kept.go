package system

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"slices"
)

// Kept keeps the objects of one bundle, by stream, object that they are a part of, and id. Of several
// versions of an object one is kept, whatever their order.
type Kept map[list]*keptList

// list names objects that are kept together.
type list struct {
	stream Stream
	parent string
}

type keptList struct {
	all    []keptObject
	sorted bool // and without other versions
}

type keptObject struct {
	id      string
	json    json.RawMessage
	decoded any // once it was asked for: a *Decoded
}

// Add adds an object with an id. Objects of a list are not added while the list is gone through.
func (k Kept) Add(s Stream, parent, id string, o json.RawMessage) {
	l := k[list{s, parent}]
	if l == nil {
		l = &keptList{}
		k[list{s, parent}] = l
	}
	l.all, l.sorted = append(l.all, keptObject{id: id, json: o}), false
}

// objects returns the objects of a list, in the order of their ids. It sorts them when it is first asked.
func (k Kept) objects(s Stream, parent string) []keptObject {
	l := k[list{s, parent}]
	if l == nil {
		return nil
	}
	if !l.sorted {
		slices.SortStableFunc(l.all, func(a, b keptObject) int { return cmp.Or(cmp.Compare(a.id, b.id), bytes.Compare(b.json, a.json)) })
		l.all, l.sorted = slices.CompactFunc(l.all, func(a, b keptObject) bool { return a.id == b.id }), true
	}
	return l.all
}

// Of yields the objects of a stream that are parts of an object, in the order of their ids.
func (k Kept) Of(s Stream, parent string) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, o := range k.objects(s, parent) {
			if !yield(o.id, o.json) {
				return
			}
		}
	}
}

// Decoded is an object, decoded into its shape, or why it is of another one.
type Decoded[Shape any] struct {
	ID    string
	JSON  json.RawMessage
	Shape Shape
	Err   error
}

// DecodedOf decodes the objects of a stream that are parts of an object, in the order of their ids: once, however often they are asked
// for. A list has one shape.
func DecodedOf[Shape any](k Kept, s Stream, parent string) iter.Seq[*Decoded[Shape]] {
	return func(yield func(*Decoded[Shape]) bool) {
		all := k.objects(s, parent)
		for i := range all {
			d, known := all[i].decoded.(*Decoded[Shape])
			if !known {
				d = &Decoded[Shape]{ID: all[i].id, JSON: all[i].json}
				d.Err = Decode(all[i].json, &d.Shape)
				all[i].decoded = d
			}
			if !yield(d) {
				return
			}
		}
	}
}

// Has reports whether there is an object.
func (k Kept) Has(s Stream, parent, id string) bool {
	_, found := slices.BinarySearchFunc(k.objects(s, parent), id, func(o keptObject, id string) int { return cmp.Compare(o.id, id) })
	return found
}

// Count is how many objects of a stream are parts of an object.
func (k Kept) Count(s Stream, parent string) int { return len(k.objects(s, parent)) }

// Len is how many objects there are.
func (k Kept) Len() (n int) {
	for l := range k {
		n += k.Count(l.stream, l.parent)
	}
	return n
}
