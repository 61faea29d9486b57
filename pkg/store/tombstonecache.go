package store

import (
	"context"
	"errors"
	"math"
	"sync/atomic"

	"reseed/pkg/table"
)

// tombstoneCache keeps the stored tombstones as they were last read. A request reads only what has
// changed since: usually nothing. Every request reads the directory, which says which version of
// the tombstones it needs. All copies of a Store share one cache.
type tombstoneCache struct {
	last atomic.Pointer[tombstones]
	turn chan struct{} // held by the goroutine that reads
}

func newTombstoneCache() *tombstoneCache { return &tombstoneCache{turn: make(chan struct{}, 1)} }

// keep keeps tombstones for later requests, unless the cache holds a later version. It ignores nil.
func (c *tombstoneCache) keep(s *tombstones) {
	for s != nil {
		was := c.last.Load()
		if was != nil && was.version >= s.version || c.last.CompareAndSwap(was, s) {
			return
		}
	}
}

// errMoved says that the tombstones of the directory's version cannot be computed any more: the
// directory must be read again.
var errMoved = errors.New("store: the tombstones have changed since the directory was read")

// findTombstones gives the directory the tombstones of its version, without later changes.
func (s *Store) findTombstones(ctx context.Context, d *Directory) (err error) {
	if d.changed == 0 {
		return nil
	}
	known := func() bool {
		last := s.known.last.Load()
		if last != nil && last.version == d.changed {
			d.stored = last
		}
		return d.stored != nil
	}
	if known() {
		return nil
	}
	select {
	case s.known.turn <- struct{}{}:
		defer func() { <-s.known.turn }()
	case <-ctx.Done():
		return table.Stopped(ctx)
	}
	if known() { // another request has read them meanwhile
		return nil
	}
	if d.stored, err = s.readTombstones(ctx, d.changed); err == nil {
		s.known.keep(d.stored)
	}
	return err
}

// readTombstones computes the tombstones of a version from the log and the cached ones, or if the
// log does not reach back so far, from the log and all that are stored.
func (s *Store) readTombstones(ctx context.Context, version int64) (*tombstones, error) {
	if last := s.known.last.Load(); last != nil {
		log, err := s.tombstoneLog(ctx)
		if err != nil {
			return nil, err
		}
		if there, ok := log.replay(last, version); ok {
			return there, nil
		}
	}
	all, err := s.allTombstones(ctx)
	if err != nil {
		return nil, err
	}
	log, err := s.tombstoneLog(ctx) // it holds the changes made while they were read
	if err != nil {
		return nil, err
	}
	if there, ok := log.replay(all, version); ok {
		return there, nil
	}
	return nil, errMoved
}

// allTombstones reads all stored tombstones. Some of them may have been added by later versions of
// the directory.
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

// readLog decodes the log from found items. If there is no log, there are no tombstones now;
// earlier versions are unknown then.
func readLog(found map[table.Key]table.Attrs) (*tombstoneLog, error) {
	log := &tombstoneLog{}
	if a, ok := found[TombstoneLogKey()]; ok {
		return log, decodeBody(a, log)
	}
	log.From = math.MaxInt64
	return log, nil
}

// tombstoneWrites returns the writes that go with a changed directory, whose version was was: the
// tombstones added or removed, and the log. It updates the counts in the directory.
func (s *Store) tombstoneWrites(ctx context.Context, d *Directory, was int64) (writes []table.Write, err error) {
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
	if log.From > was { // there is no log
		log.From = was
	}
	for _, c := range d.pending {
		c.Version = d.Version
		w := table.Write{Item: table.Item{Key: TombstonesKey(c.Job)}, Delete: c.Gone}
		if c.Gone {
			a, there := found[w.Item.Key]
			if !there { // older versions stored theirs in the directory
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

// take applies a change to the directory that makes it.
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
