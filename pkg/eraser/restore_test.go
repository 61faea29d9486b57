package eraser_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// restorables lists the kinds of selection that may have a grace period.
func restorables() []string {
	return slices.DeleteFunc(kinds(), func(kind string) bool { return kind == "dependent, edits" })
}

// gentle returns options of an erase that can be restored for a day.
func gentle(x expectation) eraser.Options {
	day := 24 * time.Hour
	x.opt.Grace = &day
	return x.opt
}

// directoryOf returns the directory without the fields that only record that something happened.
func (w *world) directoryOf() store.Directory {
	d := *w.directory()
	d.Version, d.ManualTop, d.Forgets = 0, 0, false
	for i := range d.Sources {
		d.Sources[i].Top, d.Sources[i].Left, d.Sources[i].Fence = store.Epochs{}, nil, 0 // these only rise
	}
	return d
}

func TestARestoredSelectionIsAsItWas(t *testing.T) {
	t.Parallel()
	for _, kind := range restorables() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, x := prepared(t, kind, mem.Options{})
			dir, items, items2 := w.directoryOf(), w.items(w.acme), w.items(w.acme2)
			j := w.start(x.sel, gentle(x))
			if j.Status != job.Grace {
				t.Fatalf("the erase is %s", j.Status)
			}
			if done, err := w.eraser().Sweep(t.Context(), j.ID); done || err != nil {
				t.Fatalf("a sweep in the grace period: %v, %v", done, err)
			}
			hidden := w.directoryOf()
			if same := len(hidden.Sources) == len(dir.Sources) && hidden.TombstoneCount() == 0 && hidden.ManualEpoch == dir.ManualEpoch; same &&
				hidden.Sources[0].Epochs == dir.Sources[0].Epochs {
				t.Fatal("nothing is hidden")
			}
			back, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
			must(t, err)
			if back.Status != job.Restored {
				t.Fatalf("the erase is %s", back.Status)
			}
			same(t, "the directory", dir, w.directoryOf())
			same(t, "the items", items, w.items(w.acme))
			same(t, "the items next door", items2, w.items(w.acme2))
			for _, err := range w.forgotten() {
				t.Errorf("still on the do-not-reload list: %v", err)
			}
			w.quiet()
			_, err = w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
			wantFault(t, err, fault.Conflict)
			// It can be erased again, for good.
			same(t, "removed", x.want, removed(w.sweep(w.start(x.sel, x.opt).ID)))
		})
	}
}

// forgotten lists the entries of the do-not-reload list.
func (w *world) forgotten() []table.Key {
	w.t.Helper()
	var keys []table.Key
	pk := store.ForgottenAt("x").PK
	for item, err := range w.st.Items(w.t.Context(), table.Query{PK: pk}) {
		must(w.t, err)
		keys = append(keys, item.Key)
	}
	return keys
}

func TestAForgottenCustomerIsListedByHashesOnly(t *testing.T) {
	t.Parallel()
	w, x := prepared(t, "customer, forgotten", mem.Options{})
	w.sweep(w.start(x.sel, x.opt).ID)
	if n := len(w.forgotten()); n != 1 {
		t.Fatalf("%d entries", n)
	}
	d := w.directory()
	for _, name := range []string{"Acme", " acme "} {
		if on, err := w.eraser().Forgotten(t.Context(), d, name, "cus-3"); !on || err != nil {
			t.Errorf("%q: %v %v", name, on, err)
		}
	}
	for name, customer := range map[string]string{"Acme2": "cus-3", "Acme": "cus-4"} {
		if on, err := w.eraser().Forgotten(t.Context(), d, name, customer); on || err != nil {
			t.Errorf("%s %s: %v %v", name, customer, on, err)
		}
	}
	was, err := w.eraser().Remember(t.Context(), "ACME", "cus-3")
	must(t, err)
	if !was || len(w.forgotten()) > 0 {
		t.Error("it can't be taken off the list")
	}
}

// A restore that fails at any call has restored everything or nothing, and can be repeated.
func TestARestoreIsCutAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, kind := range restorables() {
		for _, how := range []string{"before", "after", "before and dead", "after and dead"} {
			t.Run(kind+" "+how, func(t *testing.T) {
				t.Parallel()
				for n := int64(1); ; n++ {
					w, x := prepared(t, kind, mem.Options{})
					dir, items := w.directoryOf(), w.items(w.acme)
					j := w.start(x.sel, gentle(x))
					calls := w.cutAt(n, how)
					w.armed.Store(true)
					_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
					w.armed.Store(false)
					now, readErr := w.ledger().Get(t.Context(), j.ID)
					must(t, readErr)
					if now.Status == job.Grace { // not restored; a tick cleans up, and the restore can be tried again
						if due, err := w.eraser().Due(t.Context(), now); due != nil || err != nil {
							t.Fatalf("due %v, %v", due, err)
						}
						for _, src := range w.directory().Sources {
							same(t, "fence", "", src.Restoring)
						}
						if err == nil {
							t.Fatal("it says that it was restored")
						}
						_, err = w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
						must(t, err)
					}
					same(t, "the directory", dir, w.directoryOf())
					same(t, "the items", items, w.items(w.acme))
					w.quiet()
					if calls.Load() < n {
						return
					}
				}
			})
		}
	}
}

