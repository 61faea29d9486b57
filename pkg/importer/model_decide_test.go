package importer_test

import (
	"maps"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// request is an import to be decided.
type request struct {
	sheets     []sheet
	replace    bool
	pull       bool   // a replace in which rejected rows count as present
	only       string // of a pull: the only customer that it is about
	plan       bool
	maxRemoved int64
	allowEmpty bool
	spelled    spelling
	units      bool   // amounts are in units; the model does not know such imports
	edits      string // lines of edits; the model does not know them
}

func (q request) given(ds billing.Dataset) bool {
	return slices.ContainsFunc(q.sheets, func(s sheet) bool { return s.dataset == ds })
}

// candidate is an accepted row that is not decided yet.
type candidate struct {
	at      place
	dataset billing.Dataset
	id      ident
	attrs   map[string]any
	manual  int64 // for an invoice: the manual epoch of its customer
}

// decision is an import that is being decided against the model.
type decision struct {
	*past
	m      *model
	q      request
	stored map[billing.Dataset]int64
	moved  bool
	after  map[ident]*record // records as the import changes them; nil is removed
	origin map[ident]int64   // manual epochs of the invoices in the input
	taken  map[ident]*record // rows that were not rejected
	presence
}

// decide decides an import up to its gate.
func (m *model) decide(q request, now int64) *past {
	d := &decision{
		past:     newPast(now),
		presence: newPresence(),
		m:        m, q: q, stored: map[billing.Dataset]int64{}, after: map[ident]*record{}, origin: map[ident]int64{}, taken: map[ident]*record{},
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

// accepted reads the rows of some kinds that can become records.
func (d *decision) accepted(kinds []kind) (out []candidate) {
	for f, s := range d.q.sheets {
		if !slices.Contains(kinds, kindOf(s.dataset)) {
			continue
		}
		for n, r := range s.rows {
			if r.empty() { // spreadsheets leave such rows behind: they are not rows at all
				continue
			}
			c := candidate{at: place{f, n + 2}, dataset: s.dataset, id: r.ident(s.dataset), attrs: r.attrs(s.dataset)}
			d.count(s.dataset, func(n *job.Counts) { n.Read++ })
			rec := &record{id: c.id, attrs: c.attrs}
			p, names := rec.namedPlan()
			switch {
			case r.blank(s.dataset):
				d.reject(c, "required")
				d.seeUnread(c, r)
			case d.q.only != "" && d.about(rec) != d.q.only && d.about(rec) != "":
				d.reject(c, "other_customer")
				if !c.id.natural() {
					d.seeUnread(c, r)
				}
			case names && kindOf(s.dataset) != plan && d.at(p) == nil:
				d.reject(c, "unknown_plan")
				d.seeUnread(c, r)
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

// lookUp rejects invoices without a customer, and rows whose external id another record holds.
func (d *decision) lookUp(rows []candidate) (out []candidate) {
	first := map[ident]candidate{} // by external id, whatever the row belongs to
	for _, c := range rows {
		if c.id.kind == invoice {
			if r := d.customerOf(c); r != nil {
				c.manual = r.manual
				out = append(out, c)
			}
			continue
		}
		if !c.id.unique() {
			out = append(out, c)
			continue
		}
		taken, twice := "external_id_taken", "duplicate_differs"
		if c.id.natural() {
			taken, twice = "id_collision", "id_collision"
		}
		anywhere := c.id.anywhere()
		moves := d.m.taken(c.id)
		d.holders[anywhere] = d.m.holder(anywhere)
		one, met := first[anywhere]
		switch {
		case moves && (!d.q.replace || d.q.only != ""):
			d.reject(c, taken)
			if d.seeHolder(c.id); c.id.natural() {
				d.unknown[c.dataset] = true
			}
			continue
		case !met:
			first[anywhere] = c
			d.moved = d.moved || moves
		case one.id.parent != c.id.parent:
			d.reject(c, twice)
			if d.see(c.id); c.id.natural() { // its number among equal rows is not known yet
				d.unknown[c.dataset] = true
			}
			continue
		}
		out = append(out, c)
	}
	return out
}

// customerOf is the customer of an invoice, which is rejected if there is none.
func (d *decision) customerOf(c candidate) *record {
	owner, _ := (&record{id: c.id, attrs: c.attrs}).owner()
	if _, changed := d.after[owner]; !changed && d.m.rows[owner] != nil {
		d.ground[owner] = d.m.rows[owner]
	}
	r := d.at(owner)
	if r == nil {
		d.reject(c, "unknown_customer")
		d.see(c.id)
	}
	return r
}

// merge settles the rows of one kind.
func (d *decision) merge(k kind, rows []candidate) {
	first := map[ident]candidate{}
	equal := map[ident]map[int]int{} // in each file, how many equal rows without an external id came before
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
			if r := d.taken[c.id]; r != nil {
				d.sum(r, r.owned(d.at), sumRead)
			}
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
	if r == nil || d.closed(id) || !d.concerns(r) || d.q.replace && d.q.given(billing.Invoices) && !d.keptFor(id, c.id.kind) {
		return 0, false
	}
	return r.manual, true
}

// keptFor reports whether an invoice that the input lacks stays because of rows of kinds before
// this one.
func (d *decision) keptFor(id ident, k kind) bool {
	return d.m.belonging(id, func(r *record) bool { return r.id.kind < k && !d.q.given(r.dataset()) })
}

func (d *decision) settle(c candidate) {
	before := d.m.rows[c.id]
	var manual int64
	switch c.id.kind {
	case plan:
	case customer:
		if manual = 1; d.q.pull {
			manual = 0
		}
		if before != nil {
			manual = before.manual
		}
	case invoice:
		if before != nil && !d.concerns(before) {
			d.reject(c, "other_customer")
			d.see(c.id)
			return
		}
		manual = c.manual
		d.origin[c.id] = manual
	case contact, lineItem, transaction, event:
		var ok bool
		if manual, ok = d.home(c); !ok {
			d.reject(c, map[bool]string{true: "unknown_customer", false: "unknown_invoice"}[c.id.kind == contact || c.id.kind == event])
			d.see(c.id)
			return
		}
	}
	after := &record{c.id, c.attrs, d.past, manual, d.made, d.made}
	d.taken[c.id] = after
	inv := after.owned(d.at)
	d.sum(after, inv, sumRead)
	switch {
	case before == nil:
		d.count(c.dataset, func(n *job.Counts) { n.Added++ })
		d.sum(after, inv, sumAdded)
	case maps.Equal(before.attrs, after.attrs):
		d.count(c.dataset, func(n *job.Counts) { n.Unchanged++ })
		return
	default:
		d.count(c.dataset, func(n *job.Counts) { n.Changed++ })
		d.sum(before, before.owned(d.m.at), sumBefore)
		d.sum(after, inv, sumAfter)
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

// lacking removes stored records that the input lacks, but keeps those that others which stay need.
func (d *decision) lacking(k kind, rows []candidate) {
	offered := map[ident]bool{}
	for _, c := range d.numbered(k, rows) {
		offered[c] = true
	}
	for id, r := range d.m.rows {
		if id.kind != k || !d.q.given(r.dataset()) || !d.concerns(r) {
			continue
		}
		d.stored[r.dataset()]++
		if !offered[id] && !d.seen(id) && !d.needed(r) {
			d.count(r.dataset(), func(n *job.Counts) { n.Removed++ })
			d.sum(r, r.owned(d.m.at), sumRemoved)
			d.change(delta{id, r, nil})
		}
	}
}

// numbered are the identities of rows, with numbers for equal ones.
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

// needed reports whether a record that the input lacks is needed by a record of a dataset that the
// import does not have: that one stays, so this one does too.
func (d *decision) needed(r *record) bool {
	foreign := func(r *record) bool { return !d.q.given(r.dataset()) }
	if d.q.pull && r.by == nil {
		return true
	}
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

// offers reports whether the input has a row of that identity.
func (d *decision) offers(o *record) bool {
	for _, s := range d.q.sheets {
		if slices.ContainsFunc(s.rows, func(r row) bool { return r.ident(s.dataset) == o.id }) {
			return true
		}
	}
	return false
}

// gate makes the import fail, park, or go on.
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
	if d.q.pull {
		d.takeBack()
	} else if rejected > 0 {
		for _, ds := range billing.Order() {
			if d.counts[string(ds)].Removed > 0 {
				d.count(ds, func(n *job.Counts) { n.Removed = 0 })
			}
		}
		for i := range d.totals {
			d.totals[i].Removed = 0
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
