package importer_test

import (
	"cmp"
	"fmt"
	"maps"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// The model says what an import, a replace, an undo and an edit do to a source, in plain maps: one
// row after the other, without keys, pieces, ranges or a table.

// record is a stored row. It is never changed; a change makes a new record.
type record struct {
	id               ident
	attrs            map[string]any
	by               *past // the import that added it; nil if it was added over the API
	manual           int64 // manual epoch; 0 if not manual
	created, updated int64
}

func (r *record) same(o *record) bool {
	if r == nil || o == nil {
		return r == o
	}
	return maps.Equal(r.attrs, o.attrs) && r.by == o.by && r.manual == o.manual && r.created == o.created && r.updated == o.updated
}

func (r *record) str(name string) string {
	if r == nil {
		return ""
	}
	s, _ := r.attrs[name].(string)
	return s
}

// dataset is the dataset in which the record was imported.
func (r *record) dataset() billing.Dataset {
	if r.id.kind == event && r.attrs["cancellation"] == true {
		return billing.Cancellations
	}
	return billing.Order()[r.id.kind]
}

// owner is the record that this one belongs to and cannot exist without.
func (r *record) owner() (ident, bool) {
	switch r.id.kind {
	case contact, event:
		return ident{kind: customer, own: external + r.id.parent}, true
	case lineItem, transaction:
		return ident{kind: invoice, own: external + r.id.parent}, true
	case invoice:
		return ident{kind: customer, own: external + r.str("customer")}, true
	case plan, customer:
	}
	return ident{}, false
}

// namedPlan is the plan that the record names, if any.
func (r *record) namedPlan() (ident, bool) {
	name := r.str("plan")
	return ident{kind: plan, own: external + name}, name != ""
}

type model struct {
	rows  map[ident]*record
	jobs  []*past // in the order in which they were made
	turns int
}

func newModel() *model { return &model{rows: map[ident]*record{}} }

func (m *model) set(id ident, r *record) {
	if r == nil {
		delete(m.rows, id)
		return
	}
	m.rows[id] = r
}

// any reports whether there is a record for which the condition holds.
func (m *model) any(is func(*record) bool) bool {
	for _, r := range m.rows {
		if is(r) {
			return true
		}
	}
	return false
}

// belonging reports whether a record for which the condition holds belongs to this one.
func (m *model) belonging(id ident, is func(*record) bool) bool {
	return m.any(func(r *record) bool {
		owner, has := r.owner()
		return has && owner == id && is(r)
	})
}

func always[T any](T) bool { return true }

// dangling is a record that refers to a record which does not exist; nil if there is no such
// record.
func (m *model) dangling() *record {
	for _, r := range m.rows {
		if owner, has := r.owner(); has && m.rows[owner] == nil {
			return r
		}
		if p, has := r.namedPlan(); has && m.rows[p] == nil {
			return r
		}
	}
	return nil
}

// place is the position of a row in the input: file and line.
type place struct{ file, line int }

// delta is one record before and after.
type delta struct {
	id            ident
	before, after *record
}

func (d delta) String() string {
	return fmt.Sprintf("%v %s %s#%d", d.dataset(), d.id.parent, d.id.own, d.id.nth)
}

func (d delta) removal() bool { return d.after == nil }

func (d delta) dataset() billing.Dataset { return cmp.Or(d.before, d.after).dataset() }

// past is a job, and all that is known about it.
type past struct {
	id       string // in the ledger
	status   job.Status
	counts   map[string]job.Counts
	totals   job.Totals
	rejects  map[place]string // codes of the rejected rows
	left     []string         // in an undo: codes of the rows that it left alone
	deltas   []delta
	removes  bool // removals are to be made, not withheld
	applying bool // it has passed the gate
	turn     int  // turn of the source in which it last ended
	undoes   *past
	undoneBy *past
	refused  string            // part of its error
	made     int64             // Unix milliseconds
	ground   map[ident]*record // records that its rows belong to and that it does not change, as they were
	holders  map[ident]*record // records that held the external ids which it looked up
	// it keeps a customer for an invoice that it moves to another customer: the next import may
	// remove that customer
	overkept bool
}

func newPast(now int64) *past {
	return &past{
		counts: map[string]job.Counts{}, rejects: map[place]string{}, made: now, ground: map[ident]*record{}, holders: map[ident]*record{},
	}
}

func (p *past) String() string {
	return fmt.Sprintf("%s in turn %d, changes %v", p.status, p.turn, p.deltas)
}

func (p *past) count(ds billing.Dataset, f func(*job.Counts)) {
	c := p.counts[string(ds)]
	f(&c)
	p.counts[string(ds)] = c
}

func (p *past) removed() (n int64) {
	for _, c := range p.counts {
		n += c.Removed
	}
	return n
}

// meant lists the changes that the job makes.
func (p *past) meant() (out []delta) {
	for _, c := range p.deltas {
		if !c.removal() || p.removes || p.undoes != nil {
			out = append(out, c)
		}
	}
	return out
}

// apply makes a job's changes.
func (m *model) apply(p *past) {
	p.applying, p.status = true, job.Done
	m.make(p.meant())
}

func (m *model) make(deltas []delta) {
	for _, c := range deltas {
		m.set(c.id, c.after)
	}
}

// outdated reports whether a plan must not be applied any more: what it changes has changed, or
// what its rows belong to, or which rows hold their external ids; or records that belong to what it
// removes were added.
func (m *model) outdated(p *past) bool {
	for _, c := range p.meant() {
		if !m.rows[c.id].same(c.before) {
			return true
		}
	}
	for id, r := range p.ground {
		if !m.rows[id].same(r) {
			return true
		}
	}
	return m.moved(p) || m.dangles(p)
}

// moved reports whether other records hold the external ids that a plan looked up.
func (m *model) moved(p *past) bool {
	for id, r := range p.holders {
		// A pointer tells which record holds an external id, and which import added it.
		if now := m.holder(id); (now == nil) != (r == nil) || r != nil && (now.id != r.id || now.by != r.by || now.manual != r.manual) {
			return true
		}
	}
	return false
}

// dangles reports whether a plan would leave records without what they belong to.
func (m *model) dangles(p *past) bool {
	then := &model{rows: maps.Clone(m.rows)}
	then.make(p.meant())
	for _, c := range p.meant() {
		if c.removal() && then.any(func(r *record) bool { return r.needs(c.id) }) {
			return true
		}
		if !c.removal() {
			if id, names := c.after.namedPlan(); names && then.rows[id] == nil {
				return true
			}
		}
	}
	return false
}

// needs reports whether a record belongs to another one, or names it.
func (r *record) needs(id ident) bool {
	owner, has := r.owner()
	p, names := r.namedPlan()
	return has && owner == id || names && p == id
}

// holder is the record that holds an external id, whatever it belongs to; nil if there is no such
// record.
func (m *model) holder(id ident) *record {
	for _, r := range m.rows {
		if r.id.anywhere() == id.anywhere() {
			return r
		}
	}
	return nil
}

// taken reports whether another record holds the external id.
func (m *model) taken(id ident) bool {
	return id.unique() && m.any(func(r *record) bool {
		return r.id.anywhere() == id.anywhere() && r.id.parent != id.parent
	})
}
