package store

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// Tombstone hides one customer, with all that hangs on it, all invoices of one, one invoice, or all rows that one import
// added until it is swept.
type Tombstone struct {
	Job    string `json:"job,omitempty"` // the erase that put it here
	Tag    Tag    `json:"tag"`
	Kind   Kind   `json:"kind"` // KindCustomer, KindInvoicesOf, KindInvoice or KindImport
	H      string `json:"h,omitempty"`
	Import int64  `json:"import,omitempty"` // the number of the import, see AttrImport
}

// KindInvoicesOf is the kind of a tombstone over all invoices of a customer, whose identity it names. Nothing is hashed with it.
const KindInvoicesOf Kind = "invoices_of"

// KindImport is the kind of a tombstone over the rows that an import added. Nothing is hashed with it.
const KindImport Kind = "import"

// Over is the tombstone over a customer, the invoices of a customer, or an invoice.
func Over(tag Tag, kind Kind, h H) Tombstone { return Tombstone{Tag: tag, Kind: kind, H: h.String()} }

// Bury puts the tombstones of an erase, with the write that stores the directory.
func (d *Directory) Bury(job string, stones ...Tombstone) {
	d.pending = append(d.pending, tombstoneChange{Job: job, Stones: stones})
}

// Exhume takes away the tombstones of an erase, with the write that stores the directory. It may have none.
func (d *Directory) Exhume(job string) {
	d.older.remove(job)
	d.pending = append(d.pending, tombstoneChange{Job: job, Gone: true})
}

// BuriedBy is the erase whose tombstone this is; empty if there is no such tombstone.
func (d *Directory) BuriedBy(t Tombstone) string {
	g, _ := graveOf(t)
	return d.buriedBy(g)
}

func (d *Directory) buriedBy(g grave) string {
	if job := d.stored.at(g); job != "" {
		return job
	}
	return d.older.set.at(g)
}

// AnyBuried tells whether there is a tombstone over anything of a source.
func (d *Directory) AnyBuried(tag Tag) bool {
	return d.anyTombstone() && d.counts[tag]+d.older.counts[tag] > 0
}

// TombstoneCount is the number of tombstones in all.
func (d *Directory) TombstoneCount() int {
	n := len(d.older.list)
	for _, more := range d.counts {
		n += int(more)
	}
	return n
}

// Buried tells whether a tombstone of this kind lies over the customer or invoice.
func (d *Directory) Buried(tag Tag, kind Kind, h H) bool {
	return d.anyTombstone() && d.buriedBy(grave{tag, kindNumber(kind), h}) != ""
}

func (d *Directory) anyTombstone() bool { return len(d.counts)+len(d.older.list) > 0 }

// InvoiceBuried tells whether an invoice is hidden by a tombstone over itself, its customer or all invoices of that.
func (d *Directory) InvoiceBuried(tag Tag, invoice, customer H) bool {
	return d.Buried(tag, KindInvoice, invoice) || d.Buried(tag, KindInvoicesOf, customer) || d.Buried(tag, KindCustomer, customer)
}

// Erasing tells whether an item was added by an import whose rows are being erased. They may be restored as yet, so
// nothing takes their place.
func (d *Directory) Erasing(a table.Attrs) bool {
	if d.stored.ofImports()+d.older.set.ofImports() == 0 {
		return false
	}
	n, imported := a.Int(AttrImport)
	return imported && d.buriedBy(importGrave(n)) != ""
}

// Visible tells whether an item is of the current manual epoch, or not manual at all, and not one that [Directory.Erasing] tells of.
func (d *Directory) Visible(a table.Attrs) bool {
	n, manual := a.Int(AttrManual)
	return (!manual || n >= d.ManualEpoch) && !d.Erasing(a)
}

// Hides tells whether a stored record of a source is not to be seen: it is of an older manual epoch, or a tombstone lies
// over it (see [Directory.Covers]).
func (d *Directory) Hides(tag Tag, sk string, a table.Attrs) bool {
	return !d.Visible(a) || d.Covers(tag, sk, a)
}

