package records

import (
	"context"
	"sync/atomic"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Config is what the use-cases need. All fields must be set.
type Config struct {
	Store *store.Store
	Edits *edit.Edit
	Now   func() time.Time
	// Holder returns the job that writes to a source at the moment, or "".
	Holder func(context.Context, store.Tag) (string, error)
	// Forgotten reports whether a customer is on the do-not-reload list.
	Forgotten func(ctx context.Context, d *store.Directory, source, customer string) (bool, error)
}

// Records are the use-cases. They are safe for concurrent use.
type Records struct {
	Config
	// known is the directory as the last caller saw it. With it keys can be guessed, which saves a
	// round trip, and an unchanged directory need not be decoded again. It is never trusted (see
	// store.Snapshot).
	known atomic.Pointer[Account]
}

// New makes the use-cases. It makes no call.
func New(c Config) *Records { return &Records{Config: c} }

// Account is the directory as a use-case has read it, with its hasher. It knows which stored
// records are visible.
type Account struct {
	*store.Directory
	Hash *store.Hasher
}

// read reads the directory, and the items whose keys are what keys returns for it, usually in one
// batch get.
func (r *Records) read(ctx context.Context, keys func(*store.Directory) []table.Key) (Account, map[table.Key]table.Attrs, error) {
	var last *store.Directory
	known := r.known.Load()
	if known != nil {
		last = known.Directory
	}
	dir, found, err := r.Store.Snapshot(ctx, last, keys)
	if err != nil {
		return Account{}, nil, err
	}
	if dir != last {
		known = &Account{dir, dir.Hasher()}
		r.known.Store(known)
	}
	return *known, found, nil
}

// Account reads the directory alone.
func (r *Records) Account(ctx context.Context) (Account, error) {
	a, _, err := r.read(ctx, func(*store.Directory) []table.Key { return nil })
	return a, err
}

// CustomerVisible reports whether a stored customer is visible.
func (a Account) CustomerVisible(tag store.Tag, h store.H, attrs table.Attrs) bool {
	return attrs != nil && !a.HidesCustomer(tag, h, attrs)
}

// InvoiceVisible reports whether a stored invoice is visible: its customer must be visible, too.
func (a Account) InvoiceVisible(tag store.Tag, h store.H, attrs table.Attrs) bool {
	return attrs != nil && !a.HidesInvoice(tag, h, attrs)
}

// invoiceErasing reports whether an invoice is being erased: by itself, with all invoices of its
// customer, with the customer, or with what an import added.
func (a Account) invoiceErasing(tag store.Tag, h store.H, attrs table.Attrs) bool {
	return a.CoversInvoice(tag, h, attrs)
}

// encode makes the item of a record. manual is the manual epoch of its customer, or 0.
func (r *Records) encode(key table.Key, rec billing.Record, manual int64) table.Item {
	b := r.stamped(manual)
	store.EncodeRecord(b, rec)
	return table.Item{Key: key, Attrs: b.Attrs()}
}

// stamped begins the attributes of an item that is made now.
func (r *Records) stamped(manual int64) *table.Builder {
	now := r.Now().UnixMilli()
	return table.NewBuilder().Int(store.AttrCreated, now).Int(store.AttrManual, manual).Int(store.AttrUpdated, now)
}

// Lookup reads the items of some keys.
func (r *Records) Lookup(ctx context.Context, keys []table.Key) (map[table.Key]table.Attrs, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return r.Store.Lookup(ctx, keys...)
}

// Items reads all items of a query.
func (r *Records) Items(ctx context.Context, q table.Query) ([]table.Item, error) {
	var all []table.Item
	for item, err := range r.Store.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// ByKey is the attributes of items by their keys.
func ByKey(items []table.Item) map[table.Key]table.Attrs {
	m := make(map[table.Key]table.Attrs, len(items))
	for _, it := range items {
		m[it.Key] = it.Attrs
	}
	return m
}
