package store

import (
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// This file is the one list of the kinds of records, and of the pointers that lead to them.
// Imports, erases, undos, edits, exports and counts range over it. docs/ADDING-A-KIND.md says how
// to add a kind.

// Place says which partitions items lie in. All items of one place become invisible together.
type Place byte

// The places. Sort keys that this version does not know are Nowhere.
const (
	Nowhere       Place = iota
	WithCustomers       // by shard, of the epoch of customers
	WithData            // by shard, of the epoch of data
	WithPlans           // one partition, of the epoch of data
	places
)

// Stages of an import. Each depends on those before it. The kinds of one stage are merged together,
// in the order of their keys. The numbers are in the names of stored objects, so they can never
// change.
const (
	StagePlans = iota
	StageCustomers
	StageContacts
	StageInvoices // with their line items and transactions
	StageEvents
)

// RecordKind holds the facts of one kind of record.
type RecordKind struct {
	Kind    Kind            // what its identities are hashed with
	Dataset billing.Dataset // what its rows are imported and counted as
	// Came returns the dataset that a stored record came with, if the kind has several. nil means
	// always Dataset.
	Came  func(table.Attrs) billing.Dataset
	SK    string // prefix of its sort keys; of a part, what stands between the parent's identity and its own
	Place Place
	Stage int
	ID    string // prefix of its public ids; empty if it has no public ids

	// Of is the kind of its parent, without which a record of this kind cannot exist; empty for a
	// root. OfAttr is the attribute that holds the parent's external id.
	Of     Kind
	OfAttr string
	Part   bool // its sort key is its parent's, followed by SK and its own identity
	// SK of the pointer that leads to it from its parent; empty if its own sort key begins with the
	// parent's identity
	Found string

	Manual   bool // its records can be manual; then delete-manual-customers removes them
	Pointers []PointerRule
	Times    []string // attributes that are times, in milliseconds
	Edits    []string // what people may change: ends of the sort keys of edits

	Called string // the column in which rows of other datasets name it
	// returns the external id of the plan that a record names, stored as AttrPlan; nil if records
	// name no plan
	Plan func(billing.Record) string

	// Append appends the attributes of a record, in ascending order of their names. Decode reads
	// them back.
	Append func([]byte, billing.Record) []byte
	Decode func(table.Attrs) billing.Record
	// Locate returns where a record belongs.
	Locate func(*Hasher, billing.Record) Location

	parent *RecordKind
}

// Location says where a record belongs.
type Location struct {
	SK      string
	Natural bool // it has no external id: equal rows are numbered
	// About is the sort key that must be looked up before the record can be merged: of its
	// customer, or of the pointer that says which record has its external id. Empty if nothing must
	// be looked up.
	About string
}

// AttrPlan holds the external id of the plan that a record names.
const AttrPlan = "plan"

// PointerRule says which pointer a kind of record has.
type PointerRule struct {
	To string // SK of the kind of pointer
	By string // only records with this attribute have the pointer; empty means all records
	SK func(hr *Hasher, sk string, a table.Attrs) string
	// Add adds what the pointer holds besides its record's origin; nil adds nothing.
	Add func(b *table.Builder, sk string, a table.Attrs)
}

// PointerKind is a kind of item that leads to records.
type PointerKind struct {
	SK    string // prefix of its sort keys
	Place Place
	Name  string // counts name it so
	Of    Kind   // the kind of record whose identity its sort keys begin with; empty if it is not a record's
	Edits bool   // edits have such pointers too
	// Unique says that its sort key does not name the record: it names an external id, and the
	// pointer leads to the record that has this id now. It holds the identity of that record's
	// parent (see [HolderOf]).
	Unique bool
}

// Names of pointers in counts.
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

// standardKinds lists the kinds, each after the kinds that it depends on.
func standardKinds() []RecordKind {
	return []RecordKind{
		{
			Kind: KindPlan, Dataset: billing.Plans, SK: SKPlan, Place: WithPlans, Stage: StagePlans, ID: PrefixPlan,
			Edits:  []string{EditFields},
			Append: appends(appendPlan), Decode: decodes(DecodePlan),
			// Two plans of one name and interval are one plan, so they are not numbered.
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

// Attributes that hold the external id of the parent; in pointers, the identity of the parent in
// hex.
const (
	attrCustomer = "customer"
	attrInvoice  = "invoice"
)

// as returns the record as its own type. Callers pass only records of that type.
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

// emailPointer returns the sort key of the pointer from a customer's e-mail address.
func emailPointer(hr *Hasher, sk string, a table.Attrs) string {
	h, _ := LeadingH(sk)
	return EmailSK(hr.EmailH(a.Str("email")), h)
}

// ownerPointer returns the sort key of the pointer from a customer to an invoice.
func ownerPointer(hr *Hasher, sk string, a table.Attrs) string {
	h, _ := LeadingH(sk)
	return OwnerSK(hr.CustomerH(a.Str(attrCustomer)), h)
}

func addDate(b *table.Builder, _ string, a table.Attrs) {
	date, _ := a.Int("date")
	b.Int("date", date)
}

// partPointer is the rule for pointers from the external id of a line item or transaction to its
// invoice. If a row has an external id, its identity is made from it.
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

// eventPointer returns the sort key of the pointer from an event's id to its customer.
func eventPointer(_ *Hasher, sk string, _ table.Attrs) string {
	id, _ := TrailingEventID(sk)
	return ExternalEventSK(id)
}

func addCustomer(b *table.Builder, sk string, _ table.Attrs) {
	customer, _ := LeadingH(sk)
	b.Str(attrCustomer, customer.String())
}

// kindTable is the list with its indexes.
type kindTable struct {
	kinds     []*RecordKind
	pointers  []*PointerKind
	families  [128]family // by the first letter of sort keys
	byDataset map[billing.Dataset]*RecordKind
	byKind    map[Kind]*RecordKind
	byStage   [][]*RecordKind
	times     map[string]bool
}

// family is all that sort keys of one first letter can belong to.
type family struct {
	record  *RecordKind
	parts   []*RecordKind // their sort keys begin with the sort key of record
	pointer *PointerKind
	place   Place
}

//nolint:gochecknoglobals // a constant; only AddKind changes it, in tests
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

// AddKind adds a kind that exists only in a test, for the whole process: call it before anything
// else. billing must know its dataset. The linter allows it in tests only.
func AddKind(k RecordKind) error {
	switch {
	case len(k.SK) != len(SKCustomer) || k.SK[0] >= 128 || k.SK[1] != '#' || k.Part:
		return fault.Newf(fault.Invalid, "kind", "%q is not how sort keys of a kind begin", k.SK)
	case kinds.families[k.SK[0]].place != Nowhere, kinds.byKind[k.Kind] != nil, kinds.byDataset[k.Dataset] != nil:
		return fault.Newf(fault.Conflict, "kind", "there is a kind of that letter, name or dataset already")
	case k.Of != "" && k.Of != KindCustomer:
		return fault.Newf(fault.Invalid, "kind", "no walk visits what belongs to %q", k.Of)
	}
	kinds.add(&k)
	return nil
}

// Kinds lists the kinds of records, each after the kinds that it depends on.
func Kinds() []*RecordKind { return slices.Clone(kinds.kinds) }

// PointerKinds lists the kinds of pointers.
func PointerKinds() []*PointerKind { return slices.Clone(kinds.pointers) }

// Stages is the number of stages.
func Stages() int { return len(kinds.byStage) }

// KindsOf lists the kinds of a stage: one kind, and its parts. It is empty for a stage that this
// version does not know. Callers must not change the list.
func KindsOf(stage int) []*RecordKind {
	if stage < 0 || stage >= len(kinds.byStage) {
		return nil
	}
	return kinds.byStage[stage]
}

// KindNamed returns the kind of record whose identities are hashed with kind; nil if there is no
// such kind of record.
func KindNamed(kind Kind) *RecordKind { return kinds.byKind[kind] }

// KindFor returns the kind of record that the rows of a dataset become; nil if there is no such
// dataset.
func KindFor(ds billing.Dataset) *RecordKind { return kinds.byDataset[ds] }

// ChildrenOf lists the kinds of records whose parents are of a kind, except parts.
func ChildrenOf(kind Kind) []*RecordKind {
	return slices.DeleteFunc(Kinds(), func(k *RecordKind) bool { return k.Of != kind || k.Part })
}

// PartsOf lists the kinds of parts of records of a kind.
func PartsOf(kind Kind) []*RecordKind {
	return slices.DeleteFunc(Kinds(), func(k *RecordKind) bool { return k.Of != kind || !k.Part })
}

// familyOf returns the family of a sort key; nil if this version does not know it.
func familyOf(sk string) *family {
	if len(sk) < len(SKCustomer) || sk[0] >= 128 || sk[1] != '#' {
		return nil
	}
	return &kinds.families[sk[0]]
}

// headLen is the length of the sort key of a record that can have parts.
const headLen = len(SKInvoice) + 2*HashLen

// RecordAt returns the kind of the record with a sort key; nil for pointers, and for sort keys that
// this version does not know.
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

// PointerAt returns the kind of the pointer with a sort key; nil if no pointer has such a sort key.
func PointerAt(sk string) *PointerKind {
	if f := familyOf(sk); f != nil {
		return f.pointer
	}
	return nil
}

// PlaceOf returns where an item with a sort key lies; Nowhere if this version does not know it.
func PlaceOf(sk string) Place {
	if f := familyOf(sk); f != nil {
		return f.place
	}
	return Nowhere
}

// IsTime tells whether the attribute of that name is a time, in milliseconds of Unix time.
func IsTime(name string) bool { return kinds.times[name] }

// Parent returns the kind of the parents of records of this kind; nil for a root.
func (k *RecordKind) Parent() *RecordKind { return k.parent }

// Under tells whether the sort keys of the kind begin with the identity of the parent.
func (k *RecordKind) Under() bool { return k.Of != "" && k.Found == "" }

// CameWith returns the dataset that a stored record of the kind came with.
func (k *RecordKind) CameWith(a table.Attrs) billing.Dataset {
	if k.Came == nil {
		return k.Dataset
	}
	return k.Came(a)
}

// LooksUp tells whether another key must be looked up before records of the kind can be merged (see
// [Location]).
func (k *RecordKind) LooksUp() bool {
	return k.Found != "" || slices.ContainsFunc(k.Pointers, func(p PointerRule) bool { return PointerAt(p.To).Unique })
}

// CustomerID returns the external id of the customer that a record is or belongs to; empty if the
// record does not say.
func (k *RecordKind) CustomerID(a table.Attrs) string {
	switch {
	case k.Kind == KindCustomer:
		return a.Str("external_id")
	case k.Of == KindCustomer:
		return a.Str(k.OfAttr)
	}
	return ""
}

// Stands returns the kind of record that is found by this kind of pointer from its parent; nil if
// no kind is.
func (p *PointerKind) Stands() *RecordKind {
	for _, k := range kinds.kinds {
		if k.Found == p.SK {
			return k
		}
	}
	return nil
}

// ParentSK returns the sort key of a record's parent. It is empty for roots, and for records that a
// pointer leads to from their parents: their sort keys do not name the parent.
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

// Together tells, of two consecutive sort keys, whether the second belongs to a part and the first
// to the record of that part or to another part of it.
func Together(a, b string) bool {
	k := RecordAt(b)
	return k != nil && k.Part && len(a) >= headLen && a[:headLen] == b[:headLen]
}

// Pointer is an item that leads to a record, and belongs to it.
type Pointer struct {
	SK    string
	Attrs table.Attrs
}

// PointersOf lists the pointers that a record with these attributes has. Without attributes there
// is no record, and no pointer.
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

// PointersOf lists the pointers of a record as items, see [PointersOf].
func (s Space) PointersOf(hr *Hasher, record table.Item) (out []table.Item) {
	for _, p := range PointersOf(hr, record.SK, record.Attrs) {
		out = append(out, table.Item{Key: s.Key(p.SK), Attrs: p.Attrs})
	}
	return out
}

// HolderOf returns what a pointer from an external id holds: the identity, in hex, of the parent of
// the record with that external id. It is empty if there is no pointer.
func HolderOf(pointer table.Attrs) string {
	_, v, _, ok := table.Next(pointer.Content())
	if !ok {
		return ""
	}
	return v.Str()
}

// PointerCount returns how many pointers a record with these attributes has.
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

// BelowSK returns the sort key by which a record is found from its parent: its own, or its
// pointer's. It is empty for roots and parts.
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

// Below returns the prefix of the sort keys by which records of the kind are found from their
// parents: their own, or their pointers'.
func (k *RecordKind) Below() string {
	if k.Found != "" {
		return k.Found
	}
	return k.SK
}

// SplitEdit splits an edit's sort key into the record's sort key and what is edited. ok is false if
// it is not an edit's.
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

// PublicID returns the id by which people and programs know the record with a sort key; empty if it
// has none.
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

// KindOfID returns the kind of record whose public ids have a prefix; nil if there is none.
func KindOfID(prefix string) *RecordKind {
	for _, k := range kinds.kinds {
		if k.ID == prefix {
			return k
		}
	}
	return nil
}

// pk spells the partition of a place and a shard.
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
	return "" // every engine refuses it
}

// Partitions spells the partitions of each place once, for use with many keys.
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

// Partitions are the partitions of a source, spelled.
type Partitions struct {
	Space
	pks [places][]string
}

// Of returns the partition of a record or pointer. For a sort key that this version does not know
// it is empty, which every engine refuses.
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

// At lists the partitions of a place, by shard; a single one for plans.
func (p *Partitions) At(place Place) []string { return p.pks[place] }

// Key returns the key of a record or pointer. For many keys [Space.Partitions] is faster.
func (s Space) Key(sk string) table.Key {
	h, _ := LeadingH(sk)
	return table.Key{PK: s.pk(PlaceOf(sk), s.ShardOf(h)), SK: sk}
}

// Below is the range in which the records of a kind are found from the parent with an identity: the
// records themselves, or the pointers to them.
func (s Space) Below(k *RecordKind, h H) table.Query {
	sk := k.Below()
	return under(s.pk(PlaceOf(sk), s.ShardOf(h)), sk+h.String()+"#")
}

// All is the range of all records or pointers of a shard whose sort keys begin with sk. Plans are
// in one partition, whatever the shard.
func (s Space) All(sk string, shard int) table.Query { return under(s.pk(PlaceOf(sk), shard), sk) }

// Parts is the range of the parts of the record of a kind with an identity, without the record
// itself.
func (s Space) Parts(k *RecordKind, h H) table.Query {
	return under(s.pk(k.Place, s.ShardOf(h)), k.SK+h.String()+"#")
}

// EditsOf is the range of the edits of a record and its parts.
func (s Space) EditsOf(record string) table.Query { return under(s.editsOf(record), record) }

// EditsBelow is the range of the edits of records of a kind whose parent has an identity.
func (s Space) EditsBelow(k *RecordKind, h H) table.Query {
	return under(s.editPK(k.Place, s.ShardOf(h)), k.SK+h.String()+"#")
}

// Like lists two ranges that hold the record that a public id names, and its edits, for a kind
// whose records have parents; h is the identity in the public id (see [Under]). The ranges hold
// other items too.
func (s Space) Like(k *RecordKind, h H) []table.Query {
	parent, _ := SplitUnder(h)
	sk := k.SK
	if k.Part {
		sk = k.parent.SK
	}
	return []table.Query{under(s.pk(k.Place, s.ShardOf(h)), sk+parent), under(s.editPK(k.Place, s.ShardOf(h)), sk+parent)}
}

// editPK spells the partition of the edits of records at a place, in a shard.
func (s Space) editPK(place Place, shard int) string {
	if place == WithPlans {
		return s.PlanEditPK()
	}
	return s.EditPK(shard)
}

// editLetters returns the first and the last of the prefixes of edits in a shard.
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
