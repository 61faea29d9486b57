package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Edits are the last stage. A line of the input is one part of an edit (see [edit.Part]), and an
// import only adds parts that are not there: what a record has about the same stays. So a change has
// no attributes before, and its attributes after spell the part; a line that yields to what is there
// is in the change set, too, with that part before, and is never applied. Several changes may have
// the same key.

const stageEdits = store.StageEdits

// Kept is the action of an edit that the input brings, and that yields to the one that is there.
const Kept Action = "kept"

func isEdit(sk string) bool {
	_, _, is := store.SplitEdit(sk)
	return is
}

// kept tells whether a change is none: an edit that yields to the one that is there.
func (c *change) kept() bool { return len(c.before) > 0 && len(c.after) > 0 && isEdit(c.sk) }

// editKey is the key of the edit with a sort key.
func (w *work) editKey(sk string) table.Key {
	record, _, _ := store.SplitEdit(sk)
	return table.Key{PK: w.parts.FieldsOf(table.Key{SK: record}).PK, SK: sk}
}

// costOfEdit is the cost of a change of an edit, in thousandths of a write unit: it is written in a
// transaction, which costs twice as much.
func (w *work) costOfEdit(c *change) int64 {
	a := c.after
	if a == nil {
		a = c.before
	}
	return 2 * table.WriteCost(0, table.Item{Key: w.editKey(c.sk), Attrs: a}.Size()).WriteMilli
}

// edit adds a line to the runs, or says why that cannot be. Merges are all decided with the first
// key range, since one may rest on any other.
func (m *mapped) edit(at place, e *billing.Edit) *billing.Problem {
	p, err := edit.PartOf(e)
	if err != nil {
		return problemOf(err)
	}
	sk := store.EditedSK(m.w.hasher, e)
	section := m.w.parts.rangeOf(sk, m.w.ranges)
	if p.Kind == edit.PartMerge {
		section = 0
		if problem := m.w.partner(&p, sk, e); problem != nil {
			return problem
		}
	}
	m.main[section].add(&entry{key: sk + p.What(), place: at, kind: record, body: p.Attrs()})
	return nil
}

func problemOf(err error) *billing.Problem {
	p := &billing.Problem{Code: fault.CodeOf(err), Message: err.Error()}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		p.Column, p.Message = f.Param, f.Message
		if p.Column == "type" { // as the API calls it
			p.Column = "value_type"
		}
	}
	return p
}

// partner finds out which customers a merge joins.
func (w *work) partner(p *edit.Part, sk string, e *billing.Edit) *billing.Problem {
	tag := w.tag
	if e.OtherSource != "" {
		src, there := w.dir.ByName(e.OtherSource)
		if !there {
			return &billing.Problem{Column: "merged_source", Code: "unknown_source", Message: "There is no data source of this name, whose customer this one was merged with."}
		}
		tag = src.Tag
	}
	own, _ := store.LeadingH(sk)
	p.Child = edit.Ref{Tag: w.tag, H: own}
	p.Parent = edit.Ref{Tag: tag, H: w.hasher.CustomerH(cmp.Or(e.Into, e.From))}
	if e.From != "" {
		p.Child, p.Parent = p.Parent, p.Child
	}
	return nil
}

// editLine is a line of edits that is to be decided.
type editLine struct {
	entry  entry
	part   edit.Part
	record string // sort key
}

// nameCustomers puts public ids in the place of the customers of a merge.
func nameCustomers(values map[string]any) {
	for _, name := range []string{edit.AttrChild, edit.AttrParent} {
		s, _ := values[name].(string)
		if ref, ok := edit.ParseRef(s); ok {
			values[name] = ref.CustomerID()
		}
	}
}

// mostMerges is how many merges an import may bring: they are decided together, in memory.
const mostMerges = 100_000

