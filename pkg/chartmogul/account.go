package chartmogul

import (
	"context"

	"reseed/pkg/billing"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// account is the directory as this request read it, with the hasher that belongs to it.
type account struct {
	*store.Directory
	hash *store.Hasher
}

// read gets the directory and the items that keys names for it, in one batch
// get as a rule.
func (c *call) read(keys func(*store.Directory) []table.Key) (account, map[table.Key]table.Attrs, error) {
	var last *store.Directory
	known := c.known.Load()
	if known != nil {
		last = known.Directory
	}
	dir, found, err := c.Store.Snapshot(c.Context(), last, keys)
	if err != nil {
		return account{}, nil, err
	}
	if dir != last {
		known = &account{dir, dir.Hasher()}
		c.known.Store(known)
	}
	return *known, found, nil
}

// account reads the directory alone.
func (c *call) account() (account, error) {
	a, _, err := c.read(func(*store.Directory) []table.Key { return nil })
	return a, err
}

// customerVisible tells whether a stored customer is to be seen.
func (a account) customerVisible(tag store.Tag, h store.H, attrs table.Attrs) bool {
	return attrs != nil && !a.HidesCustomer(tag, h, attrs)
}

// invoiceVisible tells whether a stored invoice is to be seen: its customer must be, too.
func (a account) invoiceVisible(tag store.Tag, h store.H, attrs table.Attrs) bool {
	return attrs != nil && !a.HidesInvoice(tag, h, attrs)
}

// invoiceErasing tells whether an invoice is being erased: by itself, with all of its customer's, with its customer, or
// with what an import added.
func (a account) invoiceErasing(tag store.Tag, h store.H, attrs table.Attrs) bool {
	return a.CoversInvoice(tag, h, attrs)
}

// sources are those that a list's data_source_uuid and system filters leave.
func (c *call) sources(a account) []store.Source {
	id, system := c.param("data_source_uuid"), c.param("system")
	var out []store.Source
	for _, s := range a.Sources {
		if (id == "" || s.UUID == id) && (system == "" || s.System == system) {
			out = append(out, s)
		}
	}
	return out
}

// encode makes the item of a record. manual is the manual epoch of what it hangs on; 0 for none.
func (c *call) encode(key table.Key, r billing.Record, manual int64) table.Item {
	b := c.stamped(manual)
	store.EncodeRecord(b, r)
	return table.Item{Key: key, Attrs: b.Attrs()}
}

// stamped begins an item made by this request.
func (c *call) stamped(manual int64) *table.Builder {
	now := c.Now().UnixMilli()
	return table.NewBuilder().Int(store.AttrCreated, now).Int(store.AttrManual, manual).Int(store.AttrUpdated, now)
}

// lookup is Snapshot's sibling for keys that are already known to be right.
func (c *call) lookup(ctx context.Context, keys []table.Key) (map[table.Key]table.Attrs, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return c.Store.Lookup(ctx, keys...)
}
