package records

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// A use-case that changes something reads the directory and the records, decides, and writes in one
// transaction, which fails if another writer has changed those records since (commit.go writes what
// is too large for one transaction). An erase or a restore may change the directory between the
// read and the write. So the use-case reads the directory once more, and decides and writes again
// if what it wrote is not visible. Success therefore means: the change is there, or was there until
// a later erase took it.

// tries is how often a use-case decides before it gives up. It waits before each further try,
// longer each time, up to maxPause.
const (
	tries    = 12
	maxPause = 200 * time.Millisecond
)

// settled calls do again while another writer interferes, which do reports as fault.Conflict. do
// reads, decides and writes.
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

// wait waits a random part of d, and doubles d for the next wait.
func wait(ctx context.Context, d *time.Duration) error {
	select {
	case <-time.After(rand.N(*d)): //nolint:gosec // nothing to guess: it is only uneven
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "stopped", "the request was stopped")
	}
	*d = min(2**d, maxPause)
	return nil
}

// write does all writes of a use-case that has read the directory a, or none. fault.Conflict means
// that the use-case must decide again: another writer has changed the same records, or what was
// written is not visible.
func (r *Records) write(ctx context.Context, a Account, writes ...table.Write) error {
	if len(writes) == 0 {
		return nil
	}
	if err := a.shows(writes); err != nil {
		return err
	}
	if err := r.touch(ctx, a, writes); err != nil {
		return err
	}
	if err := r.Store.Transact(ctx, writes...); err != nil {
		return err
	}
	return r.landed(ctx, a, writes)
}

// touch notes that rows of a source that pulls are about to change, so that its next pull compares
// them. All writes are of one source.
func (r *Records) touch(ctx context.Context, a Account, writes []table.Write) error {
	src, _ := a.SourceAt(writes[0].Item.PK)
	return r.Store.MarkTouched(ctx, src, r.Now())
}

// landed checks that writes made for the directory a are visible. While a restore of their source
// runs, that is not known yet, so landed waits: if the use-case wrote again now and the restore was
// refused, everything would be there twice.
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

// restoring reports whether one of the writes goes to a source that is being restored.
func (a Account) restoring(writes []table.Write) bool {
	return slices.ContainsFunc(writes, func(w table.Write) bool { return a.Restores(w.Item.PK) })
}

// shows returns fault.Conflict if one of the writes is not visible.
func (a Account) shows(writes []table.Write) error {
	for i := range writes {
		if !a.Shows(writes[i]) {
			return fault.New(fault.Conflict, "directory_moved", "an erase or a restore came in between")
		}
	}
	return nil
}

// absentOnly is the condition for making a record. A record that an erase has hidden but not
// removed yet counts as present: a restore may bring it back, so nothing takes its place.
func absentOnly() table.Cond { return table.Cond{Op: table.Absent} }

// hidden reports whether a stored item is one that an erase has hidden but not removed yet.
func (a Account) hidden(attrs table.Attrs) bool { return attrs != nil && !a.Visible(attrs) }