// editMerge decides the edits of a key range.
type editMerge struct {
	w       *work
	out     *changeWriter
	sum     summary
	counts  job.Counts
	rejects *rejectRuns
	samples sampler
	ground  ground
	records *editedRecords
	block   []editLine
	merges  []editLine
	// The edit of the last line: its key, its parts, and how many of them were there before.
	key string
	now []edit.Part
	was int
}

// mergeEdits decides the edits of a key range, unless that was done before, and stores its change
// set.
func (w *work) mergeEdits(ctx context.Context, keyRange int) (summary, error) {
	id := setID{stage: stageEdits, keyRange: keyRange}
	return w.decideOnce(ctx, id, func(out *changeWriter) (summary, error) {
		m := &editMerge{w: w, out: out, ground: w.newGround(ctx, id.name())}
		defer m.ground.abort()
		return m.run(ctx, id)
	})
}

func (m *editMerge) run(ctx context.Context, id setID) (sum summary, err error) {
	in, err := m.w.runs.read(ctx, runPrefix(stageEdits, runMain), id.keyRange)
	if err != nil {
		return sum, err
	}
	defer in.close()
	if m.records, err = m.w.openEdited(ctx, id.keyRange); err != nil {
		return sum, err
	}
	defer m.records.close()
	m.rejects = &rejectRuns{w: m.w, by: fmt.Sprintf("%d-merge-%02x-%s", stageEdits, id.keyRange, m.w.ledger.NewHolder())}
	if err := in.each(func(e entry) error {
		m.w.makeWay()
		return m.take(ctx, e)
	}); err != nil {
		return sum, err
	}
	if err := m.decide(ctx); err != nil {
		return sum, err
	}
	if err := m.decideMerges(ctx); err != nil {
		return sum, err
	}
	m.sum.count(string(billing.Edits), func(all *job.Counts) { *all = all.Add(m.counts) })
	if err := m.rejects.end(ctx, &m.sum); err != nil {
		return sum, err
	}
	if err := m.ground.end(&m.sum); err != nil {
		return sum, err
	}
	return m.sum, m.samples.store(ctx, m.w, id)
}

func (m *editMerge) take(ctx context.Context, e entry) error {
	if err := m.rejects.spill(ctx); err != nil {
		return err
	}
	p, err := edit.ReadPart(e.body)
	if err != nil {
		return err
	}
	sk, _, _ := store.SplitEdit(e.key)
	line := editLine{e, p, sk}
	switch {
	case p.Kind != edit.PartMerge:
		m.block = append(m.block, line)
	case len(m.merges) < mostMerges:
		m.merges = append(m.merges, line)
	default:
		m.reject(&line, "", "too_many_merges", fmt.Sprintf("One import takes at most %d merges; import the others in another one.", mostMerges))
	}
	if len(m.block) < blockSize {
		return nil
	}
	return m.decide(ctx)
}

func (m *editMerge) reject(l *editLine, column, code, message string) {
	m.counts.Rejected++
	m.rejects.add(l.entry.place, rejection{string(billing.Edits), column, code, message})
}

// decide compares the lines of a block with what is stored.
func (m *editMerge) decide(ctx context.Context) error {
	if err := m.w.interrupted(ctx); err != nil || len(m.block) == 0 {
		return err
	}
	if err := m.records.find(ctx, m.block, &m.ground); err != nil {
		return err
	}
	var keys []table.Key
	for _, l := range m.block {
		if k := m.w.editKey(l.entry.key); l.entry.key != m.key && (len(keys) == 0 || keys[len(keys)-1] != k) {
			keys = append(keys, k)
		}
	}
	stored, err := m.w.store.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	for i := range m.block {
		l := &m.block[i]
		if m.key != l.entry.key {
			if m.now, err = m.w.partsIn(l.entry.key, stored); err != nil {
				return err
			}
			m.key, m.was = l.entry.key, len(m.now)
		}
		if err := m.settle(l); err != nil {
			return err
		}
	}
	m.block = m.block[:0]
	return nil
}

