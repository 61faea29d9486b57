package importer_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/buckettest"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// world is what outlives a process: the table, the objects, and a clock that jumps to the next
// event.
type world struct {
	table   *mem.Driver
	bucket  *objects.Memory
	sizes   [2]int64 // size of a piece, and of a small import
	src     store.Source
	earlier map[string]bool // jobs of the setup, which outcome leaves out
	quiet   *process        // all its calls get through
	main    *process        // does the work
	skew    []time.Duration // errors of the clocks of successive processes
	tidy    bool            // outcome includes runs, which must be gone: no process comes too late
	team    []*process      // processes that work at the same time as main
	calls   atomic.Int64    // made by all troubled processes
	// deadline makes the context in which a message is handled; nil: there is time enough.
	deadline func(context.Context) (context.Context, context.CancelFunc)
	// trouble is called before every call of a process, and after the call took effect; the call
	// returns its error.
	trouble trouble
}

type trouble func(p *process, call int, op string, done bool) error

// process is one process of many, with its own ledger, importer and messages.
type process struct {
	*line
	dead atomic.Bool // killed: none of its calls gets through any more
}

// still is a world in which nothing happens; tests begin with copies of it.
type still struct {
	table  *mem.Driver
	bucket *objects.Memory
	at     time.Time
}

// genesis makes a world with an empty source, at a time when the dates of all rows are past.
func genesis(t *testing.T) *still {
	t.Helper()
	s := &still{table: mem.New(mem.Options{}), bucket: &objects.Memory{}, at: today()}
	l := newLine(s.table, objects.Mem(), 0, 0)
	setSecret(t, l)
	l.source(t, "S")
	_, err := l.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.Sources[0].Shards = 2
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a test from there, on a table with the faults of the options.
func (s *still) run(t *testing.T, opt mem.Options, sizes [2]int64, test func(tester, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		time.Sleep(time.Until(s.at))
		w := &world{table: s.table.Clone(opt), bucket: s.bucket.Clone(), sizes: sizes, earlier: map[string]bool{}, tidy: true}
		w.quiet = w.start(nil)
		dir, err := w.quiet.store.Directory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.src = dir.Sources[0]
		for _, j := range w.jobs(t) {
			w.earlier[j.ID] = true
		}
		test(t, w)
	})
}

// then is the world after something was done, undisturbed.
func (s *still) then(t *testing.T, sizes [2]int64, do func(tester, *world)) *still {
	t.Helper()
	next := &still{}
	s.run(t, mem.Options{}, sizes, func(t tester, w *world) {
		do(t, w)
		*next = still{w.table, w.bucket, time.Now()}
	})
	return next
}

// start starts a process. If trouble is nil, all its calls get through.
func (w *world) start(trouble func(p *process, op string, done bool) error) *process {
	p := &process{line: &line{}}
	hook := func(op string, done bool) error {
		if p.dead.Load() {
			return errCut()
		}
		if trouble == nil {
			return nil
		}
		return trouble(p, op, done)
	}
	clock := time.Now
	if len(w.skew) > 0 && trouble != nil {
		wrong := w.skew[0]
		w.skew = append(w.skew[1:], wrong)
		clock = func() time.Time { return time.Now().Add(wrong) }
	}
	objs := buckettest.Objects(w.bucket, func(op buckettest.Op, done bool) error { return hook("object "+string(op), done) })
	p.wire(&seen{w.table, hook}, objs, w.sizes[0], w.sizes[1], clock)
	return p
}

// troubled starts a process that is troubled.
func (w *world) troubled() *process {
	return w.start(func(p *process, op string, done bool) error {
		if w.trouble == nil {
			return nil
		}
		n := w.calls.Load()
		if !done {
			n = w.calls.Add(1)
		}
		return w.trouble(p, int(n), op, done)
	})
}

func errCut() error { return fault.New(fault.Unavailable, "cut", "cut") }

// seen is the table as one process sees it. A request that is under way cannot be recalled: it
// takes effect though the process waits for it no more.
type seen struct {
	table.Driver
	hook func(op string, done bool) error
}

func (s *seen) around(ctx context.Context, op string, call func(context.Context) error) error {
	if ctx.Err() != nil {
		return errCut()
	}
	if err := s.hook(op, false); err != nil {
		return err
	}
	if err := call(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errCut()
	}
	return s.hook(op, true)
}

