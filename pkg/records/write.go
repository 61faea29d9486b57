package records

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// A use-case that changes something looks at the directory and the records, decides, and writes
// what it makes in one transaction, on condition that nobody has changed those records since
// (commit.go has those too large for one). An erase or a restore may change the directory in
// between, so it is looked at once more: what then lies where nobody sees it is decided and written
// anew. So success tells of what is there, or was when a later erase took it.

// tries is how often a change is decided anew. It waits longer before each of them, up to maxPause.
const (
	tries    = 12
	maxPause = 200 * time.Millisecond
)

// settled does something that rests on what it has read, until nobody is in between.
func (r *Records) settled(ctx context.Context, do func() error) error {
	pause := time.Millisecond
	for range tries {
		if err := do(); !fault.Is(err, fault.Conflict) {
			return err
		}
		if err := wait(ctx, &pause); err != nil {
			return err
		}
	}
	return contended()
}

// wait waits, and makes the next wait longer.
func wait(ctx context.Context, d *time.Duration) error {
	select {
	case <-time.After(rand.N(*d)): //nolint:gosec // nothing to guess: it is only uneven
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "stopped", "the request was stopped")
	}
	*d = min(2**d, maxPause)
	return nil
}

// write does all writes of a use-case that has read the directory a, or none. fault.Conflict says
// that it is to be decided anew: somebody else has changed the same records, or what was written is
// not to be seen.
func (r *Records) write(ctx context.Context, a Account, writes ...table.Write) error {
	if len(writes) == 0 {
		return nil
	}
	if err := a.shows(writes); err != nil {
		return err
	}
	if err := r.Store.Transact(ctx, writes...); err != nil {
		return err
	}
	return r.landed(ctx, a, writes)
}

// landed makes sure that writes are to be seen which were made for the directory a. While a restore
// is at their source, nobody knows yet: done anew now, they would be there twice if that restore is
// refused.
func (r *Records) landed(ctx context.Context, a Account, writes []table.Write) error {
	pause := time.Millisecond
	for range tries {
		now, err := r.Store.Newer(ctx, a.Directory)
		if err != nil || now == nil {
			return err
		}
		if a = (Account{Directory: now}); !a.restoring(writes) {
			return a.shows(writes)
		}
		if err := wait(ctx, &pause); err != nil {
			return err
		}
	}
	return contended()
}

// restoring tells whether one of some writes is of a source that is just being restored.
func (a Account) restoring(writes []table.Write) bool {
	return slices.ContainsFunc(writes, func(w table.Write) bool { return a.Restores(w.Item.PK) })
}

// shows is fault.Conflict if one of some writes is not to be seen.
func (a Account) shows(writes []table.Write) error {
	for i := range writes {
		if !a.Shows(writes[i]) {
			return fault.New(fault.Conflict, "directory_moved", "an erase or a restore came in between")
		}
	}
	return nil
}

// absentOnly is the condition for making a record. What an erase has hidden and not removed yet is
// there: a restore may bring it back, so nothing takes its place.
func absentOnly() table.Cond { return table.Cond{Op: table.Absent} }

// hidden tells whether something is stored that an erase has hidden and not removed yet.
func (a Account) hidden(attrs table.Attrs) bool { return attrs != nil && !a.Visible(attrs) }
