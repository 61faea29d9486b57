package stripe

import (
	"encoding/json"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

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

// each decodes the objects of a stream, in the order of their ids. What is not of the shape is rejected; each reports whether all are. What
// is inside objects is kept before it is asked for.
func each[T any](m *mapper, s system.Stream, parent string, dataset billing.Dataset, do func(T)) (whole bool) {
	whole = true
	for d := range system.DecodedOf[T](m.kept, s, parent) {
		if d.Err != nil {
			whole = false
			m.reject(system.Misfit(d.JSON, system.Issue{
				Dataset: dataset, Record: m.recordOf(s, d.ID), Stream: s, Object: d.ID, Field: system.FieldOf(d.Err), Code: CodeBadObject,
				Message: "Stripe has sent a field of another type than Reseed knows.",
			}))
			continue
		}
		do(d.Shape)
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
