package records

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// NewCustomer is a customer to be made.
type NewCustomer struct {
	Source  string // uuid
	Record  *billing.Customer
	Contact *billing.Contact // the primary one; may be nil
	Tags    []string
	Custom  map[string]edit.Value
	By      string // the author
	Manual  bool   // it was made by hand, so it is a manual customer
	Wrong   error  // what the caller has found wrong; returned unless the source is not there
}

// CreateCustomer makes a customer that is not there yet, with its e-mail pointer, its primary
// contact, tags and custom attributes. Edits of an earlier customer with its external id take
// effect again.
func (r *Records) CreateCustomer(ctx context.Context, n NewCustomer) (made Customer, err error) {
	err = r.settled(ctx, func() (err error) {
		made, err = r.createCustomer(ctx, n)
		return err
	})
	return made, err
}

func (r *Records) createCustomer(ctx context.Context, n NewCustomer) (Customer, error) {
	var h store.H
	a, found, err := r.read(ctx, func(d *store.Directory) []table.Key {
		src, ok := d.ByUUID(n.Source)
		if !ok {
			return nil
		}
		h = d.Hasher().CustomerH(n.Record.ExternalID)
		return append(edit.Keys(src, h), src.Space().Customer(h))
	})
	if err != nil {
		return Customer{}, err
	}
	src, ok := a.ByUUID(n.Source)
	if !ok {
		return Customer{}, Absent(WhatSource)
	}
	if n.Wrong != nil {
		return Customer{}, n.Wrong
	}
	if err := r.mayMake(ctx, a, src, n.Record, found[src.Space().Customer(h)]); err != nil {
		return Customer{}, err
	}
	item := r.encode(src.Space().Customer(h), n.Record, n.manual(a))
	m := &edit.Member{Ref: edit.Ref{Tag: src.Tag, H: h}, Source: src, Attrs: item.Attrs}
	if m.Edits, err = edit.Read(a.Directory, found, src.Space(), h); err != nil {
		return Customer{}, err
	}
	var edits []CustomerEdit
	if len(n.Tags) > 0 {
		edits = append(edits, AddTags(m, n.By, n.Tags))
	}
	if len(n.Custom) > 0 {
		edits = append(edits, SetCustom(m, n.By, n.Custom))
	}
	if err := r.edit(ctx, a, edits, r.customerWrites(a, m, n, item)...); err != nil {
		return Customer{}, err
	}
	g, err := r.group(ctx, a, m)
	if err != nil || g == nil { // g is nil if the customer was erased at once
		return CustomerOf(edit.Group{m}), err
	}
	return CustomerOf(g), nil
}

// mayMake returns why a customer can't be made, or nil. attrs is what is stored under its key.
func (r *Records) mayMake(ctx context.Context, a Account, src store.Source, record *billing.Customer, attrs table.Attrs) error {
	h := a.Hash.CustomerH(record.ExternalID)
	switch {
	case a.CustomerVisible(src.Tag, h, attrs):
		return wrongID(textCustomerDup)
	case attrs != nil || a.Hidden(src.Tag, store.KindCustomer, h):
		return erasing()
	}
	forgotten, err := r.Forgotten(ctx, a.Directory, src.Name, record.ExternalID)
	if err == nil && forgotten {
		err = wrongID(textForgotten)
	}
	return err
}

// customerWrites returns the writes that make a customer with its e-mail pointer and its primary
// contact.
func (r *Records) customerWrites(a Account, m *edit.Member, n NewCustomer, item table.Item) []table.Write {
	sp := m.Source.Space()
	writes := []table.Write{{Item: item, If: absentOnly()}}
	for _, p := range sp.PointersOf(a.Hash, item) {
		writes = append(writes, table.Write{Item: p})
	}
	if n.Contact != nil {
		writes = append(writes, table.Write{Item: r.encode(sp.Contact(m.H, a.Hash.ContactH(n.Contact)), n.Contact, n.manual(a))})
	}
	return writes
}

// manual returns the manual epoch of the customer, or 0.
func (n NewCustomer) manual(a Account) int64 {
	if n.Manual {
		return a.ManualEpoch
	}
	return 0
}
