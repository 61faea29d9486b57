package eraser

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// lanesAtOnce is how many shards are swept in parallel: each is a partition of
// its own, and so has a write capacity of its own.
const lanesAtOnce = 8

const lanePhase = "sweep"

// checkpoint is how far a lane has come; it is stored in the lane's task on
// condition of its version, so two sweeps can never both count.
type checkpoint struct {
	Part     int    `json:"part"`              // the partition that is being swept
	After    string `json:"after,omitempty"`   // the sort key up to which it is
	Page     *span  `json:"page,omitempty"`    // counted already, maybe not deleted yet
	Counted  bool   `json:"counted,omitempty"` // all of the partition is, and may be dropped at once
	Removed  Counts `json:"removed,omitempty"`
	Digest   Digest `json:"digest"`             // of the keys removed
	Milli    int64  `json:"milli,omitempty"`    // thousandths of write units that dropping partitions at once has saved
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

// lanes sweeps the shards of a source, several at once.
func (r *run) lanes(ctx context.Context, name string, all partitions, m method) error {
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = fmt.Sprintf("%s/%s.%03d", lanePhase, name, i)
	}
	open, err := r.open(ctx, ids, all)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lanesAtOnce)
	for _, l := range open {
		g.Go(func() error { return l.toEnd(ctx, m) })
	}
	return g.Wait()
}

// laneName names the lanes of a source at its epochs.
func laneName(sp store.Space) string {
	return fmt.Sprintf("%05x.c%d.d%d.e%d", uint32(sp.Tag), sp.Epochs.Customers, sp.Epochs.Data, sp.Epochs.Edits)
}

