package stripe

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/billing"
)

// kept are objects by stream, object that they are a part of, and id. Of several versions of an object one is
// kept, whatever their order.
type kept map[Stream]map[string]map[string]json.RawMessage

func (k kept) add(s Stream, parent string, o json.RawMessage) bool {
	h, err := headOf(o)
	if err != nil {
		return false
	}
	if k[s] == nil {
		k[s] = map[string]map[string]json.RawMessage{}
	}
	if k[s][parent] == nil {
		k[s][parent] = map[string]json.RawMessage{}
	}
	if there, ok := k[s][parent][h.ID]; !ok || bytes.Compare(o, there) > 0 {
		k[s][parent][h.ID] = o
	}
	return true
}

// addShown adds what an object shows of a list inside it. What is no object is left out; then the sums differ.
func (k kept) addShown(s Stream, parent string, l *sublist) {
	if l == nil || l.Data == nil {
		return
	}
	for _, o := range *l.Data {
		k.add(s, parent, o)
	}
}

// each decodes the objects of a stream, in the order of their ids. What is not of the shape is rejected; each reports
// whether all are.
func each[T any](m *mapper, s Stream, parent string, dataset billing.Dataset, do func(T)) (whole bool) {
	objects := m.kept[s][parent]
	whole = true
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		var shape T
		if err := json.Unmarshal(objects[id], &shape); err != nil {
			whole = false
			m.reject(Issue{Dataset: dataset, Stream: s, Object: id, Field: fieldOf(err), Code: CodeBadObject, Message: "Stripe has sent a field of another type than Reseed knows."})
			continue
		}
		do(shape)
	}
	return whole
}

// fieldOf names the field that could not be decoded.
func fieldOf(err error) string {
	e, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return ""
	}
	field, _, _ := strings.Cut(e.Field, "metadata.") // what follows are names that people gave
	return field
}
