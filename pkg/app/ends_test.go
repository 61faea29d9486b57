package app_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/app"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// turns is a bed with a source whose jobs take turns, and a second source as a bystander.
type turns struct {
	*bed
	src   store.Source
	other []*job.Job // jobs of the second source: one runs, one waits
	// the job whose messages are lost, as if the process was killed before it sent them
	lost  string
	watch func(context.Context) error // called after each call of the table, except its own; may be nil
	busy  sync.Mutex                  // held while watch runs
	sent  sync.Mutex                  // held while a message is added
}

func newTurns(t *testing.T) *turns {
	t.Helper()
	w := &turns{bed: &bed{}}
	lost := func(id string) error {
		if id == w.lost {
			return fault.New(fault.Unavailable, "killed", "killed")
		}
		return nil
	}
	after := func(mem.Op, int) error {
		if w.watch == nil || !w.busy.TryLock() {
			return nil
		}
		defer w.busy.Unlock()
		return w.watch(t.Context())
	}
	w.App = app.New(app.Config{
		Store: store.New(mem.New(mem.Options{After: after})), Objects: objects.Mem(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Imports: func(_ context.Context, m ...importer.Message) error {
			w.sent.Lock()
			defer w.sent.Unlock()
			w.imports = append(w.imports, m...)
			w.imports = slices.DeleteFunc(w.imports, func(m importer.Message) bool { return m.Job == w.lost })
			return lost(m[0].Job)
		},
		Sweeps: func(_ context.Context, m ...app.Sweep) error {
			w.sent.Lock()
			defer w.sent.Unlock()
			w.sweeps = append(w.sweeps, m...)
			return lost(m[0].Job)
		},
	})
	for _, name := range []string{"Other", "Acme"} {
		src, err := w.Source(t.Context(), name)
		must(t, err)
		w.src = src
		if name == "Other" {
			w.other = []*job.Job{w.submit(t, customers, importer.Options{}), w.submit(t, customers, importer.Options{})}
		}
	}
	w.done(t, w.submit(t, customers, importer.Options{}))
	return w
}

// submit starts an import of customers into the source.
func (w *turns) submit(t *testing.T, text string, how importer.Options) *job.Job {
	t.Helper()
	f, err := w.Keep(t.Context(), w.src, "customers.csv", strings.NewReader(text))
	must(t, err)
	j, err := w.Submit(t.Context(), w.src.UUID, []job.File{f}, how)
	must(t, err)
	return j
}

// handle handles the messages of one job until there are none.
func (w *turns) handle(t *testing.T, id string) {
	t.Helper()
	for {
		i := slices.IndexFunc(w.imports, func(m importer.Message) bool { return m.Job == id })
		k := slices.IndexFunc(w.sweeps, func(m app.Sweep) bool { return m.Job == id })
		var err error
		switch {
		case i >= 0:
			m := w.imports[i]
			w.imports = slices.Delete(w.imports, i, i+1)
			err = w.Work(t.Context(), m)
		case k >= 0:
			m := w.sweeps[k]
			w.sweeps = slices.Delete(w.sweeps, k, k+1)
			err = w.Sweep(t.Context(), m)
		default:
			return
		}
		if err != nil && fault.CodeOf(err) != "killed" {
			t.Fatal(err)
		}
	}
}

// done makes a job of the source that is done.
func (w *turns) done(t *testing.T, j *job.Job) *job.Job {
	t.Helper()
	w.handle(t, j.ID)
	now := w.now(t, j)
	if !now.Status.Ended() {
		t.Fatalf("a job is %s", now.Status)
	}
	return now
}

func (w *turns) now(t *testing.T, j *job.Job) *job.Job {
	t.Helper()
	now, err := w.Ledger.Get(t.Context(), j.ID)
	must(t, err)
	return now
}

// handedOut counts the messages for a job.
func (w *turns) handedOut(id string) (n int) {
	for _, m := range w.imports {
		if m.Job == id {
			n++
		}
	}
	return n
}

func (w *turns) erase(t *testing.T, sel eraser.Selection, grace time.Duration) *job.Job {
	t.Helper()
	j, err := w.StartErase(t.Context(), sel, eraser.Options{Grace: &grace})
	must(t, err)
	return j
}

// way is one way in which a job ends, or releases a source.
type way struct {
	begin func(*testing.T, *turns) *job.Job
	// end makes the job end; nil handles its messages.
	end func(*testing.T, *turns, *job.Job)
	// within says that the job holds the source only during end, under its id followed by holder.
	within bool
	holder string
	meant  job.Status
}

func waysToEnd() map[string]way {
	submitted := func(text string, how importer.Options) func(*testing.T, *turns) *job.Job {
		return func(t *testing.T, w *turns) *job.Job { t.Helper(); return w.submit(t, text, how) }
	}
	erased := func(kind eraser.Kind, grace time.Duration) func(*testing.T, *turns) *job.Job {
		return func(t *testing.T, w *turns) *job.Job {
			t.Helper()
			sel := eraser.Selection{Kind: kind}
			if kind != eraser.ManualCustomers {
				sel.Source = w.src.UUID
			}
			return w.erase(t, sel, grace)
		}
	}
	first := func(t *testing.T, w *turns) *job.Job { // the import that filled the source
		t.Helper()
		all, err := w.Ledger.List(t.Context(), 100, "")
		must(t, err)
		return all[0]
	}
	ways := map[string]way{
		"an import is done":         {begin: submitted(customers+"C,c\n", importer.Options{}), meant: job.Done},
		"an import fails":           {begin: submitted("Nonsense\n1\n", importer.Options{}), meant: job.Failed},
		"an import is planned":      {begin: submitted(customers+"C,c\n", importer.Options{Plan: true}), meant: job.Planned},
		"an import waits for a yes": {begin: submitted("Name,External ID\nA,a\n", importer.Options{Mode: job.Replace}), meant: job.Planned},
		"an import is cancelled": {begin: submitted(customers, importer.Options{}), meant: job.Cancelled, end: func(t *testing.T, w *turns, j *job.Job) {
			t.Helper()
			_, err := w.Importer.Cancel(t.Context(), j.ID)
			must(t, err)
			w.handle(t, j.ID)
		}},
		"a plan is applied": {meant: job.Done, begin: func(t *testing.T, w *turns) *job.Job {
			t.Helper()
			plan := w.done(t, w.submit(t, customers+"C,c\n", importer.Options{Plan: true}))
			j, err := w.Importer.Apply(t.Context(), plan.ID)
			must(t, err)
			return j
		}},
		"an undo is done": {meant: job.Done, begin: func(t *testing.T, w *turns) *job.Job {
			t.Helper()
			j, err := w.Importer.Undo(t.Context(), first(t, w).ID, importer.UndoOptions{})
			must(t, err)
			return j
		}},
		"an undo of an older version is done": {meant: job.Done, begin: func(t *testing.T, w *turns) *job.Job {
			t.Helper()
			target := first(t, w)
			spec := *target.Import
			spec.Undo, spec.Stepwise, spec.Estimate, spec.Small, spec.Files, spec.Pieces = target.ID, true, nil, false, nil, nil
			j, err := w.Ledger.Create(t.Context(), &job.Job{Kind: job.Import, Source: w.src.UUID, SourceName: w.src.Name, Tag: w.src.Tag, Import: &spec})
			must(t, err)
			must(t, w.Imports(t.Context(), importer.Message{Job: j.ID}))
			return j
		}},
		"content is erased":                                        {begin: erased(eraser.Content, 0), meant: job.Done},
		"what depends on it is erased":                             {begin: erased(eraser.Dependent, 0), meant: job.Done},
		"an erase is restored":                                     {begin: erased(eraser.Content, time.Hour), meant: job.Restored, within: true, holder: "-restore", end: restored},
		"manual customers are swept, and the other source is held": {begin: erased(eraser.ManualCustomers, 0), meant: job.Running, within: true},
		"an erase is done that was begun by the tick": {meant: job.Done, begin: func(t *testing.T, w *turns) *job.Job {
			t.Helper()
			j := w.erase(t, eraser.Selection{Kind: eraser.Content, Source: w.src.UUID}, time.Nanosecond)
			must(t, w.Tick(t.Context()))
			return j
		}},
		"an erase is taken back": {meant: job.Failed, begin: func(t *testing.T, w *turns) *job.Job {
			t.Helper()
			j := w.erase(t, eraser.Selection{Kind: eraser.Import, Import: first(t, w).ID}, 0)
			d, err := w.Store.Directory(t.Context())
			must(t, err)
			hr, sp := d.Hasher(), w.src.Space()
			h, inv := hr.External(store.KindCustomer, "a"), hr.External(store.KindInvoice, "i")
			must(t, w.Store.Write(t.Context(), []table.Write{ // over REST, by a request that did not know of the erase
				{Item: table.Item{Key: sp.Invoice(inv), Attrs: table.NewBuilder().Str("customer", "a").Str("external_id", "i").Attrs()}},
				{Item: table.Item{Key: sp.Owner(h, inv), Attrs: table.NewBuilder().IntAlways(store.AttrCreated, 1).Attrs()}},
			}))
			return j
		}},
	}
	for name, x := range ways {
		if x.end == nil {
			x.end = func(t *testing.T, w *turns, j *job.Job) { t.Helper(); w.handle(t, j.ID) }
			ways[name] = x
		}
	}
	return ways
}

func restored(t *testing.T, w *turns, j *job.Job) {
	t.Helper()
	_, err := w.Eraser.Restore(t.Context(), j.ID, eraser.RestoreOptions{})
	must(t, err)
}

// However a job releases its source, the waiting job starts in the same write and is sent to the
// workers at once. If the process is killed in between, the next tick sends it. Jobs of other
// sources are not affected.
func TestTheNextJobStartsAtOnce(t *testing.T) {
	t.Parallel()
	for name, x := range waysToEnd() {
		for _, killed := range []bool{false, true} {
			what := name
			if killed {
				what += ", and the process is killed"
			}
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				nextStarts(t, x, killed)
			})
		}
	}
}

