package importer

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/blocks"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// maxEqualRows limits how many rows of one file that have no external id may be equal.
const maxEqualRows = 10_000

// codeCollision is the code of a row whose identity another record has.
const codeCollision = "id_collision"

// candidate is the one input row of a key that may change the table.
type candidate struct {
	sk     string
	entry  entry
	manual *int64 // manual epoch from a finding; nil: the import's own
	kind   *store.RecordKind
	parent string
	before table.Attrs
	hidden bool // what is stored there is being erased
	// repeats is how many more rows of the input are the same; taken says that the row is in the
	// control totals
	repeats int64
	taken   bool
	lost    *place // of the row of its parent, if this merge rejected that
	// the row is rejected already, and what is stored at its key stays as it is, see present.go
	present bool
}

// rangeMerge is the one loop that decides every row of a key range. It meets rows and stored items
// of the same key: a row only in the input is added; in both, unchanged or changed; twice in the
// input, a duplicate; stored only, removed by a replace. A row whose parent is in neither is
// rejected. The outcome depends neither on timing nor on the size of pieces.
type rangeMerge struct {
	w       *work
	stage   int
	out     *changeWriter
	sum     summary
	rejects *rejectRuns
	samples sampler
	group   []entry // equal rows without an external id, waiting for their numbers
	found   *entry  // the finding about the record that follows
	block   []candidate
	parent  parentState
	parents *overlay     // changes of this import to the customers that rows belong to
	lost    *lostRecords // parents that map rejected
	refused candidate    // the last parent that this merge rejected
	builder *table.Builder
	after   []byte // attributes of the change that is being made
	ground  ground
	counts  []job.Counts // for each dataset of the import
	sums    tally
	ofMoney bool      // rows of the stage have amounts in the currency of the record that they belong to
	settled candidate // the last one of the block before, if rows of the input may repeat it
	doubling
	replaced
}

// mergeRange decides a key range, unless that was done before, and stores its change set.
func (w *work) mergeRange(ctx context.Context, stage, keyRange int) (summary, error) {
	id := setID{stage: stage, keyRange: keyRange}
	return w.decideOnce(ctx, id, func(out *changeWriter) (summary, error) {
		m := &rangeMerge{
			w: w, stage: stage, out: out, builder: table.NewBuilder(), counts: make([]job.Counts, len(w.job.Import.Datasets)), ground: w.newGround(ctx, id.name()),
			ofMoney: hasParts(stage),
		}
		defer m.ground.abort()
		return m.merge(ctx, keyRange)
	})
}

// decideOnce stores a change set, whole or not at all. A worker that comes second finds the set and
// uses it.
func (w *work) decideOnce(ctx context.Context, id setID, decide func(*changeWriter) (summary, error)) (summary, error) {
	name := id.object(w.job.ID)
	if sum, err := w.decided(ctx, name); !fault.Is(err, fault.NotFound) {
		return sum, err
	}
	file, err := w.objects.Create(ctx, name)
	if fault.Is(err, fault.Conflict) {
		return w.decided(ctx, name)
	}
	if err != nil {
		return summary{}, err
	}
	defer file.Abort() // has no effect once closed
	out := &changeWriter{out: blocks.NewWriter(file)}
	sum, err := decide(out)
	if err != nil {
		return sum, err
	}
	if err := out.end(sum); err != nil {
		return sum, err
	}
	err = file.Close()
	if fault.Is(err, fault.Conflict) {
		return w.decided(ctx, name)
	}
	return sum, err
}

// decided is the summary of a stored change set.
func (w *work) decided(ctx context.Context, name string) (summary, error) {
	set, err := openChanges(ctx, w.objects, name)
	if err != nil {
		return summary{}, err
	}
	defer set.close()
	return set.each(ctx, func(*change) error { return nil })
}

