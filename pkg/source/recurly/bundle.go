package recurly

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

// add keeps an object, and reports whether it is one. An invoice is kept with what it shows.
func (m *mapper) add(s system.Stream, parent string, o json.RawMessage) bool {
	h, err := headOf(o)
	if err != nil {
		return false
	}
	m.heads[place{s, parent, h.ID}] = h
	m.kept.Add(s, parent, h.ID, o)
	return true
}

// addShown keeps what an invoice shows. What is no object is left out; then the sums differ.
func (m *mapper) addShown(s system.Stream, invoice string, shown []json.RawMessage) {
	for _, o := range shown {
		m.add(s, invoice, o)
	}
}

// each decodes the objects of a stream, in the order of their ids. What is not of the shape is rejected; each reports whether all are.
func each[T any](m *mapper, s system.Stream, parent string, dataset billing.Dataset, do func(T)) (whole bool) {
	whole = true
	for d := range system.DecodedOf[T](m.kept, s, parent) {
		if d.Err != nil {
			whole = false
			m.reject(system.Misfit(d.JSON, system.Issue{
				Dataset: dataset, Record: m.recordOf(place{s, parent, d.ID}), Stream: s, Object: d.ID, Field: system.FieldOf(d.Err), Code: CodeBadObject,
				Message: "Recurly has sent a field of another type than Reseed knows.",
			}), parent)
			continue
		}
		do(d.Shape)
	}
	return whole
}

// recordOf is the external id of the record that an object becomes, if it can be known of an object that is not of its shape.
func (m *mapper) recordOf(at place) string {
	switch at.stream {
	case Accounts, Plans:
		return m.heads[at].Code
	case Invoices, Lines, Transactions:
		return at.id
	}
	return ""
}

// note keeps an issue. parent is the invoice of a line or transaction, which its link leads to; else it is empty.
func (m *mapper) note(i system.Issue, parent string) {
	h := m.heads[place{i.Stream, parent, i.Object}]
	if i.Stream == Lines {
		h = m.heads[place{Invoices, "", parent}]
	}
	i.Link = link(i.Stream, i.Object, h)
	m.out.Issues = append(m.out.Issues, i)
}

func (m *mapper) reject(i system.Issue, parent string) {
	i.Rejects = true
	m.note(i, parent)
}