// A tick takes a running restore for an interrupted one, and releases its lock: the restore takes
// the lock again.
func TestATickRacesWithARestore(t *testing.T) {
	t.Parallel()
	for n := int64(1); ; n++ {
		w, x := prepared(t, "content", mem.Options{})
		dir, items := w.directoryOf(), w.items(w.acme)
		j := w.start(x.sel, gentle(x))
		var calls atomic.Int64
		w.before = func(mem.Op) error {
			if calls.Add(1) == n {
				w.armed.Store(false)
				_, err := w.eraser().Due(t.Context(), j)
				must(t, err)
				w.armed.Store(true)
			}
			return nil
		}
		w.armed.Store(true)
		_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
		w.armed.Store(false)
		must(t, err)
		same(t, "the directory", dir, w.directoryOf())
		same(t, "the items", items, w.items(w.acme))
		w.quiet()
		if calls.Load() < n {
			return
		}
	}
}

// later returns an eraser whose clock is more than a day ahead.
func (w *world) later() *eraser.Eraser {
	return eraser.New(eraser.Config{
		Store: w.st, Ledger: w.ledger(), Objects: w.objects, Now: func() time.Time { return time.Now().Add(25 * time.Hour) }, Page: 10,
	})
}

func TestAGracePeriodEnds(t *testing.T) {
	t.Parallel()
	for _, kind := range restorables() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, x := prepared(t, kind, mem.Options{})
			j := w.start(x.sel, gentle(x))
			if due, err := w.eraser().Due(t.Context(), j); due != nil || err != nil {
				t.Fatalf("due before its time: %v, %v", due, err)
			}
			_, err := w.later().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
			wantFault(t, err, fault.Conflict)
			due, err := w.later().Due(t.Context(), j)
			must(t, err)
			if due == nil || due.Status != job.Running {
				t.Fatalf("due: %+v", due)
			}
			_, err = w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
			wantFault(t, err, fault.Conflict)
			done := w.sweep(j.ID)
			same(t, "removed", x.want, removed(done))
			if a, b := len(w.items(w.acme)), len(w.items(w.acme2)); a != x.acme || b != x.acme2 {
				t.Fatalf("%d and %d items are left", a, b)
			}
			_, err = w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
			if fault.CodeOf(err) != "swept" {
				t.Errorf("restored after the receipt: %v", err)
			}
			w.quiet()
		})
	}
}

// A restore runs while the sweep begins: one of them wins, and everything is there, or nothing.
func TestARestoreRacesWithTheSweep(t *testing.T) {
	t.Parallel()
	var won [2]atomic.Int64
	for range 40 {
		w, x := prepared(t, "content", mem.Options{})
		items := w.items(w.acme)
		j := w.start(x.sel, gentle(x))
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{}); err == nil {
				won[0].Add(1)
			}
		})
		both.Go(func() {
			if due, err := w.later().Due(t.Context(), j); err == nil && due != nil {
				won[1].Add(1)
			}
		})
		both.Wait()
		now, err := w.ledger().Get(t.Context(), j.ID)
		must(t, err)
		switch now.Status { //nolint:exhaustive // any other is wrong
		case job.Restored:
			same(t, "the items", items, w.items(w.acme))
		case job.Running, job.Waiting:
			if holder, err := w.ledger().Holder(t.Context(), w.acme.Tag); err != nil || holder != now.ID {
				t.Fatalf("the sweep is %s, the lock is held by %q: %v", now.Status, holder, err)
			}
			same(t, "removed", x.want, removed(w.sweep(j.ID)))
		case job.Grace: // each saw that the other was running
		default:
			t.Fatalf("the erase is %s", now.Status)
		}
	}
	t.Logf("restored %d times, swept %d times", won[0].Load(), won[1].Load())
}

