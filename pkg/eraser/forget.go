package eraser

import (
	"context"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Forgotten tells whether the customer with an external id in the source with a name is on the
// do-not-reload list.
func (e *Eraser) Forgotten(ctx context.Context, d *store.Directory, source, customer string) (bool, error) {
	entries, err := e.entries(ctx, d, source, customer)
	return len(entries) > 0, err
}

// Remember takes a customer off the do-not-reload list, and reports whether it was on the list.
func (e *Eraser) Remember(ctx context.Context, source, customer string) (was bool, err error) {
	d, err := e.c.Store.Directory(ctx)
	if err != nil {
		return false, err
	}
	entries, err := e.entries(ctx, d, source, customer)
	if err != nil {
		return false, err
	}
	return len(entries) > 0, e.c.Store.Write(ctx, deletesOf(entries))
}

// entries returns the keys of a customer's entries in the do-not-reload list: one for each spelling
// of the source's name under which the customer was put there.
func (e *Eraser) entries(ctx context.Context, d *store.Directory, source, customer string) (keys []table.Key, err error) {
	if !d.Forgets {
		return nil, nil
	}
	hr := d.Hasher()
	_, h := hr.ForgottenH("", customer)
	var asked []table.Key
	for _, name := range hr.ForgottenNames(source) {
		asked = append(asked, store.ForgottenKey(name, h))
	}
	found, err := e.c.Store.Get(ctx, asked...)
	for _, item := range found {
		keys = append(keys, item.Key)
	}
	return keys, err
}
