package store

import (
	"context"
	"errors"
	"math"
	"sync/atomic"

	"reseed/pkg/table"
)

// graveyard keeps the stored tombstones as they were last read, so that a request reads only what has changed since: nothing, as a
// rule. The directory, which every request reads, says which version is to be known. There is one for all copies of a Store.
type graveyard struct {
	last atomic.Pointer[tombstones]
	turn chan struct{} // held by the one who reads
}

func newGraveyard() *graveyard { return &graveyard{turn: make(chan struct{}, 1)} }

// keep notes tombstones, if there are any, for later requests, unless later ones are known.
func (g *graveyard) keep(s *tombstones) {
	for s != nil {
		was := g.last.Load()
		if was != nil && was.version >= s.version || g.last.CompareAndSwap(was, s) {
			return
		}
	}
}

// errMoved says that what the directory tells of tombstones is too old to be found again: the directory is to be read anew.
var errMoved = errors.New("store: the tombstones have changed since the directory was read")

// findTombstones gives the directory the tombstones that there were at its version: exactly those, whatever was put or
// taken away since.
func (s *Store) findTombstones(ctx context.Context, d *Directory) (err error) {
	if d.changed == 0 {
		return nil
	}
	known := func() bool {
		last := s.graves.last.Load()
		if last != nil && last.version == d.changed {
			d.stored = last
		}
		return d.stored != nil
	}
	if known() {
		return nil
	}
	select {
	case s.graves.turn <- struct{}{}:
		defer func() { <-s.graves.turn }()
	case <-ctx.Done():
		return table.Stopped(ctx)
	}
	if known() { // somebody else has read them meanwhile
		return nil
	}
	if d.stored, err = s.readTombstones(ctx, d.changed); err == nil {
		s.graves.keep(d.stored)
	}
	return err
}

// readTombstones makes the tombstones of a version from those that were known last and the log, or else from all that are
// stored and the log.
func (s *Store) readTombstones(ctx context.Context, version int64) (*tombstones, error) {
	if last := s.graves.last.Load(); last != nil {
		log, err := s.tombstoneLog(ctx)
		if err != nil {
			return nil, err
		}
		if there, ok := log.travel(last, version); ok {
			return there, nil
		}
	}
	all, err := s.allTombstones(ctx)
	if err != nil {
		return nil, err
	}
	log, err := s.tombstoneLog(ctx) // what has changed while they were read is in it
	if err != nil {
		return nil, err
	}
	if there, ok := log.travel(all, version); ok {
		return there, nil
	}
	return nil, errMoved
}

// allTombstones reads all that are stored. Some of them may be of any later version.
func (s *Store) allTombstones(ctx context.Context) (*tombstones, error) {
	var all []tombstoneChange
	for item, err := range s.Items(ctx, Tombstones()) {
		c := tombstoneChange{}
		if err == nil {
			c.Job = TombstoneJob(item.SK)
			err = decodeBody(item.Attrs, &c.Stones)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return (*tombstones)(nil).with(math.MaxInt64, all...), nil
}

func (s *Store) tombstoneLog(ctx context.Context) (*tombstoneLog, error) {
	found, err := s.Lookup(ctx, TombstoneLogKey())
	if err != nil {
		return nil, err
	}
	return readLog(found)
}

// readLog takes the log from what was found. Without one there are no tombstones by now, and nothing is known of what there was.
func readLog(found map[table.Key]table.Attrs) (*tombstoneLog, error) {
	log := &tombstoneLog{}
	if a, ok := found[TombstoneLogKey()]; ok {
		return log, decodeBody(a, log)
	}
	log.From = math.MaxInt64
	return log, nil
}

// moveTombstones gives the writes that go with a changed directory whose version was another: tombstones that were put or taken
// away, and the log of that. It notes in the directory how many there are.
func (s *Store) moveTombstones(ctx context.Context, d *Directory, was int64) (writes []table.Write, err error) {
	if len(d.pending) == 0 {
		return nil, nil
	}
	keys := []table.Key{TombstoneLogKey()}
	for _, c := range d.pending {
		keys = append(keys, TombstonesKey(c.Job))
	}
	found, err := s.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	log, err := readLog(found)
	if err != nil {
		return nil, err
	}
	if log.From > was { // there is none
		log.From = was
	}
	for _, c := range d.pending {
		c.Version = d.Version
		w := table.Write{Item: table.Item{Key: TombstonesKey(c.Job)}, Delete: c.Gone}
		if c.Gone {
			a, there := found[w.Item.Key]
			if !there { // those of older versions lie in the directory
				continue
			}
			err = decodeBody(a, &c.Stones)
		} else {
			w.Item, err = encodeBody(w.Item.Key, c.Stones)
		}
		if err != nil {
			return nil, err
		}
		writes = append(writes, w)
		log.add(c)
		d.take(c)
	}
	d.pending = nil
	if len(writes) == 0 {
		return nil, nil
	}
	if d.changed == 0 {
		return append(writes, table.Write{Item: table.Item{Key: TombstoneLogKey()}, Delete: true}), nil
	}
	item, err := encodeBody(TombstoneLogKey(), log)
	return append(writes, table.Write{Item: item}), err
}

// take takes a change into the directory that makes it.
func (d *Directory) take(c tombstoneChange) {
	n := int64(1)
	if c.Gone {
		n = -1
	}
	for _, t := range c.Stones {
		if d.counts[t.Tag] += n; d.counts[t.Tag] <= 0 {
			delete(d.counts, t.Tag)
		}
	}
	d.stored = d.stored.with(c.Version, c)
	if d.changed = c.Version; len(d.counts) == 0 {
		d.changed, d.stored = 0, nil
	}
}
