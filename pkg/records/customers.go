package records

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Name names a record: by its public id, or else by the uuid of its source and its external id.
type Name struct{ ID, Source, ExternalID string }

// Customer is a customer as people see it: one or more that were merged.
type Customer struct {
	// the member that the others were merged into. Its fields are the customer's; tags, custom
	// attributes and ids come from the whole group.
	*edit.Member
	Group  edit.Group
	Record *billing.Customer // as people see it
}

// CustomerOf is the customer as which people see a group.
func CustomerOf(g edit.Group) Customer {
	return Customer{g[0], g, store.DecodeCustomer(g[0].Shown())}
}

// Customer reads the customer of a public id with all that were merged into it. A customer that was
// merged into another one is fault.NotFound.
func (r *Records) Customer(ctx context.Context, id string) (Account, Customer, error) {
	a, m, g, err := r.Group(ctx, id)
	if err != nil {
		return a, Customer{}, err
	}
	if g[0].Ref != m {
		return a, Customer{}, Absent(WhatCustomer)
	}
	return a, CustomerOf(g), nil
}

// Group reads the source customer of a public id, and the group that it shows as, whether it was
// merged into another one or not.
func (r *Records) Group(ctx context.Context, id string) (Account, edit.Ref, edit.Group, error) {
	a, m, err := r.member(ctx, id)
	if err != nil {
		return a, edit.Ref{}, nil, err
	}
	g, err := r.group(ctx, a, m)
	if err == nil && g == nil {
		err = Absent(WhatCustomer)
	}
	return a, m.Ref, g, err
}

// member reads one source customer by its public id, whether it was merged or not: directory,
// record and edits in one batch get.
func (r *Records) member(ctx context.Context, id string) (Account, *edit.Member, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return Account{}, nil, Absent(WhatCustomer)
	}
	a, found, err := r.read(ctx, func(d *store.Directory) []table.Key {
		if src, ok := d.ByTag(tag); ok {
			return append(edit.Keys(src, h), src.Space().Customer(h))
		}
		return nil
	})
	if err != nil {
		return a, nil, err
	}
	m, err := edit.ReadMember(a.Directory, found, edit.Ref{Tag: tag, H: h})
	if err == nil && m == nil {
		err = Absent(WhatCustomer)
	}
	return a, m, err
}

// group returns the group of a source customer; nil if the customer is gone meanwhile. It reads
// more only if the customer was ever merged.
func (r *Records) group(ctx context.Context, a Account, m *edit.Member) (edit.Group, error) {
	if !m.Linked() {
		return edit.Group{m}, nil
	}
	groups, err := r.Edits.Groups(ctx, a.Directory, m.Ref)
	return groups[m.Ref], err
}
