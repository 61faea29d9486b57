package eraser_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// A manual customer that is made again while its erase is under way survives and is not counted,
// unless it had been removed before.
func TestARowMadeAgainMeanwhileSurvives(t *testing.T) {
	t.Parallel()
	for n := int64(1); ; n++ {
		w := seeded(t, mem.Options{})
		j := w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
		d := w.directory()
		key := w.acme.Space().Customer(customerH(d.Hasher(), 2))
		again := table.Item{Key: key, Attrs: attrs(d.ManualEpoch, "external_id", "cus-2", "name", "anew")}
		var calls atomic.Int64
		was := false
		w.before = func(mem.Op) error {
			if calls.Add(1) != n {
				return nil
			}
			found, err := w.st.Lookup(t.Context(), key)
			_, was = found[key]
			if err != nil {
				return err
			}
			return w.st.Write(t.Context(), []table.Write{{Item: again}})
		}
		w.armed.Store(true)
		j = w.sweep(j.ID)
		w.armed.Store(false)
		want := counts(7)
		if was {
			want["customers"]--
		}
		same(t, "removed", want, removed(j))
		if calls.Load() < n {
			if n < 20 {
				t.Fatalf("the sweep made only %d calls", n)
			}
			return
		}
		same(t, "the row made again", string(again.Attrs), w.items(w.acme)[key.PK+" "+key.SK])
	}
}

func TestASweepStopsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, x := prepared(t, kind, mem.Options{})
				j := w.start(x.sel, x.opt)
				w.before = func(mem.Op) error { time.Sleep(200 * time.Millisecond); return nil }
				runs := 0
				for done := false; !done; runs++ {
					func() {
						w.armed.Store(true)
						defer w.armed.Store(false)
						ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
						defer cancel()
						var err error
						done, err = w.eraser().Sweep(ctx, j.ID)
						must(t, err)
						must(t, ctx.Err())
					}()
				}
				j = w.sweep(j.ID)
				same(t, "removed", x.want, removed(j))
				if runs < 2 && (kind == "source" || kind == "manual") {
					t.Fatalf("%d run did it all: nothing was tested", runs)
				}
				w.quiet()
			})
		})
	}
}

// What a late writer adds under an erased epoch is removed and counted, too.
func TestNothingIsVerifiedWhileALateWriterMayBeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, mem.Options{})
		w.settle = 30 * time.Second
		j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
		go func() {
			time.Sleep(29 * time.Second)
			sp, hr := w.acme.Space(), w.directory().Hasher()
			for i := range 3 {
				w.put(table.Item{Key: sp.Customer(customerH(hr, 100+i)), Attrs: attrs(0)})
			}
		}()
		short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if done, err := w.eraser().Sweep(short, j.ID); done || err != nil {
			t.Fatalf("done %v, %v: before a late writer must have ended", done, err)
		}
		began := time.Now()
		want := withPlans(counts(12))
		want["customers"] += 3
		same(t, "removed", want, removed(w.sweep(j.ID)))
		if time.Since(began) < 29*time.Second || len(w.items(w.acme)) > 0 {
			t.Fatalf("verified after %v, %d items are left", time.Since(began), len(w.items(w.acme)))
		}
	})
}

func TestErasesAndImportsOfASourceTakeTurns(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	ctx, l := t.Context(), w.ledger()
	running, err := l.Create(ctx, &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	manual := w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
	source := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
	if source.Status != job.Waiting || manual.Status != job.Running {
		t.Fatalf("the erases are %s and %s", source.Status, manual.Status)
	}
	if _, there := w.directory().ByUUID(w.acme.UUID); there {
		t.Fatal("an erase that waits does not hide")
	}
	before := len(w.items(w.acme))
	for _, id := range []string{source.ID, manual.ID} {
		if done, err := w.eraser().Sweep(ctx, id); done || err != nil {
			t.Fatalf("done %v, %v: while an import has the source", done, err)
		}
	}
	if len(w.items(w.acme)) != before || len(w.items(w.acme2)) != 2*perCustomer+planItems {
		t.Fatal("the source that is held was touched, or the free one was not swept")
	}
	_, next, err := l.End(ctx, running.ID, func(j *job.Job) error { j.Status = job.Failed; return nil })
	must(t, err)
	same(t, "the next job", source.ID, next.ID)
	same(t, "removed of the source", withPlans(counts(12)), removed(w.sweep(source.ID)))
	same(t, "removed of the other", counts(2), removed(w.sweep(manual.ID)))
	w.quiet()
}

func TestAnEndedEraseStartsTheWaitingJob(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	x := selections(w)["customer"]
	j := w.start(x.sel, x.opt)
	waiting, err := w.ledger().Create(t.Context(), &job.Job{Kind: job.Import, Tag: w.acme.Tag})
	must(t, err)
	w.sweep(j.ID)
	same(t, "dispatched", []string{waiting.ID}, w.dispatch)
}

// Two sweeps of one job never count the same items.
func TestTwoSweepsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mem.Options{Limits: table.Limits{Get: 100, Write: 25, Transact: 10, Parallel: 4}})
		w.seed(w.acme, 12, 5)
		j := w.start(eraser.Selection{Kind: eraser.Source, Source: w.acme.UUID}, eraser.Options{})
		w.before = func(mem.Op) error { time.Sleep(time.Second); return nil }
		w.armed.Store(true)
		go func() {
			time.Sleep(8 * time.Second) // by now the first holds the lead task
			if done, err := w.eraser().Sweep(t.Context(), j.ID); done || err != nil {
				t.Errorf("the second sweep: %v %v", done, err)
			}
		}()
		same(t, "removed", withPlans(counts(12)), removed(w.sweep(j.ID)))
		time.Sleep(time.Minute)
	})
}

// purger is a table that records which partitions it is told to purge from the disk.
type purger struct {
	*mem.Driver
	pks []string
}

func (p *purger) Purge(_ context.Context, pks []string) error {
	p.pks = append(p.pks, pks...)
	return nil
}

// If manual rows were written under a new epoch of a source, their bytes leave the disk too.
func TestNewEpochsArePurgedToo(t *testing.T) {
	t.Parallel()
	w := seeded(t, mem.Options{})
	disk := &purger{Driver: w.driver}
	w.st = store.New(disk)
	j := w.start(eraser.Selection{Kind: eraser.ManualCustomers}, eraser.Options{})
	_, err := w.st.ChangeDirectory(t.Context(), func(d *store.Directory) ([]table.Write, error) {
		d.RaiseEpochs(w.acme.UUID, store.Epochs{Customers: 1})
		return nil, nil
	})
	must(t, err)
	now, _ := w.directory().ByUUID(w.acme.UUID)
	late := now.Space().Customer(customerH(w.directory().Hasher(), 50))
	w.put(table.Item{Key: late, Attrs: attrs(j.Erase.ManualWas)})
	w.sweep(j.ID)
	if _, there := w.items(now)[late.PK+" "+late.SK]; there {
		t.Error("the row in the new epoch is left")
	}
	if !slices.Contains(disk.pks, late.PK) || !slices.Contains(disk.pks, w.acme.Space().CustomerPK(0)) {
		t.Errorf("purged: %q", disk.pks)
	}
}
