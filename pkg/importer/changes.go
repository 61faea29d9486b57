package importer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/blocks"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A change set is the exact list of what one key range of one stage changes, in key order. It is
// stored whole, create-only, before the first write to the table. A worker that runs the range
// again applies that set and never decides anew, so that counts stay exact after any kill (I6).
//
// It consists of frames (see package blocks). The key is the sort key. The payload is the file and line that
// the row comes from (uvarints; line 0: from no file), the length of the attributes before
// (uvarint), the attributes before, and the attributes after. An added row has no attributes
// before, a removed row none after. The last frame has no key, and the JSON of summary. Without it
// the set is not complete. The file that people download is made from change sets, see export.go.

// change is one item before and after; nil where there is none.
type change struct {
	sk            string
	file          int   // index in the job
	line          int64 // 0 for a row that the input lacks
	before, after table.Attrs
}

// dataset is the dataset of the record.
func (c *change) dataset() billing.Dataset {
	if isEdit(c.sk) {
		return billing.Edits
	}
	if c.before == nil {
		return datasetOf(c.sk, c.after)
	}
	return datasetOf(c.sk, c.before)
}

// summary is the result of a task.
type summary struct {
	Datasets map[string]job.Counts `json:"datasets,omitempty"`
	// Of a map:
	Remarks map[int]billing.Remarks `json:"remarks,omitempty"`  // about cells, by the file's index
	Respelt int64                   `json:"respelt,omitempty"`  // rows looked up because their ids are written like ="00123"
	AsSpelt int64                   `json:"as_spelt,omitempty"` // those of them that are stored under these ids, and not without the signs
	// the first customers on the do-not-reload list that rows name, by the beginnings of their hashes
	Forgotten []string `json:"forgotten,omitempty"`
	// Of a resolve:
	Moved int64 `json:"moved,omitempty"` // external ids that move from one parent to another, in a replace
	// Of a merge:
	Totals  job.Totals         `json:"totals,omitempty"`
	Doubled map[string]doubled `json:"doubled,omitempty"` // by dataset
	Stored  map[string]int64   `json:"stored,omitempty"`  // stored rows that a replace has looked at, by dataset
	Fields  map[string]fields  `json:"fields,omitempty"`  // in how many changed rows each field changes, by dataset
	// rows that the input lacks, kept because other rows belong to them
	Kept int64 `json:"kept,omitempty"`
	// the first plans among them. Other records have ids that are often e-mail addresses
	KeptPlans []string `json:"kept_plans,omitempty"`
	// stored rows that use plans which the input lacks, by the plans' external ids
	PlanUses map[string]job.PlanUse `json:"plan_uses,omitempty"`
	// edits of the input that yield to those that are there, and where the first ones are
	KeptEdits   int64          `json:"kept_edits,omitempty"`
	FirstKept   []job.Rejected `json:"first_kept,omitempty"`
	Changes     int64          `json:"changes,omitempty"`      // in the change set
	WriteMilli  int64          `json:"write_milli,omitempty"`  // cost of its puts, in thousandths of a write unit
	RemoveMilli int64          `json:"remove_milli,omitempty"` // cost of its removals
	presence
	Rejects []string `json:"rejects,omitempty"` // names of runs of rejects
	Ground  []string `json:"ground,omitempty"`  // names of objects, see ground.go
	Grounds int64    `json:"grounds,omitempty"` // records in the objects of Ground
	// RejectPieces are the pieces of the input that have rejects. Undos, and versions before
	// 2026-11-29, leave it empty.
	RejectPieces []int `json:"reject_pieces,omitempty"`
	rejectCounts
	// Of an apply:
	Applied int64 `json:"applied,omitempty"` // changes made
}

func (s *summary) count(dataset string, f func(*job.Counts)) {
	if s.Datasets == nil {
		s.Datasets = map[string]job.Counts{}
	}
	c := s.Datasets[dataset]
	f(&c)
	s.Datasets[dataset] = c
}

// remark adds remarks about the cells of a file.
func (s *summary) remark(file int, remarks billing.Remarks) {
	if s.Remarks == nil && len(remarks) > 0 {
		s.Remarks = map[int]billing.Remarks{}
	}
	for _, r := range remarks {
		all := s.Remarks[file]
		all.Add(r.Code, r.Column, r.Count)
		s.Remarks[file] = all
	}
}

// mostForgotten is how many customers on the do-not-reload list are told apart.
const mostForgotten = 100

// meet notes customers on the do-not-reload list that rows name.
func (s *summary) meet(hashes ...string) {
	for _, h := range hashes {
		if h != "" && len(s.Forgotten) < mostForgotten && !slices.Contains(s.Forgotten, h) {
			s.Forgotten = append(s.Forgotten, h)
		}
	}
}

func (s *summary) stored(dataset string) {
	if s.Stored == nil {
		s.Stored = map[string]int64{}
	}
	s.Stored[dataset]++
}

