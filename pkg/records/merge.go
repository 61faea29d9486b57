package records

import (
	"context"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// Ref finds the customer of a name: with a public id what is still a customer of its own, else any
// source customer, there or not.
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

// root is the customer of a public id. One that was merged away is not there.
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

// Unmerge splits one source customer off the customer that it shows in.
func (r *Records) Unmerge(ctx context.Context, part, whole edit.Ref) error {
	return noCustomer(r.Edits.Unmerge(ctx, part, whole))
}

// noCustomer is err, or what to tell of a customer that is not there.
func noCustomer(err error) error {
	if fault.Is(err, fault.NotFound) {
		return Absent(WhatCustomer)
	}
	return err
}
