package importer_test

import (
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/job"
)

// presence is what the model knows of the rejected rows of a pull.
type presence struct {
	present map[ident]bool           // records whose rows were rejected
	unknown map[billing.Dataset]bool // datasets that have rejected rows whose id is not known
}

func newPresence() presence {
	return presence{map[ident]bool{}, map[billing.Dataset]bool{}}
}

// see notes that a row of that identity was rejected.
func (d *decision) see(id ident) { d.present[id] = true }

// seeUnread notes a row that was rejected before it became a record: it has only its id, and a contact its customer.
func (d *decision) seeUnread(c candidate, r row) {
	switch id := c.id; {
	case id.natural(), id.kind == contact && r["Customer External ID"] == "":
		d.unknown[c.dataset] = true
	case id.unique():
		d.seeHolder(id)
	default:
		d.see(id)
	}
}

// seeHolder notes that a row was rejected with the external id of a stored record, whatever that belongs to.
func (d *decision) seeHolder(id ident) {
	if holder := d.m.holder(id); holder != nil && !id.natural() {
		d.see(holder.id)
	}
}

// about is the customer that a record is or belongs to, as it says; empty if it does not say.
func (d *decision) about(r *record) string {
	switch r.id.kind {
	case customer:
		return r.str("external_id")
	case contact, event:
		return r.id.parent
	case invoice:
		return r.str("customer")
	case plan, lineItem, transaction:
	}
	return ""
}

// concerns reports whether a pull may remove a stored record, or give it parts: all of them, or those of the customer that it
// is about.
func (d *decision) concerns(r *record) bool {
	if inv := r.owned(d.m.at); inv != nil {
		r = inv
	}
	return d.q.only == "" || d.about(r) == d.q.only
}

// seen reports whether a stored record stays because its row was rejected, or that of its invoice.
func (d *decision) seen(id ident) bool {
	if !d.q.pull || d.taken[id] != nil {
		return false
	}
	if d.present[id] {
		return true
	}
	owner, _ := (&record{id: id}).owner()
	return owner.kind == invoice && d.closed(owner)
}

// closed reports whether an invoice stays with all its parts because its row was rejected.
func (d *decision) closed(id ident) bool {
	_, accepted := d.origin[id]
	return d.q.pull && d.present[id] && !accepted && d.m.rows[id] != nil
}

// takeBack takes back removals of a pull.
func (d *decision) takeBack() {
	for ds := range d.unknown {
		for _, one := range heldWith(ds) {
			d.drop(func(c delta) bool { return c.dataset() == one })
		}
	}
	var stay []*record
	for id, r := range d.m.rows {
		if d.seen(id) {
			stay = append(stay, r)
		}
	}
	for len(stay) > 0 {
		r := stay[0]
		stay = stay[1:]
		d.drop(func(c delta) bool {
			if r.needs(c.id) {
				stay = append(stay, c.before)
			}
			return r.needs(c.id)
		})
	}
}

// drop takes back the removals for which the condition holds.
func (d *decision) drop(is func(delta) bool) {
	d.deltas = slices.DeleteFunc(d.deltas, func(c delta) bool {
		if !c.removal() || !is(c) {
			return false
		}
		d.count(c.dataset(), func(n *job.Counts) { n.Removed-- })
		d.unsum(c.before, c.before.owned(d.m.at), sumRemoved)
		return true
	})
}

// heldWith lists the datasets of which nothing is removed if a row of one is rejected whose id is not known.
func heldWith(ds billing.Dataset) []billing.Dataset {
	up := map[billing.Dataset][]billing.Dataset{
		billing.Plans: nil, billing.Customers: nil, billing.Contacts: {billing.Customers},
		billing.Invoices:     {billing.LineItems, billing.Transactions, billing.Customers, billing.Plans},
		billing.LineItems:    {billing.Invoices, billing.Transactions, billing.Customers, billing.Plans},
		billing.Transactions: {billing.Invoices, billing.LineItems, billing.Customers, billing.Plans},
		billing.Events:       {billing.Customers, billing.Plans}, billing.Cancellations: {billing.Customers, billing.Plans},
	}
	return append([]billing.Dataset{ds}, up[ds]...)
}
