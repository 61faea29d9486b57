package eraser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// lanesAtOnce is how many shards are swept in parallel: each is a partition of
// its own, and so has a write capacity of its own.
const lanesAtOnce = 8

const lanePhase = "sweep"

// checkpoint is how far a lane has come; it is stored in the lane's task on
// condition of its version, so two sweeps can never both count.
type checkpoint struct {
	Part     int    `json:"part"`            // the partition that is being swept
	After    string `json:"after,omitempty"` // the sort key up to which it is
	Page     *span  `json:"page,omitempty"`  // counted already, maybe not deleted yet
	Removed  Counts `json:"removed,omitempty"`
	Verified bool   `json:"verified,omitempty"` // seen gone
}

// span is the range of a page of keys.
type span struct {
	First string `json:"first"`
	Last  string `json:"last"`
	Items int    `json:"items"`
}

func decodeCheckpoint(t job.Task) (checkpoint, error) {
	cp := checkpoint{}
	if len(t.Result) > 0 {
		if err := json.Unmarshal(t.Result, &cp); err != nil {
			return cp, fault.Wrap(err, fault.Internal, "erase_state", "read how far an erase has come")
		}
	}
	if cp.Removed == nil {
		cp.Removed = Counts{}
	}
	return cp, nil
}

// lane is one shard of a source, or one record, on its way out.
type lane struct {
	*run
	task  job.Task
	cp    checkpoint
	parts []part
}

// method sweeps the partitions of a lane: sweep one from where the checkpoint
// stands to its end, and tell whether one is clean.
type method struct {
	sweep func(*lane, context.Context, part) error
	clean func(*lane, context.Context, part) (bool, error)
}

// lanes sweeps every shard of a source, several at once.
func (r *run) lanes(ctx context.Context, sp store.Space, m method) error {
	parts := shards(sp)
	ids := make([]string, len(parts))
	for i := range parts {
		ids[i] = fmt.Sprintf("%s/%05x.%03d", lanePhase, uint32(sp.Tag), i)
	}
	all, err := r.open(ctx, ids, parts)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lanesAtOnce)
	for _, l := range all {
		g.Go(func() error { return l.toEnd(ctx, m) })
	}
	return g.Wait()
}

// open reads the lanes' checkpoints, making those that are missing.
func (r *run) open(ctx context.Context, ids []string, parts [][]part) ([]*lane, error) {
	tasks := make([]job.Task, len(ids))
	for i, id := range ids {
		tasks[i] = job.Task{ID: id, Phase: lanePhase}
	}
	if err := r.ledger.CreateTasks(ctx, r.job.ID, tasks); err != nil {
		return nil, err
	}
	all := make([]*lane, len(ids))
	for i, id := range ids {
		t, err := r.ledger.Task(ctx, r.job.ID, id)
		if err != nil {
			return nil, err
		}
		cp, err := decodeCheckpoint(t)
		if err != nil {
			return nil, err
		}
		all[i] = &lane{run: r, task: t, cp: cp, parts: parts[i]}
	}
	return all, nil
}

