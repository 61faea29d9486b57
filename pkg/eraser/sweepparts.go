package eraser

import (
	"context"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// method is a way to sweep the partitions of a lane. sweep sweeps one of them from the checkpoint
// to its end; clean tells whether nothing is left to sweep in one.
type method struct {
	sweep func(*lane, context.Context, part) error
	clean func(*lane, context.Context, part) (bool, error)
}

// everything sweeps partitions that are invisible as a whole.
func everything() method { return method{sweep: (*lane).sweepAll, clean: (*lane).isEmpty} }

// among sweeps the items that meet a condition, among others that stay. They may be made again
// meanwhile.
func among(c table.Cond) method {
	return method{
		sweep: func(l *lane, ctx context.Context, p part) error { return l.sweepMatching(ctx, p, c) },
		clean: func(l *lane, ctx context.Context, p part) (bool, error) { return l.holdsNone(ctx, p, c) },
	}
}

// hiddenAmong sweeps the items that meet a condition, among others that stay. They are invisible,
// and nothing takes their place before they are removed. The keys that with returns for a page of
// items are removed before these items.
func hiddenAmong(c table.Cond, with func(context.Context, []table.Item) ([]table.Key, error)) method {
	return method{
		sweep: func(l *lane, ctx context.Context, p part) error {
			return l.sweepPages(ctx, p, &filter{c, with})
		},
		clean: func(l *lane, ctx context.Context, p part) (bool, error) { return l.holdsNone(ctx, p, c) },
	}
}

// filter says which items of a partition to remove, and what to remove before them. A nil filter
// means all items.
type filter struct {
	c    table.Cond
	with func(context.Context, []table.Item) ([]table.Key, error)
}

// sweepAll deletes all items of a partition.
func (l *lane) sweepAll(ctx context.Context, p part) error {
	if l.st.DropsRanges() && p.from == "" {
		return l.sweepAtOnce(ctx, p)
	}
	return l.sweepPages(ctx, p, nil)
}

// sweepPages deletes the items of a partition that only selects, page by page. A page is counted in
// the ledger before it is deleted, and never counted again.
func (l *lane) sweepPages(ctx context.Context, p part, only *filter) error {
	if s := l.cp.Page; s != nil {
		if err := l.deleteSpan(ctx, p, *s, only); err != nil {
			return err
		}
		l.cp.Page, l.cp.After = nil, s.Last
	}
	for q := p.query(); ; {
		if err := l.checkTime(ctx); err != nil {
			return err
		}
		q.After, q.Limit, q.KeysOnly = l.cp.After, l.c.Page, only == nil
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		if err := l.sweepPage(ctx, p, only.of(page), only); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		l.cp.After = page.Next
	}
}

// of returns the part of a page that is to be removed.
func (only *filter) of(page table.Page) table.Page {
	if only == nil {
		return page
	}
	page.Items = matching(page.Items, only.c)
	page.Sizes = make([]int, len(page.Items))
	for i, item := range page.Items {
		page.Sizes[i] = item.Size()
	}
	return page
}

func (l *lane) sweepPage(ctx context.Context, p part, page table.Page, only *filter) error {
	n := len(page.Items)
	if n == 0 {
		return nil
	}
	if only != nil {
		keys, err := only.with(ctx, page.Items)
		if err == nil {
			_, err = l.remove(ctx, keys)
		}
		if err != nil {
			return err
		}
	}
	cp := l.cp.with(p, page.Items)
	cp.Page = &span{page.Items[0].SK, page.Items[n-1].SK, n}
	if err := l.saveCheckpoint(ctx, cp); err != nil {
		return err
	}
	if err := l.st.Write(ctx, page.Deletes()); err != nil {
		return err
	}
	l.cp.Page, l.cp.After = nil, page.Items[n-1].SK
	return nil
}

// savePages is how many pages are counted between two checkpoints if the partition is dropped at
// once.
const savePages = 32

// sweepAtOnce counts a whole partition and then drops it. By now no writer is left that could add
// to it meanwhile.
func (l *lane) sweepAtOnce(ctx context.Context, p part) error {
	cp := l.cp
	for n := 1; !cp.Counted; n++ {
		first := cp.After == ""
		if err := l.checkTime(ctx); err != nil {
			return err
		}
		page, err := l.st.Page(ctx, table.Query{PK: p.pk, After: cp.After, KeysOnly: true})
		if err != nil {
			return err
		}
		cp = cp.with(p, page.Items)
		for _, size := range page.Sizes {
			cp.Milli += table.WriteCost(size, 0).WriteMilli
		}
		cp.After, cp.Counted = page.Next, page.Next == ""
		if first && cp.Counted && len(page.Items) == 0 {
			return nil // it is empty
		}
		if n%savePages == 0 || cp.Counted {
			if err := l.saveCheckpoint(ctx, cp); err != nil {
				return err
			}
		}
	}
	return l.st.DeleteRange(ctx, p.pk)
}

// deleteSpan deletes what is left of a counted page.
func (l *lane) deleteSpan(ctx context.Context, p part, s span, only *filter) error {
	// A space is the smallest character of keys, so this range ends right after the last key.
	q := table.Query{PK: p.pk, From: s.First, To: s.Last + " ", KeysOnly: only == nil, Limit: l.c.Page}
	for {
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		if err := l.st.Write(ctx, only.of(page).Deletes()); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

func (l *lane) isEmpty(ctx context.Context, p part) (bool, error) {
	q := p.query()
	q.Limit, q.KeysOnly = 1, true
	page, err := l.st.Page(ctx, q)
	return err == nil && len(page.Items) == 0, err
}

// sweepMatching deletes the items of a partition that meet c, each on condition that it still does.
func (l *lane) sweepMatching(ctx context.Context, p part, c table.Cond) error {
	for q := p.query(); ; {
		if err := l.checkTime(ctx); err != nil {
			return err
		}
		q.After, q.Limit = l.cp.After, l.c.Page
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		for items := range slices.Chunk(matching(page.Items, c), l.st.TransactSize()-1) {
			if err := l.deleteMatching(ctx, p, items, c); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		l.cp.After = page.Next
	}
}

// matching keeps the items that meet c.
func matching(items []table.Item, c table.Cond) []table.Item {
	return slices.DeleteFunc(items, func(item table.Item) bool { return !c.Holds(item.Attrs, true) })
}

// deleteMatching deletes and counts items in one transaction, on condition that they still meet c.
// Items that were made again meanwhile make it fail; then it leaves them and tries again.
func (l *lane) deleteMatching(ctx context.Context, p part, items []table.Item, c table.Cond) error {
	for len(items) > 0 {
		if err := l.checkTime(ctx); err != nil {
			return err
		}
		keys := keysOf(items)
		writes := deletesOf(keys)
		for i := range writes {
			writes[i].If = c
		}
		err := l.saveCheckpoint(ctx, l.cp.with(p, items), writes...)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		left, readErr := l.st.Get(ctx, keys...)
		if readErr != nil {
			return readErr
		}
		// all still meet c, so the checkpoint has changed: another sweep is running
		if left = matching(left, c); len(left) == len(items) {
			return err
		}
		items = left
	}
	return nil
}

// holdsNone tells whether a partition holds no item that meets c.
func (l *lane) holdsNone(ctx context.Context, p part, c table.Cond) (bool, error) {
	for q := p.query(); ; {
		if err := l.checkTime(ctx); err != nil {
			return false, err
		}
		q.Limit = l.c.Page
		page, err := l.st.Page(ctx, q)
		if err != nil || len(matching(page.Items, c)) > 0 {
			return false, err
		}
		if page.Next == "" {
			return true, nil
		}
		q.After = page.Next
	}
}

func keysOf(items []table.Item) []table.Key {
	keys := make([]table.Key, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}

func deletesOf(keys []table.Key) []table.Write {
	w := make([]table.Write, len(keys))
	for i, k := range keys {
		w[i] = table.Write{Item: table.Item{Key: k}, Delete: true}
	}
	return w
}

// partOf is the partition of a key.
func partOf(k table.Key) part { return part{pk: k.PK, edits: store.EditsIn(k.PK)} }
