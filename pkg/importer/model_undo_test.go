package importer_test

import (
	"maps"
	"slices"

	"reseed/pkg/job"
)

// undoable reports whether a job can be undone.
func (p *past) undoable() bool {
	by := p.undoneBy
	return p.applying && p.status != job.Planned && (by == nil || by.undoneBy != nil || by.status == job.Failed)
}

// undo decides how a job is undone, row by row, where nothing has changed the row since. First
// added rows go, except those that others may belong to. Then changed and removed rows come back,
// parents first. Then the other added rows go.
func (m *model) undo(target *past, now int64) *past {
	p := newPast(now)
	p.undoes, p.status = target, job.Done
	u := &reversal{p, &model{rows: maps.Clone(m.rows)}, m.rows}
	u.takeBack(event)
	u.takeBack(invoice, lineItem, transaction)
	u.takeBack(contact)
	for k := plan; k <= event; k++ {
		u.putBack(k)
	}
	u.takeBack(customer)
	u.takeBack(plan)
	p.removes = p.removed() > 0
	return p
}

type reversal struct {
	*past
	m   *model // as the undo leaves it
	was map[ident]*record
}

// takeBack removes the added rows of some kinds, all at once.
func (u *reversal) takeBack(kinds ...kind) {
	var gone []delta
	for _, c := range u.undoes.meant() {
		if c.before != nil || !slices.Contains(kinds, c.id.kind) {
			continue
		}
		u.read(c)
		stored := u.m.rows[c.id]
		switch {
		case stored == nil:
			u.count(c.dataset(), func(n *job.Counts) { n.Unchanged++ })
		case !stored.same(c.after):
			u.leave(c, "touched_since")
		case u.needed(c.id, kinds):
			u.leave(c, "needed_since")
		default:
			u.count(c.dataset(), func(n *job.Counts) { n.Removed++ })
			u.sum(c.after, c.after.owned(u.m.at), sumRead, sumRemoved)
			gone = append(gone, delta{c.id, c.after, nil})
		}
	}
	u.make(gone)
}

// needed reports whether a record belongs to this one that is not removed together with it.
func (u *reversal) needed(id ident, with []kind) bool {
	return u.m.any(func(r *record) bool {
		if !r.needs(id) {
			return false
		}
		if !slices.Contains(with, r.id.kind) {
			return true
		}
		return !slices.ContainsFunc(u.undoes.meant(), func(c delta) bool { return c.id == r.id && c.before == nil && r.same(c.after) })
	})
}

// putBack puts back what was changed or removed.
func (u *reversal) putBack(k kind) {
	var back []delta
	for _, c := range u.undoes.meant() {
		if c.before == nil || c.id.kind != k {
			continue
		}
		u.read(c)
		u.note(c)
		stored := u.m.rows[c.id]
		switch {
		case stored.same(c.before):
			u.count(c.dataset(), func(n *job.Counts) { n.Unchanged++ })
		case stored == nil && c.after != nil:
			u.leave(c, "gone_since")
		case !stored.same(c.after):
			u.leave(c, "touched_since")
		case u.homeless(c.before, c.after):
			u.leave(c, "parent_gone")
		case c.after == nil && u.m.taken(c.id):
			u.leave(c, "external_id_taken")
		default:
			u.count(c.dataset(), func(n *job.Counts) {
				if c.after == nil {
					n.Added++
				} else {
					n.Changed++
				}
			})
			u.sumBack(c)
			back = append(back, delta{c.id, c.after, c.before})
		}
	}
	u.make(back)
}

// sumBack sums up a row that is put back, in the currencies of its invoice before and after the undo.
func (u *reversal) sumBack(c delta) {
	is := c.before.owned(u.m.at)
	if c.after == nil {
		u.sum(c.before, is, sumRead, sumAdded)
		return
	}
	u.sum(c.after, c.after.owned(func(id ident) *record { return u.was[id] }), sumBefore)
	u.sum(c.before, is, sumRead, sumAfter)
}

// homeless reports whether a row cannot be as it was because what it belonged to does not exist. A
// plan that it names now exists.
func (u *reversal) homeless(was, is *record) bool {
	owner, has := was.owner()
	if has && was.id.kind != invoice && u.was[owner] != nil && u.was[owner].same(u.m.rows[owner]) {
		u.ground[owner] = u.was[owner]
	}
	p, names := was.namedPlan()
	return has && u.m.rows[owner] == nil || names && p.own != external+is.str("plan") && u.m.rows[p] == nil
}

// note notes what is looked up for a row that may come back.
func (u *reversal) note(c delta) {
	if owner, _ := c.before.owner(); c.id.kind == invoice && c.before.str("customer") != c.after.str("customer") {
		if r := u.was[owner]; r != nil && r.same(u.m.rows[owner]) {
			u.ground[owner] = r
		}
	}
	if c.after == nil && c.id.unique() {
		u.holders[c.id.anywhere()] = (&model{rows: u.was}).holder(c.id)
	}
}

func (u *reversal) read(c delta) { u.count(c.dataset(), func(n *job.Counts) { n.Read++ }) }

func (u *reversal) leave(c delta, code string) {
	u.count(c.dataset(), func(n *job.Counts) { n.Rejected++ })
	u.left = append(u.left, code)
}

func (u *reversal) make(deltas []delta) {
	u.m.make(deltas)
	u.deltas = append(u.deltas, deltas...)
}
