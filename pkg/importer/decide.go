package importer

import (
	"context"

	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// This file decides the candidates of a range merge, batch by batch: against what is stored at their keys, and what is known
// of their parents.

// parentState is what is known about the record that rows belong to.
type parentState struct {
	sk      string
	exists  bool
	manual  int64
	erasing bool        // being erased; it can be restored
	stored  table.Attrs // nil if this import changes it
	old     bool        // it was there before this import
	closed  bool        // it stays as it is, with its parts, because its row was rejected
	// Of an invoice: its currency before this import and after it; was is empty if it is new.
	was, currency string
}

// decide compares the candidates with what is stored.
func (m *rangeMerge) decide(ctx context.Context) error {
	if err := m.w.interrupted(ctx); err != nil {
		return err
	}
	if err := m.loadBefore(ctx); err != nil {
		return err
	}
	parents, err := m.loadParents(ctx)
	if err != nil {
		return err
	}
	for i := range m.block {
		c := &m.block[i]
		if err := m.meet(ctx, c); err != nil {
			return err
		}
		if c.parent != "" && c.parent != m.parent.sk {
			m.parent = parents[c.parent]
			m.parent.sk = c.parent
		}
		if err := m.settle(ctx, c); err != nil {
			return err
		}
	}
	m.block = m.block[:0]
	return m.checkDoubling(ctx, enoughDoubling)
}

// loadBefore reads what is stored under the candidates' keys. A replace meets that on its walk
// instead, unless it walks only the rows of one customer.
func (m *rangeMerge) loadBefore(ctx context.Context) error {
	if m.stored != nil && m.w.job.Import.OnlyCustomer() == "" {
		return nil
	}
	sks := make([]string, len(m.block))
	for i := range m.block {
		sks[i] = m.block[i].sk
	}
	stored, err := m.w.storedAt(ctx, sks)
	if err != nil {
		return err
	}
	for i := range m.block {
		c := &m.block[i]
		c.before = m.w.present(c.sk, stored[i])
		c.hidden = stored[i] != nil && m.w.beingErased(c.sk, stored[i])
	}
	return nil
}

// loadParents reads the parents that the block needs and does not hold: the stored ones, hidden or
// not, as this import changes them. A replace meets the invoices of line items and transactions on
// its walk instead.
func (m *rangeMerge) loadParents(ctx context.Context) (map[string]parentState, error) {
	if m.stored != nil && hasParts(m.stage) {
		return nil, nil
	}
	var sks []string
	known := m.parent.sk
	for i := range m.block {
		c := &m.block[i]
		switch {
		case c.parent == "":
			known = c.sk
		case c.parent != known:
			sks = append(sks, c.parent)
			known = c.parent
		}
	}
	stored, err := m.w.storedAt(ctx, sks)
	if err != nil {
		return nil, err
	}
	found := make(map[string]parentState, len(sks))
	for i, sk := range sks {
		after, known, err := m.parents.at(sk)
		if err != nil {
			return nil, err
		}
		p := parentState{}
		if !known {
			after = stored[i]
			p.stored = m.w.present(sk, after)
		}
		p.old = m.w.present(sk, stored[i]) != nil
		if len(after) > 0 {
			p.exists, p.manual, p.erasing = m.w.present(sk, after) != nil, manualOf(after), m.w.beingErased(sk, after)
		}
		p.currency = m.currencyOf(after)
		p.was = p.currency
		found[sk] = p
	}
	return found, nil
}

// settle decides one candidate. If its row is rejected, what is stored there stays.
func (m *rangeMerge) settle(ctx context.Context, c *candidate) error {
	if !c.present {
		ok, err := m.acceptable(c)
		if err != nil {
			return err
		}
		if ok {
			return m.accept(c)
		}
	}
	return m.stay(ctx, c)
}

// acceptable rejects a candidate that its parent, or what is stored at its key, does not allow. It reports whether it
// has not.
func (m *rangeMerge) acceptable(c *candidate) (ok bool, err error) {
	// The row of an import that is being erased, or an invoice that the input moves to another
	// customer: other hidden records were refused before.
	if c.hidden {
		p := erasing(m.idColumn(&c.entry))
		m.reject(&c.entry, p.Column, p.Code, p.Message)
		if c.parent == "" {
			m.parent = parentState{sk: c.sk, erasing: true}
		}
		return false, nil
	}
	if c.parent != "" && (m.parent.erasing || m.parent.closed || !m.parent.exists) {
		return false, m.rejectOrphan(c)
	}
	if p := m.ofAnother(c); p != nil {
		m.reject(&c.entry, p.Column, p.Code, p.Message)
		return false, nil
	}
	if ok, err := m.convert(c); !ok || err != nil {
		return false, err
	}
	if c.before != nil && c.before.Str("external_id") != table.Attrs(c.entry.body).Str("external_id") {
		m.reject(&c.entry, m.idColumn(&c.entry), codeCollision, "This external ID collides with the external ID of a stored record; use another one.")
		m.setParent(c, m.manualFor(c), true)
		return false, nil
	}
	return true, nil
}

// accept takes a candidate in.
func (m *rangeMerge) accept(c *candidate) error {
	manual := m.manualFor(c)
	same := c.before != nil && string(c.before.Content()) == string(c.entry.body)
	m.setParent(c, manual, same)
	m.sumUp(c, same)
	m.seeDoubling(c, same)
	if c.before == nil {
		m.count(&c.entry, func(n *job.Counts) { n.Added++ })
		return m.emit(c.change(nil, m.stamp(c.entry.body, store.Origin{Import: m.w.number, Manual: manual}, m.w.stampMilli)))
	}
	if same {
		m.count(&c.entry, func(n *job.Counts) { n.Unchanged++ })
		return nil
	}
	m.count(&c.entry, func(n *job.Counts) { n.Changed++ })
	m.compare(string(datasetOf(c.sk, c.before)), c.before.Content(), table.Attrs(c.entry.body))
	created, _ := c.before.Int(store.AttrCreated)
	origin := store.Origin{Import: store.OriginOf(c.before).Import, Manual: manual}
	return m.emit(c.change(c.before, m.stamp(c.entry.body, origin, created)))
}

// manualFor is the manual epoch of the record of a row.
func (m *rangeMerge) manualFor(c *candidate) int64 {
	switch {
	case c.parent != "":
		return m.parent.manual
	case c.manual != nil:
		return *c.manual
	case !c.kind.Manual:
		return 0
	case c.before != nil && c.kind.Of == "":
		return manualOf(c.before) // a customer keeps the origin that it was created with
	}
	return m.w.manual
}

// setParent notes a record that rows may belong to, and whether it stays as it is stored.
func (m *rangeMerge) setParent(c *candidate, manual int64, stays bool) {
	if c.parent != "" {
		return
	}
	m.parent = parentState{sk: c.sk, exists: true, manual: manual, old: c.before != nil}
	after := table.Attrs(c.entry.body)
	if stays {
		m.parent.stored, after = c.before, c.before
	}
	m.parent.was, m.parent.currency = m.currencyOf(c.before), m.currencyOf(after)
}

// rejectOrphan rejects a row whose parent does not exist or is being erased.
func (m *rangeMerge) rejectOrphan(c *candidate) error {
	lost := c.lost
	if lost == nil {
		var err error
		if lost, err = m.lost.at(c.parent); err != nil {
			return err
		}
	}
	column, code, message := m.w.missingParent(c.sk, lost)
	if c.lost == nil && lost != nil && m.lost.forgotten() {
		code, message = codeForgotten, m.w.isForgotten(*lost)
	}
	if m.parent.closed && lost == nil {
		message = "The record that this row belongs to was rejected, too: both stay as they are stored."
	}
	if m.parent.erasing {
		p := erasing(column)
		code, message = p.Code, p.Message
	}
	m.reject(&c.entry, column, code, message)
	return nil
}

func (c *candidate) change(before, after table.Attrs) *change {
	return &change{c.sk, c.entry.place.file, c.entry.place.line, before, after}
}

// emit adds a change to the set, after the removals that come before it.
func (m *rangeMerge) emit(c *change) error {
	if err := m.flushRemovals(); err != nil {
		return err
	}
	if m.parent.stored != nil && store.ParentSK(c.sk) == m.parent.sk {
		if err := m.ground.note(m.parent.sk, m.parent.stored); err != nil {
			return err
		}
	}
	return m.write(c, &m.sum.WriteMilli)
}

// write adds a change to the set, and its cost to a sum.
func (m *rangeMerge) write(c *change, milli *int64) error {
	m.sum.Changes++
	*milli += m.w.costOf(c)
	m.samples.see(m.w, c)
	return m.out.change(c)
}

// stamp puts the metadata before the content. Times come from the job, not from the clock, so that
// merging again gives the same bytes (I6). The attributes are valid until the next call.
func (m *rangeMerge) stamp(content []byte, from store.Origin, created int64) table.Attrs {
	m.builder.Reset()
	m.after = from.AddTo(m.builder.IntAlways(store.AttrCreated, created)).
		IntAlways(store.AttrUpdated, m.w.stampMilli).AppendTo(m.after[:0])
	m.after = append(m.after, content...)
	return m.after
}