func nextStarts(t *testing.T, x way, killed bool) {
	t.Helper()
	w := newTurns(t)
	j := x.begin(t, w)
	var next, last *job.Job
	come := func() {
		next, last = w.submit(t, customers, importer.Options{}), w.submit(t, customers, importer.Options{})
		if next.Status != job.Waiting || last.Status != job.Waiting {
			t.Fatalf("behind a job that is %s, two are %s and %s", j.Status, next.Status, last.Status)
		}
		if killed {
			w.lost = next.ID
		}
	}
	if x.within {
		w.watch = func(ctx context.Context) error {
			holder, err := w.Ledger.Holder(ctx, w.src.Tag)
			if err == nil && holder == j.ID+x.holder && next == nil {
				come()
			}
			return err
		}
	} else {
		come()
	}
	x.end(t, w, j)
	if next == nil {
		t.Fatal("no job came to wait")
	}
	holder, err := w.Ledger.Holder(t.Context(), w.src.Tag)
	must(t, err)
	now := []job.Status{w.now(t, j).Status, w.now(t, next).Status, w.now(t, last).Status}
	if diff := cmp.Diff([]job.Status{x.meant, job.Running, job.Waiting}, now); diff != "" || holder != next.ID {
		t.Fatalf("the lock is with %q, not with %q; the job and the next ones: -want +got\n%s", holder, next.ID, diff)
	}
	if sent := w.handedOut(next.ID); sent != map[bool]int{false: 1, true: 0}[killed] {
		t.Errorf("the next job was handed out %d times", sent)
	}
	if w.lost = ""; killed {
		must(t, w.Tick(t.Context()))
		if w.handedOut(next.ID) == 0 {
			t.Error("nor does the tick hand it out")
		}
	}
	w.othersGoOn(t)
	w.done(t, next)
	if got := w.done(t, last); got.Status != job.Done {
		t.Errorf("the last job is %s: %s", got.Status, got.Error)
	}
}

