package eraser

import (
	"context"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/edit"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// survey is what a source holds of one import: the rows that it added, and the rows from elsewhere
// that belong to them.
type survey struct {
	number int64
	plans  map[string]bool // external ids of the plans that it added

	mu         sync.Mutex
	added      Counts         // rows that it added; their edits too, if the walker finds edits
	dependents Counts         // rows from elsewhere that belong to them, by kind
	owners     map[int64]bool // the numbers of the imports that added the dependents; 0 stands for REST
}

// editsTogether is how many records the edits are looked for in one read.
const editsTogether = 1000

// survey reads a whole source, each item once, its shards in parallel.
func (r walker) survey(ctx context.Context, number int64) (*survey, error) {
	s := &survey{number: number, plans: map[string]bool{}, added: Counts{}, dependents: Counts{}, owners: map[int64]bool{}}
	v := r.surveyor(s)
	for it, err := range r.st.Items(ctx, r.sp.Plans()) {
		if err == nil {
			err = v.countAdded(ctx, it)
		}
		if err != nil {
			return nil, err
		}
		if id := it.Attrs.Str("external_id"); id != "" && s.ours(it) { // rows name plans by external id only
			s.plans[id] = true
		}
	}
	if err := v.done(ctx); err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(countersAtOnce)
	for i := range r.sp.Shards {
		g.Go(func() error { return r.surveyor(s).shard(ctx, i) })
	}
	return s, g.Wait()
}

// ours tells whether the import added an item.
func (s *survey) ours(it table.Item) bool { return store.OriginOf(it.Attrs).Import == s.number }

// surveyor reads one shard, or the plans.
type surveyor struct {
	walker
	*survey
	counts Counts // of rows that the import added
	// batches are records that the import added and whose edits have not been looked for, by the
	// first letter of their keys. All records of a batch are in one partition, in key order.
	batches map[byte][]table.Item
}

func (r walker) surveyor(s *survey) *surveyor {
	return &surveyor{walker: r, survey: s, counts: Counts{}, batches: map[byte][]table.Item{}}
}

func (v *surveyor) shard(ctx context.Context, shard int) error {
	if err := v.families(ctx, shard); err != nil {
		return err
	}
	for _, kind := range store.Kinds() {
		if len(store.PartsOf(kind.Kind)) > 0 {
			if err := v.withParts(ctx, kind, shard); err != nil {
				return err
			}
		}
	}
	for _, p := range store.PointerKinds() {
		if p.Stands() != nil { // read with the families
			continue
		}
		for it, err := range v.st.Items(ctx, v.sp.All(p.SK, shard)) {
			if err == nil {
				err = v.countAdded(ctx, it)
			}
			if err != nil {
				return err
			}
		}
	}
	return v.done(ctx)
}

// families reads customers together with what belongs to them. Both are in the order of the
// customers.
func (v *surveyor) families(ctx context.Context, shard int) error {
	children := store.ChildrenOf(store.KindCustomer)
	cursors := make([]cursor, len(children))
	for i, kind := range children {
		next, stop := iter.Pull2(v.st.Items(ctx, v.sp.All(kind.Below(), shard)))
		defer stop()
		cursors[i].next = next
		if err := cursors[i].step(); err != nil {
			return err
		}
	}
	for it, err := range v.st.Items(ctx, v.sp.CustomersIn(shard)) {
		if err == nil {
			err = v.countAdded(ctx, it)
		}
		for i := range cursors {
			if err == nil {
				err = v.childrenOf(ctx, it, &cursors[i])
			}
		}
		if err != nil {
			return err
		}
	}
	for i := range cursors { // what is left has no parent
		if err := v.childrenOf(ctx, table.Item{}, &cursors[i]); err != nil {
			return err
		}
	}
	return v.flush(ctx)
}

// cursor is at an item of a sequence; more is false after the last one.
type cursor struct {
	next func() (table.Item, error, bool)
	item table.Item
	more bool
}

func (c *cursor) step() (err error) {
	c.item, err, c.more = c.next()
	return err
}

// childrenOf reads the cursor up to the last child of a customer; without a customer, to the end.
func (v *surveyor) childrenOf(ctx context.Context, customer table.Item, c *cursor) error {
	for c.more {
		h, _ := store.LeadingH(c.item.SK)
		parent := table.Item{}
		switch sk := store.CustomerSK(h); {
		case sk == customer.SK:
			parent = customer
		case customer.SK != "" && sk > customer.SK:
			return nil
		}
		err := v.child(ctx, parent, c.item)
		if err == nil {
			err = c.step()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// withParts reads the records of a kind, each followed by its parts.
func (v *surveyor) withParts(ctx context.Context, kind *store.RecordKind, shard int) error {
	head := table.Item{}
	for it, err := range v.st.Items(ctx, v.sp.All(kind.SK, shard)) {
		switch {
		case err != nil:
		case store.RecordAt(it.SK) == kind:
			head = it
			err = v.countAdded(ctx, it)
		case store.ParentSK(it.SK) == head.SK:
			err = v.child(ctx, head, it)
		default:
			err = v.child(ctx, table.Item{}, it)
		}
		if err != nil {
			return err
		}
	}
	return v.flush(ctx)
}

// child counts a record that belongs to a parent, which may be missing, and maybe to a plan.
func (v *surveyor) child(ctx context.Context, parent, it table.Item) error {
	switch {
	case v.ours(it):
	case v.ours(parent), v.plans[it.Attrs.Str(store.AttrPlan)]:
		v.noteDependent(it)
	}
	return v.countAdded(ctx, it)
}

// noteDependent counts an item from elsewhere that belongs to rows of the import.
func (v *surveyor) noteDependent(it table.Item) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kind := kindOf(it.SK)
	if p := store.PointerAt(it.SK); p != nil && p.Stands() != nil {
		kind = string(p.Stands().Dataset)
	}
	v.dependents[kind]++
	v.owners[store.OriginOf(it.Attrs).Import] = true
}

// countAdded counts an item if the import added it.
func (v *surveyor) countAdded(ctx context.Context, it table.Item) error {
	if !v.ours(it) {
		return nil
	}
	v.counts[kindOf(it.SK)]++
	if !v.edits || !edited(it.SK) {
		return nil
	}
	letter := it.SK[0]
	if v.batches[letter] = append(v.batches[letter], it); len(v.batches[letter]) < editsTogether {
		return nil
	}
	return v.flush(ctx)
}

// flush counts the edits of the batches, and empties them.
func (v *surveyor) flush(ctx context.Context) error {
	for _, batch := range v.batches {
		keys, err := v.editsOf(ctx, batch)
		if err != nil {
			return err
		}
		for _, k := range keys {
			v.counts[partOf(k).kindOf(k.SK)]++
		}
	}
	clear(v.batches)
	return nil
}

// done adds what this surveyor has counted to the survey.
func (v *surveyor) done(ctx context.Context) error {
	if err := v.flush(ctx); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.added.Add(v.counts)
	return nil
}

// editsOf returns the keys of the edits of some records, and of the pointers that follow from the
// edits; nothing if edits stay. The records must be of one partition, in key order.
func (r walker) editsOf(ctx context.Context, items []table.Item) ([]table.Key, error) {
	records := map[table.Key]table.Attrs{}
	var first, last table.Key
	for _, it := range items {
		if !edited(it.SK) {
			continue
		}
		if len(records) == 0 {
			first = it.Key
		}
		last = it.Key
		records[it.Key] = it.Attrs
	}
	if !r.edits || len(records) == 0 {
		return nil, nil
	}
	var pointers, keys []table.Key
	for item, err := range r.st.Items(ctx, table.Query{PK: r.sp.FieldsOf(first).PK, From: first.SK, To: store.After(last.SK)}) {
		if err != nil {
			return nil, err
		}
		record, _ := r.sp.Edited(item.SK)
		if attrs, ours := records[record]; ours {
			keys = append(keys, item.Key)
			pointers = append(pointers, r.pointersTo(record, attrs, item)...)
		}
	}
	pointers, err := r.existing(ctx, pointers, nil)
	return append(pointers, keys...), err
}

// edited tells whether a record with a sort key can have edits.
func edited(sk string) bool {
	k := store.RecordAt(sk)
	return k != nil && len(k.Edits) > 0
}

// pointersTo returns the keys of the pointers that an edit of a record may have.
func (r walker) pointersTo(record table.Key, attrs table.Attrs, fields table.Item) []table.Key {
	if fields.Key != r.sp.FieldsOf(record) {
		return nil
	}
	customer := r.hr.CustomerH(store.RecordAt(record.SK).CustomerID(attrs))
	return edit.PointersTo(r.sp, r.hr, record, customer, fields.Attrs)
}
