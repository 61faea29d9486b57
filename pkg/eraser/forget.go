package eraser

import (
	"context"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Forgotten tells whether the customer with an external id in the source with a name is on the
// do-not-reload list.
func (e *Eraser) Forgotten(ctx context.Context, d *store.Directory, source, customer string) (bool, error) {
	if !d.Forgets {
		return false, nil
	}
	found, err := e.c.Store.Get(ctx, store.ForgottenKey(d.Hasher().ForgottenH(source, customer)))
	return len(found) > 0, err
}

// Remember takes a customer off the do-not-reload list, and reports whether it was on the list.
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
