package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Whether a record may go depends on what belongs to it: it may go if none of that stays. So the
// rows that are stored under the records that are to go are walked, together with what this job
// changes there.

// dependentChange says that a row which belongs to a record goes, or comes.
type dependentChange struct {
	key   string // of the row, or of the record's pointer to it
	comes bool
}

// dependentChanges are the changes of the rows of one kind, in key order.
type dependentChanges struct {
	in   *merger // each body is "+" for a row that comes, "-" for a row that goes
	cur  dependentChange
	more bool
}

func (t *dependentChanges) step() error {
	e, err := t.in.next()
	t.more = err == nil
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		t.cur = dependentChange{e.key, e.body[0] == '+'}
	}
	return err
}

func (t *dependentChanges) close() {
	if t != nil {
		t.in.close()
	}
}

// dependentKey is the key under which a row belongs to a customer; empty if there is no row, or it
// belongs to none.
func (w *work) dependentKey(sk string, a table.Attrs) string {
	if a == nil {
		return ""
	}
	return store.BelowSK(w.hasher, sk, a)
}

func runDependents(kind *store.RecordKind) string { return "hung-" + kind.Below()[:1] }

// findDependents stores which rows come and go under customers in this job, by the key range of the
// customer.
func (w *work) findDependents(ctx context.Context, keyRange int) error {
	for _, kind := range dependentKinds() {
		if !hasStage(w.job, kind.Stage) {
			continue
		}
		out := &spill{w: w, name: func(n int) string {
			return runName(stageCustomers, runDependents(kind), fmt.Sprintf("%02x-%04d", keyRange, n))
		}}
		err := w.eachOwn(ctx, kind.Stage, keyRange, func(c *change) error { return w.noteDependent(ctx, out, c) })
		if err == nil {
			err = out.end(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteDependent stores that a row goes from a customer, or comes to one.
func (w *work) noteDependent(ctx context.Context, out *spill, c *change) error {
	before, after := w.dependentKey(c.sk, c.before), w.dependentKey(c.sk, c.after)
	if before == after {
		return nil
	}
	if before != "" {
		if err := out.add(ctx, &entry{key: before, kind: record, body: []byte{'-'}}); err != nil {
			return err
		}
	}
	if after == "" {
		return nil
	}
	return out.add(ctx, &entry{key: after, kind: record, body: []byte{'+'}})
}

// openDependents opens what findDependents stored about the customers of a key range.
func (w *work) openDependents(ctx context.Context, keyRange int) (all []*dependentChanges, err error) {
	for _, kind := range dependentKinds() {
		in, err := w.runs.read(ctx, runPrefix(stageCustomers, runDependents(kind)), keyRange)
		if err == nil {
			t := &dependentChanges{in: in}
			all = append(all, t)
			err = t.step()
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// needed tells which of the rows that are to go, in key order, must stay because other rows that
// stay belong to them. For customers all dependent rows count, and changed, what comes and goes
// among those, is read on with every call. For an invoice its line items and transactions count,
// unless they are to go too.
func (w *work) needed(ctx context.Context, sks []string, changed []*dependentChanges) (map[string]bool, error) {
	n := &neededFinder{w: w, needed: map[string]bool{}}
	for _, sk := range sks {
		if store.ParentSK(sk) == "" {
			n.records = append(n.records, sk)
		}
	}
	if len(n.records) == 0 {
		return n.needed, nil
	}
	if kind := store.RecordAt(n.records[0]); kind.Kind != store.KindCustomer {
		n.goes = func(key string) (bool, error) {
			_, found := slices.BinarySearch(sks, key)
			return found, nil
		}
		return n.needed, n.find(ctx, func(h store.H) table.Query { return w.parts.Parts(kind, h) })
	}
	for i, kind := range dependentKinds() {
		of := func(h store.H) table.Query { return w.parts.Below(kind, h) }
		var t *dependentChanges // nil if nothing comes or goes
		if i < len(changed) {
			t = changed[i]
		}
		n.goes = func(key string) (bool, error) { return n.goesBy(t, key) }
		if err := n.find(ctx, of); err != nil {
			return nil, err
		}
		// Rows that come after the last stored row.
		last, _ := store.LeadingH(n.records[len(n.records)-1])
		if _, err := n.goesBy(t, of(last).To); err != nil {
			return nil, err
		}
	}
	return n.needed, nil
}

// neededFinder finds out which records are needed by rows of one kind.
type neededFinder struct {
	w       *work
	records []string // sort keys, ascending
	needed  map[string]bool
	goes    func(key string) (bool, error) // asked in ascending order
}

// goesBy reports whether the row with this key goes. It marks the records of rows that come before
// that key.
func (n *neededFinder) goesBy(t *dependentChanges, key string) (goes bool, err error) {
	for t != nil && t.more && t.cur.key <= key {
		if t.cur.comes {
			n.mark(t.cur.key)
		} else {
			goes = goes || t.cur.key == key
		}
		if err := t.step(); err != nil {
			return false, err
		}
	}
	return goes, nil
}

// mark notes that a row stays under a key. So its record is needed, if it is among those that are
// to go.
func (n *neededFinder) mark(key string) {
	record := n.records[0][:2] + key[2:2+2*store.HashLen]
	if _, found := slices.BinarySearch(n.records, record); found {
		n.needed[record] = true
	}
}

// find walks what is stored under the records: all of it at once where they are dense, record by
// record where they are sparse.
func (n *neededFinder) find(ctx context.Context, of func(store.H) table.Query) error {
	for from := 0; from < len(n.records); {
		pk, to := n.w.parts.Of(n.records[from]), from+1
		for to < len(n.records) && n.w.parts.Of(n.records[to]) == pk {
			to++
		}
		var queries []table.Query
		for _, sk := range n.records[from:to] {
			h, _ := store.LeadingH(sk)
			queries = append(queries, of(h))
		}
		dense, err := n.w.dense(ctx, queries)
		if err != nil {
			return err
		}
		if dense {
			queries[0].To = queries[len(queries)-1].To
			queries = queries[:1]
		}
		for _, q := range queries {
			if err := n.walk(ctx, q); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

func (n *neededFinder) walk(ctx context.Context, q table.Query) error {
	q.KeysOnly = n.w.undone != nil // an import also needs to know whether they are superseded
	seen := 0
	for it, err := range n.w.store.Items(ctx, q) {
		if seen++; err == nil && seen%lookAfter == 0 {
			err = n.w.interrupted(ctx)
		}
		if err != nil {
			return err
		}
		// an invoice, read before the parts of the next one
		if k := store.RecordAt(it.SK); k != nil && !k.Part && !k.Under() {
			continue
		}
		goes, err := n.goes(it.SK)
		if err != nil {
			return err
		}
		if !goes && !n.w.superseded(it.Attrs) {
			n.mark(it.SK)
		}
	}
	return nil
}

// superseded reports whether a row belongs to manual customers that were erased and imported again.
// It cannot be restored, so an import ignores it. An undo does not.
func (w *work) superseded(a table.Attrs) bool {
	n := manualOf(a)
	return w.undone == nil && n > 0 && n < w.dir.ManualEpoch
}

// dense reports whether one read from the first to the last of these queries costs less than one
// read for each. The queries are of one partition, in key order.
func (w *work) dense(ctx context.Context, queries []table.Query) (bool, error) {
	if len(queries) <= fewKeys {
		return false, nil
	}
	what := queries[0].From[:2]
	ends := []string{queries[0].From, queries[len(queries)-1].To}
	if _, known := w.density[what]; !known {
		page, err := w.store.Page(ctx, table.Query{PK: queries[0].PK, From: ends[0], To: ends[1], Limit: probe, KeysOnly: true})
		if err != nil {
			return false, err
		}
		if page.Next == "" {
			page.Next = ends[1]
		}
		w.learn(what, page.Cost, ends[0], page.Next)
	}
	return w.density[what]*(position(ends[1])-position(ends[0])) <= float64(1000*len(queries)), nil
}

const runNamed = "named"

// findNamed stores which of the plans that are to go are named by rows of a shard that stay or
// come. No key leads from a plan to those rows, so line items and events are read, but only if
// plans are to go.
func (w *work) findNamed(ctx context.Context, shard int) error {
	if shard >= w.parts.Shards {
		return nil
	}
	going, err := w.plansGoing(ctx)
	if err != nil || len(going) == 0 {
		return err
	}
	named := map[string]bool{}
	for stage := range store.Stages() {
		if !namesPlans(stage) {
			continue
		}
		err := w.eachLeft(ctx, stage, shard, func(a table.Attrs) {
			if plan := a.Str(store.AttrPlan); plan != "" {
				named[plan] = true
			}
		})
		if err != nil {
			return err
		}
	}
	sections := make([]batch, 1)
	for plan := range named {
		if sk := store.PlanSK(w.hasher.External(store.KindPlan, plan)); going[sk] {
			sections[0].add(&entry{key: sk, kind: record})
		}
	}
	if len(sections[0].refs) == 0 {
		return nil
	}
	return w.writeRun(ctx, runName(stagePlans, runNamed, fmt.Sprintf("%02x", shard)), sections)
}

// plansGoing are the plans that this job is to remove, as far as it has decided.
func (w *work) plansGoing(ctx context.Context) (map[string]bool, error) {
	going := map[string]bool{}
	note := func(c *change) error {
		if removals(c) {
			going[c.sk] = true
		}
		return nil
	}
	each := w.eachOwn
	// the job has not decided its plans: this step is part of deciding them
	if w.undone != nil && !w.job.Import.Parked {
		each = w.eachUndone
	}
	for r := range w.ranges {
		if err := each(ctx, stagePlans, r, note); err != nil {
			return nil, err
		}
	}
	return going, nil
}

// eachLeft calls f for all rows of a stage in a key range as this job leaves them.
func (w *work) eachLeft(ctx context.Context, stage, shard int, f func(table.Attrs)) error {
	shards := w.parts.Shards
	stored := &walk{w: w, queries: w.parts.scans(stage, shard, shards)}
	// upTo calls f for the stored rows up to a key, except the row of that key, which this job
	// changes.
	upTo := func(sk string) error {
		for n := 0; ; n++ {
			if n%lookAfter == 0 {
				if err := w.interrupted(ctx); err != nil {
					return err
				}
			}
			it, more, err := stored.peek(ctx)
			if err != nil || !more || sk != "" && it.SK > sk {
				return err
			}
			if stored.pass(); it.SK != sk && !w.superseded(it.Attrs) {
				f(it.Attrs)
			}
		}
	}
	err := w.eachOwn(ctx, stage, shard*w.ranges/shards, func(c *change) error {
		if w.parts.rangeOf(c.sk, shards) != shard {
			return nil
		}
		if len(c.after) > 0 {
			f(c.after)
		}
		return upTo(c.sk)
	})
	if err != nil {
		return err
	}
	return upTo("")
}

// loadNamed reads what findNamed stored, which is little.
func (w *work) loadNamed(ctx context.Context) (map[string]bool, error) {
	in, err := w.runs.read(ctx, runPrefix(stagePlans, runNamed), 0)
	if err != nil {
		return nil, err
	}
	defer in.close()
	named := map[string]bool{}
	err = in.each(func(e entry) error {
		named[e.key] = true
		return nil
	})
	return named, err
}