func (m *rangeMerge) merge(ctx context.Context, keyRange int) (sum summary, err error) {
	in, err := m.w.runs.read(ctx, runPrefix(m.stage, runMain), keyRange)
	if err != nil {
		return sum, err
	}
	defer in.close()
	m.parents = &overlay{}
	if underCustomers(m.stage) {
		if m.parents, err = m.w.customersOverlay(ctx, keyRange); err != nil {
			return sum, err
		}
		defer m.parents.close()
	}
	if m.lost, err = m.w.lostParents(ctx, m.stage, keyRange); err != nil {
		return sum, err
	}
	defer m.lost.close()
	// Under a unique name, which the change set holds: so the two belong together even if another
	// worker does this range.
	m.rejects = &rejectRuns{w: m.w, by: fmt.Sprintf("%d-merge-%02x-%s", m.stage, keyRange, m.w.ledger.NewHolder())}
	if err := m.beginReplace(ctx, keyRange); err != nil {
		return sum, err
	}
	if err := in.each(func(e entry) error {
		m.w.makeWay()
		return m.take(ctx, e)
	}); err != nil {
		return sum, err
	}
	for _, end := range []func(context.Context) error{m.endGroup, m.decide, m.endReplace, m.endDoubling} {
		if err := end(ctx); err != nil {
			return sum, err
		}
	}
	for i, c := range m.counts {
		if c != (job.Counts{}) {
			m.sum.count(m.w.job.Import.Datasets[i], func(all *job.Counts) { *all = all.Add(c) })
		}
	}
	m.sum.Totals = m.sums.totals
	if err := m.rejects.end(ctx, &m.sum); err != nil {
		return sum, err
	}
	if err := m.ground.end(&m.sum); err != nil {
		return sum, err
	}
	return m.sum, m.samples.store(ctx, m.w, setID{stage: m.stage, keyRange: keyRange})
}

// take takes the next entry in key order.
func (m *rangeMerge) take(ctx context.Context, e entry) error {
	if err := m.rejects.spill(ctx); err != nil {
		return err
	}
	if e.kind == finding {
		m.found = &e
		return nil
	}
	found := m.found
	m.found = nil
	if found != nil && (found.key != e.key || found.place != e.place) {
		return fault.New(fault.Internal, "stray_finding", "a look-up of this import names a row that is not there")
	}
	if !e.natural {
		if err := m.endGroup(ctx); err != nil {
			return err
		}
		return m.offer(ctx, e.key, e, found)
	}
	if found != nil { // its key is not final yet, but equal rows are all refused
		r, err := decodeRejection(found.body[1:])
		if err == nil {
			m.refuse(&e, r.column, r.code, r.message)
		}
		return err
	}
	if len(m.group) > 0 && m.group[0].key != e.key {
		if err := m.endGroup(ctx); err != nil {
			return err
		}
	}
	if len(m.group) >= maxEqualRows {
		m.refuse(&e, "", "too_many_equal_rows", fmt.Sprintf("More than %d equal rows without an external ID.", maxEqualRows))
		return nil
	}
	m.group = append(m.group, e)
	return nil
}

