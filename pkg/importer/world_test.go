package importer_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/blobtest"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
)

// world is what outlives a process: the table, the objects, and a clock that jumps to where something happens.
type world struct {
	table  store.Driver
	bucket blobtest.Bucket
	sizes  [2]int64 // of a piece, and of a small import
	src    store.Source
	quiet  *process // one whose calls all get through
	main   *process
	calls  int // of all processes that are troubled
	// trouble is asked before every call of a process and when it has taken effect; its error is the call's.
	trouble func(p *process, call int, op string, done bool) error
}

// process is one process of many, with a ledger, an importer and messages of its own.
type process struct {
	*line
	w    *world
	dead bool // killed: no call of it gets through any more
}

// inWorld runs a test in a world of its own, at a time when the rows of all tests lie in the past.
func inWorld(t *testing.T, table store.Driver, sizes [2]int64, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { //nolint:thelper // it is the test
		time.Sleep(time.Until(today()))
		w := &world{table: table, sizes: sizes}
		w.quiet = w.start(nil)
		setSecret(t, w.quiet.line)
		w.quiet.source(t, "S")
		dir, err := w.quiet.store.ChangeDirectory(t.Context(), func(d *store.Directory) ([]store.Write, error) {
			d.Sources[0].Shards = 2
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.src = dir.Sources[0]
		test(t, w)
	})
}

// start starts a process. A nil trouble is none.
func (w *world) start(trouble func(p *process, op string, done bool) error) *process {
	p := &process{w: w, line: &line{}}
	hook := func(op string, done bool) error {
		if p.dead {
			return errCut()
		}
		if trouble == nil {
			return nil
		}
		return trouble(p, op, done)
	}
	bucket := w.bucket.Open(func(op blobtest.Op, done bool) error { return hook("object "+string(op), done) })
	p.wire(&seen{w.table, hook}, objects.Over(bucket), w.sizes[0], w.sizes[1], time.Now)
	return p
}

// troubled starts a process that is troubled.
func (w *world) troubled() *process {
	return w.start(func(p *process, op string, done bool) error {
		if w.trouble == nil {
			return nil
		}
		if !done {
			w.calls++
		}
		return w.trouble(p, w.calls, op, done)
	})
}

func errCut() error { return fault.New(fault.Unavailable, "cut", "cut") }

// seen is the table as one process sees it.
type seen struct {
	store.Driver
	hook func(op string, done bool) error
}

func (s *seen) around(op string, call func() error) error {
	if err := s.hook(op, false); err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	return s.hook(op, true)
}

func (s *seen) Get(ctx context.Context, keys []store.Key) (items []store.Item, left []store.Key, cost store.Cost, err error) {
	err = s.around("get", func() error {
		items, left, cost, err = s.Driver.Get(ctx, keys)
		return err
	})
	return items, left, cost, err
}

func (s *seen) Query(ctx context.Context, q store.Query) (page store.Page, err error) {
	err = s.around("query", func() error {
		page, err = s.Driver.Query(ctx, q)
		return err
	})
	return page, err
}

func (s *seen) Write(ctx context.Context, batch []store.Write) (left []store.Write, cost store.Cost, err error) {
	err = s.around("write", func() error {
		left, cost, err = s.Driver.Write(ctx, batch)
		return err
	})
	return left, cost, err
}

func (s *seen) Transact(ctx context.Context, writes []store.Write) (cost store.Cost, err error) {
	err = s.around("transact", func() error {
		cost, err = s.Driver.Transact(ctx, writes)
		return err
	})
	return cost, err
}

// tries is how often a message is delivered before it is given up: the tick hands its work out again.
const tries = 3

// work handles messages until there are none; ctx makes the context of each.
func (p *process) work(t *testing.T, ctx func(context.Context) (context.Context, context.CancelFunc)) {
	t.Helper()
	seen := map[importer.Message]int{}
	for len(p.queue) > 0 {
		m := p.queue[0]
		p.queue = p.queue[1:]
		c, cancel := ctx(t.Context())
		err := p.Handle(c, m)
		cancel()
		if seen[m]++; err != nil && !p.dead && seen[m] < tries {
			p.queue = append(p.queue, m)
		}
	}
}

func forever(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }

// tick starts what waits and hands out what nobody may be at, as the line does every minute.
func (p *process) tick(ctx context.Context) error {
	_, err := p.ledger.StartWaiting(ctx)
	return errors.Join(err, p.Tick(ctx))
}

// alive is the process that does the work: another one, once it was killed.
func (w *world) alive() *process {
	if w.main == nil || w.main.dead {
		w.main = w.troubled()
	}
	return w.main
}

// do has a step taken, again and again until it is, as whoever asks for it would.
func (w *world) do(t *testing.T, step func(*process) error) {
	t.Helper()
	for range 20 {
		if step(w.alive()) == nil {
			return
		}
	}
	t.Fatal("it does not come to it")
}

// settle lets time pass until every job has ended.
func (w *world) settle(t *testing.T) {
	t.Helper()
	for range 200 {
		p := w.alive()
		_ = p.tick(t.Context()) // the next one will do
		p.work(t, forever)
		open, err := w.quiet.ledger.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(open) == 0 {
			return
		}
		time.Sleep(20 * time.Second)
	}
	t.Fatal("it does not recover")
}

// outcome is all that counts in the end.
type outcome struct {
	Items map[store.Key]map[string]any // stamps are numbers of jobs
	Jobs  []ended
}

type ended struct {
	Status  job.Status
	Error   string
	Counts  map[string]job.Counts
	Notes   []string
	Rejects string
	Changes map[string]importer.Action
	Objects []string
}

// outcome looks at everything.
func (w *world) outcome(t *testing.T) outcome {
	t.Helper()
	l := w.quiet
	list, err := l.ledger.List(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	out := outcome{Items: map[store.Key]map[string]any{}}
	number := map[any]string{}
	undone := map[string]bool{}
	for _, j := range list {
		if undo := j.Import.Undo; undo != "" {
			if undone[undo] { // asked for twice, since the first answer was lost
				for ds, c := range j.Datasets {
					if c.Added+c.Changed+c.Removed > 0 {
						t.Fatalf("a second undo does something with %s: %+v", ds, c)
					}
				}
				continue
			}
			undone[undo] = true
		}
		number[j.CreatedAt.UnixMilli()] = "job " + strconv.Itoa(len(out.Jobs))
		out.Jobs = append(out.Jobs, w.ended(t, j))
	}
	for k, attrs := range l.dump(t, w.src) {
		item := decoded(store.Attrs(attrs))
		for _, stamp := range []string{"_at", "_up"} {
			if n, ok := number[item[stamp]]; ok {
				item[stamp] = n
			}
		}
		out.Items[k] = item
	}
	return out
}

func (w *world) ended(t *testing.T, j *job.Job) ended {
	t.Helper()
	l := w.quiet
	e := ended{Status: j.Status, Error: j.Error, Counts: some(j.Datasets), Notes: j.Notes, Rejects: l.rejects(t, j)}
	if j.Status == job.Done || j.Status == job.Planned {
		e.Changes = l.changes(t, j)
	}
	names, err := l.objects.Names(t.Context(), j.Prefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		e.Objects = append(e.Objects, strings.TrimPrefix(n, j.Prefix()))
	}
	return e
}

// consistent demands that every pointer leads to a record that names it, and that every record has its pointers.
func consistent(t *testing.T, o outcome) {
	t.Helper()
	pointed := map[string]int{}
	for k, item := range o.Items {
		owner, _ := store.LeadingH(k.SK)
		switch store.What(k.SK) {
		case store.SKEmail:
			h, _ := store.TrailingH(k.SK)
			pointed[store.CustomerSK(h)]++
		case store.SKOwner:
			h, _ := store.TrailingH(k.SK)
			pointed[store.InvoiceSK(h)]++
		case store.SKExternal:
			h, _ := store.LeadingH(k.SK)
			parent, _ := store.ParseH(firstOf(item, "invoice", "customer"))
			switch k.SK[len(store.SKExternal)] {
			case 'l':
				pointed[store.LineItemSK(parent, h)]++
			case 't':
				pointed[store.TransactionSK(parent, h)]++
			default:
				id, _ := store.TrailingEventID(k.SK)
				pointed[store.EventSK(parent, id)]++
			}
		default:
			_ = owner
		}
	}
	want := map[string]int{}
	for k, item := range o.Items {
		kind := store.What(k.SK)
		has := kind == store.SKInvoice || kind == store.SKEvent || kind == store.SKCustomer && item["email"] != nil ||
			(kind == store.SKLine || kind == store.SKTrans) && item["external_id"] != nil
		if has {
			want[k.SK]++
		}
	}
	if diff := cmp.Diff(want, pointed); diff != "" {
		t.Fatalf("records that must have a pointer, and those that one leads to: %s", diff)
	}
}

func firstOf(item map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := item[n].(string); ok {
			return s
		}
	}
	return ""
}

// soak tells whether tests are to take their time: -rapid.checks above its default.
func soak(t *testing.T) bool {
	t.Helper()
	n, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	return n > 100
}

var _ = maps.Keys[map[int]int]
