package importer

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// replaced is the part of a merge that only a replace has. It walks all stored rows, and marks for
// removal the rows of the import's datasets that the input lacks. The gate decides whether they are
// removed.
type replaced struct {
	stored *walk // nil unless the job is a replace
	// removals are those of one record and of the rows that belong to it. They are held back until
	// the walk shows whether any row stays that belongs to the record: then the record stays too.
	removals []*change
	named    map[string]bool // plans that stay, see plansNamed; nil before it is called
	going    map[string]bool // see goingPlans
	uses     planUses        // of the plans that stay or are to go
	hidden   string          // the last record met that is being erased: the rows that belong to it stay with it
}

func (m *rangeMerge) beginReplace(ctx context.Context, keyRange int) (err error) {
	if m.w.job.Import.Mode != job.Replace {
		return nil
	}
	m.stored = &walk{w: m.w}
	if m.stored.queries, err = m.w.rangeScans(ctx, m.stage, keyRange); err != nil {
		return err
	}
	m.going, err = m.w.goingPlans(ctx, m.stage)
	return err
}

// meet walks up to a candidate's key, and reads what is stored there.
func (m *rangeMerge) meet(ctx context.Context, c *candidate) error {
	if m.stored == nil {
		return nil
	}
	for {
		it, more, err := m.stored.peek(ctx)
		if err != nil || !more || it.SK > c.sk {
			return err
		}
		m.stored.pass()
		if it.SK < c.sk {
			if err := m.lacking(ctx, it); err != nil {
				return err
			}
			continue
		}
		if c.before = m.w.present(it.SK, it.Attrs); c.before != nil {
			m.sum.stored(string(datasetOf(it.SK, it.Attrs)))
		} else if c.hidden = m.w.beingErased(it.SK, it.Attrs); c.hidden && c.parent == "" {
			m.hidden = it.SK
		}
		return nil
	}
}

