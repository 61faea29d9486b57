package store

import (
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/table"
)

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

// SKOf returns the sort key of the record with an external id. The kind must be one that rows of
// other datasets name by its external id: of plans, customers or invoices.
func (k *RecordKind) SKOf(hr *Hasher, externalID string) string {
	return k.SK + hr.External(k.Kind, externalID).String()
}

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

// CurrencyOf returns the currency of one of the kind's amounts in a record; invoice is the currency
// of the invoice that the record belongs to, if it belongs to one. It is empty if neither says it.
func (k *RecordKind) CurrencyOf(amount Amount, a table.Attrs, invoice string) string {
	if amount.By != "" {
		if v, ok := a.Get(amount.By); ok {
			return v.Str()
		}
	}
	return invoice
}

// CurrencyIn returns the currency of an invoice, in which the amounts of its parts are; empty if it
// is no invoice.
func CurrencyIn(a table.Attrs) string { return a.Str(attrCurrency) }

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
