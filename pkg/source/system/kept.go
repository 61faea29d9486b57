package system

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// Kept keeps the objects of one bundle, by stream, object that they are a part of, and id. Of several
// versions of an object one is kept, whatever their order.
type Kept map[Stream]map[string]map[string]json.RawMessage

// Add adds an object with an id.
func (k Kept) Add(s Stream, parent, id string, o json.RawMessage) {
	if k[s] == nil {
		k[s] = map[string]map[string]json.RawMessage{}
	}
	if k[s][parent] == nil {
		k[s][parent] = map[string]json.RawMessage{}
	}
	if there, ok := k[s][parent][id]; !ok || bytes.Compare(o, there) > 0 {
		k[s][parent][id] = o
	}
}

// Of yields the objects of a stream that are parts of an object, in the order of their ids.
func (k Kept) Of(s Stream, parent string) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		objects := k[s][parent]
		for _, id := range slices.Sorted(maps.Keys(objects)) {
			if !yield(id, objects[id]) {
				return
			}
		}
	}
}

// Has reports whether there is an object.
func (k Kept) Has(s Stream, parent, id string) bool {
	_, ok := k[s][parent][id]
	return ok
}
