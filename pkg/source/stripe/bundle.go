package stripe

import (
	"encoding/json"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// place is where an object is kept.
type place struct {
	stream     system.Stream
	parent, id string
}

// add keeps an object, and reports whether it is one.
func (m *mapper) add(s system.Stream, parent string, o json.RawMessage) bool {
	id, err := idOf(o)
	if err != nil {
		return false
	}
	m.kept.Add(s, parent, id, o)
	return true
}

// addShown keeps what an object shows of a list inside it. What is no object is left out; then the sums differ.
func addShown[Shape any](m *mapper, s system.Stream, parent string, l *sublist[Shape]) {
	if l == nil || l.Data == nil {
		return
	}
	for _, o := range *l.Data {
		m.add(s, parent, json.RawMessage(o))
	}
}

// each decodes the objects of a stream, in the order of their ids. What is not of the shape is rejected; each reports
// whether all are. An object is decoded once, however often it is asked for: a stream has one shape, and what is inside objects
// is kept before it is asked for.
func each[T any](m *mapper, s system.Stream, parent string, dataset billing.Dataset, do func(T)) (whole bool) {
	whole = true
	for id, o := range m.kept.Of(s, parent) {
		shape, known := m.decoded[place{s, parent, id}].(T)
		if !known {
			if err := system.Decode(o, &shape); err != nil {
				whole = false
				m.reject(system.Issue{
					Dataset: dataset, Record: m.recordOf(s, id), Stream: s, Object: id, Field: system.FieldOf(err), Code: CodeBadObject,
					Message: "Stripe has sent a field of another type than Reseed knows.",
				})
				continue
			}
			m.decoded[place{s, parent, id}] = shape
		}
		do(shape)
	}
	return whole
}

// recordOf is the external id of the record that an object becomes, if its id is that of the record.
func (m *mapper) recordOf(s system.Stream, id string) string {
	switch s {
	case Customers, Prices, Invoices:
		return id
	}
	return ""
}