// othersGoOn makes sure that the jobs of the other source are as they were.
func (w *turns) othersGoOn(t *testing.T) {
	t.Helper()
	for _, o := range w.other {
		if diff := cmp.Diff(o, w.now(t, o)); diff != "" {
			t.Errorf("a job of another source: -want +got\n%s", diff)
		}
	}
}

// A waiting or planned job holds no lock: when it is cancelled, no other job starts.
func TestACancelledJobThatHeldNothing(t *testing.T) {
	t.Parallel()
	w := newTurns(t)
	plan := w.done(t, w.submit(t, customers+"C,c\n", importer.Options{Plan: true}))
	runs, waits, last := w.submit(t, customers, importer.Options{}), w.submit(t, customers, importer.Options{}), w.submit(t, customers, importer.Options{})
	for _, j := range []*job.Job{plan, waits} {
		got, err := w.Importer.Cancel(t.Context(), j.ID)
		if err != nil || got.Status != job.Cancelled {
			t.Fatalf("%s, %v", got.Status, err)
		}
		if _, err := w.Importer.Cancel(t.Context(), j.ID); fault.CodeOf(err) != "job_ended" {
			t.Errorf("cancelled twice: %v", err)
		}
		if diff := cmp.Diff([]job.Status{job.Running, job.Waiting}, []job.Status{w.now(t, runs).Status, w.now(t, last).Status}); diff != "" {
			t.Errorf("the others: -want +got\n%s", diff)
		}
	}
	w.done(t, runs)
	if n := w.handedOut(last.ID); n != 1 {
		t.Errorf("the last one was handed out %d times", n)
	}
	w.done(t, last)
}

// A plan is cancelled and applied at the same time: the answers are true, and the source is free in
// the end.
func TestACancelAgainstAnApply(t *testing.T) {
	t.Parallel()
	var applied int
	for range 30 {
		w := newTurns(t)
		plan := w.done(t, w.submit(t, customers+"C,c\n", importer.Options{Plan: true}))
		var both sync.WaitGroup
		var cancelErr, applyErr error
		both.Go(func() { _, cancelErr = w.Importer.Cancel(t.Context(), plan.ID) })
		both.Go(func() { _, applyErr = w.Importer.Apply(t.Context(), plan.ID) })
		both.Wait()
		must(t, cancelErr) // the plan was not applied yet, so the cancel is in time
		if applyErr == nil {
			applied++
			must(t, w.Tick(t.Context()))
		} else if !fault.Is(applyErr, fault.Conflict) {
			t.Fatal(applyErr)
		}
		if got := w.done(t, plan); got.Status != job.Cancelled {
			t.Fatalf("the plan is %s", got.Status)
		}
		if holder, err := w.Ledger.Holder(t.Context(), w.src.Tag); err != nil || holder != "" {
			t.Fatalf("the lock is with %q, %v", holder, err)
		}
	}
	t.Logf("applied %d times", applied)
}
