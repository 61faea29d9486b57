package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// In a pull, a rejected row whose id is known counts as present (decision 0045): its stored record stays as it is, an
// invoice with its parts, and other rows are removed all the same. Map finds out where such records may be stored, and
// merge meets them there like rows. A row that is rejected later is met anyway.
//
// The customer and the plans that a record needs which stays were decided before it. If they are to go they are spared.
// A rejected row without an id may be any of the rows that seem to be missing: nothing of its dataset is removed then, nor
// what rows of its dataset may need.

// keepsRejected reports whether rejected rows count as present.
func (w *work) keepsRejected() bool { return w.undone == nil && w.job.Import.RejectedStay() }

// presence is what a summary says of rows that stay because what the input says of them was rejected.
type presence struct {
	Stayed    int64            `json:"stayed,omitempty"`     // stored rows that stay
	Unknown   map[string]int64 `json:"unknown,omitempty"`    // rejected rows whose id is not known, by dataset
	RemovalOf map[string]int64 `json:"removal_of,omitempty"` // cost of the removals by dataset, as in RemoveMilli
	// customers and plans that rows need which stay, and that are to go: the cost of their removal by sort key; of each
	// dataset at most one more than mostSpared
	Spared map[string]int64 `json:"spared,omitempty"`
}

// mostSpared is how many removals of a dataset are taken back one by one, since the job keeps them. If there are more,
// nothing of the dataset is removed.
const mostSpared = 200

func (s *summary) addPresence(o presence) {
	s.Stayed += o.Stayed
	for ds, n := range o.Unknown {
		addTo(&s.Unknown, ds, n)
	}
	for ds, milli := range o.RemovalOf {
		addTo(&s.RemovalOf, ds, milli)
	}
	for sk, milli := range o.Spared {
		s.spare(sk, milli)
	}
}

func addTo(m *map[string]int64, key string, n int64) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[key] += n
}

// spare takes back the removal of a customer or plan.
func (s *summary) spare(sk string, milli int64) {
	if _, is := s.Spared[sk]; is || len(s.sparedOf(store.RecordAt(sk))) > mostSpared {
		return
	}
	addTo(&s.Spared, sk, milli)
}

// sparedOf lists the spared records of a kind in the order of their keys.
func (s *summary) sparedOf(kind *store.RecordKind) (sks []string) {
	for sk := range s.Spared {
		if strings.HasPrefix(sk, kind.SK) {
			sks = append(sks, sk)
		}
	}
	slices.Sort(sks)
	return sks
}

// notePresent notes where the record of a rejected row may be stored. read says that the row could be read, and was rejected
// for whom it is about.
func (m *mapped) notePresent(at place, rows source.Rows, why *billing.Problem, read bool) {
	if !m.w.keepsRejected() {
		return
	}
	sks, asks := m.storedAs(rows, why)
	if len(sks) == 0 && asks == "" && !read {
		addTo(&m.sum.Unknown, string(m.dataset), 1)
	}
	for _, sk := range sks {
		m.main[m.w.parts.rangeOf(sk, m.w.ranges)].add(&entry{key: sk, place: at, kind: present})
	}
	if asks != "" {
		m.asked = true
		m.asks[m.w.parts.rangeOf(asks, m.w.ranges)].add(&entry{key: asks, place: at, kind: present, body: []byte(m.kind.Kind)})
	}
}

// storedAs lists the keys at which the record of a rejected row may be stored, or the key of the pointer that leads to it
// there. There are none if its id cannot be told for sure.
func (m *mapped) storedAs(rows source.Rows, why *billing.Problem) (sks []string, pointer string) {
	if m.kind == nil || garbled(why.Code) || why.Column == billing.ColumnID(m.dataset) {
		return nil, ""
	}
	id := rows.ID()
	switch {
	case id == "":
	case m.kind.Of == "" || m.kind.Found != "":
		sks = append(sks, m.kind.SKOf(m.w.hasher, id))
	case m.kind.HeldBySK(m.w.hasher, id) != "":
		pointer = m.kind.HeldBySK(m.w.hasher, id)
	default: // a contact, whose key begins with its customer
		for _, customer := range rows.Customers() {
			if customer != "" {
				h := m.w.hasher.CustomerH(customer)
				sks = append(sks, m.w.parts.Below(m.kind, h).From+m.w.hasher.External(m.kind.Kind, id).String())
			}
		}
	}
	return sks, pointer
}

// garbled reports whether a problem is that a row could not be taken apart, so that its id may be anything.
func garbled(code string) bool {
	switch code {
	case source.CodeRecordTooLong, source.CodeBadEncoding, source.CodeBadQuote, source.CodeWrongFieldCount, source.CodeNotCorrected, source.CodeMixedRejects,
		source.CodeBadJSON, source.CodeTooDeep, source.CodeNoDataset, source.CodeUnknownDataset, billing.CodeDuplicateField:
		return true
	}
	return false
}

