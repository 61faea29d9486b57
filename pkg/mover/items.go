package mover

import (
	"context"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// keepEvery is after how many items the target keeps how far the copy is. It costs a write unit, and
// the writes in flight are waited for.
const keepEvery = 20_000

// copyItems copies what the source still holds behind the place where an earlier process was.
func (m *mover) copyItems(ctx context.Context) error {
	if m.target.Copied {
		return nil
	}
	m.progress.Items = m.target.Items
	m.report(Items)
	out := m.To.Store.Writer(ctx)
	replaces := table.Nothing
	if m.target.Items > 0 { // an earlier process may have written more than it noted
		replaces = 0
	}
	noted := m.target.Items
	for after := m.target.After; ; {
		page, err := m.From.Store.Scan(ctx, after, 0)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if !store.Travels(it.Key) {
				continue
			}
			if err := out.Add(table.Write{Item: it, Replaces: replaces}); err != nil {
				return err
			}
			m.progress.Items++
		}
		after = page.Next
		done := after == table.Key{}
		if !done && m.progress.Items-noted < keepEvery {
			continue
		}
		if err := out.Flush(); err != nil {
			return err
		}
		noted = m.progress.Items
		m.target.After, m.target.Items, m.target.Copied = after, noted, done
		if err := m.To.Store.KeepMark(ctx, m.target); err != nil || done {
			return err
		}
		m.report(Items)
	}
}