// endGroup numbers equal rows without an external id, from the start in each file, and offers them
// in the order of their final keys.
func (m *rangeMerge) endGroup(ctx context.Context) error {
	group := m.group
	m.group = nil
	if len(group) == 1 {
		return m.offer(ctx, group[0].key, group[0], nil)
	}
	nth := make([]int, len(group))
	for i := 1; i < len(group); i++ {
		if group[i].place.file == group[i-1].place.file {
			nth[i] = nth[i-1] + 1
		}
	}
	order := make([]int, len(group))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(nth[a], nth[b]) })
	for _, i := range order {
		if err := m.offer(ctx, store.NthSK(group[i].key, nth[i]), group[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// offer takes one row with its final key. A finding rejects it, or it is a duplicate of the row
// before, or it becomes a candidate.
func (m *rangeMerge) offer(ctx context.Context, sk string, e entry, found *entry) error {
	c := candidate{sk: sk, entry: e, kind: store.RecordAt(sk), parent: store.ParentSK(sk), present: e.kind == present}
	if c.kind == nil {
		return errUnknownKey(sk)
	}
	if err := m.heed(&c, found); err != nil || c.present && !m.w.keepsRejected() {
		return err
	}
	switch {
	case m.settled.sk == sk && c.present:
		return nil
	case m.settled.sk == sk:
		return m.repeatSettled(&c)
	}
	if n := len(m.block); n > 0 {
		if taken, err := m.follow(ctx, &m.block[n-1], &c); taken || err != nil {
			return err
		}
	}
	m.block = append(m.block, c)
	return nil
}

// follow takes a row after the last one of the block. If it returns false, the row is to be added to the block.
func (m *rangeMerge) follow(ctx context.Context, last, c *candidate) (taken bool, err error) {
	switch {
	case last.sk == c.sk && c.present:
		return true, nil
	case last.sk == c.sk && last.present:
		*last = *c
		return true, nil
	case last.sk == c.sk && m.w.inUnits(c.kind, c.entry.place.file) != m.w.inUnits(c.kind, last.entry.place.file):
		if err := m.decide(ctx); err != nil {
			return false, err
		}
		m.settled = *last // decide has left it in place
		return true, m.repeatSettled(c)
	case last.sk == c.sk:
		m.duplicate(last, &c.entry)
		return true, nil
	case last.sk > c.sk: // its number makes a key that is another row's hash
		m.refuse(&c.entry, "", codeCollision, "This row's computed id is taken by another row; give it an external ID.")
		return true, nil
	case len(m.block) >= blockSize:
		return false, m.decide(ctx)
	}
	return false, nil
}

// heed heeds the finding about a row, if there is one, and notes whether the parent of the row was
// refused. A row that is refused here is only present.
func (m *rangeMerge) heed(c *candidate, found *entry) error {
	if c.parent != "" && c.parent == m.refused.sk {
		at := m.refused.entry.place
		c.lost = &at
	}
	if found == nil {
		return nil
	}
	if found.body[0] != 'r' {
		n, _ := binary.Varint(found.body[1:])
		c.manual = &n
		return nil
	}
	r, err := decodeRejection(found.body[1:])
	if err != nil {
		return err
	}
	m.reject(&c.entry, r.column, r.code, r.message)
	if c.present = true; c.parent == "" {
		m.refused = *c
	}
	return nil
}

// duplicate counts a row whose key an earlier row of this input has.
func (m *rangeMerge) duplicate(first *candidate, e *entry) {
	if string(first.entry.body) == string(e.body) {
		m.count(e, func(c *job.Counts) { c.Unchanged++ })
		first.repeats++
		return
	}
	where := m.w.lineAt(first.entry.place)
	if f := first.entry.place.file; f != e.place.file {
		where = rowAt(m.w.job.Import.Files[f], first.entry.place.line)
	}
	m.reject(e, m.idColumn(e), "duplicate_differs",
		"The same record is in "+where+" with other values; the first one is used.")
}

// datasetOf is the dataset of an input row.
func (m *rangeMerge) datasetOf(e *entry) string {
	if f := &m.w.job.Import.Files[e.place.file]; f.Format == "" {
		return f.Dataset
	}
	return string(datasetOf(e.key, e.body))
}

// idColumn is the column that identifies a record in files of the row's dataset.
func (m *rangeMerge) idColumn(e *entry) string {
	return billing.ColumnID(billing.Dataset(m.datasetOf(e)))
}

func (m *rangeMerge) count(e *entry, f func(*job.Counts)) {
	f(&m.counts[slices.Index(m.w.job.Import.Datasets, m.datasetOf(e))])
}

func (m *rangeMerge) reject(e *entry, column, code, message string) {
	m.count(e, countRejected)
	m.rejects.add(e.place, rejection{m.datasetOf(e), column, code, message})
}
