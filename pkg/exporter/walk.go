package exporter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

const (
	// reserve is how long before its deadline a worker stops.
	reserve = 8 * time.Second
	// lookEvery is how often a worker reads the job to see whether it is about to end.
	lookEvery = time.Second / 2
)

// state is how far the task of a shard has come: what its stored parts hold, and where the next one
// begins.
type state struct {
	Range   int              `json:"range"`            // index in rangesOf
	After   string           `json:"after,omitempty"`  // the sort key behind which the range goes on
	Parent  string           `json:"parent,omitempty"` // the record that the next parts belong to; empty if it is hidden
	Files   map[string]tally `json:"files,omitempty"`  // by dataset
	Changed int64            `json:"changed,omitempty"`
	Orphans int64            `json:"orphans,omitempty"` // edits that are not written, since their records are gone
	Cost    table.Cost       `json:"cost"`
}

// tally is what the stored parts of a dataset hold.
type tally struct {
	Parts  int    `json:"parts"`
	Rows   int64  `json:"rows"`
	Raw    int64  `json:"raw"`    // bytes
	Packed int64  `json:"packed"` // bytes
	CRC    uint32 `json:"crc"`
	Lost   int64  `json:"lost,omitempty"`  // rows that are not read back as they are stored
	First  string `json:"first,omitempty"` // the public id of the first of them
}

func stateOf(t job.Task) (s state, err error) {
	err = decodeState(t, &s)
	return s, err
}

func decodeState(t job.Task, s any) error {
	if len(t.Result) > 0 && json.Unmarshal(t.Result, s) != nil {
		return fault.New(fault.Internal, "task_result", "the state of a task cannot be read")
	}
	return nil
}

// late tells whether a worker must stop, since its deadline is near.
func (x *Exporter) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Sub(x.c.Now()) < reserve
}

