package records

import (
	"context"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// Ref finds the source customer of a name. A public id must belong to a customer that is visible
// and was not merged into another one. The customer of an external id need not be there.
func (r *Records) Ref(ctx context.Context, a Account, n Name) (edit.Ref, error) {
	if n.ID != "" {
		return r.root(ctx, a, n.ID)
	}
	src, ok := a.ByUUID(n.Source)
	if !ok {
		return edit.Ref{}, Absent(WhatSource)
	}
	return edit.Ref{Tag: src.Tag, H: a.Hash.CustomerH(n.ExternalID)}, nil
}

// root finds the customer of a public id. A customer that was merged into another one is
// fault.NotFound.
func (r *Records) root(ctx context.Context, a Account, id string) (edit.Ref, error) {
	tag, h, err := store.ParseID(store.PrefixCustomer, id)
	if err != nil {
		return edit.Ref{}, Absent(WhatCustomer)
	}
	ref := edit.Ref{Tag: tag, H: h}
	groups, err := r.Edits.Groups(ctx, a.Directory, ref)
	if err != nil {
		return ref, err
	}
	if g := groups[ref]; g == nil || g[0].Ref != ref {
		return ref, Absent(WhatCustomer)
	}
	return ref, nil
}

// Merge merges a customer into another one.
func (r *Records) Merge(ctx context.Context, from, into edit.Ref, by string) error {
	return noCustomer(r.Edits.Merge(ctx, from, into, by))
}

// Unmerge splits a source customer off the customer whose part it is.
func (r *Records) Unmerge(ctx context.Context, part, whole edit.Ref) error {
	return noCustomer(r.Edits.Unmerge(ctx, part, whole))
}

// noCustomer replaces fault.NotFound by the message about a customer.
func noCustomer(err error) error {
	if fault.Is(err, fault.NotFound) {
		return Absent(WhatCustomer)
	}
	return err
}