// seePresent takes the rejected rows out of those that ask about an external id, and tells merge where the record with that
// id is stored.
func (a *answers) seePresent(q *question, stored table.Attrs) {
	q.askers = slices.DeleteFunc(q.askers, func(asker entry) bool {
		if asker.kind != present {
			return false
		}
		if kind := store.KindNamed(store.Kind(asker.body)); stored != nil {
			a.addFound(&entry{key: kind.HeldSK(q.about, stored), place: asker.place, kind: present})
		}
		return true
	})
}

// addPresent tells merge where the record is stored that has the external id of a row which is rejected for it.
func (a *answers) addPresent(about string, asker *entry, stored table.Attrs) {
	if a.w.keepsRejected() {
		a.addFound(&entry{key: store.RecordAt(string(asker.body)).HeldSK(about, stored), place: asker.place, kind: present})
	}
}

func (a *answers) addFound(e *entry) {
	if e.key != "" {
		a.any = true
		a.found[a.w.parts.rangeOf(e.key, a.w.ranges)].add(e)
	}
}

// refuse rejects a row whose key is not known: no stored record can stay for it.
func (m *rangeMerge) refuse(e *entry, column, code, message string) {
	m.reject(e, column, code, message)
	if m.w.keepsRejected() {
		addTo(&m.sum.Unknown, m.datasetOf(e), 1)
	}
}

// stay leaves what is stored at the key of a rejected row as it is.
func (m *rangeMerge) stay(ctx context.Context, c *candidate) error {
	if !m.w.keepsRejected() {
		return nil
	}
	if c.parent == "" {
		if m.parent = (parentState{sk: c.sk, erasing: c.hidden}); c.before != nil {
			m.parent = m.stays(c.sk, c.before)
			m.parent.closed = true
		}
	}
	return m.stayAt(ctx, c.sk, c.before)
}

// stayAt counts a stored row that stays, and keeps what it needs.
func (m *rangeMerge) stayAt(ctx context.Context, sk string, a table.Attrs) error {
	if a == nil {
		return nil
	}
	m.sum.Stayed++
	if kept := m.keep(store.ParentSK(sk)); kept != nil {
		if err := m.need(ctx, kept.sk, kept.before); err != nil {
			return err
		}
	}
	return m.need(ctx, sk, a)
}

// need spares the customer that a row belongs to which stays, and the plan that it names, if they are to go.
func (m *rangeMerge) need(ctx context.Context, sk string, a table.Attrs) error {
	k, plan := store.RecordAt(sk), a.Str(store.AttrPlan)
	if k.Of != store.KindCustomer && plan == "" {
		return nil
	}
	going, err := m.w.goingBefore(ctx)
	if err != nil || len(going) == 0 {
		return err
	}
	if k.Of == store.KindCustomer {
		m.spareIfGoing(going, store.CustomerSK(m.w.hasher.CustomerH(a.Str(k.OfAttr))))
	}
	if plan != "" && m.spareIfGoing(going, store.PlanSK(m.w.hasher.External(store.KindPlan, plan))) {
		m.sum.keptPlan(plan)
	}
	return nil
}

func (m *rangeMerge) spareIfGoing(going map[string]int64, sk string) bool {
	milli, is := going[sk]
	if is {
		m.sum.spare(sk, milli)
	}
	return is
}