// endReplace walks to the end of the range.
func (m *rangeMerge) endReplace(ctx context.Context) error {
	for m.stored != nil {
		it, more, err := m.stored.peek(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		m.stored.pass()
		if err := m.lacking(ctx, it); err != nil {
			return err
		}
	}
	for plan := range m.going {
		m.sum.usePlan(plan, m.uses.of[plan])
	}
	return m.flushRemovals()
}

// lacking takes a stored record that the input lacks. If the import has its dataset, the record is
// to be removed.
func (m *rangeMerge) lacking(ctx context.Context, it table.Item) error {
	a, parent := m.w.present(it.SK, it.Attrs), store.ParentSK(it.SK)
	switch {
	case a == nil && parent == "":
		m.hidden = it.SK
		m.parent = parentState{sk: it.SK, erasing: m.w.beingErased(it.SK, it.Attrs)}
		return nil
	case m.w.dir.Erasing(it.Attrs): // a restore would leave it without a parent
		m.keep(parent)
		return nil
	case a == nil, parent != "" && parent == m.hidden:
		return nil
	case parent != "" && parent == m.parent.sk && m.parent.closed && m.w.given(datasetOf(it.SK, a)):
		m.sum.stored(string(datasetOf(it.SK, a)))
		return m.stayAt(ctx, it.SK, a)
	}
	m.seeUse(it.SK, a)
	ds := datasetOf(it.SK, a)
	if !m.mayGo(ds, a) {
		m.leave(it.SK, a)
		return nil
	}
	needed, err := m.needed(ctx, it.SK)
	if err != nil {
		return err
	}
	if needed {
		m.sum.Kept++
		if isPlan(it.SK) {
			m.keepPlan(nameOf(a))
		}
		return nil
	}
	return m.remove(it.SK, parent, a)
}

// remove holds back the removal of a stored row.
func (m *rangeMerge) remove(sk, parent string, a table.Attrs) error {
	if parent == "" {
		m.parent = parentState{sk: sk, was: m.currencyOf(a)}
	}
	m.sums.add(inRemoved, 1, store.RecordAt(sk), a, m.parent.was)
	if len(m.removals) > 0 && (parent == "" || m.removals[0].sk != parent) {
		if err := m.flushRemovals(); err != nil {
			return err
		}
	}
	m.removals = append(m.removals, &change{sk: sk, before: a})
	return nil
}

// keepPlan notes a plan that stays, and how many stored rows use it if it is one of the first.
func (m *rangeMerge) keepPlan(plan string) {
	m.sum.keptPlan(plan)
	if len(m.sum.PlanUses) < firstPlans {
		m.sum.usePlan(plan, m.uses.of[plan])
	}
}

// mayGo reports whether the import may remove a row of a dataset that it lacks.
func (m *rangeMerge) mayGo(ds billing.Dataset, a table.Attrs) bool {
	given := m.w.given(ds)
	if given {
		m.sum.stored(string(ds))
	}
	return given && !m.w.handmade(a)
}

// leave leaves a row that the input lacks as it is, with the record that it belongs to.
func (m *rangeMerge) leave(sk string, a table.Attrs) {
	parent := store.ParentSK(sk)
	if parent == "" {
		m.parent = m.stays(sk, a)
	}
	m.keepFor(parent)
}

// needed reports whether a record that the input lacks must stay because of rows of datasets that
// the import does not have. For an invoice, [rangeMerge.keepFor] decides it.
func (m *rangeMerge) needed(ctx context.Context, sk string) (bool, error) {
	switch {
	case isCustomer(sk):
		return m.w.hasOthers(ctx, sk)
	case !isPlan(sk):
		return false, nil
	case m.named == nil:
		var err error
		if m.named, m.uses, err = m.w.plansNamed(ctx); err != nil {
			return false, err
		}
	}
	return m.named[sk], nil
}

// keepFor keeps the record that a row which stays belongs to.
func (m *rangeMerge) keepFor(parent string) {
	if kept := m.keep(parent); kept != nil {
		m.parent = m.stays(parent, kept.before)
	}
}

// stays is the state of a stored record that stays as it is.
func (m *rangeMerge) stays(sk string, a table.Attrs) parentState {
	currency := m.currencyOf(a)
	return parentState{sk: sk, exists: true, manual: manualOf(a), stored: a, old: true, was: currency, currency: currency}
}

// keep keeps a record that was to be removed; it returns nil if there is no such record. Input rows
// that name the record are still rejected.
func (m *rangeMerge) keep(parent string) *change {
	if parent == "" || len(m.removals) == 0 || m.removals[0].sk != parent {
		return nil
	}
	kept := m.removals[0]
	m.removals = m.removals[1:]
	m.sum.Kept++
	return kept
}

// flushRemovals adds the held removals to the change set.
func (m *rangeMerge) flushRemovals() error {
	for _, c := range m.removals {
		m.sum.count(string(c.dataset()), func(n *job.Counts) { n.Removed++ })
		milli := m.sum.RemoveMilli
		if err := m.write(c, &m.sum.RemoveMilli); err != nil {
			return err
		}
		if m.w.keepsRejected() {
			addTo(&m.sum.RemovalOf, string(c.dataset()), m.sum.RemoveMilli-milli)
		}
	}
	m.removals = nil
	return nil
}

// given reports whether the import has a dataset.
func (w *work) given(ds billing.Dataset) bool {
	return slices.Contains(w.job.Import.Datasets, string(ds))
}

// hasOthers reports whether stored rows that this import does not supply, or that are being erased,
// depend on the customer, directly or through an invoice. What it does supply goes with the
// customer: an input row that names the customer is rejected, and then nothing is removed.
func (w *work) hasOthers(ctx context.Context, sk string) (bool, error) {
	h, _ := store.LeadingH(sk)
	if hidden, err := w.anyHidden(ctx, h); hidden || err != nil {
		return hidden, err
	}
	// ranges whose rows this import does not supply, and ranges of rows that may be of several
	// datasets
	var all, some []table.Query
	for _, kind := range dependentKinds() {
		switch {
		case kind.Came != nil:
			some = append(some, w.parts.Below(kind, h))
		case !w.given(kind.Dataset):
			all = append(all, w.parts.Below(kind, h))
		}
	}
	if found, err := w.any(ctx, all...); found || err != nil {
		return found, err
	}
	if found, err := w.anyPartNotGiven(ctx, h); found || err != nil {
		return found, err
	}
	if found, err := w.anyHandmade(ctx, h); found || err != nil {
		return found, err
	}
	return w.anyNotGiven(ctx, some...)
}

// anyPartNotGiven reports whether a record of the customer has a part in a dataset that the import
// does not have.
func (w *work) anyPartNotGiven(ctx context.Context, customer store.H) (bool, error) {
	for _, kind := range dependentKinds() {
		if !slices.ContainsFunc(store.PartsOf(kind.Kind), func(part *store.RecordKind) bool { return !w.given(part.Dataset) }) {
			continue
		}
		for it, err := range w.store.Items(ctx, w.parts.Below(kind, customer)) {
			if err != nil {
				return false, err
			}
			own, _ := store.TrailingH(it.SK)
			if found, err := w.anyNotGiven(ctx, w.parts.Parts(kind, own)); found || err != nil {
				return found, err
			}
		}
	}
	return false, nil
}

// anyHidden reports whether a record of the customer is being erased: a restore would leave it
// without a customer.
func (w *work) anyHidden(ctx context.Context, customer store.H) (bool, error) {
	if !w.dir.AnyHidden(w.tag) {
		return false, nil
	}
	var queries []table.Query
	for _, kind := range dependentKinds() {
		if kind.Found == "" {
			queries = append(queries, w.parts.Below(kind, customer))
			continue
		}
		for it, err := range w.store.Items(ctx, w.parts.Below(kind, customer)) {
			if err != nil {
				return false, err
			}
			invoice, _ := store.TrailingH(it.SK)
			if w.dir.Erasing(it.Attrs) || w.dir.InvoiceHidden(w.tag, invoice, customer) {
				return true, nil
			}
			queries = append(queries, w.parts.Parts(kind, invoice))
		}
	}
	for _, q := range queries {
		for it, err := range w.store.Items(ctx, q) {
			if err != nil || w.dir.Erasing(it.Attrs) {
				return err == nil, err
			}
		}
	}
	return false, nil
}

// anyNotGiven reports whether a range holds a record of a dataset that the import does not have.
func (w *work) anyNotGiven(ctx context.Context, ranges ...table.Query) (bool, error) {
	for _, q := range ranges {
		for it, err := range w.store.Items(ctx, q) {
			if err != nil || !w.given(datasetOf(it.SK, it.Attrs)) {
				return err == nil, err
			}
		}
	}
	return false, nil
}

// plansNamed are the sort keys of the plans that stored rows name which this import does not
// supply. While records of the source are being erased, every stored row counts, since it may be
// one of those. No key leads from a plan to its rows, so those rows are read, in all shards at the
// same time. uses counts the visible ones among them.
func (w *work) plansNamed(ctx context.Context) (named map[string]bool, uses planUses, err error) {
	var queries []table.Query
	erasing := w.dir.AnyHidden(w.tag)
	for stage := range store.Stages() {
		if anyOf(stage, func(k *store.RecordKind) bool {
			return k.Plan != nil && (erasing || pulled(w.job) || !w.given(k.Dataset))
		}) {
			queries = append(queries, w.parts.scans(stage, 0, 1)...)
		}
	}
	var mu sync.Mutex
	named, uses = map[string]bool{}, planUses{of: map[string]job.PlanUse{}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.store.Parallel())
	for _, q := range queries {
		g.Go(func() error {
			ids, found, err := w.plansNamedIn(ctx, q, erasing)
			mu.Lock()
			defer mu.Unlock()
			for id := range ids {
				named[store.PlanSK(w.hasher.External(store.KindPlan, id))] = true
			}
			for plan, use := range found.of {
				uses.of[plan] = uses.of[plan].Add(use)
			}
			return err
		})
	}
	err = g.Wait()
	return named, uses, err
}

// plansNamedIn is plansNamed for one query, which has all line items of an invoice. ids are the external
// ids of the plans; erasing says that every stored row counts.
func (w *work) plansNamedIn(ctx context.Context, q table.Query, erasing bool) (ids map[string]bool, uses planUses, err error) {
	ids = map[string]bool{}
	for it, err := range w.store.Items(ctx, q) {
		if err != nil {
			return nil, planUses{}, err
		}
		plan := it.Attrs.Str(store.AttrPlan)
		if plan == "" {
			continue
		}
		if w.present(it.SK, it.Attrs) != nil {
			uses.see(plan, it.SK)
		}
		if erasing || !pulled(w.job) || !w.given(datasetOf(it.SK, it.Attrs)) || w.handmade(it.Attrs) {
			ids[plan] = true
		}
	}
	return ids, uses, nil
}

// any reports whether any of the ranges holds an item.
func (w *work) any(ctx context.Context, queries ...table.Query) (bool, error) {
	var some atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	for _, q := range queries {
		g.Go(func() error {
			q.Limit, q.KeysOnly = 1, true
			page, err := w.store.Page(ctx, q)
			if len(page.Items) > 0 {
				some.Store(true)
			}
			return err
		})
	}
	err := g.Wait()
	return some.Load(), err
}