// partsIn lists the parts of the edit with a sort key, of what a batch get found.
func (w *work) partsIn(sk string, found map[table.Key]table.Attrs) ([]edit.Part, error) {
	a, there := found[w.editKey(sk)]
	if !there || !w.dir.Visible(a) {
		return nil, nil
	}
	_, what, _ := store.SplitEdit(sk)
	return edit.PartsOf(what, a)
}

// settle decides a line that is no merge.
func (m *editMerge) settle(l *editLine) error {
	if column, code, message := m.records.missing(l.record); code != "" {
		m.reject(l, column, code, message)
		return nil
	}
	i := slices.IndexFunc(m.now, l.part.About)
	switch {
	case i < 0 && !edit.Room(l.part.Kind, len(m.now)+1):
		m.reject(l, string(l.part.Kind), "too_many_"+string(l.part.Kind)+"s", fmt.Sprintf("A customer has at most %d of these.", len(m.now)))
		return nil
	case i < 0:
		m.now = append(m.now, l.part)
		return m.add(l)
	case m.now[i].Same(l.part):
		m.counts.Unchanged++
		return nil
	case i >= m.was:
		m.reject(l, string(l.part.Kind), "duplicate_differs", "The same edit is in an earlier line with another value; the first one is used.")
		return nil
	}
	return m.keep(l, m.now[i])
}

// add adds a change to the set.
func (m *editMerge) add(l *editLine) error {
	c := l.change(nil)
	m.counts.Added++
	m.sum.Changes++
	m.sum.WriteMilli += m.w.costOfEdit(c)
	m.samples.see(m.w, c)
	return m.out.change(c)
}

// keep notes a line that yields to what is there.
func (m *editMerge) keep(l *editLine, is edit.Part) error {
	c := l.change(is.Attrs())
	m.counts.Unchanged++
	m.sum.keepEdit(l.entry.place)
	m.samples.see(m.w, c)
	return m.out.change(c)
}

func (l *editLine) change(before table.Attrs) *change {
	return &change{l.entry.key, l.entry.place.file, l.entry.place.line, before, l.part.Attrs()}
}

// decideMerges decides the merges, in the order in which they were made.
func (m *editMerge) decideMerges(ctx context.Context) error {
	if len(m.merges) == 0 {
		return nil
	}
	slices.SortStableFunc(m.merges, func(a, b editLine) int {
		return cmp.Or(cmp.Compare(a.part.At, b.part.At), cmp.Compare(a.part.Place, b.part.Place), strings.Compare(a.record, b.record))
	})
	var refs []edit.Ref
	for _, l := range m.merges {
		refs = append(refs, l.part.Child, l.part.Parent)
	}
	forest, err := m.w.forest(ctx, refs)
	if err != nil {
		return err
	}
	there, err := m.w.customersAfter(ctx, refs, forest)
	if err != nil {
		return err
	}
	for i := range m.merges {
		if err := m.settleMerge(&m.merges[i], forest, there); err != nil {
			return err
		}
	}
	return nil
}

// forest loads the trees of customers.
func (w *work) forest(ctx context.Context, refs []edit.Ref) (*edit.Forest, error) {
	forest := edit.New(w.store, w.clock).NewForest(w.dir)
	for some := range slices.Chunk(refs, blockSize) {
		if err := w.interrupted(ctx); err != nil {
			return nil, err
		}
		if err := forest.Load(ctx, some...); err != nil {
			return nil, err
		}
	}
	return forest, nil
}