// HidesCustomer is [Directory.Hides] of a customer.
func (d *Directory) HidesCustomer(tag Tag, h H, a table.Attrs) bool {
	return !d.Visible(a) || d.Buried(tag, KindCustomer, h)
}

// HidesInvoice is [Directory.Hides] of an invoice.
func (d *Directory) HidesInvoice(tag Tag, h H, a table.Attrs) bool {
	return !d.Visible(a) || d.CoversInvoice(tag, h, a)
}

// Covers tells whether a tombstone lies over a stored record of a source: over itself, the import that added it, or the customer or
// invoice that it hangs on. A line item or transaction says in no key or attribute whose it is, so a tombstone over a customer
// covers only its invoice.
func (d *Directory) Covers(tag Tag, sk string, a table.Attrs) bool {
	if !d.AnyBuried(tag) {
		return false
	}
	h, ok := LeadingH(sk)
	if !ok || d.Erasing(a) {
		return ok
	}
	if p := PointerAt(sk); p != nil {
		return p.Of != "" && d.Buried(tag, p.Of, h)
	}
	switch k := RecordAt(sk); {
	case k == nil:
		return false
	case k.Found != "":
		return d.CoversInvoice(tag, h, a)
	case k.Under():
		return d.Buried(tag, k.Of, h)
	default:
		return d.Buried(tag, k.Kind, h)
	}
}

// CoversInvoice is [Directory.Covers] of an invoice.
func (d *Directory) CoversInvoice(tag Tag, h H, a table.Attrs) bool {
	return d.AnyBuried(tag) && (d.Erasing(a) || d.InvoiceBuried(tag, h, d.hasher.CustomerH(a.Str("customer"))))
}

// grave is what a tombstone lies over.
type grave struct {
	tag  Tag
	kind byte // see kindNumber
	h    H    // the number of an import stands in its first eight bytes
}

// graveOf is false for a tombstone of a kind that this version does not know.
func graveOf(t Tombstone) (grave, bool) {
	if t.Kind == KindImport {
		return importGrave(t.Import), true
	}
	h, ok := ParseH(t.H)
	n := kindNumber(t.Kind)
	return grave{t.Tag, n, h}, ok && n > 0
}

// importGrave has no tag: the numbers of imports are unique in the account.
func importGrave(number int64) grave {
	g := grave{kind: kindNumber(KindImport)}
	binary.BigEndian.PutUint64(g.h[:8], uint64(number)) //nolint:gosec // only its bits count
	return g
}

func kindNumber(k Kind) byte {
	switch k { //nolint:exhaustive // others are of no tombstones
	case KindCustomer:
		return 1
	case KindInvoicesOf:
		return 2
	case KindInvoice:
		return 3
	case KindImport:
		return 4
	}
	return 0
}

// lots is into how many parts tombstones are divided, so that a change copies only one of them.
const lots = 256

// tombstones are those that there were at a version of the directory. They are never changed: readers share them. nil has none.
type tombstones struct {
	version int64
	lots    [lots]map[grave]string // to their erases
	imports int                    // those over rows of imports
}

func (g grave) lot() byte { return g.h[0] ^ g.h[7] } // both ends of the number of an import

// at is the erase whose tombstone lies over g; empty if none does.
func (s *tombstones) at(g grave) string {
	if s == nil {
		return ""
	}
	return s.lots[g.lot()][g]
}

func (s *tombstones) ofImports() int {
	if s == nil {
		return 0
	}
	return s.imports
}

// with makes the tombstones of another version, given what was put and taken away on the way there.
func (s *tombstones) with(version int64, changes ...tombstoneChange) *tombstones {
	next := &tombstones{}
	if s != nil {
		*next = *s
	}
	next.version = version
	var own [lots]bool // the maps that are not shared any more
	for _, c := range changes {
		for _, t := range c.Stones {
			g, known := graveOf(t)
			if !known {
				continue
			}
			lot := g.lot()
			if !own[lot] {
				own[lot] = true
				if next.lots[lot] = maps.Clone(next.lots[lot]); next.lots[lot] == nil {
					next.lots[lot] = map[grave]string{}
				}
			}
			next.put(g, c)
		}
	}
	return next
}