func TestWhatStandsAgainstARestore(t *testing.T) {
	t.Parallel()
	refused := func(w *world, j *job.Job, code string) {
		t.Helper()
		if _, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{}); fault.CodeOf(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	w, x := prepared(t, "source", mem.Options{})
	j := w.start(x.sel, gentle(x))
	_, err := w.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		_, err := d.Add("ds_new", "acme", "CSV", time.Now())
		return nil, err
	})
	must(t, err)
	refused(w, j, "taken")

	w, x = prepared(t, "dependent", mem.Options{})
	first := w.start(x.sel, gentle(x))
	content := selections(w)["content"]
	second := w.start(content.sel, gentle(content))
	refused(w, first, "not_restorable") // it would reveal what the other has hidden
	_, err = w.eraser().Restore(t.Context(), second.ID, eraser.RestoreOptions{})
	must(t, err)
	_, err = w.eraser().Restore(t.Context(), first.ID, eraser.RestoreOptions{})
	must(t, err)

	w, x = prepared(t, "manual", mem.Options{})
	first = w.start(x.sel, gentle(x))
	second = w.start(x.sel, gentle(x))
	refused(w, first, "not_restorable")
	brought, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag, Import: &job.ImportSpec{ManualEpoch: second.Erase.Manual, Applying: true}})
	must(t, err)
	refused(w, second, "not_restorable") // the import may have overwritten hidden rows
	_, err = w.ledger().Update(t.Context(), brought.ID, func(j *job.Job) error { j.Import.Applying = false; return nil })
	must(t, err)
	for _, j := range []*job.Job{second, first} {
		_, err = w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
		must(t, err)
	}

	w, x = prepared(t, "customer", mem.Options{})
	j = w.start(x.sel, gentle(x))
	w.sweep(w.start(eraser.Selection{Kind: eraser.Content, Source: w.acme.UUID}, eraser.Options{}).ID)
	refused(w, j, "not_restorable") // nothing is left of it
	if _, err := w.eraser().Start(t.Context(), eraser.Selection{Kind: eraser.Dependent, Source: w.acme.UUID}, gentle(selections(w)["dependent, edits"])); !fault.Is(err, fault.Invalid) {
		t.Errorf("edits that can't be hidden: %v", err)
	}

	w, x = prepared(t, "dependent", mem.Options{})
	j = w.start(x.sel, gentle(x))
	running, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	refused(w, j, "source_busy")
	_, _, err = w.ledger().End(t.Context(), running.ID, func(j *job.Job) error { j.Status = job.Failed; return nil })
	must(t, err)
	w.sweep(w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{}).ID)
	refused(w, j, "sweep_started") // the erase of the source removes it, too
}

// An epoch is never used twice: what a late writer adds under an epoch that a restore has left
// never becomes visible.
func TestEpochsAreNeverUsedTwice(t *testing.T) {
	t.Parallel()
	w, x := prepared(t, "content", mem.Options{})
	seen := map[store.Epochs]bool{w.acme.Epochs: true}
	for range 5 {
		j := w.start(x.sel, gentle(x))
		if e := w.directory().Sources[0].Epochs; seen[e] {
			t.Fatalf("%+v is used again", e)
		} else {
			seen[e] = true
		}
		_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
		must(t, err)
	}
	m, epochs := selections(w)["manual"], map[int64]bool{w.directory().ManualEpoch: true}
	for range 5 {
		j := w.start(m.sel, gentle(m))
		if e := w.directory().ManualEpoch; epochs[e] {
			t.Fatalf("%d is used again", e)
		} else {
			epochs[e] = true
		}
		_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
		must(t, err)
	}
}

// A later erase of the whole source also removes what an earlier one has hidden, even if that could
// still be restored; and its plan counts it.
func TestAnEraseRemovesWhatEarlierOnesHaveHidden(t *testing.T) {
	t.Parallel()
	for _, later := range []string{"source", "content, edits"} {
		for _, earlier := range []string{"content", "dependent", "content, edits"} {
			t.Run(earlier+", then "+later, func(t *testing.T) {
				t.Parallel()
				w, x := prepared(t, earlier, mem.Options{})
				first := w.start(x.sel, gentle(x))
				y := selections(w)[later]
				plan, err := w.eraser().Plan(t.Context(), y.sel, y.opt)
				must(t, err)
				all := withPlans(counts(12))
				same(t, "planned", all.Total(), plan.Total())
				second := w.sweep(w.start(y.sel, y.opt).ID)
				same(t, "removed", all, removed(second))
				if n := len(w.items(w.acme)); n > 0 {
					t.Fatalf("%d items are left behind the receipt", n)
				}
				_, err = w.eraser().Restore(t.Context(), first.ID, eraser.RestoreOptions{})
				wantFault(t, err, fault.Conflict)
				same(t, "removed by the first", int64(0), removed(w.sweep(first.ID)).Total())
				w.quiet()
			})
		}
	}
}