// open reads the lanes' checkpoints, making those that are missing.
func (r *run) open(ctx context.Context, ids []string, parts partitions) ([]*lane, error) {
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
			l.cp.Part, l.cp.After, l.cp.Page, l.cp.Counted = l.cp.Part+1, "", nil, false
		}
		clean, err := l.clean(ctx, m)
		if err != nil {
			return err
		}
		if !clean { // somebody wrote what nobody may: once more
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
func (l *lane) keep(ctx context.Context, cp checkpoint, extra ...table.Write) error {
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
func (cp checkpoint) with(p part, items []table.Item) checkpoint {
	sum := maps.Clone(cp.Removed)
	for _, item := range items {
		sum[p.kindOf(item.SK)]++
		cp.Digest.add(item.Key)
	}
	cp.Removed = sum
	return cp
}

// everything sweeps partitions that nobody sees any more.
func everything() method { return method{sweep: (*lane).sweepAll, clean: (*lane).empty} }

// among sweeps the items that meet a condition from among the others, and that may be made anew meanwhile.
func among(c table.Cond) method {
	return method{
		sweep: func(l *lane, ctx context.Context, p part) error { return l.pick(ctx, p, c) },
		clean: func(l *lane, ctx context.Context, p part) (bool, error) { return l.none(ctx, p, c) },
	}
}

// hiddenAmong sweeps the items that meet a condition from among the others. Nobody sees them any more, and nothing takes their
// place before they are gone. What with says belongs to them goes before them.
func hiddenAmong(c table.Cond, with func(context.Context, []table.Item) ([]table.Key, error)) method {
	return method{
		sweep: func(l *lane, ctx context.Context, p part) error {
			return l.sweepPages(ctx, p, &picking{c, with})
		},
		clean: func(l *lane, ctx context.Context, p part) (bool, error) { return l.none(ctx, p, c) },
	}
}

// picking is what goes of a partition.
type picking struct {
	c    table.Cond
	with func(context.Context, []table.Item) ([]table.Key, error)
}

// sweepAll deletes all that a partition holds.
func (l *lane) sweepAll(ctx context.Context, p part) error {
	if l.st.DropsRanges() && p.from == "" {
		return l.sweepAtOnce(ctx, p)
	}
	return l.sweepPages(ctx, p, nil)
}

// sweepPages deletes what is picked of a partition, or all of it, page by page: what was counted in the ledger is deleted, and
// never counted again.
func (l *lane) sweepPages(ctx context.Context, p part, pick *picking) error {
	if s := l.cp.Page; s != nil {
		if err := l.deleteSpan(ctx, p, *s, pick); err != nil {
			return err
		}
		l.cp.Page, l.cp.After = nil, s.Last
	}
	for q := p.query(); ; {
		if err := l.late(ctx); err != nil {
			return err
		}
		q.After, q.Limit, q.KeysOnly = l.cp.After, l.c.Page, pick == nil
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		if err := l.sweepPage(ctx, p, pick.of(page), pick); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		l.cp.After = page.Next
	}
}

// of leaves of a page what goes.
func (pick *picking) of(page table.Page) table.Page {
	if pick == nil {
		return page
	}
	page.Items = only(page.Items, pick.c)
	page.Sizes = make([]int, len(page.Items))
	for i, item := range page.Items {
		page.Sizes[i] = item.Size()
	}
	return page
}

func (l *lane) sweepPage(ctx context.Context, p part, page table.Page, pick *picking) error {
	n := len(page.Items)
	if n == 0 {
		return nil
	}
	if pick != nil {
		keys, err := pick.with(ctx, page.Items)
		if err == nil {
			_, err = l.remove(ctx, keys)
		}
		if err != nil {
			return err
		}
	}
	cp := l.cp.with(p, page.Items)
	cp.Page = &span{page.Items[0].SK, page.Items[n-1].SK, n}
	if err := l.keep(ctx, cp); err != nil {
		return err
	}
	if err := l.st.Write(ctx, page.Deletes()); err != nil {
		return err
	}
	l.cp.Page, l.cp.After = nil, page.Items[n-1].SK
	return nil
}

// savePages is how many pages are counted before that is stored, where a partition is dropped at once.
const savePages = 32

// sweepAtOnce counts a whole partition and then drops it. No writer is left that could put anything into it meanwhile.
func (l *lane) sweepAtOnce(ctx context.Context, p part) error {
	cp := l.cp
	for n := 1; !cp.Counted; n++ {
		first := cp.After == ""
		if err := l.late(ctx); err != nil {
			return err
		}
		page, err := l.st.Page(ctx, table.Query{PK: p.pk, After: cp.After, KeysOnly: true})
		if err != nil {
			return err
		}
		cp = cp.with(p, page.Items)
		for _, size := range page.Sizes {
			cp.Milli += table.WriteCost(size, 0).WriteMilli
		}
		cp.After, cp.Counted = page.Next, page.Next == ""
		if first && cp.Counted && len(page.Items) == 0 {
			return nil // it is empty
		}
		if n%savePages == 0 || cp.Counted {
			if err := l.keep(ctx, cp); err != nil {
				return err
			}
		}
	}
	return l.st.DeleteRange(ctx, p.pk)
}

// deleteSpan deletes what is left of a page that was counted.
func (l *lane) deleteSpan(ctx context.Context, p part, s span, pick *picking) error {
	// A space is the smallest character of a key, so the bound is just behind the last one.
	q := table.Query{PK: p.pk, From: s.First, To: s.Last + " ", KeysOnly: pick == nil, Limit: l.c.Page}
	for {
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		if err := l.st.Write(ctx, pick.of(page).Deletes()); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

func (l *lane) empty(ctx context.Context, p part) (bool, error) {
	q := p.query()
	q.Limit, q.KeysOnly = 1, true
	page, err := l.st.Page(ctx, q)
	return err == nil && len(page.Items) == 0, err
}

// pick deletes the items of a partition that meet c, each on condition that it still does.
func (l *lane) pick(ctx context.Context, p part, c table.Cond) error {
	for q := p.query(); ; {
		if err := l.late(ctx); err != nil {
			return err
		}
		q.After, q.Limit = l.cp.After, l.c.Page
		page, err := l.st.Page(ctx, q)
		if err != nil {
			return err
		}
		for items := range slices.Chunk(only(page.Items, c), l.st.TransactSize()-1) {
			if err := l.drop(ctx, p, items, c); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		l.cp.After = page.Next
	}
}

// only keeps the items that meet c.
func only(items []table.Item, c table.Cond) []table.Item {
	return slices.DeleteFunc(items, func(item table.Item) bool { return !c.Holds(item.Attrs, true) })
}

// drop deletes items and counts them in one transaction. Those that were
// made again meanwhile fail its conditions: they stay, and it is tried without them.
func (l *lane) drop(ctx context.Context, p part, items []table.Item, c table.Cond) error {
	for len(items) > 0 {
		if err := l.late(ctx); err != nil {
			return err
		}
		keys := keysOf(items)
		writes := deletesOf(keys)
		for i := range writes {
			writes[i].If = c
		}
		err := l.keep(ctx, l.cp.with(p, items), writes...)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		left, readErr := l.st.Get(ctx, keys...)
		if readErr != nil {
			return readErr
		}
		if left = only(left, c); len(left) == len(items) { // not their conditions, but the checkpoint's: another sweep is at it
			return err
		}
		items = left
	}
	return nil
}

// none tells whether a partition holds no item that meets c.
func (l *lane) none(ctx context.Context, p part, c table.Cond) (bool, error) {
	for q := p.query(); ; {
		if err := l.late(ctx); err != nil {
			return false, err
		}
		q.Limit = l.c.Page
		page, err := l.st.Page(ctx, q)
		if err != nil || len(only(page.Items, c)) > 0 {
			return false, err
		}
		if page.Next == "" {
			return true, nil
		}
		q.After = page.Next
	}
}

// records sweeps the single records of one source, each until a pass finds nothing of it any more, wherever a restore could
// bring it back from.
func (r *run) records(ctx context.Context, src store.Source) error {
	d, err := r.st.Directory(ctx)
	if err != nil {
		return err
	}
	spaces, err := spacesOf(ctx, r.ledger, d, src)
	if err != nil {
		return err
	}
	for _, sp := range spaces {
		walk := reader{st: r.st, hr: d.Hasher(), sp: sp, edits: !r.job.Erase.KeepEdits}
		if err := r.recordsAt(ctx, walk); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) recordsAt(ctx context.Context, walk reader) error {
	for i, rec := range r.job.Erase.Records {
		if rec.Tag != walk.sp.Tag {
			continue
		}
		h, ok := store.ParseH(rec.H)
		if !ok {
			return fault.New(fault.Internal, "erase_state", "the job does not say which record to erase")
		}
		lanes, err := r.open(ctx, []string{fmt.Sprintf("%s/record.%03d.%s", lanePhase, i, laneName(walk.sp))}, make(partitions, 1))
		if err != nil {
			return err
		}
		if err := lanes[0].untilGone(ctx, walk, h); err != nil {
			return err
		}
	}
	return nil
}

// spacesOf are where rows of a source can be that are to be seen, or to be restored: as it was when an erase began, as it is, and
// as it was before erases that are not done.
func spacesOf(ctx context.Context, ledger *job.Ledger, d *store.Directory, was store.Source) ([]store.Space, error) {
	spaces := []store.Space{was.Space()}
	if now, ok := d.ByTag(was.Tag); ok {
		spaces = append(spaces, now.Space())
	}
	open, err := ledger.Open(ctx)
	for _, j := range open {
		if j.Kind == job.Erase && j.Tag == was.Tag && Kind(j.Erase.Selection).empties() {
			spaces = append(spaces, j.Erase.Was.Space())
		}
	}
	var once []store.Space
	for _, sp := range spaces {
		if !slices.Contains(once, sp) {
			once = append(once, sp)
		}
	}
	return once, err
}

func (l *lane) untilGone(ctx context.Context, walk reader, h store.H) error {
	for !l.cp.Verified {
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
		if err == nil {
			var more int
			more, err = l.remove(ctx, keys)
			n += more
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// remove deletes keys that exist, in their order, in transactions that count them, and tells how many it has.
func (l *lane) remove(ctx context.Context, keys []table.Key) (n int, err error) {
	for chunk := range slices.Chunk(keys, l.st.TransactSize()-1) {
		if err := l.late(ctx); err != nil {
			return n, err
		}
		cp := l.cp
		for _, k := range chunk {
			cp = cp.with(partOf(k), []table.Item{{Key: k}})
		}
		if err := l.keep(ctx, cp, deletesOf(chunk)...); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	return n, nil
}

func keysOf(items []table.Item) []table.Key {
	keys := make([]table.Key, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}

func deletesOf(keys []table.Key) []table.Write {
	w := make([]table.Write, len(keys))
	for i, k := range keys {
		w[i] = table.Write{Item: table.Item{Key: k}, Delete: true}
	}
	return w
}

// partOf is the partition of a key.
func partOf(k table.Key) part { return part{pk: k.PK, edits: store.EditsIn(k.PK)} }