// put changes one tombstone, in a lot that is shared with nobody.
func (s *tombstones) put(g grave, c tombstoneChange) {
	lot, n := s.lots[g.lot()], 0
	switch was, there := lot[g]; {
	case c.Gone && there && was == c.Job:
		delete(lot, g)
		n = -1
	case !c.Gone:
		lot[g] = c.Job
		if !there {
			n = 1
		}
	}
	if g.kind == kindNumber(KindImport) {
		s.imports += n
	}
}

// olderTombstones are those that older versions have put into the directory itself, where they stay until they are taken away.
type olderTombstones struct {
	list   []Tombstone
	counts map[Tag]int64
	set    *tombstones
}

func (o *olderTombstones) fill(list []Tombstone) {
	*o = olderTombstones{list: list}
	if len(list) == 0 {
		return
	}
	o.counts = map[Tag]int64{}
	changes := make([]tombstoneChange, len(list))
	for i, t := range list {
		o.counts[t.Tag]++
		changes[i] = tombstoneChange{Job: t.Job, Stones: list[i : i+1]}
	}
	o.set = o.set.with(0, changes...)
}

func (o *olderTombstones) remove(job string) {
	if slices.ContainsFunc(o.list, func(t Tombstone) bool { return t.Job == job }) {
		o.fill(slices.DeleteFunc(slices.Clone(o.list), func(t Tombstone) bool { return t.Job == job }))
	}
}

// tombstoneChange is that an erase has put its tombstones, or that they were taken away.
type tombstoneChange struct {
	Version int64       `json:"v"` // of the directory that this made
	Job     string      `json:"job"`
	Gone    bool        `json:"gone,omitempty"`
	Stones  []Tombstone `json:"tombstones,omitempty"` // without their Job
}

func (c tombstoneChange) undone() tombstoneChange {
	c.Gone = !c.Gone
	return c
}

// tombstoneLog is what was changed last: all changes behind a version. So whoever knows the tombstones of a version not
// older than that knows those of each later one without reading them.
type tombstoneLog struct {
	From    int64             `json:"from"`
	Changes []tombstoneChange `json:"changes"`
}

// maxLogged is how many tombstones the log holds: about 8 KB, one read unit.
const maxLogged = 64

// add adds a change, and lets the oldest go. The newest stays, however large it is (100 customers that are one by merges have
// 13 KB): so who knows the version before it never has to read all.
func (l *tombstoneLog) add(c tombstoneChange) {
	l.Changes = append(l.Changes, c)
	n, newest := 0, len(l.Changes)-1
	for i, c := range slices.Backward(l.Changes) {
		if n += max(1, len(c.Stones)); n > maxLogged && i < newest {
			l.From, l.Changes = c.Version, l.Changes[i+1:]
			return
		}
	}
}

// travel makes the tombstones of one version from those of another; ok is false if the log does not reach back that far.
func (l *tombstoneLog) travel(s *tombstones, to int64) (there *tombstones, ok bool) {
	if l.From > min(s.version, to) {
		return nil, false
	}
	var way []tombstoneChange
	for _, c := range l.Changes {
		if c.Version > s.version && c.Version <= to {
			way = append(way, c)
		}
	}
	for _, c := range slices.Backward(l.Changes) {
		if c.Version > to && c.Version <= s.version {
			way = append(way, c.undone())
		}
	}
	return s.with(to, way...), true
}

func encodeBody(key table.Key, v any) (table.Item, error) {
	body, err := json.Marshal(v)
	return table.Item{Key: key, Attrs: table.NewBuilder().Str(attrBody, string(body)).Attrs()}, fault.Wrap(err, fault.Internal, "directory", "encode tombstones")
}

func decodeBody(a table.Attrs, v any) error {
	return fault.Wrap(json.Unmarshal([]byte(a.Str(attrBody)), v), fault.Internal, "directory", "read tombstones")
}