// toEnd sweeps a lane until it was seen clean.
func (l *lane) toEnd(ctx context.Context, m method) error {
	for !l.cp.Verified {
		for l.cp.Part < len(l.parts) {
			if err := m.sweep(l, ctx, l.parts[l.cp.Part]); err != nil {
				return err
			}
			l.cp.Part, l.cp.After, l.cp.Page = l.cp.Part+1, "", nil
		}
		if err := l.settle(ctx); err != nil {
			return err
		}
		clean, err := l.clean(ctx, m)
		if err != nil {
			return err
		}
		if !clean { // a writer that did not know yet: once more
			l.cp.Part = 0
		}
		l.cp.Verified = clean
		if err := l.keep(ctx, l.cp); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) clean(ctx context.Context, m method) (bool, error) {
	for _, p := range l.parts {
		if err := l.late(ctx); err != nil {
			return false, err
		}
		if clean, err := m.clean(l, ctx, p); err != nil || !clean {
			return false, err
		}
	}
	return true, nil
}

// keep stores a checkpoint, together with extra writes, and goes on from it.
func (l *lane) keep(ctx context.Context, cp checkpoint, extra ...store.Write) error {
	t, err := l.ledger.Save(ctx, l.task, encode(cp), extra...)
	if err != nil {
		return err
	}
	n := cp.Removed.Total() - l.cp.Removed.Total()
	l.task, l.cp = t, cp
	l.count(ctx, n)
	return nil
}

// with is the checkpoint with more removed.
func (cp checkpoint) with(more Counts) checkpoint {
	sum := Counts{}
	sum.Add(cp.Removed)
	sum.Add(more)
	cp.Removed = sum
	return cp
}

// everything sweeps partitions that nobody sees any more.
func everything() method { return method{sweep: (*lane).sweepAll, clean: (*lane).empty} }

// manualOnly sweeps the rows of manual customers from among the others.
func manualOnly() method { return method{sweep: (*lane).sweepManual, clean: (*lane).noManual} }

// sweepAll deletes all that a partition holds: a page is counted in the ledger
// before it is deleted, and one that was counted is deleted without counting.
func (l *lane) sweepAll(ctx context.Context, p part) error {
	if s := l.cp.Page; s != nil {
		if err := l.deleteSpan(ctx, p, *s); err != nil {
			return err
		}
		l.cp.Page, l.cp.After = nil, s.Last
	}
	for {
		if err := l.late(ctx); err != nil {
			return err
		}
		page, err := l.st.Page(ctx, store.Query{PK: p.pk, After: l.cp.After, Limit: l.c.Page, KeysOnly: true})
		if err != nil {
			return err
		}
		if n := len(page.Items); n > 0 {
			cp := l.cp.with(countItems(p, page.Items))
			cp.Page = &span{page.Items[0].SK, page.Items[n-1].SK, n}
			if err := l.keep(ctx, cp); err != nil {
				return err
			}
			if err := l.st.Write(ctx, deletes(page.Items)); err != nil {
				return err
			}
			l.cp.Page, l.cp.After = nil, page.Items[n-1].SK
		}
		if page.Next == "" {
			return nil
		}
		l.cp.After = page.Next
	}
}

// deleteSpan deletes what is left of a page that was counted.
func (l *lane) deleteSpan(ctx context.Context, p part, s span) error {
	// A space is the smallest character of a key, so the bound is just behind the last one.
	q := store.Query{PK: p.pk, From: s.First, To: s.Last + " ", KeysOnly: true, Limit: l.c.Page}
	for {
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		if err := l.st.Write(ctx, deletes(page.Items)); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

func (l *lane) empty(ctx context.Context, p part) (bool, error) {
	page, err := l.st.Page(ctx, store.Query{PK: p.pk, Limit: 1, KeysOnly: true})
	return err == nil && len(page.Items) == 0, err
}

func countItems(p part, items []store.Item) Counts {
	n := Counts{}
	for _, item := range items {
		n[p.kindOf(item.SK)]++
	}
	return n
}

func deletes(items []store.Item) []store.Write {
	w := make([]store.Write, len(items))
	for i, item := range items {
		w[i] = store.Write{Item: store.Item{Key: item.Key}, Delete: true}
	}
	return w
}

// doomed are the items of a manual epoch that was erased.
func (l *lane) doomed(items []store.Item) []store.Item {
	return slices.DeleteFunc(items, func(item store.Item) bool {
		n, manual := item.Attrs.Int(store.AttrManual)
		return !manual || n >= l.job.Erase.Manual
	})
}

func (l *lane) sweepManual(ctx context.Context, p part) error {
	for {
		if err := l.late(ctx); err != nil {
			return err
		}
		page, err := l.st.Page(ctx, store.Query{PK: p.pk, After: l.cp.After, Limit: l.c.Page})
		if err != nil {
			return err
		}
		for items := range slices.Chunk(l.doomed(page.Items), l.st.TransactSize()-1) {
			if err := l.dropManual(ctx, p, items); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		l.cp.After = page.Next
	}
}

// dropManual deletes items and counts them in one transaction. Those that were
// made again meanwhile fail its conditions: they stay, and it is tried without them.
func (l *lane) dropManual(ctx context.Context, p part, items []store.Item) error {
	for len(items) > 0 {
		if err := l.late(ctx); err != nil {
			return err
		}
		writes := deletes(items)
		for i := range writes {
			writes[i].If = store.Cond{Op: store.Less, Attr: store.AttrManual, N: l.job.Erase.Manual}
		}
		err := l.keep(ctx, l.cp.with(countItems(p, items)), writes...)
		if err == nil || fault.KindOf(err) != fault.Conflict {
			return err
		}
		left, readErr := l.again(ctx, items)
		if readErr != nil {
			return readErr
		}
		if len(left) == len(items) { // not their conditions, but the checkpoint's: another sweep is at it
			return err
		}
		items = left
	}
	return nil
}

// again reads items anew, as far as they are still to be deleted.
func (l *lane) again(ctx context.Context, items []store.Item) ([]store.Item, error) {
	keys := make([]store.Key, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	found, err := l.st.Get(ctx, keys...)
	return l.doomed(found), err
}

func (l *lane) noManual(ctx context.Context, p part) (bool, error) {
	q := store.Query{PK: p.pk, Limit: l.c.Page}
	for {
		if err := l.late(ctx); err != nil {
			return false, err
		}
		page, err := l.st.Page(ctx, q)
		if err != nil || len(l.doomed(page.Items)) > 0 {
			return false, err
		}
		if page.Next == "" {
			return true, nil
		}
		q.After = page.Next
	}
}

// record sweeps one customer or invoice, until a pass that began when no
// writer could be left found nothing any more.
func (r *run) record(ctx context.Context) error {
	h, ok := store.ParseH(r.job.Erase.H)
	if !ok {
		return fault.New(fault.Internal, "erase_state", "the job does not say which record to erase")
	}
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	lanes, err := r.open(ctx, []string{lanePhase + "/record"}, make([][]part, 1))
	if err != nil {
		return err
	}
	l, walk := lanes[0], reader{r.st, d.Hasher(), r.space()}
	for !l.cp.Verified {
		if _, err := l.pass(ctx, walk, h); err != nil {
			return err
		}
		if err := l.settle(ctx); err != nil {
			return err
		}
		n, err := l.pass(ctx, walk, h)
		if err != nil {
			return err
		}
		cp := l.cp
		cp.Verified = n == 0
		if err := l.keep(ctx, cp); err != nil {
			return err
		}
	}
	return nil
}

// pass deletes what hangs on the record, each group in transactions that count it, and tells how many items that were.
func (l *lane) pass(ctx context.Context, walk reader, h store.H) (n int, err error) {
	for keys, err := range walk.record(ctx, Kind(l.job.Erase.Selection), h) {
		if err != nil {
			return n, err
		}
		for chunk := range slices.Chunk(keys, l.st.TransactSize()-1) {
			if err := l.late(ctx); err != nil {
				return n, err
			}
			items := make([]store.Item, len(chunk))
			for i, k := range chunk {
				items[i].Key = k
			}
			if err := l.keep(ctx, l.cp.with(countKeys(chunk)), deletes(items)...); err != nil {
				return n, err
			}
			n += len(chunk)
		}
	}
	return n, nil
}