// customersAfter says which customers there are after this import.
func (w *work) customersAfter(ctx context.Context, refs []edit.Ref, forest *edit.Forest) (map[edit.Ref]bool, error) {
	there := make(map[edit.Ref]bool, len(refs))
	for _, r := range refs {
		there[r] = forest.Visible(r)
	}
	if !hasStage(w.job, stageCustomers) {
		return there, nil
	}
	for keyRange := range w.ranges {
		err := w.eachOwn(ctx, stageCustomers, keyRange, func(c *change) error {
			h, _ := store.LeadingH(c.sk)
			r := edit.Ref{Tag: w.tag, H: h}
			if _, asked := there[r]; asked {
				there[r] = len(c.after) > 0
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return there, nil
}

func (m *editMerge) settleMerge(l *editLine, forest *edit.Forest, there map[edit.Ref]bool) error {
	own, _ := store.LeadingH(l.record)
	for _, r := range []edit.Ref{l.part.Child, l.part.Parent} {
		if there[r] {
			continue
		}
		column, code, message := "customer_external_id", codeUnknownRecord, unknownRecord
		if r != (edit.Ref{Tag: m.w.tag, H: own}) {
			column, code, message = "merged_into", "unknown_customer", "The customer that this one was merged with is neither stored nor taken in with this import."
			if r == l.part.Child {
				column = "merged_from"
			}
		}
		if m.w.dir.Hidden(r.Tag, store.KindCustomer, r.H) {
			p := erasing(column)
			code, message = p.Code, p.Message
		}
		m.reject(l, column, code, message)
		return nil
	}
	before, _ := forest.Into(l.part.Child)
	switch forest.Add(l.part.Child, l.part.Parent) {
	case edit.Fits:
		return m.add(l)
	case edit.Made:
		m.counts.Unchanged++
	case edit.OtherAdded:
		m.reject(l, "", "duplicate_differs", "This import merges the customer into another one, earlier in time; that merge is used.")
	case edit.Other:
		is := edit.Part{Kind: edit.PartMerge, Mark: forest.Mark(l.part.Child), Child: l.part.Child, Parent: before}
		return m.keep(l, is)
	case edit.Cycle:
		m.reject(l, "", "merge_cycle", "The two customers are one already: the other one is merged into this one.")
	case edit.TooMany:
		m.reject(l, "", "too_many_merged", fmt.Sprintf("At most %d customers can be merged into one.", edit.MaxMerged))
	}
	return nil
}

// firstKept is how many of the lines that yield are listed in a note.
const firstKept = 20

// keepEdit counts a line that yields to what is there.
func (s *summary) keepEdit(at place) { s.keepEdits(1, job.Rejected{File: at.file, Line: at.line}) }

func (s *summary) keepEdits(n int64, first ...job.Rejected) {
	s.KeptEdits += n
	s.FirstKept = append(s.FirstKept, first...)
	slices.SortStableFunc(s.FirstKept, compareRejected)
	s.FirstKept = s.FirstKept[:min(len(s.FirstKept), firstKept)]
}

// yielded says which edits of the input yield to those that are there.
func (s *summary) yielded(files []job.File) []string {
	if s.KeptEdits == 0 {
		return nil
	}
	var lines []string
	for _, at := range s.FirstKept {
		lines = append(lines, rowAt(files[at.File], at.Line))
	}
	if more := s.KeptEdits - int64(len(lines)); more > 0 {
		lines = append(lines, fmt.Sprintf("%d more", more))
	}
	be := "are"
	if s.KeptEdits == 1 {
		be = "is"
	}
	return []string{fmt.Sprintf(
		"%d of the edits %s left out, since the records have other ones in their place, which are kept: %s. The changes of this import list them all, as kept.",
		s.KeptEdits, be, strings.Join(lines, ", "))}
}

// edit shows a line of edits: the record that it names, and what was done to it.
func (r InspectedRow) edit(e *billing.Edit) InspectedRow {
	p, err := edit.PartOf(e)
	if err != nil {
		r.Problem = problemOf(err)
		return r
	}
	r.Record = plain(store.AppendRecord(nil, e.Record))
	r.Record["of"] = string(e.Of)
	for name, v := range plain(p.Attrs()) {
		if p.Kind != edit.PartMerge || name != edit.AttrChild && name != edit.AttrParent {
			r.Record["edit "+name] = v
		}
	}
	if p.Kind == edit.PartMerge {
		r.Record["merged_into"], r.Record["merged_from"], r.Record["merged_source"] = e.Into, e.From, e.OtherSource
	}
	return r
}