// rangesOf lists the kinds whose ranges of keys a shard has to walk, in the order of imports. The
// parts of records lie in the ranges of those. Plans are in one partition: the first shard has it.
func rangesOf(spec *job.ExportSpec, shard int) (kinds []*store.RecordKind) {
	for _, k := range store.Kinds() {
		if k.Part || k.Place == store.WithPlans && shard > 0 {
			continue
		}
		family := append([]*store.RecordKind{k}, store.PartsOf(k.Kind)...)
		if slices.ContainsFunc(family, func(k *store.RecordKind) bool {
			return slices.ContainsFunc(billing.Order(), func(ds billing.Dataset) bool { return wants(spec, ds) && store.KindFor(ds) == k })
		}) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// walk reads the records of a shard and writes its parts.
type walk struct {
	x      *Exporter
	job    *job.Job
	dir    *store.Directory
	st     *store.Store // with a cost meter of its own
	shard  int
	before table.Cost // of earlier workers
	began  int64      // when the export began, Unix milliseconds
	state  state      // as it will be once the current part is stored
	save   func(state) error
	outs   map[billing.Dataset]*output
	looked time.Time
	edits  map[table.Key]table.Attrs // of the records of the page, unless they are left out
	apart  *apart                    // writes edits as lines; nil unless they are apart
}

func (x *Exporter) newWalk(ctx context.Context, j *job.Job, shard int, s state, save func(state) error) (*walk, error) {
	w := &walk{
		x: x, job: j, st: x.c.Store.Metered(), shard: shard, before: s.Cost, began: j.StartedAt.UnixMilli(),
		state: s, save: save, outs: map[billing.Dataset]*output{}, looked: x.c.Now(),
	}
	w.state.Files = map[string]tally{}
	maps.Copy(w.state.Files, s.Files)
	for _, ds := range filesOf(j.Export) {
		out, err := newOutput(j.Export, billing.Dataset(ds))
		if err != nil {
			return nil, err
		}
		w.outs[billing.Dataset(ds)] = out
	}
	if j.Export.Edits == job.EditsApart {
		w.apart = &apart{w: w, out: w.outs[billing.Edits], edits: edit.New(w.st, x.c.Now)}
	}
	return w, w.look(ctx)
}

// look reads the directory, and makes sure that nothing was erased.
func (w *walk) look(ctx context.Context) (err error) {
	w.dir, err = unerased(ctx, w.st, w.job)
	return err
}

// walk walks to the end of the shard. Parts end where enough bytes have come together, whatever the
// time: so a task that was cut writes the same parts.
func (w *walk) walk(ctx context.Context) error {
	ranges, space := rangesOf(w.job.Export, w.shard), w.job.Export.Was.Space()
	for w.state.Range < len(ranges) {
		if err := w.interrupted(ctx); err != nil {
			return err
		}
		q := space.All(ranges[w.state.Range].SK, w.shard)
		q.After, q.Limit = w.state.After, w.x.c.Page
		page, err := w.st.Page(ctx, q)
		if err != nil {
			return err
		}
		if err := w.readEdits(ctx, ranges[w.state.Range], page); err != nil {
			return err
		}
		size, err := w.add(ctx, page.Items)
		if err != nil {
			return err
		}
		if w.state.After = page.Next; page.Next == "" {
			w.state.Range++
		}
		if size >= w.x.c.PartBytes {
			if err := w.store(ctx); err != nil {
				return err
			}
		}
		w.x.c.MakeWay()
	}
	return w.store(ctx)
}

// interrupted tells whether the worker must stop: its deadline is near, or the job is about to end.
func (w *walk) interrupted(ctx context.Context) error {
	now := w.x.c.Now()
	if w.x.late(ctx) {
		return errStopped
	}
	if now.Sub(w.looked) < lookEvery {
		return nil
	}
	w.looked = now
	return w.x.stops(ctx, w.job.ID)
}

// add writes the rows of a page of records, and returns how many bytes the current part has.
func (w *walk) add(ctx context.Context, items []table.Item) (size int, err error) {
	for _, item := range items {
		if err := w.row(ctx, item); err != nil {
			return 0, err
		}
	}
	if w.apart != nil {
		if err := w.apart.merges(ctx); err != nil {
			return 0, err
		}
	}
	for _, out := range w.outs {
		if err := w.check(ctx, out); err != nil {
			return 0, err
		}
		if err := out.pack(); err != nil {
			return 0, err
		}
		size += out.size
	}
	return size, nil
}

// readEdits reads the edits of the records of a page, and of records that would lie there, unless
// edits are left out.
func (w *walk) readEdits(ctx context.Context, k *store.RecordKind, page table.Page) error {
	w.edits = map[table.Key]table.Attrs{}
	if w.job.Export.Edits == "" || len(k.Edits) == 0 {
		return nil
	}
	first, last := cmp.Or(w.state.After, k.SK), store.After(k.SK)
	if page.Next != "" {
		last = page.Next
	}
	for item, err := range w.st.Items(ctx, w.job.Export.Was.Space().EditsAlong(k, w.shard, first, last)) {
		if err != nil {
			return err
		}
		// the edits of the record with which a page ends may stand among those of its parts
		if record, _, is := store.SplitEdit(item.SK); is && record > w.state.After && record <= last {
			w.edits[item.Key] = item.Attrs
		}
	}
	return nil
}

// row writes the row of a record, unless it is hidden, or the record that it is a part of is.
func (w *walk) row(ctx context.Context, item table.Item) error {
	k := store.RecordAt(item.SK)
	if k == nil {
		return nil
	}
	var edits edit.Row
	if w.apart == nil {
		var err error
		if edits, err = edit.ReadRow(w.dir, w.edits, w.job.Export.Was.Space(), item.Key); err != nil {
			return err
		}
	}
	hidden := edits.Deleted != nil || w.dir.Hides(w.job.Tag, item.SK, item.Attrs)
	switch {
	case k.Part:
		hidden = hidden || store.ParentSK(item.SK) != w.state.Parent
	case hidden:
		w.state.Parent = ""
	default:
		w.state.Parent = item.SK
	}
	out := w.outs[k.CameWith(item.Attrs)]
	if hidden || out == nil {
		return nil
	}
	changed, _ := item.Attrs.Int(store.AttrUpdated)
	if last := edits.Latest(); last != nil {
		changed = max(changed, last.At)
		item.Attrs = store.AppendRecord(nil, k.Decode(edits.Over(item.Attrs))) // without what an edit has emptied
	}
	if changed > w.began {
		w.state.Changed++
	}
	out.add(k, item)
	if w.apart != nil {
		return w.apart.add(ctx, k, item)
	}
	return nil
}

// check reads the new rows back, as an import would, and counts those that come out otherwise than
// they are stored.
func (w *walk) check(ctx context.Context, out *output) error {
	if w.job.Export.Sheet || len(out.items) == 0 {
		return nil
	}
	t := w.state.Files[string(out.dataset)]
	err := out.eachLost(ctx, w.job.CreatedAt, func(item table.Item) {
		if t.Lost++; t.First == "" {
			t.First = idOf(w.job.Tag, item.SK)
		}
	})
	w.state.Files[string(out.dataset)] = t
	return err
}

// idOf names a record without telling what is in it.
func idOf(tag store.Tag, sk string) string {
	if id := store.PublicID(tag, sk); id != "" {
		return id
	}
	id, _ := store.TrailingEventID(sk)
	return fmt.Sprintf("the event %d", id)
}

// store stores the current part of every dataset that has rows in it, and notes that in the task.
func (w *walk) store(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	for _, ds := range filesOf(w.job.Export) {
		out := w.outs[billing.Dataset(ds)]
		if out.rows == 0 {
			continue
		}
		t := w.state.Files[ds]
		body, err := out.end()
		if err != nil {
			return err
		}
		if err := w.x.c.Objects.Put(ctx, partName(w.job, ds, w.shard, t.Parts), bytes.NewReader(body)); err != nil {
			return err
		}
		t.CRC = joinCRC(t.CRC, out.crc, int64(out.size))
		t.Parts, t.Rows, t.Raw, t.Packed = t.Parts+1, t.Rows+out.rows, t.Raw+int64(out.size), t.Packed+int64(len(body))
		w.state.Files[ds] = t
		out.reset()
	}
	w.state.Cost = w.before.Add(w.st.Spent())
	return w.save(w.state)
}

// eachLost reads the new rows back and calls f for the records that do not come out as they are
// stored.
func (o *output) eachLost(ctx context.Context, now time.Time, f func(table.Item)) error {
	rows, err := o.format.Open(io.NopCloser(bytes.NewReader(o.raw)), o.shape, source.Place{Line: 1, Offset: o.head}, now)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	next := 0
	for next < len(o.items) {
		row, err := rows.Next(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		at := len(o.raw)
		if err == nil {
			at = int(row.Offset - o.head)
		}
		for next < len(o.items) && o.items[next].from < at { // no row begins where this one does
			f(o.items[next].Item)
			next++
		}
		if err != nil || next == len(o.items) || o.items[next].from > at { // the rest of a row that fell apart
			continue
		}
		if !o.same(rows, int(row.Length), next) {
			f(o.items[next].Item)
		}
		next++
	}
	return nil
}

// same tells whether a row is the record at i, as it is stored.
func (o *output) same(rows source.Rows, length, i int) bool {
	end := len(o.raw)
	if i+1 < len(o.items) {
		end = o.items[i+1].from
	}
	rec, problem := rows.Record()
	if problem != nil || o.items[i].from+length != end {
		return false
	}
	if e, is := rec.(*billing.Edit); is {
		return o.items[i].isEdit(e)
	}
	o.content = store.AppendRecord(o.content[:0], rec)
	return bytes.Equal(o.content, o.items[i].Attrs.Content())
}