func (s *summary) add(o summary) {
	for name, c := range o.Datasets {
		s.count(name, func(mine *job.Counts) { *mine = mine.Add(c) })
	}
	for name, n := range o.Stored {
		if s.Stored == nil {
			s.Stored = map[string]int64{}
		}
		s.Stored[name] += n
	}
	for dataset, of := range o.Fields {
		for name, n := range of {
			s.changes(dataset, name, n)
		}
	}
	s.Totals.Add(o.Totals)
	for name, d := range o.Doubled {
		s.double(name, d)
	}
	for file, remarks := range o.Remarks {
		s.remark(file, remarks)
	}
	s.Respelt += o.Respelt
	s.AsSpelt += o.AsSpelt
	s.meet(o.Forgotten...)
	s.Moved += o.Moved
	s.Kept += o.Kept
	s.keptPlan(o.KeptPlans...)
	for plan, use := range o.PlanUses {
		s.usePlan(plan, use)
	}
	s.keepEdits(o.KeptEdits, o.FirstKept...)
	s.Changes += o.Changes
	s.WriteMilli += o.WriteMilli
	s.RemoveMilli += o.RemoveMilli
	s.addPresence(o.presence)
	s.Rejects = append(s.Rejects, o.Rejects...)
	s.Ground = append(s.Ground, o.Ground...)
	s.Grounds += o.Grounds
	s.RejectPieces = append(s.RejectPieces, o.RejectPieces...)
	s.addAll(o.rejectCounts)
	s.Applied += o.Applied
}

// removed is how many rows of all datasets are removed.
func (s *summary) removed() (n int64) {
	for _, c := range s.Datasets {
		n += c.Removed
	}
	return n
}

// setID names one change set of a job: what is decided for one key range of one stage.
type setID struct {
	stage, keyRange int
	pass            string // in an undo: stepTakeBack for what goes, stepPutBack for what comes back
}

func (id setID) name() string {
	name := fmt.Sprintf("%d-%02x", id.stage, id.keyRange)
	if id.pass != "" {
		name += "-" + id.pass
	}
	return name
}

func (id setID) object(jobID string) string { return jobDir(jobID) + "changes/" + id.name() }

// setsOf lists the change sets that a job has, or may have, for one key range of one stage.
func setsOf(j *job.Job, stage, keyRange int) []setID {
	switch {
	case j.Import.Undo == "":
		return []setID{{stage, keyRange, ""}}
	case j.Import.OnlyAdded:
		return []setID{{stage, keyRange, stepTakeBack}}
	}
	return []setID{{stage, keyRange, stepTakeBack}, {stage, keyRange, stepPutBack}}
}

// changeSets lists all change sets that a job has, or may have, in the order of stages and keys.
func changeSets(j *job.Job) []setID {
	var out []setID
	for _, stage := range stages(j) {
		for r := range j.Import.Ranges {
			out = append(out, setsOf(j, stage, r)...)
		}
	}
	return out
}

type changeWriter struct {
	out  *blocks.Writer
	head []byte
}

// change is one item before and after; nil where there is no item.
func (w *changeWriter) change(c *change) error {
	w.head = binary.AppendUvarint(w.head[:0], uint64(c.file)) //nolint:gosec // an index
	w.head = binary.AppendUvarint(w.head, uint64(c.line))     //nolint:gosec // never negative
	w.head = binary.AppendUvarint(w.head, uint64(len(c.before)))
	err := w.out.Frame([]byte(c.sk), w.head, c.before, c.after)
	return fault.Wrap(err, fault.Unavailable, "change_set", "store a change set")
}

// end completes the set. It does not close the underlying writer.
func (w *changeWriter) end(s summary) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "change_set", "store a change set")
	}
	err = w.out.Frame(nil, body)
	if err == nil {
		err = w.out.Flush()
	}
	return fault.Wrap(err, fault.Unavailable, "change_set", "store a change set")
}

// changeReader reads a change set in order.
type changeReader struct {
	blocks *blocks.Reader
	closer io.Closer
	end    summary // valid once next has returned io.EOF
}

// openChanges opens a change set; a missing one is fault.NotFound.
func openChanges(ctx context.Context, o *objects.Objects, name string) (*changeReader, error) {
	r, err := o.Open(ctx, name, "", 0, -1)
	if err != nil {
		return nil, err
	}
	return &changeReader{blocks: blocks.NewReader(r), closer: r}, nil
}

func (r *changeReader) close() { _ = r.closer.Close() }

// next returns the next change. After the last one it returns io.EOF if the set is complete.
func (r *changeReader) next() (change, error) {
	key, b, err := r.blocks.Next()
	if errors.Is(err, io.EOF) {
		return change{}, blocks.ErrDamaged() // the summary is missing
	}
	if err != nil {
		return change{}, err
	}
	if key == "" {
		if json.Unmarshal(b, &r.end) != nil {
			return change{}, blocks.ErrDamaged()
		}
		return change{}, io.EOF
	}
	var n [3]uint64
	for i := range n {
		v, w := binary.Uvarint(b)
		if w <= 0 {
			return change{}, blocks.ErrDamaged()
		}
		n[i], b = v, b[w:]
	}
	if n[2] > uint64(len(b)) {
		return change{}, blocks.ErrDamaged()
	}
	if store.RecordAt(key) == nil && !isEdit(key) {
		return change{}, errUnknownKey(key)
	}
	c := change{sk: key, file: int(n[0]), line: int64(n[1])} //nolint:gosec // written from int
	if n[2] > 0 {
		c.before = b[:n[2]:n[2]]
	}
	if uint64(len(b)) > n[2] {
		c.after = b[n[2]:]
	}
	return c, nil
}

