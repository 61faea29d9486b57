package eraser

import (
	"context"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Forgotten tells whether a customer is on the do-not-reload list, by the name of its source and its external id.
func (e *Eraser) Forgotten(ctx context.Context, d *store.Directory, source, customer string) (bool, error) {
	if !d.Forgets {
		return false, nil
	}
	found, err := e.c.Store.Get(ctx, store.ForgottenKey(d.Hasher().ForgottenH(source, customer)))
	return len(found) > 0, err
}

// Remember takes a customer off the do-not-reload list, and tells whether it was on it.
func (e *Eraser) Remember(ctx context.Context, source, customer string) (was bool, err error) {
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return false, err
	}
	if was, err = e.Forgotten(ctx, d, source, customer); !was || err != nil {
		return was, err
	}
	key := store.ForgottenKey(d.Hasher().ForgottenH(source, customer))
	return true, e.c.Store.Write(ctx, []table.Write{{Item: table.Item{Key: key}, Delete: true}})
}
