package store

import (
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// This file is the one list of the kinds of records, and of the pointers that lead to them. Imports, erases, undos,
// edits, exports and counts range over it; none of them spells it again. docs/ADDING-A-KIND.md says how to add one.

// Place says which partitions items lie in. Those of one place are emptied together.
type Place byte

// The places. Nowhere is that of a sort key that this version does not know.
const (
	Nowhere       Place = iota
	WithCustomers       // by shard, of the epoch of customers
	WithData            // by shard, of the epoch of data
	WithPlans           // one partition, of the epoch of data
	places
)

// Stages of an import, in the order in which they depend on one another. The kinds of a stage share one key order. The
// numbers are in the names of objects that jobs keep: they can never change.
const (
	StagePlans = iota
	StageCustomers
	StageContacts
	StageInvoices // with their line items and transactions
	StageEvents
)

// RecordKind is all that is to be known of one kind of record.
type RecordKind struct {
	Kind    Kind            // what its identities are hashed as
	Dataset billing.Dataset // what its rows come with, and are counted as
	// Came tells which dataset a stored record came with, of a kind that has several. nil: always Dataset.
	Came  func(table.Attrs) billing.Dataset
	SK    string // what its sort keys begin with; of a part, what stands there between the parent's and its own identity
	Place Place
	Stage int
	ID    string // prefix of its public ids; empty if it has none

	// Of is the kind of its parent, the record without which there can be none of this kind; empty for a root. OfAttr is
	// the attribute that holds the parent's external id.
	Of     Kind
	OfAttr string
	Part   bool   // its sort key is its parent's, followed by SK and its own identity
	Found  string // SK of the pointer by which it is found below its parent; empty: it lies there itself

	Manual   bool // it is of a manual epoch, as its root is: delete-manual-customers takes it
	Pointers []PointerRule
	Times    []string // attributes that are times, in milliseconds
	Edits    []string // ends of the sort keys of what people may change of it; none: nothing

	Called string                      // the column by which rows of other datasets name it
	Plan   func(billing.Record) string // external id of the plan that a record names, stored as AttrPlan; nil: none names one

	// Append appends the content of a record, its attributes in ascending order of their names; Decode reads it back.
	Append func([]byte, billing.Record) []byte
	Decode func(table.Attrs) billing.Record
	// Locate tells where a record belongs.
	Locate func(*Hasher, billing.Record) Location

	parent *RecordKind
}

// Location is where a record belongs.
type Location struct {
	SK      string
	Natural bool // it has no external id: equal rows get occurrence numbers
	// About is the sort key that must be looked up before the record can be merged: its customer's, or that of the
	// pointer that tells whose its external id is. Empty if there is none.
	About string
}

// AttrPlan holds the external id of the plan that a record names.
const AttrPlan = "plan"

// PointerRule says which pointer a kind of record has.
type PointerRule struct {
	To string // SK of the kind of pointer
	By string // the attribute without which a record has none; empty: every record has one
	SK func(hr *Hasher, sk string, a table.Attrs) string
	// Add adds what the pointer holds besides its record's origin. nil: nothing.
	Add func(b *table.Builder, sk string, a table.Attrs)
}

// PointerKind is a kind of item that leads to records.
type PointerKind struct {
	SK    string // what its sort keys begin with
	Place Place
	Name  string // what it is counted as
	Of    Kind   // the kind of record whose identity its sort keys begin with; empty: of none
	Edits bool   // edits have such pointers too
	// Unique says that its sort key does not name the record: it leads to the one that has an external id now, and holds the
	// identity of what that hangs on (see [HolderOf]).
	Unique bool
}

// Names of pointers, as they are counted.
const (
	EmailPointers   = "email_pointers"   // e-mail → customer
	InvoicePointers = "invoice_pointers" // customer → invoice
	IDPointers      = "id_pointers"      // external id → line item, transaction, event
)

func standardPointers() []PointerKind {
	return []PointerKind{
		{SK: SKEmail, Place: WithCustomers, Name: EmailPointers, Edits: true},
		{SK: SKOwner, Place: WithData, Name: InvoicePointers, Of: KindCustomer, Edits: true},
		{SK: SKExternal, Place: WithData, Name: IDPointers, Unique: true},
	}
}

// standardKinds lists the kinds, each behind those that it depends on.
func standardKinds() []RecordKind {
	return []RecordKind{
		{
			Kind: KindPlan, Dataset: billing.Plans, SK: SKPlan, Place: WithPlans, Stage: StagePlans, ID: PrefixPlan,
			Edits:  []string{EditFields},
			Append: appends(appendPlan), Decode: decodes(DecodePlan),
			// Two plans of one name and interval are one plan: no occurrence numbers.
			Locate: locates(func(hr *Hasher, p *billing.Plan) Location { return Location{SK: PlanSK(hr.PlanH(p))} }),
		},
		{
			Kind: KindCustomer, Dataset: billing.Customers, SK: SKCustomer, Place: WithCustomers, Stage: StageCustomers, ID: PrefixCustomer,
			Manual:   true,
			Pointers: []PointerRule{{To: SKEmail, By: "email", SK: emailPointer}},
			Times:    []string{"free_trial_started_at", "lead_created_at"},
			Edits:    []string{EditTags, EditAttributes, EditFields, EditMerge},
			Called:   "Customer external ID",
			Append:   appends(appendCustomer), Decode: decodes(DecodeCustomer),
			Locate: locates(func(hr *Hasher, c *billing.Customer) Location {
				return Location{SK: CustomerSK(hr.CustomerH(c.ExternalID))}
			}),
		},
		{
			Kind: KindContact, Dataset: billing.Contacts, SK: SKContact, Place: WithCustomers, Stage: StageContacts, ID: PrefixContact,
			Of: KindCustomer, OfAttr: attrCustomer, Manual: true,
			Append: appends(appendContact), Decode: decodes(DecodeContact), Locate: locates(locateContact),
		},
		{
			Kind: KindInvoice, Dataset: billing.Invoices, SK: SKInvoice, Place: WithData, Stage: StageInvoices, ID: PrefixInvoice,
			Of: KindCustomer, OfAttr: attrCustomer, Found: SKOwner, Manual: true,
			Pointers: []PointerRule{{To: SKOwner, SK: ownerPointer, Add: addDate}},
			Times:    []string{"date", "due_date"},
			Edits:    []string{EditFields},
			Called:   "Invoice external ID",
			Append:   appends(appendInvoice), Decode: decodes(DecodeInvoice), Locate: locates(locateInvoice),
		},
		{
			Kind: KindLineItem, Dataset: billing.LineItems, SK: SKLine, Place: WithData, Stage: StageInvoices, ID: PrefixLineItem,
			Of: KindInvoice, OfAttr: attrInvoice, Part: true, Manual: true,
			Pointers: []PointerRule{partPointer(KindLineItem)},
			Times:    []string{"service_period_end", "service_period_start"},
			Edits:    []string{EditFields},
			Plan:     func(r billing.Record) string { return as[*billing.LineItem](r).PlanExternalID },
			Append:   appends(appendLineItem), Decode: decodes(DecodeLineItem), Locate: locates(locateLineItem),
		},
		{
			Kind: KindTransaction, Dataset: billing.Transactions, SK: SKTrans, Place: WithData, Stage: StageInvoices, ID: PrefixTransaction,
			Of: KindInvoice, OfAttr: attrInvoice, Part: true, Manual: true,
			Pointers: []PointerRule{partPointer(KindTransaction)},
			Times:    []string{"date"},
			Edits:    []string{EditFields},
			Append:   appends(appendTransaction), Decode: decodes(DecodeTransaction), Locate: locates(locateTransaction),
		},
		{
			Kind: KindEvent, Dataset: billing.Events, Came: eventCame, SK: SKEvent, Place: WithData, Stage: StageEvents,
			Of: KindCustomer, OfAttr: attrCustomer, Manual: true,
			Pointers: []PointerRule{{To: SKExternal, SK: eventPointer, Add: addCustomer}},
			Times:    []string{"date", "effective_date"},
			Plan:     func(r billing.Record) string { return as[*billing.Event](r).PlanExternalID },
			Append:   appends(appendEvent), Decode: decodes(DecodeEvent), Locate: locates(locateEvent),
		},
	}
}

// Attributes that hold the external id of the parent; in pointers its identity, in hex.
const (
	attrCustomer = "customer"
	attrInvoice  = "invoice"
)

// as is the record as what it is: it is asked only of a record of that kind.
func as[T billing.Record](r billing.Record) T {
	rec, _ := r.(T)
	return rec
}

func appends[T billing.Record](f func([]byte, T) []byte) func([]byte, billing.Record) []byte {
	return func(b []byte, r billing.Record) []byte { return f(b, as[T](r)) }
}

func decodes[T billing.Record](f func(table.Attrs) T) func(table.Attrs) billing.Record {
	return func(a table.Attrs) billing.Record { return f(a) }
}

func locates[T billing.Record](f func(*Hasher, T) Location) func(*Hasher, billing.Record) Location {
	return func(hr *Hasher, r billing.Record) Location { return f(hr, as[T](r)) }
}

func locateContact(hr *Hasher, c *billing.Contact) Location {
	return Location{SK: ContactSK(hr.CustomerH(c.CustomerExternalID), hr.ContactH(c)), Natural: c.ExternalID == ""}
}

func locateInvoice(hr *Hasher, i *billing.Invoice) Location {
	return Location{SK: InvoiceSK(hr.InvoiceH(i.ExternalID)), About: CustomerSK(hr.CustomerH(i.CustomerExternalID))}
}

func locateLineItem(hr *Hasher, l *billing.LineItem) Location {
	invoice, own := hr.InvoiceH(l.InvoiceExternalID), hr.LineItemH(l)
	if l.ExternalID == "" {
		return Location{SK: LineItemSK(invoice, own), Natural: true}
	}
	return Location{SK: LineItemSK(invoice, own), About: ExternalSK(KindLineItem, own)}
}

func locateTransaction(hr *Hasher, t *billing.Transaction) Location {
	invoice, own := hr.InvoiceH(t.InvoiceExternalID), hr.TransactionH(t)
	if t.ExternalID == "" {
		return Location{SK: TransactionSK(invoice, own), Natural: true}
	}
	return Location{SK: TransactionSK(invoice, own), About: ExternalSK(KindTransaction, own)}
}

func locateEvent(hr *Hasher, e *billing.Event) Location {
	customer, id := hr.CustomerH(e.CustomerExternalID), hr.EventH(e).EventID()
	if e.ExternalID == "" {
		return Location{SK: EventSK(customer, id), Natural: true}
	}
	return Location{SK: EventSK(customer, id), About: ExternalEventSK(id)}
}

func eventCame(a table.Attrs) billing.Dataset {
	if v, _ := a.Get("cancellation"); v.Bool() {
		return billing.Cancellations
	}
	return billing.Events
}

// emailPointer leads from a customer's e-mail address to it.
func emailPointer(hr *Hasher, sk string, a table.Attrs) string {
	h, _ := LeadingH(sk)
	return EmailSK(hr.EmailH(a.Str("email")), h)
}

// ownerPointer leads from a customer to an invoice, in the order of dates.
func ownerPointer(hr *Hasher, sk string, a table.Attrs) string {
	h, _ := LeadingH(sk)
	return OwnerSK(hr.CustomerH(a.Str(attrCustomer)), h)
}

func addDate(b *table.Builder, _ string, a table.Attrs) {
	date, _ := a.Int("date")
	b.Int("date", date)
}

// partPointer leads from the external id of a line item or transaction to its invoice. The identity of such a row is
// that external id's.
func partPointer(kind Kind) PointerRule {
	return PointerRule{
		To: SKExternal, By: "external_id",
		SK: func(_ *Hasher, sk string, _ table.Attrs) string {
			own, _ := TrailingH(sk)
			return ExternalSK(kind, own)
		},
		Add: func(b *table.Builder, sk string, _ table.Attrs) {
			invoice, _ := LeadingH(sk)
			b.Str(attrInvoice, invoice.String())
		},
	}
}

// eventPointer leads from an event's id to its customer.
func eventPointer(_ *Hasher, sk string, _ table.Attrs) string {
	id, _ := TrailingEventID(sk)
	return ExternalEventSK(id)
}

func addCustomer(b *table.Builder, sk string, _ table.Attrs) {
	customer, _ := LeadingH(sk)
	b.Str(attrCustomer, customer.String())
}

// kindTable is the list, indexed by what is asked of it.
type kindTable struct {
	kinds     []*RecordKind
	pointers  []*PointerKind
	families  [128]family // by the first letter of sort keys
	byDataset map[billing.Dataset]*RecordKind
	byKind    map[Kind]*RecordKind
	byStage   [][]*RecordKind
	times     map[string]bool
}

// family is what the sort keys of one first letter are of.
type family struct {
	record  *RecordKind
	parts   []*RecordKind // behind a key of record
	pointer *PointerKind
	place   Place
}

//nolint:gochecknoglobals // a constant; only AddKind, of tests, ever changes it
var kinds = standardTable()

func standardTable() *kindTable {
	t := &kindTable{byDataset: map[billing.Dataset]*RecordKind{}, byKind: map[Kind]*RecordKind{}, times: map[string]bool{}}
	for _, name := range []string{AttrCreated, AttrUpdated} {
		t.times[name] = true
	}
	for _, p := range standardPointers() {
		t.pointers = append(t.pointers, &p)
		f := &t.families[p.SK[0]]
		f.pointer, f.place = &p, p.Place
	}
	for _, k := range standardKinds() {
		t.add(&k)
	}
	return t
}

func (t *kindTable) add(k *RecordKind) {
	k.parent = t.byKind[k.Of]
	t.kinds = append(t.kinds, k)
	t.byKind[k.Kind] = k
	for _, ds := range billing.Order() {
		if billing.Becomes(ds) == k.Dataset {
			t.byDataset[ds] = k
		}
	}
	for len(t.byStage) <= k.Stage {
		t.byStage = append(t.byStage, nil)
	}
	t.byStage[k.Stage] = append(t.byStage[k.Stage], k)
	for _, name := range k.Times {
		t.times[name] = true
	}
	if k.Part {
		f := &t.families[k.parent.SK[0]]
		f.parts = append(f.parts, k)
		return
	}
	f := &t.families[k.SK[0]]
	f.record, f.place = k, k.Place
}

// AddKind adds a kind that exists only in a test, for the whole process: call it before anything else. billing must know
// its dataset. The linter keeps it out of what is built.
func AddKind(k RecordKind) error {
	switch {
	case len(k.SK) != len(SKCustomer) || k.SK[0] >= 128 || k.SK[1] != '#' || k.Part:
		return fault.Newf(fault.Invalid, "kind", "%q is not how sort keys of a kind begin", k.SK)
	case kinds.families[k.SK[0]].place != Nowhere, kinds.byKind[k.Kind] != nil, kinds.byDataset[k.Dataset] != nil:
		return fault.Newf(fault.Conflict, "kind", "there is a kind of that letter, name or dataset already")
	case k.Of != "" && k.Of != KindCustomer:
		return fault.Newf(fault.Invalid, "kind", "nothing walks what hangs on %q", k.Of)
	}
	kinds.add(&k)
	return nil
}

// Kinds lists the kinds of records, each behind those that it depends on.
func Kinds() []*RecordKind { return slices.Clone(kinds.kinds) }

// PointerKinds lists the kinds of pointers.
func PointerKinds() []*PointerKind { return slices.Clone(kinds.pointers) }

// Stages is the number of stages.
func Stages() int { return len(kinds.byStage) }

// KindsOf lists the kinds of a stage: one, and its parts; none of a stage that this version does not know. It is not to
// be changed.
func KindsOf(stage int) []*RecordKind {
	if stage < 0 || stage >= len(kinds.byStage) {
		return nil
	}
	return kinds.byStage[stage]
}

// KindNamed is the kind of record whose identities are hashed as that; nil if there is none.
func KindNamed(kind Kind) *RecordKind { return kinds.byKind[kind] }

// KindFor is the kind of record that the rows of a dataset become; nil if there is no such dataset.
func KindFor(ds billing.Dataset) *RecordKind { return kinds.byDataset[ds] }

// Hanging lists the kinds of records whose parents are of a kind, but for parts.
func Hanging(on Kind) []*RecordKind {
	return slices.DeleteFunc(Kinds(), func(k *RecordKind) bool { return k.Of != on || k.Part })
}

// PartsOf lists the kinds of parts of records of a kind.
func PartsOf(kind Kind) []*RecordKind {
	return slices.DeleteFunc(Kinds(), func(k *RecordKind) bool { return k.Of != kind || !k.Part })
}

// familyOf is nil for a sort key that this version does not know.
func familyOf(sk string) *family {
	if len(sk) < len(SKCustomer) || sk[0] >= 128 || sk[1] != '#' {
		return nil
	}
	return &kinds.families[sk[0]]
}

// headLen is the length of a sort key of a record that parts may follow.
const headLen = len(SKInvoice) + 2*HashLen

// RecordAt is the kind of the record that has a sort key; nil for that of a pointer, and for one that this version does
// not know.
func RecordAt(sk string) *RecordKind {
	f := familyOf(sk)
	if f == nil {
		return nil
	}
	if len(f.parts) == 0 || len(sk) <= headLen {
		return f.record
	}
	for _, p := range f.parts {
		if strings.HasPrefix(sk[headLen:], p.SK) {
			return p
		}
	}
	return nil
}

// PointerAt is the kind of the pointer that has a sort key; nil if it is none.
func PointerAt(sk string) *PointerKind {
	if f := familyOf(sk); f != nil {
		return f.pointer
	}
	return nil
}

// PlaceOf is where an item with a sort key lies; Nowhere if this version does not know it.
func PlaceOf(sk string) Place {
	if f := familyOf(sk); f != nil {
		return f.place
	}
	return Nowhere
}

// IsTime tells whether the attribute of that name is a time, in milliseconds of Unix time.
func IsTime(name string) bool { return kinds.times[name] }

// Parent is the kind of the records that those of this kind belong to; nil of a root.
func (k *RecordKind) Parent() *RecordKind { return k.parent }

// Under tells whether the sort keys of the kind begin with the identity of the parent.
func (k *RecordKind) Under() bool { return k.Of != "" && k.Found == "" }

// CameWith is the dataset that a stored record of the kind came with.
func (k *RecordKind) CameWith(a table.Attrs) billing.Dataset {
	if k.Came == nil {
		return k.Dataset
	}
	return k.Came(a)
}

// LooksUp tells whether records of the kind ask about another key before they can be merged (see [Location]).
func (k *RecordKind) LooksUp() bool {
	return k.Found != "" || slices.ContainsFunc(k.Pointers, func(p PointerRule) bool { return PointerAt(p.To).Unique })
}

// CustomerID is the external id of the customer that a record is, or hangs on, as far as the record says.
func (k *RecordKind) CustomerID(a table.Attrs) string {
	switch {
	case k.Kind == KindCustomer:
		return a.Str("external_id")
	case k.Of == KindCustomer:
		return a.Str(k.OfAttr)
	}
	return ""
}

// Stands is the kind of record that a pointer stands for below the record that it begins with; nil if for none.
func (p *PointerKind) Stands() *RecordKind {
	for _, k := range kinds.kinds {
		if k.Found == p.SK {
			return k
		}
	}
	return nil
}

// ParentSK is the sort key of the record without which that of a sort key cannot be. It is empty for roots, and for
// records that are found below their parents by a pointer: those look their parent up.
func ParentSK(sk string) string {
	k := RecordAt(sk)
	switch {
	case k == nil || !k.Under():
		return ""
	case k.Part:
		return sk[:headLen]
	case len(sk) < headLen:
		return ""
	}
	return k.parent.SK + sk[len(k.SK):headLen]
}

// Together tells whether of two sort keys, one behind the other, the second is of a part of the first's record, or both
// are of parts of one.
func Together(a, b string) bool {
	k := RecordAt(b)
	return k != nil && k.Part && len(a) >= headLen && a[:headLen] == b[:headLen]
}

// Pointer is an item that leads to a record. It belongs to that record.
type Pointer struct {
	SK    string
	Attrs table.Attrs
}

// PointersOf lists the pointers that a record with these attributes has; none are of a record that is not there.
func PointersOf(hr *Hasher, sk string, a table.Attrs) (out []Pointer) {
	k := RecordAt(sk)
	if len(a) == 0 || k == nil {
		return nil
	}
	for i := range k.Pointers {
		p := &k.Pointers[i]
		if !p.has(a) {
			continue
		}
		b := OriginOf(a).AddTo(table.NewBuilder())
		if p.Add != nil {
			p.Add(b, sk, a)
		}
		out = append(out, Pointer{p.SK(hr, sk, a), b.Attrs()})
	}
	return out
}

// PointersOf lists the pointers that a record has, see [PointersOf].
func (s Space) PointersOf(hr *Hasher, record table.Item) (out []table.Item) {
	for _, p := range PointersOf(hr, record.SK, record.Attrs) {
		out = append(out, table.Item{Key: s.Key(p.SK), Attrs: p.Attrs})
	}
	return out
}

// HolderOf is the identity, in hex, of the record that the record with an external id hangs on, given the pointer from that
// external id: all that such a pointer holds. It is empty if there is no pointer.
func HolderOf(pointer table.Attrs) string {
	_, v, _, ok := table.Next(pointer.Content())
	if !ok {
		return ""
	}
	return v.Str()
}

// PointerCount is how many pointers a record with these attributes has.
func PointerCount(sk string, a table.Attrs) (n int) {
	if k := RecordAt(sk); k != nil {
		for i := range k.Pointers {
			if k.Pointers[i].has(a) {
				n++
			}
		}
	}
	return n
}

func (p *PointerRule) has(a table.Attrs) bool { return p.By == "" || a.Str(p.By) != "" }

// BelowSK is the sort key under which a record is found below its parent: its own, or its pointer's. It is empty for
// roots and parts.
func BelowSK(hr *Hasher, sk string, a table.Attrs) string {
	k := RecordAt(sk)
	switch {
	case k == nil || k.Of == "" || k.Part:
		return ""
	case k.Found == "":
		return sk
	}
	for i := range k.Pointers {
		if p := &k.Pointers[i]; p.To == k.Found {
			return p.SK(hr, sk, a)
		}
	}
	return ""
}

// Below is what the sort keys begin with under which records of the kind are found below their parents.
func (k *RecordKind) Below() string {
	if k.Found != "" {
		return k.Found
	}
	return k.SK
}

// SplitEdit splits an edit's sort key into that of the record and what is edited; ok is false if it is none.
func SplitEdit(sk string) (record, what string, ok bool) {
	at := strings.LastIndexByte(sk, '#')
	if at < len(SKCustomer) {
		return "", "", false
	}
	k := RecordAt(sk[:at])
	if k == nil || !slices.Contains(k.Edits, sk[at:]) {
		return "", "", false
	}
	_, ok = LeadingH(sk)
	return sk[:at], sk[at:], ok
}

// PublicID is the id that people and programs know the record of a sort key by; empty if it has none.
func PublicID(tag Tag, sk string) string {
	k := RecordAt(sk)
	if k == nil || k.ID == "" {
		return ""
	}
	h, _ := LeadingH(sk)
	if k.Under() {
		own, _ := TrailingH(sk)
		h = Under(h, own)
	}
	return ID(k.ID, tag, h)
}

// KindOfID is the kind of record that public ids of a prefix are of; nil if there is none.
func KindOfID(prefix string) *RecordKind {
	for _, k := range kinds.kinds {
		if k.ID == prefix {
			return k
		}
	}
	return nil
}

// pk is the partition of a place and a shard.
func (s Space) pk(place Place, shard int) string {
	switch place {
	case WithCustomers:
		return s.CustomerPK(shard)
	case WithData:
		return s.DataPK(shard)
	case WithPlans:
		return s.PlanPK()
	case Nowhere, places:
	}
	return "" // no engine takes it
}

// Partitions spells the partitions of each place, by shard, once for many keys.
func (s Space) Partitions() *Partitions {
	p := &Partitions{Space: s}
	for place := Nowhere + 1; place < places; place++ {
		n := s.Shards
		if place == WithPlans {
			n = 1
		}
		for shard := range n {
			p.pks[place] = append(p.pks[place], s.pk(place, shard))
		}
	}
	return p
}

// Partitions are those of a source.
type Partitions struct {
	Space
	pks [places][]string
}

// Of is the partition of a record or pointer; empty, which no engine takes, for a sort key that this version does not know.
func (p *Partitions) Of(sk string) string {
	switch of := p.pks[PlaceOf(sk)]; len(of) {
	case 0:
		return ""
	case 1:
		return of[0]
	default:
		h, _ := LeadingH(sk)
		return of[p.ShardOf(h)]
	}
}

// At lists the partitions of a place, by shard; one of plans.
func (p *Partitions) At(place Place) []string { return p.pks[place] }

// Key is the key of a record or pointer. See [Space.Partitions] for many.
func (s Space) Key(sk string) table.Key {
	h, _ := LeadingH(sk)
	return table.Key{PK: s.pk(PlaceOf(sk), s.ShardOf(h)), SK: sk}
}

// Below is the range in which the records of a kind are found below the record with that identity: they themselves, or
// the pointers to them.
func (s Space) Below(k *RecordKind, h H) table.Query {
	sk := k.Below()
	return under(s.pk(PlaceOf(sk), s.ShardOf(h)), sk+h.String()+"#")
}

// All is the range of all records or pointers of a shard whose sort keys begin with that; of plans in any shard.
func (s Space) All(sk string, shard int) table.Query { return under(s.pk(PlaceOf(sk), shard), sk) }

// Parts is the range of the parts of a record of that kind, the record itself not among them.
func (s Space) Parts(k *RecordKind, h H) table.Query {
	return under(s.pk(k.Place, s.ShardOf(h)), k.SK+h.String()+"#")
}

// EditsOf is the range of the edits of a record and its parts.
func (s Space) EditsOf(record string) table.Query { return under(s.editsOf(record), record) }

// EditsBelow is the range of the edits of records of a kind below the record with that identity.
func (s Space) EditsBelow(k *RecordKind, h H) table.Query {
	return under(s.editPK(k.Place, s.ShardOf(h)), k.SK+h.String()+"#")
}

// Like lists the ranges that hold what a public id names of a kind below others, given its identity there (see
// [Under]): records, and edits. Both hold more.
func (s Space) Like(k *RecordKind, h H) []table.Query {
	parent, _ := SplitUnder(h)
	sk := k.SK
	if k.Part {
		sk = k.parent.SK
	}
	return []table.Query{under(s.pk(k.Place, s.ShardOf(h)), sk+parent), under(s.editPK(k.Place, s.ShardOf(h)), sk+parent)}
}

// editPK is the partition of the edits of what lies at a place, in a shard.
func (s Space) editPK(place Place, shard int) string {
	if place == WithPlans {
		return s.PlanEditPK()
	}
	return s.EditPK(shard)
}

// editLetters are the first and the last of what the sort keys of edits begin with.
func editLetters() (first, last string) {
	for _, k := range kinds.kinds {
		if len(k.Edits) == 0 || k.Part || k.Place == WithPlans {
			continue
		}
		if first == "" || k.SK < first {
			first = k.SK
		}
		last = max(last, k.SK)
	}
	return first, last
}