// each calls f for every change and returns the summary.
func (r *changeReader) each(ctx context.Context, f func(*change) error) (summary, error) {
	for n := 0; ; n++ {
		c, err := r.next()
		if errors.Is(err, io.EOF) {
			return r.end, nil
		}
		if err == nil && n%1024 == 0 {
			err = ctx.Err()
		}
		if err == nil {
			err = f(&c)
		}
		if err != nil {
			return summary{}, err
		}
	}
}

// mergedChanges reads the change sets of one key range as one, in key order. No key is in two sets.
type mergedChanges struct {
	sets  []*changeReader
	heads []change // next change of each set; a set without a next change is dropped
}

// openSets opens the existing change sets of a job for one key range of one stage, and returns how
// many there are.
func (w *work) openSets(ctx context.Context, j *job.Job, stage, keyRange int) (m *mergedChanges, there int, err error) {
	m = &mergedChanges{}
	for _, id := range setsOf(j, stage, keyRange) {
		set, err := openChanges(ctx, w.objects, id.object(j.ID))
		if fault.Is(err, fault.NotFound) {
			continue
		}
		there++
		if err == nil {
			err = m.add(set)
		}
		if err != nil {
			m.close()
			return nil, there, err
		}
	}
	return m, there, nil
}

// add adds a set; m closes it.
func (m *mergedChanges) add(set *changeReader) error {
	c, err := set.next()
	if err != nil {
		set.close()
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	m.sets, m.heads = append(m.sets, set), append(m.heads, c)
	return nil
}

// next is the next change; io.EOF after the last one.
func (m *mergedChanges) next() (change, error) {
	if len(m.sets) == 0 {
		return change{}, io.EOF
	}
	least := 0
	for i := range m.heads {
		if m.heads[i].sk < m.heads[least].sk {
			least = i
		}
	}
	c := m.heads[least]
	var err error
	if m.heads[least], err = m.sets[least].next(); errors.Is(err, io.EOF) {
		m.sets[least].close()
		m.sets, m.heads = slices.Delete(m.sets, least, least+1), slices.Delete(m.heads, least, least+1)
		return c, nil
	}
	return c, err
}

// each calls f for every change that is left, and stops early if w is interrupted.
func (m *mergedChanges) each(ctx context.Context, w *work, f func(*change) error) error {
	for n := 1; ; n++ {
		c, err := m.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && n%lookAfter == 0 {
			err = w.interrupted(ctx)
		}
		if err == nil {
			err = f(&c)
		}
		if err != nil {
			return err
		}
	}
}

func (m *mergedChanges) close() {
	for _, set := range m.sets {
		set.close()
	}
}

// eachOwn calls f for each change of this job in a key range, in key order.
func (w *work) eachOwn(ctx context.Context, stage, keyRange int, f func(*change) error) error {
	in, _, err := w.openSets(ctx, w.job, stage, keyRange)
	if err != nil {
		return err
	}
	defer in.close()
	return in.each(ctx, w, func(c *change) error {
		if spared(w.job.Import, c) {
			return nil
		}
		return f(c)
	})
}

// overlay answers what this job's change set does to stored items. It is asked in ascending order
// of keys. So rows can refer to rows of the same job before any of them is written.
type overlay struct {
	set  *changeReader
	cur  change
	more bool
}

// customersOverlay opens the change set of the customers of a key range; in an undo, the set of
// those that come back. It is empty for a job without customers.
func (w *work) customersOverlay(ctx context.Context, keyRange int) (*overlay, error) {
	id := setID{stageCustomers, keyRange, passOf(w.job, stepComing)}
	if !hasStage(w.job, stageCustomers) || w.undone != nil && w.job.Import.OnlyAdded {
		return &overlay{}, nil
	}
	set, err := openChanges(ctx, w.objects, id.object(w.job.ID))
	if err != nil {
		return nil, err
	}
	o := &overlay{set: set}
	if err := o.step(); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *overlay) step() (err error) {
	o.cur, err = o.set.next()
	o.more = err == nil
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// at is the item under sk as the job leaves it: nil if it is removed. known is false if the job
// does not change the item.
func (o *overlay) at(sk string) (after table.Attrs, known bool, err error) {
	for o.more && o.cur.sk < sk {
		if err := o.step(); err != nil {
			return nil, false, err
		}
	}
	if o.more && o.cur.sk == sk {
		return o.cur.after, true, nil
	}
	return nil, false, nil
}

func (o *overlay) close() {
	if o.set != nil {
		o.set.close()
	}
}
