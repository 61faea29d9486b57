package mover

import (
	"context"
	"maps"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

const (
	// lanes is how many partitions are copied at the same time: a single one takes only a part of
	// what a table of DynamoDB takes.
	lanes = 32
	// pageItems is how many items of a partition are read at a time, so that the partitions take turns.
	pageItems = 250
	// keepEvery is after how many items the target keeps how far the copy is. It costs a write unit or
	// a few, and all lanes wait until what they have copied is durable.
	keepEvery = 50_000
)

// lastSK is not below any sort key.
var lastSK = strings.Repeat("~", table.MaxSK) //nolint:gochecknoglobals // a constant

// copier copies items.
type copier struct {
	*mover
	out      *table.Writer
	replaces int // of [table.Write]

	mu      sync.Mutex // guards the mark of the target, outside of keep, and what follows
	changed sync.Cond
	adding  int   // lanes between adding items and noting that
	keeping bool  // the mark is being stored: nobody adds
	kept    int64 // items at the last time when it was stored
}

// begin waits until a lane may add items and note that.
func (c *copier) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.keeping {
		c.changed.Wait()
	}
	c.adding++
}

// end notes what a lane has added.
func (c *copier) end(note func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	note()
	c.adding--
	c.changed.Broadcast()
}

// copyItems copies the items that an earlier process has not.
func (m *mover) copyItems(ctx context.Context) error {
	if m.target.Copied {
		m.progress.Items = m.target.Items
		return nil
	}
	m.tell(func(p *Progress) { p.Stage, p.Items = Items, m.target.Items })
	writing, stop := context.WithCancel(ctx)
	defer stop()
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(lanes)
	c := &copier{mover: m, out: m.To.Store.Writer(writing), replaces: table.Nothing, kept: m.target.Items}
	c.changed.L = &c.mu
	if m.target.Through != "" { // an earlier process may have written more than it noted
		c.replaces = 0
	}
	for pk, sk := range maps.Clone(m.target.Lanes) {
		g.Go(func() error { return c.lane(within, pk, sk) })
	}
	err := c.partitions(within, func(pk string) {
		g.Go(func() error { return c.lane(within, pk, "") })
	})
	if e := g.Wait(); e != nil { // it may have ended the walk over the partitions
		err = e
	}
	if err == nil {
		return c.keep(ctx, true)
	}
	stop()
	_ = c.out.Flush() // err came first; no write is in flight afterwards
	return err
}

// partitions calls do for each partition of the source that no earlier process has begun, once the
// mark says that it is begun.
func (c *copier) partitions(ctx context.Context, do func(pk string)) error {
	var after table.Key
	if c.target.Through != "" {
		after = table.Key{PK: c.target.Through, SK: lastSK}
	}
	for {
		page, err := c.From.Store.Scan(ctx, after, 1)
		if err != nil || len(page.Items) == 0 {
			return err
		}
		pk := page.Items[0].PK
		c.begin()
		c.end(func() {
			c.target.Through = pk
			if c.target.Lanes == nil {
				c.target.Lanes = map[string]string{}
			}
			c.target.Lanes[pk] = ""
		})
		do(pk)
		after = table.Key{PK: pk, SK: lastSK}
	}
}

// lane copies the items of a partition behind a sort key.
func (c *copier) lane(ctx context.Context, pk, sk string) error {
	for more := true; more; {
		page, err := c.From.Store.Page(ctx, table.Query{PK: pk, After: sk, Limit: pageItems})
		if err != nil {
			return err
		}
		sk, more = page.Next, page.Next != ""
		if err := c.add(pk, page); err != nil {
			return err
		}
		if err := c.keep(ctx, false); err != nil {
			return err
		}
	}
	return nil
}

// add copies a page and notes that.
func (c *copier) add(pk string, page table.Page) (err error) {
	c.begin()
	n := int64(0)
	for _, it := range page.Items {
		if !store.Travels(it.Key) {
			continue
		}
		if err = c.out.Add(table.Write{Item: it, Replaces: c.replaces}); err != nil {
			break
		}
		n++
	}
	c.end(func() {
		if err != nil {
			return
		}
		c.target.Items += n
		if c.target.Lanes[pk] = page.Next; page.Next == "" {
			delete(c.target.Lanes, pk)
		}
	})
	if err == nil {
		c.tell(func(p *Progress) { p.Items += n })
	}
	return err
}

// keep makes durable what was copied, and then the notes about it, if all was copied, or enough since
// the last time.
func (c *copier) keep(ctx context.Context, all bool) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keeping || !all && c.target.Items-c.kept < keepEvery {
		return nil
	}
	c.keeping = true
	for c.adding > 0 {
		c.changed.Wait()
	}
	c.mu.Unlock()
	if err = c.out.Flush(); err == nil {
		c.kept, c.target.Copied = c.target.Items, all
		err = c.To.Store.KeepMark(ctx, c.target)
	}
	c.mu.Lock()
	c.keeping = false
	c.changed.Broadcast()
	return err
}