func (s *seen) Get(ctx context.Context, keys []table.Key) (items []table.Item, left []table.Key, cost table.Cost, err error) {
	err = s.around(ctx, "get", func(ctx context.Context) error {
		items, left, cost, err = s.Driver.Get(ctx, keys)
		return err
	})
	return items, left, cost, err
}

func (s *seen) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = s.around(ctx, "query", func(ctx context.Context) error {
		page, err = s.Driver.Query(ctx, q)
		return err
	})
	return page, err
}

func (s *seen) Write(ctx context.Context, batch []table.Write) (left []table.Write, cost table.Cost, err error) {
	err = s.around(ctx, "write", func(ctx context.Context) error {
		left, cost, err = s.Driver.Write(ctx, batch)
		return err
	})
	return left, cost, err
}

func (s *seen) Transact(ctx context.Context, writes []table.Write) (cost table.Cost, err error) {
	err = s.around(ctx, "transact", func(ctx context.Context) error {
		cost, err = s.Driver.Transact(ctx, writes)
		return err
	})
	return cost, err
}

// tries is how often a message is delivered before it is dropped; the tick sends the work again.
const tries = 3

// work handles messages until none is left, each in a context of its own.
func (p *process) work(ctx func() (context.Context, context.CancelFunc)) {
	seen := map[importer.Message]int{}
	for len(p.queue) > 0 {
		m := p.queue[0]
		p.queue = p.queue[1:]
		c, cancel := ctx()
		err := p.Handle(c, m)
		cancel()
		if seen[m]++; err != nil && !p.dead.Load() && seen[m] < tries {
			p.queue = append(p.queue, m)
		}
	}
}

// tick starts waiting jobs and re-sends work that may have lost its worker, as the real one does
// every minute.
func (l *line) tick(ctx context.Context) error {
	_, err := l.ledger.StartWaiting(ctx)
	return errors.Join(err, l.Tick(ctx))
}

// alive is the process that does the work: a new one if the last one was killed.
func (w *world) alive() *process {
	if w.main == nil || w.main.dead.Load() {
		w.main = w.troubled()
	}
	return w.main
}

// do takes a step, again and again until it succeeds, as a caller would.
func (w *world) do(t tester, step func(*process) error) {
	t.Helper()
	var err error
	for range 50 {
		if err = step(w.alive()); err == nil {
			return
		}
	}
	t.Fatal("the step never succeeds: ", err)
}

// settle lets time pass until every job has ended.
func (w *world) settle(t tester) {
	t.Helper()
	ctx := func() (context.Context, context.CancelFunc) { return t.Context(), func() {} }
	if w.deadline != nil {
		ctx = func() (context.Context, context.CancelFunc) { return w.deadline(t.Context()) }
	}
	var wg sync.WaitGroup
	for _, p := range w.team {
		wg.Go(func() { w.labour(t.Context(), func() *process { return p }, ctx) })
	}
	w.labour(t.Context(), w.alive, ctx)
	wg.Wait()
	if !w.ended(t.Context()) {
		t.Fatal("jobs are still open")
	}
}

// labour works, looking for work every 20 seconds, until every job has ended.
func (w *world) labour(ctx context.Context, who func() *process, within func() (context.Context, context.CancelFunc)) {
	for range 1000 {
		p := who()
		_ = p.tick(ctx) // the next one will do
		p.work(within)  //nolint:contextcheck // within makes the context
		if w.ended(ctx) {
			return
		}
		time.Sleep(20 * time.Second)
	}
}

// ended reports whether nothing goes on by itself any more.
func (w *world) ended(ctx context.Context) bool {
	open, err := w.quiet.ledger.Open(ctx)
	return err == nil && len(open) == 0
}

