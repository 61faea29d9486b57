package store

import "reseed/pkg/table"

// Tombstone hides one customer with all that belongs to it, all invoices of one customer, one
// invoice, or all rows that one import added, until they are swept or restored.
type Tombstone struct {
	Job    string `json:"job,omitempty"` // the erase that added it
	Tag    Tag    `json:"tag"`
	Kind   Kind   `json:"kind"` // KindCustomer, KindInvoicesOf, KindInvoice or KindImport
	H      string `json:"h,omitempty"`
	Import int64  `json:"import,omitempty"` // the number of the import, see AttrImport
}

// KindInvoicesOf is the kind of a tombstone over all invoices of a customer. The tombstone holds
// the customer's identity. No identity is hashed with this kind.
const KindInvoicesOf Kind = "invoices_of"

// KindImport is the kind of a tombstone over the rows that an import added. No identity is hashed
// with this kind.
const KindImport Kind = "import"

// Over makes the tombstone over a customer, the invoices of a customer, or an invoice.
func Over(tag Tag, kind Kind, h H) Tombstone { return Tombstone{Tag: tag, Kind: kind, H: h.String()} }

// Hide adds the tombstones of an erase. They are written in the transaction that stores the
// directory.
func (d *Directory) Hide(job string, stones ...Tombstone) {
	d.pending = append(d.pending, tombstoneChange{Job: job, Stones: stones})
}

// Reveal removes the tombstones of an erase, if it has any, in the transaction that stores the
// directory.
func (d *Directory) Reveal(job string) {
	d.older.remove(job)
	d.pending = append(d.pending, tombstoneChange{Job: job, Gone: true})
}

// HiddenBy returns the id of the erase that added this tombstone; empty if there is no such
// tombstone.
func (d *Directory) HiddenBy(t Tombstone) string {
	what, _ := coveredBy(t)
	return d.hiddenBy(what)
}

func (d *Directory) hiddenBy(what covered) string {
	if job := d.stored.eraseOf(what); job != "" {
		return job
	}
	return d.older.set.eraseOf(what)
}

// AnyHidden tells whether a source has any tombstones.
func (d *Directory) AnyHidden(tag Tag) bool {
	return d.anyTombstone() && d.counts[tag]+d.older.counts[tag] > 0
}

// TombstoneCount is the number of tombstones of all sources.
func (d *Directory) TombstoneCount() int {
	n := len(d.older.list)
	for _, more := range d.counts {
		n += int(more)
	}
	return n
}

// Hidden tells whether a tombstone of this kind lies over the customer or invoice.
func (d *Directory) Hidden(tag Tag, kind Kind, h H) bool {
	return d.anyTombstone() && d.hiddenBy(covered{tag, kindNumber(kind), h}) != ""
}

func (d *Directory) anyTombstone() bool { return len(d.counts)+len(d.older.list) > 0 }

// InvoiceHidden tells whether a tombstone over an invoice, its customer or all invoices of its
// customer hides the invoice.
func (d *Directory) InvoiceHidden(tag Tag, invoice, customer H) bool {
	return d.Hidden(tag, KindInvoice, invoice) || d.Hidden(tag, KindInvoicesOf, customer) || d.Hidden(tag, KindCustomer, customer)
}

// Erasing tells whether an item was added by an import whose rows are being erased. The rows can
// still be restored, so nothing may take their place.
func (d *Directory) Erasing(a table.Attrs) bool {
	if d.stored.ofImports()+d.older.set.ofImports() == 0 {
		return false
	}
	n, imported := a.Int(AttrImport)
	return imported && d.hiddenBy(importCovered(n)) != ""
}

// Visible tells whether an item is not manual or carries the current manual epoch, and is not
// [Directory.Erasing].
func (d *Directory) Visible(a table.Attrs) bool {
	n, manual := a.Int(AttrManual)
	return (!manual || n >= d.ManualEpoch) && !d.Erasing(a)
}

// Hides tells whether a stored record of a source is invisible: it carries an older manual epoch,
// or a tombstone covers it (see [Directory.Covers]).
func (d *Directory) Hides(tag Tag, sk string, a table.Attrs) bool {
	return !d.Visible(a) || d.Covers(tag, sk, a)
}

// HidesCustomer is [Directory.Hides] of a customer.
func (d *Directory) HidesCustomer(tag Tag, h H, a table.Attrs) bool {
	return !d.Visible(a) || d.Hidden(tag, KindCustomer, h)
}

// HidesInvoice is [Directory.Hides] of an invoice.
func (d *Directory) HidesInvoice(tag Tag, h H, a table.Attrs) bool {
	return !d.Visible(a) || d.CoversInvoice(tag, h, a)
}

// Covers tells whether a tombstone covers a stored record of a source: a tombstone over the record
// itself, the import that added it, or the customer or invoice that it belongs to. Line items and
// transactions do not name their customer in a key or attribute. So a tombstone over a customer
// covers the invoice, and not its line items and transactions: check the invoice first.
func (d *Directory) Covers(tag Tag, sk string, a table.Attrs) bool {
	if !d.AnyHidden(tag) {
		return false
	}
	h, ok := LeadingH(sk)
	if !ok || d.Erasing(a) {
		return ok
	}
	if p := PointerAt(sk); p != nil {
		return p.Of != "" && d.Hidden(tag, p.Of, h)
	}
	switch k := RecordAt(sk); {
	case k == nil:
		return false
	case k.Found != "":
		return d.CoversInvoice(tag, h, a)
	case k.Under():
		return d.Hidden(tag, k.Of, h)
	default:
		return d.Hidden(tag, k.Kind, h)
	}
}

// CoversInvoice is [Directory.Covers] of an invoice.
func (d *Directory) CoversInvoice(tag Tag, h H, a table.Attrs) bool {
	return d.AnyHidden(tag) && (d.Erasing(a) || d.InvoiceHidden(tag, h, d.hasher.CustomerH(a.Str("customer"))))
}