// If a source was filled since, its content can be erased again, with a grace period; then the
// earlier erase can be restored.
func TestARestoreOfAFilledSource(t *testing.T) {
	t.Parallel()
	w, x := prepared(t, "content", mem.Options{})
	items := w.items(w.acme)
	first := w.start(x.sel, gentle(x))
	now := w.directory().Sources[0].Space()
	w.put(table.Item{Key: now.Customer(customerH(w.directory().Hasher(), 1)), Attrs: attrs(0, "external_id", "cus-1")})
	_, err := w.eraser().Restore(t.Context(), first.ID, eraser.RestoreOptions{})
	if fault.CodeOf(err) != "not_restorable" {
		t.Fatalf("over what came since: %v", err)
	}
	second := w.start(x.sel, gentle(x))
	_, err = w.eraser().Restore(t.Context(), first.ID, eraser.RestoreOptions{})
	must(t, err)
	same(t, "the items", items, w.items(w.directory().Sources[0]))
	_, err = w.eraser().Restore(t.Context(), second.ID, eraser.RestoreOptions{})
	if fault.CodeOf(err) != "not_restorable" {
		t.Errorf("over the other: %v", err)
	}
	due, err := w.later().Due(t.Context(), second)
	must(t, err)
	same(t, "removed", eraser.Counts{"customers": 1}, removed(w.sweep(due.ID)))
	same(t, "the items", items, w.items(w.directory().Sources[0]))
}

// What a request writes under epochs that a restore leaves at that moment is removed with the
// source.
func TestALateWriterOfARestore(t *testing.T) {
	t.Parallel()
	w, x := prepared(t, "content", mem.Options{})
	j := w.start(x.sel, gentle(x))
	now := w.directory().Sources[0].Space()
	_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
	must(t, err)
	late := table.Item{Key: now.Customer(customerH(w.directory().Hasher(), 50)), Attrs: attrs(0, "external_id", "late")}
	w.put(late)
	w.sweep(w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{}).ID)
	found, err := w.st.Get(t.Context(), late.Key)
	must(t, err)
	if len(found) > 0 {
		t.Error("it is there for ever")
	}
}

// A restore that comes too late never releases the lock of the sweep.
func TestALateRestoreLeavesTheSweepItsLock(t *testing.T) {
	t.Parallel()
	for n := int64(1); ; n++ {
		w, x := prepared(t, "content", mem.Options{})
		j := w.start(x.sel, gentle(x))
		var calls atomic.Int64
		w.before = func(mem.Op) error {
			if calls.Add(1) == n {
				w.armed.Store(false)
				for range 2 { // two ticks: the first may only release the lock
					_, err := w.later().Due(t.Context(), j)
					must(t, err)
				}
				_, err := w.ledger().StartWaiting(t.Context())
				must(t, err)
			}
			return nil
		}
		w.armed.Store(true)
		_, err := w.eraser().Restore(t.Context(), j.ID, eraser.RestoreOptions{})
		w.armed.Store(false)
		now, readErr := w.ledger().Get(t.Context(), j.ID)
		must(t, readErr)
		holder, readErr := w.ledger().Holder(t.Context(), w.acme.Tag)
		must(t, readErr)
		switch {
		case now.Status == job.Restored && err == nil && holder == "":
		case now.Status == job.Running && holder == j.ID:
			same(t, "removed", x.want, removed(w.sweep(j.ID)))
		case now.Status == job.Waiting: // the next tick releases the lock of the restore
			if _, err := w.later().Due(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			same(t, "removed", x.want, removed(w.sweep(j.ID)))
		default:
			t.Fatalf("call %d: the erase is %s (%v), the lock is %q's", n, now.Status, err, holder)
		}
		w.quiet()
		if calls.Load() < n {
			return
		}
	}
}

// An older version, which does not know tombstones as items, ends an erase without removing them.
// The next erase of the record, or a restore of the ended one, removes them.
func TestTombstonesThatWereLeftAreRemoved(t *testing.T) {
	t.Parallel()
	for _, end := range []job.Status{job.Restored, job.Done} {
		w := newWorld(t, mem.Options{})
		w.seed(w.acme, 4, 0)
		sel := eraser.Selection{Kind: eraser.Customer, Source: w.acme.UUID, H: customerH(w.directory().Hasher(), 3)}
		grace := time.Hour
		left := w.start(sel, eraser.Options{Grace: &grace})
		if end == job.Done {
			_, err := w.ledger().Due(t.Context(), left.ID)
			must(t, err)
		}
		_, _, err := w.ledger().End(t.Context(), left.ID, func(j *job.Job) error { j.Status = end; return nil })
		must(t, err)
		if end == job.Restored {
			_, err := w.eraser().Restore(t.Context(), left.ID, eraser.RestoreOptions{})
			wantCode(t, err, "restored")
			w.quiet()
			continue
		}
		again := w.start(sel, eraser.Options{})
		if again.ID == left.ID {
			t.Fatal("an erase that has ended is taken for one that goes on")
		}
		w.sweep(again.ID)
		w.quiet()
	}
}