// jobs are all jobs in the order in which they were made.
func (w *world) jobs(t tester) []*job.Job {
	t.Helper()
	list, err := w.quiet.ledger.List(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// latest is the last job that fits.
func (w *world) latest(t tester, fits func(*job.Job) bool) *job.Job {
	t.Helper()
	for _, j := range slices.Backward(w.jobs(t)) {
		if fits(j) {
			return j
		}
	}
	t.Fatal("there is no such job")
	return nil
}

// outcome is all that counts in the end.
type outcome struct {
	Items map[table.Key]map[string]any // with job numbers in place of the stamps of new jobs
	Edits map[table.Key]map[string]any // without their versions
	Jobs  []report
}

type report struct {
	Status  job.Status
	Error   string
	Counts  map[string]job.Counts
	Totals  job.Totals
	Notes   []string
	Rejects string
	Changes map[string]importer.Action
	Objects []string
}

// outcome collects the outcome.
func (w *world) outcome(t tester) outcome {
	t.Helper()
	out := outcome{Items: map[table.Key]map[string]any{}, Edits: map[table.Key]map[string]any{}}
	number := map[any]string{}
	for _, j := range w.news(t) {
		number[j.CreatedAt.UnixMilli()] = "job " + strconv.Itoa(len(out.Jobs))
		number[job.Number(j.ID)] = number[j.CreatedAt.UnixMilli()]
		out.Jobs = append(out.Jobs, w.report(t, j))
	}
	for k, attrs := range w.quiet.dump(t, w.src) {
		item := decoded(table.Attrs(attrs))
		for _, stamp := range []string{"_at", "_i", "_up"} {
			if n, ok := number[item[stamp]]; ok {
				item[stamp] = n
			}
		}
		out.Items[k] = item
	}
	for k, attrs := range w.quiet.dumpEdits(t, w.src) {
		item := decoded(table.Attrs(attrs))
		if delete(item, "_v"); strings.HasSuffix(k.SK, store.EditMerge) { // the link has the time of the merge
			delete(item, "_up")
		}
		out.Edits[k] = item
	}
	return out
}

// contents are the items without their stamps.
func (o outcome) contents() map[table.Key]map[string]any {
	out := map[table.Key]map[string]any{}
	for k, item := range o.Items {
		out[k] = maps.Clone(item)
		delete(out[k], "_at")
		delete(out[k], "_i")
		delete(out[k], "_up")
	}
	return out
}

// news are the jobs made after the setup.
func (w *world) news(t tester) []*job.Job {
	t.Helper()
	return slices.DeleteFunc(w.jobs(t), func(j *job.Job) bool { return w.earlier[j.ID] })
}

func (w *world) report(t tester, j *job.Job) report {
	t.Helper()
	l := w.quiet
	r := report{Status: j.Status, Error: j.Error, Counts: some(j.Datasets), Totals: j.Totals, Notes: j.Notes, Rejects: l.rejects(t, j)}
	if j.Status == job.Done || j.Status == job.Planned {
		r.Changes = l.changes(t, j)
	}
	names, err := l.objects.Names(t.Context(), j.Prefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n = strings.TrimPrefix(n, j.Prefix()); w.tidy || !strings.HasPrefix(n, "runs/") {
			r.Objects = append(r.Objects, n)
		}
	}
	return r
}

// consistent demands that every pointer leads to a record that names it, and that every record has
// its pointers.
func consistent(t tester, o outcome) {
	t.Helper()
	want, found := map[string]int{}, map[string]int{}
	for k, item := range o.Items {
		h, _ := store.TrailingH(k.SK)
		parent, _ := store.ParseH(firstOf(item, "invoice", "customer"))
		switch store.SKPrefix(k.SK) {
		case store.SKCustomer:
			want[k.SK] = there(item["email"])
		case store.SKInvoice, store.SKEvent:
			want[k.SK] = 1
		case store.SKLine, store.SKTrans:
			want[k.SK] = there(item["external_id"])
		case store.SKEmail:
			found[store.CustomerSK(h)]++
		case store.SKOwner:
			found[store.InvoiceSK(h)]++
		case store.SKExternal:
			switch id, _ := store.TrailingEventID(k.SK); k.SK[len(store.SKExternal)] {
			case 'l':
				found[store.LineItemSK(parent, h)]++
			case 't':
				found[store.TransactionSK(parent, h)]++
			case 'e':
				found[store.EventSK(parent, id)]++
			}
		}
	}
	maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatalf("records that must have a pointer, and those that one leads to: %s", diff)
	}
}

// there is 1 if there is an attribute, else 0.
func there(v any) int {
	if v == nil {
		return 0
	}
	return 1
}

func firstOf(item map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := item[n].(string); ok {
			return s
		}
	}
	return ""
}

// soak reports whether tests may take long: if -rapid.checks is above its default.
func soak(t *testing.T) bool {
	t.Helper()
	n, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	return n > 100
}
