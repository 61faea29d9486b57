package eraser

import (
	"context"
	"fmt"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// sweepRecords sweeps the single records of one source, each until a pass finds nothing of it any
// more. It does so in all spaces from which a restore could bring them back.
func (r *run) sweepRecords(ctx context.Context, src store.Source) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	spaces, err := spacesOf(ctx, r.ledger, d, src)
	if err != nil {
		return err
	}
	for _, sp := range spaces {
		walk := walker{st: r.st, hr: d.Hasher(), sp: sp, edits: !r.job.Erase.KeepEdits}
		if err := r.sweepRecordsAt(ctx, walk); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) sweepRecordsAt(ctx context.Context, walk walker) error {
	for i, rec := range r.job.Erase.Records {
		if rec.Tag != walk.sp.Tag {
			continue
		}
		h, ok := store.ParseH(rec.H)
		if !ok {
			return fault.New(fault.Internal, "erase_state", "the job does not say which record to erase")
		}
		lanes, err := r.open(ctx, []string{fmt.Sprintf("%s/record.%03d.%s", lanePhase, i, laneName(walk.sp))}, make(partitions, 1))
		if err != nil {
			return err
		}
		if err := lanes[0].untilGone(ctx, walk, h); err != nil {
			return err
		}
	}
	return nil
}

// spacesOf lists the spaces in which a source may have rows that are visible or can be restored: as
// it was when the erase began, as it is now, and as it was before other open erases.
func spacesOf(ctx context.Context, ledger *job.Ledger, d *store.Directory, was store.Source) ([]store.Space, error) {
	spaces := []store.Space{was.Space()}
	if now, ok := d.ByTag(was.Tag); ok {
		spaces = append(spaces, now.Space())
	}
	open, err := ledger.Open(ctx)
	for _, j := range open {
		if j.Kind == job.Erase && j.Tag == was.Tag && Kind(j.Erase.Selection).raisesEpochs() {
			spaces = append(spaces, j.Erase.Was.Space())
		}
	}
	var once []store.Space
	for _, sp := range spaces {
		if !slices.Contains(once, sp) {
			once = append(once, sp)
		}
	}
	return once, err
}

func (l *lane) untilGone(ctx context.Context, walk walker, h store.H) error {
	for !l.cp.Verified {
		n, err := l.pass(ctx, walk, h)
		if err != nil {
			return err
		}
		cp := l.cp
		cp.Verified = n == 0
		if err := l.saveCheckpoint(ctx, cp); err != nil {
			return err
		}
	}
	return nil
}

// pass deletes the record with all that belongs to it, in transactions that count what they delete.
// It returns how many items it deleted.
func (l *lane) pass(ctx context.Context, walk walker, h store.H) (n int, err error) {
	for keys, err := range walk.record(ctx, Kind(l.job.Erase.Selection), h) {
		if err == nil {
			var more int
			more, err = l.remove(ctx, keys)
			n += more
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// remove deletes existing keys in their order, in transactions that count them. It returns how many
// it deleted.
func (l *lane) remove(ctx context.Context, keys []table.Key) (n int, err error) {
	for chunk := range slices.Chunk(keys, l.st.TransactSize()-1) {
		if err := l.checkTime(ctx); err != nil {
			return n, err
		}
		cp := l.cp
		for _, k := range chunk {
			cp = cp.with(partOf(k), []table.Item{{Key: k}})
		}
		if err := l.saveCheckpoint(ctx, cp, deletesOf(chunk)...); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	return n, nil
}
