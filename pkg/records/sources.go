package records

import (
	"context"

	"github.com/google/uuid"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Source finds a data source by its uuid.
func (r *Records) Source(ctx context.Context, id string) (Account, store.Source, error) {
	a, err := r.Account(ctx)
	if err != nil {
		return a, store.Source{}, err
	}
	src, ok := a.ByUUID(id)
	if !ok {
		return a, src, Absent(WhatSource)
	}
	return a, src, nil
}

// AddSource makes a data source. If another source has the name, the error is fault.Conflict with
// code taken.
func (r *Records) AddSource(ctx context.Context, name, system string) (made store.Source, err error) {
	_, err = r.Store.ChangeDirectory(ctx, func(d *store.Directory) (_ []table.Write, err error) {
		made, err = d.Add(store.PrefixSource+uuid.NewString(), name, system, r.Now())
		return nil, err
	})
	return made, err
}