// goingBefore are the customers and plans that this job is to remove, with the cost of that. They are read once a row stays
// that may need them.
func (w *work) goingBefore(ctx context.Context) (map[string]int64, error) {
	if w.going != nil {
		return w.going, nil
	}
	going := map[string]int64{}
	for _, stage := range []int{stagePlans, stageCustomers} {
		for r := range w.ranges {
			err := w.eachOwn(ctx, stage, r, func(c *change) error {
				if removals(c) {
					going[strings.Clone(c.sk)] = w.costOf(c)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	w.going = going
	return going, nil
}

// spared reports whether the gate has taken back a removal of an import, while others are made.
func spared(spec *job.ImportSpec, c *change) bool {
	return removals(c) && (len(spec.Withheld) > 0 || len(spec.Spared) > 0) && sparedAt(spec, string(c.dataset()), c.sk)
}

func sparedAt(spec *job.ImportSpec, dataset, sk string) bool {
	_, is := slices.BinarySearch(spec.Spared, sk)
	return is || slices.Contains(spec.Withheld, dataset)
}

// withheld reports whether the gate has taken back a removal.
func withheld(spec *job.ImportSpec, c *change) bool {
	return removals(c) && withholds(spec, string(c.dataset()), c.sk)
}

// withholds reports whether the gate has taken back the removal of a row of a dataset.
func withholds(spec *job.ImportSpec, dataset, sk string) bool {
	return spec.Undo == "" && (!spec.Removes || sparedAt(spec, dataset, sk))
}

// takeBack takes back removals of a pull: of datasets that have rejected rows whose id is not known, and of what rows need
// that stay. It sets Withheld and Spared.
func (s *summary) takeBack(spec *job.ImportSpec) (notes []string) {
	if s.Stayed > 0 {
		notes = append(notes, fmt.Sprintf("%s kept as they are, because what the input says of them was rejected.", rows(s.Stayed)))
	}
	spec.Withheld, spec.Spared = nil, nil
	if held := s.takeBackUnknown(spec); held > 0 {
		notes = append(notes, fmt.Sprintf("%s kept although the input lacks them, because %s rejected whose ID is not known: it may be theirs. Nothing of %s is removed until those are right.",
			rows(held), rows(sumOf(s.Unknown)), listed(spec.Withheld)))
	}
	if more := s.takeBackNeeded(spec); more+s.Kept > 0 {
		notes = append(notes, fmt.Sprintf("%s kept although the input lacks them, because rows that stay belong to them%s.", rows(more+s.Kept), s.suchAsPlans()))
	}
	if !slices.Contains(spec.Withheld, string(billing.Plans)) {
		s.forgetUses()
	}
	return append(notes, s.stillUsed()...)
}

// takeBackUnknown withholds the removals of datasets because of rejected rows whose id is not known, and returns how many.
func (s *summary) takeBackUnknown(spec *job.ImportSpec) (held int64) {
	for ds := range s.Unknown {
		if store.KindFor(billing.Dataset(ds)) == nil { // the row may be of any dataset
			for _, all := range billing.Order() {
				held += s.withholdOf(spec, string(all))
			}
			continue
		}
		for _, one := range heldWith(billing.Dataset(ds)) {
			held += s.withholdOf(spec, string(one))
		}
	}
	return held
}

// heldWith lists a dataset, with those of the parts of its records, and of what its rows and those parts need.
func heldWith(ds billing.Dataset) []billing.Dataset {
	all := []billing.Dataset{ds}
	for i := 0; i < len(all); i++ {
		k := store.KindFor(all[i])
		var needs []billing.Dataset
		for _, part := range store.PartsOf(k.Kind) {
			needs = append(needs, part.Dataset)
		}
		if k.Of != "" {
			needs = append(needs, k.Parent().Dataset)
		}
		if k.Plan != nil {
			needs = append(needs, billing.Plans)
		}
		for _, need := range needs {
			if !slices.Contains(all, need) {
				all = append(all, need)
			}
		}
	}
	return all
}

// withholdOf withholds the removals of a dataset, and returns how many.
func (s *summary) withholdOf(spec *job.ImportSpec, dataset string) (held int64) {
	if !slices.Contains(spec.Datasets, dataset) || slices.Contains(spec.Withheld, dataset) {
		return 0
	}
	spec.Withheld = append(spec.Withheld, dataset)
	slices.Sort(spec.Withheld)
	s.count(dataset, func(c *job.Counts) { held, c.Removed = c.Removed, 0 })
	for i := range s.Totals {
		if s.Totals[i].Dataset == dataset {
			s.Totals[i].Removed = 0
		}
	}
	s.Changes -= held
	s.RemoveMilli -= s.RemovalOf[dataset]
	return held
}

// takeBackNeeded takes back the removals of customers and plans that rows need which stay, and returns how many.
func (s *summary) takeBackNeeded(spec *job.ImportSpec) (held int64) {
	for _, kind := range []*store.RecordKind{store.KindFor(billing.Customers), store.KindFor(billing.Plans)} {
		sks, dataset := s.sparedOf(kind), string(kind.Dataset)
		switch {
		case len(sks) == 0, slices.Contains(spec.Withheld, dataset):
		case len(sks) > mostSpared:
			held += s.withholdOf(spec, dataset)
		default:
			for _, sk := range sks {
				spec.Spared = append(spec.Spared, sk)
				s.RemoveMilli -= s.Spared[sk]
			}
			n := int64(len(sks))
			s.count(dataset, func(c *job.Counts) { c.Removed -= n })
			s.Changes -= n
			held += n
		}
	}
	slices.Sort(spec.Spared)
	return held
}

func sumOf(counts map[string]int64) (n int64) {
	for one := range maps.Values(counts) {
		n += one
	}
	return n
}

// listed lists datasets as a part of a sentence.
func listed(datasets []string) string {
	out := make([]string, len(datasets))
	for i, ds := range datasets {
		out[i] = words(billing.Dataset(ds))
	}
	return strings.Join(out, ", ")
}
