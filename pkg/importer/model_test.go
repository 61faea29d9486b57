package importer_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// The model is what an import, a replace, an undo and an edit are meant to do to a source, in plain maps: one
// row after the other, with no keys, no pieces, no ranges and no table.

// record is a stored row. It is never changed: a change makes another.
type record struct {
	id               ident
	attrs            map[string]any
	by               *past // the import that added it, nil if it came over the API
	manual           int64 // manual epoch, 0 if it was not entered by hand
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

// dataset is the one that the record came with.
func (r *record) dataset() billing.Dataset {
	if r.id.kind == event && r.attrs["cancellation"] == true {
		return billing.Cancellations
	}
	return billing.Order()[r.id.kind]
}

// owner is the record without which this one cannot be.
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
	jobs  []*past // in the order of their making
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

// any tells whether there is a record like that.
func (m *model) any(is func(*record) bool) bool {
	for _, r := range m.rows {
		if is(r) {
			return true
		}
	}
	return false
}

// belonging tells whether anything belongs to a record that passes the filter.
func (m *model) belonging(id ident, is func(*record) bool) bool {
	return m.any(func(r *record) bool {
		owner, has := r.owner()
		return has && owner == id && is(r)
	})
}

func always[T any](T) bool { return true }

// dangling is a record that refers to one that is not there; nil if there is none.
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

// place is where a row stands in the input: file and line.
type place struct{ file, line int }

// delta is one record before and after; the place is zero for what the input lacks.
type delta struct {
	id            ident
	before, after *record
}

func (d delta) String() string {
	return fmt.Sprintf("%v %s %s#%d", d.dataset(), d.id.parent, d.id.own, d.id.nth)
}

func (d delta) removal() bool { return d.after == nil }

func (d delta) dataset() billing.Dataset { return cmp.Or(d.before, d.after).dataset() }

// past is a job that was made, and all that is to be known of it.
type past struct {
	id       string // in the ledger
	status   job.Status
	counts   map[string]job.Counts
	rejects  map[place]string // codes
	left     []string         // of an undo: codes of what it left alone
	deltas   []delta
	removes  bool // removals are meant, not withheld
	applying bool // it was begun to be applied
	turn     int  // when it ended last, in turns of the source
	undoes   *past
	undoneBy *past
	refused  string            // part of the sentence that it failed with
	made     int64             // Unix milliseconds
	ground   map[ident]*record // what its rows belong to, and it does not change, as that was
	holders  map[ident]*record // who had the external ids that it looked up; by what has them, whatever that belongs to
	overkept bool              // a customer stays for an invoice that this import gives to another customer: the next one may remove it
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

// request is an import to be decided.
type request struct {
	sheets     []sheet
	replace    bool
	plan       bool
	maxRemoved int64
	allowEmpty bool
	spelled    spelling
}

func (q request) given(ds billing.Dataset) bool {
	return slices.ContainsFunc(q.sheets, func(s sheet) bool { return s.dataset == ds })
}

// candidate is an accepted row on its way.
type candidate struct {
	at      place
	dataset billing.Dataset
	id      ident
	attrs   map[string]any
	manual  int64 // of an invoice: its customer's
}

// decision is an import being decided against the model.
type decision struct {
	*past
	m      *model
	q      request
	stored map[billing.Dataset]int64
	moved  bool
	after  map[ident]*record // what the import makes of what it changes; nil is removed
	origin map[ident]int64   // manual epochs of the invoices in the input
}

// decide is an import up to its gate.
func (m *model) decide(q request, now int64) *past {
	d := &decision{
		past: newPast(now),
		m:    m, q: q, stored: map[billing.Dataset]int64{}, after: map[ident]*record{}, origin: map[ident]int64{},
	}
	for _, s := range q.sheets {
		d.count(s.dataset, func(*job.Counts) {})
	}
	for _, kinds := range [][]kind{{plan}, {customer}, {contact}, {invoice, lineItem, transaction}, {event}} {
		rows := d.lookUp(d.accepted(kinds))
		for _, k := range kinds {
			d.merge(k, rows)
			if q.replace {
				d.lacking(k, rows)
			}
		}
	}
	d.gate()
	return d.past
}

// accepted reads the rows of some kinds: those that can be records.
func (d *decision) accepted(kinds []kind) (out []candidate) {
	for f, s := range d.q.sheets {
		if !slices.Contains(kinds, kindOf(s.dataset)) {
			continue
		}
		for n, r := range s.rows {
			if r.empty() { // as spreadsheets leave them behind: no row at all
				continue
			}
			c := candidate{at: place{f, n + 2}, dataset: s.dataset, id: r.ident(s.dataset), attrs: r.attrs(s.dataset)}
			d.count(s.dataset, func(n *job.Counts) { n.Read++ })
			rec := &record{id: c.id, attrs: c.attrs}
			p, names := rec.namedPlan()
			switch {
			case r.blank(s.dataset):
				d.reject(c, "required")
			case names && kindOf(s.dataset) != plan && d.at(p) == nil:
				d.reject(c, "unknown_plan")
			default:
				out = append(out, c)
			}
		}
	}
	return out
}

func (d *decision) reject(c candidate, code string) {
	d.count(c.dataset, func(n *job.Counts) { n.Rejected++ })
	d.rejects[c.at] = code
}

// at is a record as this import will leave it.
func (d *decision) at(id ident) *record {
	if r, known := d.after[id]; known {
		return r
	}
	return d.m.rows[id]
}

// lookUp drops invoices without a customer, and rows whose external id is another's.
func (d *decision) lookUp(rows []candidate) (out []candidate) {
	first := map[ident]candidate{} // by what has an external id, whatever it belongs to
	for _, c := range rows {
		if c.id.kind == invoice {
			rec := &record{id: c.id, attrs: c.attrs}
			owner, _ := rec.owner()
			if _, changed := d.after[owner]; !changed && d.m.rows[owner] != nil {
				d.ground[owner] = d.m.rows[owner]
			}
			switch r := d.at(owner); r {
			case nil:
				d.reject(c, "unknown_customer")
			default:
				c.manual = r.manual
				out = append(out, c)
			}
			continue
		}
		if c.id.natural() || c.id.kind < lineItem {
			out = append(out, c)
			continue
		}
		anywhere := ident{kind: c.id.kind, own: c.id.own}
		moves := d.m.taken(c.id)
		d.holders[anywhere] = d.m.holder(anywhere)
		one, met := first[anywhere]
		switch {
		case moves && !d.q.replace:
			d.reject(c, "external_id_taken")
			continue
		case !met:
			first[anywhere] = c
			d.moved = d.moved || moves
		case one.id.parent != c.id.parent:
			d.reject(c, "duplicate_differs")
			continue
		}
		out = append(out, c)
	}
	return out
}

// merge settles the rows of one kind.
func (d *decision) merge(k kind, rows []candidate) {
	first := map[ident]candidate{}
	equal := map[ident]map[int]int{} // how many equal ones without an external id each file has had
	for _, c := range rows {
		if c.id.kind != k {
			continue
		}
		if c.id.natural() && k != plan {
			base := c.id
			if equal[base] == nil {
				equal[base] = map[int]int{}
			}
			c.id.nth = equal[base][c.at.file]
			equal[base][c.at.file]++
		}
		one, met := first[c.id]
		switch {
		case !met:
			first[c.id] = c
			d.settle(c)
		case maps.Equal(one.attrs, c.attrs):
			d.count(c.dataset, func(n *job.Counts) { n.Unchanged++ })
		default:
			d.reject(c, "duplicate_differs")
		}
	}
}

// home is the manual epoch of the record that a row belongs to, and whether there is such a record.
func (d *decision) home(c candidate) (manual int64, ok bool) {
	rec := &record{id: c.id, attrs: c.attrs}
	id, _ := rec.owner()
	if id.kind == customer {
		if r := d.at(id); r != nil {
			return r.manual, true
		}
		return 0, false
	}
	if manual, ok := d.origin[id]; ok {
		return manual, true
	}
	r := d.m.rows[id]
	if r == nil || d.q.replace && d.q.given(billing.Invoices) && !d.keptFor(id, c.id.kind) {
		return 0, false
	}
	return r.manual, true
}

// keptFor tells whether an invoice that the input lacks stays, for rows of kinds before this one.
func (d *decision) keptFor(id ident, k kind) bool {
	return d.m.belonging(id, func(r *record) bool { return r.id.kind < k && !d.q.given(r.dataset()) })
}

func (d *decision) settle(c candidate) {
	before := d.m.rows[c.id]
	var manual int64
	switch c.id.kind {
	case plan:
	case customer:
		if manual = 1; before != nil {
			manual = before.manual
		}
	case invoice:
		manual = c.manual
		d.origin[c.id] = manual
	case contact, lineItem, transaction, event:
		var ok bool
		if manual, ok = d.home(c); !ok {
			d.reject(c, map[bool]string{true: "unknown_customer", false: "unknown_invoice"}[c.id.kind == contact || c.id.kind == event])
			return
		}
	}
	after := &record{c.id, c.attrs, d.past, manual, d.made, d.made}
	switch {
	case before == nil:
		d.count(c.dataset, func(n *job.Counts) { n.Added++ })
	case maps.Equal(before.attrs, after.attrs):
		d.count(c.dataset, func(n *job.Counts) { n.Unchanged++ })
		return
	default:
		d.count(c.dataset, func(n *job.Counts) { n.Changed++ })
		after.by, after.created = before.by, before.created
	}
	d.change(delta{c.id, before, after})
}

func (d *decision) change(c delta) {
	if d.after[c.id] = c.after; c.after != nil && c.id.kind != invoice {
		if owner, has := c.after.owner(); has {
			if _, changed := d.after[owner]; !changed {
				d.ground[owner] = d.m.rows[owner]
			}
		}
	}
	d.deltas = append(d.deltas, c)
}

// lacking removes what is stored and not in the input, but keeps what others need that stay.
func (d *decision) lacking(k kind, rows []candidate) {
	offered := map[ident]bool{}
	for _, c := range d.numbered(k, rows) {
		offered[c] = true
	}
	for id, r := range d.m.rows {
		if id.kind != k || !d.q.given(r.dataset()) {
			continue
		}
		d.stored[r.dataset()]++
		if !offered[id] && !d.needed(r) {
			d.count(r.dataset(), func(n *job.Counts) { n.Removed++ })
			d.change(delta{id, r, nil})
		}
	}
}

// numbered are the identities of rows, with their places among equal ones.
func (d *decision) numbered(k kind, rows []candidate) (out []ident) {
	equal := map[ident]map[int]int{}
	for _, c := range rows {
		if c.id.kind != k {
			continue
		}
		id := c.id
		if id.natural() && k != plan {
			if equal[id] == nil {
				equal[id] = map[int]int{}
			}
			equal[id][c.at.file]++
			id.nth = equal[id][c.at.file] - 1
		}
		out = append(out, id)
	}
	return out
}

// needed tells whether something needs a record that the input lacks, and is of a dataset that the input does
// not give: so it stays, and the record with it.
func (d *decision) needed(r *record) bool {
	foreign := func(r *record) bool { return !d.q.given(r.dataset()) }
	switch r.id.kind {
	case plan:
		return d.m.any(func(o *record) bool {
			p, names := o.namedPlan()
			return names && p == r.id && foreign(o)
		})
	case customer:
		if d.m.belonging(r.id, foreign) {
			return true
		}
		kept := d.m.belonging(r.id, func(o *record) bool { return o.id.kind == invoice && d.m.belonging(o.id, foreign) })
		d.overkept = d.overkept || kept && d.m.belonging(r.id, d.offers)
		return kept
	case invoice:
		return d.m.belonging(r.id, foreign)
	case contact, lineItem, transaction, event:
	}
	return false
}

// offers tells whether the input has a row of that identity.
func (d *decision) offers(o *record) bool {
	for _, s := range d.q.sheets {
		if slices.ContainsFunc(s.rows, func(r row) bool { return r.ident(s.dataset) == o.id }) {
			return true
		}
	}
	return false
}

// gate refuses, parks, or lets go on.
func (d *decision) gate() {
	rejected := int64(len(d.rejects))
	d.status = job.Failed
	if d.q.replace && !d.q.allowEmpty {
		for _, s := range d.q.sheets {
			if d.counts[string(s.dataset)].Read == 0 {
				d.refused = "holds no rows of"
				return
			}
		}
	}
	if d.moved && rejected > 0 {
		d.refused = "needs a clean input"
		return
	}
	if rejected > 0 {
		for _, ds := range billing.Order() {
			if d.counts[string(ds)].Removed > 0 {
				d.count(ds, func(n *job.Counts) { n.Removed = 0 })
			}
		}
	}
	d.removes = d.removed() > 0
	d.status = job.Done
	if d.q.plan {
		d.status = job.Planned
	}
	for _, ds := range billing.Order() {
		if d.counts[string(ds)].Removed*100 > d.q.maxRemoved*d.stored[ds] {
			d.status = job.Planned
		}
	}
}

// meant are the changes that the job makes.
func (p *past) meant() (out []delta) {
	for _, c := range p.deltas {
		if !c.removal() || p.removes || p.undoes != nil {
			out = append(out, c)
		}
	}
	return out
}

// apply makes a job's changes true.
func (m *model) apply(p *past) {
	p.applying, p.status = true, job.Done
	m.make(p.meant())
}

func (m *model) make(deltas []delta) {
	for _, c := range deltas {
		m.set(c.id, c.after)
	}
}

// outdated tells whether a plan must not be applied any more: what it changes has changed, or what its rows belong to, or who has
// their external ids; or something has come that belongs to what it removes.
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

// moved tells whether external ids that a plan has looked up are others' by now.
func (m *model) moved(p *past) bool {
	for id, r := range p.holders {
		// A pointer tells whose an external id is, and which import added the row.
		if now := m.holder(id); (now == nil) != (r == nil) || r != nil && (now.id != r.id || now.by != r.by || now.manual != r.manual) {
			return true
		}
	}
	return false
}

// dangles tells whether a plan would leave rows without what they belong to.
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

// needs tells whether a record belongs to another one, or names it.
func (r *record) needs(id ident) bool {
	owner, has := r.owner()
	p, names := r.namedPlan()
	return has && owner == id || names && p == id
}

// holder is the record that has an external id, whatever it belongs to; nil if there is none.
func (m *model) holder(id ident) *record {
	for _, r := range m.rows {
		if r.id.kind == id.kind && r.id.own == id.own {
			return r
		}
	}
	return nil
}

// undoable tells whether a job can be taken back.
func (p *past) undoable() bool {
	by := p.undoneBy
	return p.applying && p.status != job.Planned && (by == nil || by.undoneBy != nil || by.status == job.Failed)
}

// undo decides how a job is taken back, row by row where nothing has touched the row since: first what was added goes, but not what
// others may belong to; then, with their parents first, what was changed and removed comes back; then the rest of what was added goes.
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
	m   *model // as it will be
	was map[ident]*record
}

// takeBack removes again what was added, of some kinds at once.
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
			gone = append(gone, delta{c.id, c.after, nil})
		}
	}
	u.make(gone)
}

// needed tells whether something belongs to a record that is not taken back with it.
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
			back = append(back, delta{c.id, c.after, c.before})
		}
	}
	u.make(back)
}

// homeless tells whether a row cannot be as it was because of what it belongs to. What it belongs to already is there.
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
	if anywhere := (ident{kind: c.id.kind, own: c.id.own}); c.after == nil && c.id.kind >= lineItem && !c.id.natural() {
		u.holders[anywhere] = (&model{rows: u.was}).holder(anywhere)
	}
}

// taken tells whether another record has the external id.
func (m *model) taken(id ident) bool {
	return id.kind >= lineItem && !id.natural() && m.any(func(r *record) bool {
		return r.id.kind == id.kind && r.id.own == id.own && r.id.parent != id.parent
	})
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
