package chartmogul

import (
	"math/rand/v2"
	"slices"
	"time"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// A request that changes something looks at the directory and the records, decides, and writes what it makes in one
// transaction, on condition that nobody has changed those records since (invoicecommit.go has those too large for
// one). An erase or a restore may change the directory in between, so it is looked at once more: what then lies where
// nobody sees it is decided and written anew. So an answer of 2xx tells of what is there, or was when a later
// erase took it.

// tries is how often a request is decided anew. It waits longer before each of them, up to maxPause.
const (
	tries    = 12
	maxPause = 200 * time.Millisecond
)

// settled does something that rests on what it has read, until nobody is in between.
func (c *call) settled(do func() error) error {
	pause := time.Millisecond
	for range tries {
		if err := do(); !fault.Is(err, fault.Conflict) {
			return err
		}
		if err := c.pause(&pause); err != nil {
			return err
		}
	}
	return contended()
}

// pause waits, and makes the next pause longer.
func (c *call) pause(d *time.Duration) error {
	select {
	case <-time.After(rand.N(*d)): //nolint:gosec // nothing to guess: it is only uneven
	case <-c.Context().Done():
		return fault.Wrap(c.Context().Err(), fault.Unavailable, "stopped", "the request was stopped")
	}
	*d = min(2**d, maxPause)
	return nil
}

func contended() error {
	return fault.New(fault.Busy, "contended", "Somebody else is writing the same records. Try again in a moment.")
}

// write does all writes of a request that has read the directory a, or none. fault.Conflict says that it is to be decided
// anew: somebody else has changed the same records, or what was written is not to be seen.
func (c *call) write(a account, writes ...table.Write) error {
	if len(writes) == 0 {
		return nil
	}
	if err := a.shows(writes); err != nil {
		return err
	}
	if err := c.Store.Transact(c.Context(), writes...); err != nil {
		return err
	}
	return c.landed(a, writes)
}

// landed makes sure that writes are to be seen which were made for the directory a. While a restore is at their source, nobody
// knows yet: done anew now, they would be there twice if that restore is refused.
func (c *call) landed(a account, writes []table.Write) error {
	pause := time.Millisecond
	for range tries {
		now, err := c.Store.Newer(c.Context(), a.Directory)
		if err != nil || now == nil {
			return err
		}
		if a = (account{Directory: now}); !a.restoring(writes) {
			return a.shows(writes)
		}
		if err := c.pause(&pause); err != nil {
			return err
		}
	}
	return contended()
}

// restoring tells whether one of some writes is of a source that is just being restored.
func (a account) restoring(writes []table.Write) bool {
	return slices.ContainsFunc(writes, func(w table.Write) bool { return a.Restores(w.Item.PK) })
}

// shows is fault.Conflict if one of some writes is not to be seen.
func (a account) shows(writes []table.Write) error {
	for i := range writes {
		if !a.Shows(writes[i]) {
			return fault.New(fault.Conflict, "directory_moved", "an erase or a restore came in between")
		}
	}
	return nil
}

// absentOnly is the condition for making a record. What an erase has hidden and not removed yet is there: a restore may
// bring it back, so nothing takes its place.
func absentOnly() table.Cond { return table.Cond{Op: table.Absent} }

// hidden tells whether something is stored that an erase has hidden and not removed yet.
func (a account) hidden(attrs table.Attrs) bool { return attrs != nil && !a.Visible(attrs) }

// customerEdit is a change of what people gave to a customer.
type customerEdit struct {
	*edit.Member
	*edit.Change
}

// edit makes changes and other writes together, in one transaction if they are of one customer and have 4 MB at most: no customer
// is merged of more than fit into one. More than that is completed by the same request again. The customers show them then.
func (c *call) edit(a account, list []customerEdit, more ...table.Write) error {
	changes := make([]*edit.Change, len(list))
	for i, e := range list {
		changes[i] = e.Change
	}
	writes, err := c.Edits.Writes(c.Context(), a.Directory, changes...)
	if err != nil {
		return err
	}
	for _, chunk := range c.Store.Transactions(append(more, writes...)) {
		if err := c.write(a, chunk...); err != nil {
			return err
		}
	}
	for _, e := range list {
		e.Show(&e.Edits)
	}
	return nil
}
